/* SPDX-License-Identifier: Apache-2.0 */
/* What an error looks like on the wire: google.rpc.Status in grpc-status-details-bin. */
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "rpc/call_state.h"

#define TYPE_PREFIX "type.googleapis.com/"

static void pack_any(Google__Protobuf__Any *any, char *type, const ProtobufCMessage *message,
                     struct arena *arena)
{
    google__protobuf__any__init(any);
    any->type_url = type;
    any->value.len = protobuf_c_message_get_packed_size(message);
    any->value.data = arena_alloc(arena, any->value.len);
    protobuf_c_message_pack(message, any->value.data);
}

struct span rpc_status_text(const struct err *err, struct arena *arena)
{
    const char *text = err->code == ERR_OK ? "" : err_public_text(err->code);

    if (err->field[0] == '\0')
        return span_text(text);
    return span_text(arena_printf(arena, "%s: %s", err->field, text));
}

/* Behind `#` a field has the part of a text: BadRequest names fields of the message and nothing
 * below, so it stands in ErrorInfo. */
static void tell_part(Google__Rpc__ErrorInfo *info, const char *part, struct arena *arena)
{
    Google__Rpc__ErrorInfo__MetadataEntry *entry =
        arena_new(arena, Google__Rpc__ErrorInfo__MetadataEntry);

    google__rpc__error_info__metadata_entry__init(entry);
    entry->key = arena_text(arena, span_text("part"));
    entry->value = arena_text(arena, span_text(part));
    info->metadata = arena_new_array(arena, Google__Rpc__ErrorInfo__MetadataEntry *, 1);
    info->metadata[0] = entry;
    info->n_metadata = 1;
}

struct span rpc_status_details(const struct err *err, struct arena *arena)
{
    char *text = arena_text(arena, span_text(err_public_text(err->code)));
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Rpc__BadRequest__FieldViolation violation =
        GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    Google__Rpc__BadRequest__FieldViolation *violations[] = {&violation};
    Google__Rpc__BadRequest bad_request = GOOGLE__RPC__BAD_REQUEST__INIT;
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    Google__Protobuf__Any details[2], *list[] = {&details[0], &details[1]};
    size_t field_length = strcspn(err->field, "#"), length;
    uint8_t *bytes;

    info.reason = arena_text(arena, span_text(err_reason(err->code)));
    info.domain = arena_text(arena, span_text("passgate"));
    if (err->field[field_length] == '#')
        tell_part(&info, err->field + field_length + 1, arena);
    pack_any(&details[0], arena_text(arena, span_text(TYPE_PREFIX "google.rpc.ErrorInfo")),
             &info.base, arena);
    status.n_details = 1;
    if (err->field[0] != '\0') {
        violation.field = arena_text(arena, span_of(err->field, field_length));
        violation.description = text;
        bad_request.n_field_violations = 1;
        bad_request.field_violations = violations;
        pack_any(&details[1], arena_text(arena, span_text(TYPE_PREFIX "google.rpc.BadRequest")),
                 &bad_request.base, arena);
        status.n_details = 2;
    }
    status.code = (int32_t)err_grpc_status(err->code);
    status.message = arena_text(arena, rpc_status_text(err, arena)); /* as grpc-message has it */
    status.details = list;
    length = google__rpc__status__get_packed_size(&status);
    bytes = arena_alloc(arena, length);
    google__rpc__status__pack(&status, bytes);
    return span_of(bytes, length);
}
