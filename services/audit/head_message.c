/* SPDX-License-Identifier: Apache-2.0 */
/* Tree heads and proofs as messages. */
#include "audit/audit_service.h"
#include "rpc/wire_time.h"

bool audit_service_number(const struct audit_service_options *options, const char *field,
                          const char *decision_id, uint64_t *ret_sequence, struct err *err)
{
    uint64_t log_id, sequence;

    if (decision_id[0] == '\0')
        return err_field(err, ERR_FIELD_REQUIRED, field, "empty");
    if (!audit_decision_id_parse(span_text(decision_id), &log_id, &sequence))
        return err_field(err, ERR_FIELD_CHARACTERS, field, "no decision id");
    if (log_id != audit_log_id(options->audit))
        return err_field(err, ERR_RECORD_OF_OTHER_LOG, field, "of another log");
    *ret_sequence = sequence;
    return true;
}

static ProtobufCBinaryData bytes_of(struct span bytes)
{
    return (ProtobufCBinaryData){.len = bytes.length, .data = (uint8_t *)(uintptr_t)bytes.data};
}

bool audit_service_head(const struct audit_service_options *options, struct arena *arena,
                        struct audit_head *ret_head, Passgate__V1__TreeHead **ret_message,
                        struct err *err)
{
    Passgate__V1__TreeHead *message;
    struct audit_head head;
    struct span jws;

    if (!audit_get_head(options->audit, arena, &head, &jws))
        return err_set(err, ERR_TREE_HEAD_BEHIND, "no head has been signed");
    message = arena_alloc(arena, sizeof(*message));
    passgate__v1__tree_head__init(message);
    message->log_id = arena_alloc(arena, AUDIT_LOG_ID_LENGTH + 1);
    audit_log_id_encode(head.log_id, message->log_id);
    message->size = head.size;
    message->time = wire_timestamp(head.time_ms / 1000 * 1000, arena);
    message->root = bytes_of(arena_copy(arena, span_of(&head.root, sizeof(head.root))));
    message->jws = arena_text(arena, jws);
    *ret_head = head;
    *ret_message = message;
    return true;
}

ProtobufCBinaryData *audit_service_hashes(const struct tree_proof *proof, struct arena *arena)
{
    ProtobufCBinaryData *hashes = arena_new_array(arena, ProtobufCBinaryData, proof->count);

    for (uint32_t i = 0; i < proof->count; i++)
        hashes[i] =
            bytes_of(arena_copy(arena, span_of(&proof->hashes[i], sizeof(proof->hashes[i]))));
    return hashes;
}
