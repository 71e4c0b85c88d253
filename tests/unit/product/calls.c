/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a world's services. */
#include "unit/product/calls.h"

#include "base/json.h"
#include "client/src/json_message.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DEADLINE_MS = 20000 };

static void *arena_allocate(void *data, size_t size)
{
    return arena_alloc(data, size);
}

static void arena_keep(void *data, void *piece)
{
    (void)data;
    (void)piece;
}

/* A copy that outlives the call. */
static const void *keep(struct world *world, const ProtobufCMessage *message)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_keep, world_arena(world)};
    size_t length;
    uint8_t *bytes;

    if (!message)
        return NULL;
    length = protobuf_c_message_get_packed_size(message);
    bytes = arena_alloc(world_arena(world), length);
    protobuf_c_message_pack(message, bytes);
    return protobuf_c_message_unpack(message->descriptor, &allocator, length, bytes);
}

struct answer world_call(struct world *world, const char *caller, const char *method,
                         const ProtobufCMessage *request,
                         const ProtobufCMessageDescriptor *response)
{
    const char *path = arena_printf(world_arena(world), "/passgate.v1.%s", method);
    struct core_call *call = core_call(world_client(world, caller), path, request, DEADLINE_MS);
    struct answer answer = {.status = core_call_wait(call)};

    answer.text = arena_text(world_arena(world), span_text(core_call_text(call)));
    answer.reason = arena_text(world_arena(world), span_text(core_call_reason(call)));
    answer.field = arena_text(world_arena(world), span_text(core_call_field(call)));
    answer.ended = arena_printf(world_arena(world), "%s: %s", method, core_call_describe(call));
    if (answer.status == GRPC_STATUS_OK)
        answer.response = keep(world, core_call_reply(call, response));
    core_call_free(call);
    return answer;
}

struct answer world_call_json(struct world *world, const char *caller, const char *method,
                              const ProtobufCMessageDescriptor *type, const char *json,
                              const ProtobufCMessageDescriptor *response)
{
    ProtobufCMessage *request;
    json_t *value;
    struct err err;

    if (!json_read(span_text(json), &value, &err) ||
        !json_message_read(value, type, world_arena(world), &request, &err))
        fail_msg("%s: %s", json, err.detail);
    json_decref(value);
    return world_call(world, caller, method, request, response);
}

const void *world_expect_ok(struct answer answer)
{
    if (answer.status != GRPC_STATUS_OK)
        fail_msg("%s", answer.ended);
    return answer.response;
}

void world_expect_refused(struct answer answer, grpc_status_code status, const char *reason,
                          const char *field)
{
    if (answer.status != status || strcmp(answer.reason, reason) != 0 ||
        strcmp(answer.field, field) != 0)
        fail_msg("%s, and not with %s, reason %s, field %s", answer.ended,
                 err_status_name((enum err_status)status), reason, field);
}
