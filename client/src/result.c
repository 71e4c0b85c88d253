/* SPDX-License-Identifier: Apache-2.0 */
/* Results: a public struct, and before it in memory the reply that it was made from. */
#include "base/memory.h"
#include "client/src/json_message.h"
#include "client/src/method.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

enum { ARENA_BLOCK_BYTES = 2048, RESULT_MARK = 0x50615267 };

struct result {
    uint32_t mark; /* RESULT_MARK while it lives: passgate_free() of anything else is a bug */
    struct arena arena;
    const ProtobufCMessage *reply; /* NULL when no server sent it */
    char *json;
    alignas(max_align_t) unsigned char value[];
};

static void *unpack_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void unpack_free(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

void *result_new(size_t size, char *json, struct arena **ret_arena)
{
    struct result *result = memory_zalloc(sizeof(*result) + size);

    arena_init(&result->arena, ARENA_BLOCK_BYTES);
    result->mark = RESULT_MARK;
    result->json = json;
    *ret_arena = &result->arena;
    return result->value;
}

static struct result *result_of(const void *value)
{
    struct result *result =
        (struct result *)(void *)((char *)(uintptr_t)value - offsetof(struct result, value));

    assert(result->mark == RESULT_MARK);
    return result;
}

void *method_result(const struct method *method, const uint8_t *reply, size_t length)
{
    struct arena *arena;
    void *value = result_new(method->value_size, NULL, &arena);
    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, arena};
    struct result *result = result_of(value);

    result->reply = protobuf_c_message_unpack(method->reply, &allocator, length, reply);
    if (!result->reply) {
        passgate_free(value);
        return NULL;
    }
    method->project(result->reply, arena, value);
    return value;
}

void passgate_free(const void *value)
{
    struct result *result;

    if (!value)
        return;
    result = result_of(value);
    result->mark = 0;
    arena_release(&result->arena);
    free(result->json); /* jansson's */
    memory_free(result);
}

const char *passgate_json(const void *value)
{
    struct result *result;
    struct err err;
    json_t *json;

    if (!value)
        return NULL;
    result = result_of(value);
    if (!result->json && result->reply && json_message_write(result->reply, &json, &err)) {
        result->json = json_dumps(json, JSON_INDENT(2));
        json_decref(json);
    }
    return result->json;
}
