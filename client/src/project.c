/* SPDX-License-Identifier: Apache-2.0 */
/* From replies to public structs, and from arguments to requests. */
#include "client/src/project.h"

#include "client/src/failure.h"
#include "client/src/json_document.h"
#include "client/src/json_message.h"

int64_t project_timestamp_ms(const Google__Protobuf__Timestamp *timestamp)
{
    int64_t ms;

    if (!timestamp || __builtin_mul_overflow(timestamp->seconds, INT64_C(1000), &ms) ||
        __builtin_add_overflow(ms, timestamp->nanos / 1000000, &ms))
        return 0;
    return ms;
}

int64_t project_duration_ms(const Google__Protobuf__Duration *duration)
{
    int64_t ms;

    if (!duration || duration->seconds < 0 || duration->nanos < 0 ||
        __builtin_mul_overflow(duration->seconds, INT64_C(1000), &ms) ||
        __builtin_add_overflow(ms, duration->nanos / 1000000, &ms))
        return 0;
    return ms;
}

enum passgate_reason project_reason(Passgate__V1__Reason reason)
{
    return (unsigned)reason <= PASSGATE_REASON_VERIFICATION_REQUIRED ? (enum passgate_reason)reason
                                                                     : PASSGATE_REASON_UNSPECIFIED;
}

enum passgate_truth project_truth(Passgate__V1__Truth truth)
{
    return (unsigned)truth <= PASSGATE_TRUTH_TRUE ? (enum passgate_truth)truth
                                                  : PASSGATE_TRUTH_UNSPECIFIED;
}

const struct passgate_authority *project_authority(const Passgate__V1__Authority *authority,
                                                   struct arena *arena)
{
    struct passgate_authority *result;

    if (!authority)
        return NULL;
    result = arena_new(arena, struct passgate_authority);
    *result = (struct passgate_authority){authority->text, authority->document_sha256};
    return result;
}

const struct passgate_resource *project_resource(const Passgate__V1__Resource *resource,
                                                 struct arena *arena)
{
    struct passgate_resource *result;

    if (!resource)
        return NULL;
    result = arena_new(arena, struct passgate_resource);
    *result = (struct passgate_resource){resource->type, resource->id};
    return result;
}

char *build_text(const char *text)
{
    return (char *)(uintptr_t)(text ? text : "");
}

char **build_texts(const char *const *texts, size_t count, struct arena *arena)
{
    char **result = arena_new_array(arena, char *, count);

    for (size_t i = 0; i < count; i++)
        result[i] = build_text(texts[i]);
    return result;
}

Google__Protobuf__Timestamp *build_timestamp(int64_t ms, struct arena *arena)
{
    Google__Protobuf__Timestamp *timestamp = arena_new(arena, Google__Protobuf__Timestamp);
    int64_t rest = ms % 1000 + (ms % 1000 < 0 ? 1000 : 0);

    google__protobuf__timestamp__init(timestamp);
    timestamp->seconds = (ms - rest) / 1000;
    timestamp->nanos = (int32_t)rest * 1000000;
    return timestamp;
}

ProtobufCMessage *build_from_json(const char *json, const ProtobufCMessageDescriptor *type,
                                  struct arena *arena, struct passgate_error *error)
{
    struct span text = span_text(json);
    struct json_position position;
    ProtobufCMessage *message = NULL;
    struct err err;
    json_t *value;

    if (json_document_read(text, &value, &position, &err)) {
        if (!json_message_read(value, type, arena, &message, &err))
            position = json_document_locate(text, err.field);
        json_decref(value);
    }
    if (message)
        return message;
    failure_from_err(error, &err);
    if (error && position.line > 0)
        failure_set(error, error->code, err_reason(err.code), err.field,
                    "line %d, column %d: %s%s%s", position.line, position.column, err.field,
                    err.field[0] ? ": " : "", err.detail);
    return NULL;
}
