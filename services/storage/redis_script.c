/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts that run inside of Redis. */
#include "storage/redis_script.h"

#include "storage/redis_store.h"

#include "redis_again_lua.h"
#include "redis_beat_lua.h"
#include "redis_begin_lua.h"
#include "redis_claim_lua.h"
#include "redis_outbox_lua.h"
#include "redis_write_lua.h"

struct script {
    enum redis_role caller;
    const unsigned char *text;
    const size_t *length;
};

static const struct script scripts[REDIS_SCRIPTS] = {
    [REDIS_SCRIPT_WRITE] = {REDIS_WRITER, redis_write_lua, &redis_write_lua_length},
    [REDIS_SCRIPT_BEGIN] = {REDIS_WRITER, redis_begin_lua, &redis_begin_lua_length},
    [REDIS_SCRIPT_BEAT] = {REDIS_WRITER, redis_beat_lua, &redis_beat_lua_length},
    [REDIS_SCRIPT_OUTBOX] = {REDIS_READER, redis_outbox_lua, &redis_outbox_lua_length},
    [REDIS_SCRIPT_CLAIM] = {REDIS_WRITER, redis_claim_lua, &redis_claim_lua_length},
    [REDIS_SCRIPT_AGAIN] = {REDIS_WRITER, redis_again_lua, &redis_again_lua_length},
};

/* The reply is the name to call it by. */
static void on_loaded(struct redis_command *command, const redisReply *reply)
{
    struct err err;

    if (!reply)
        return;
    if (reply->type == REDIS_REPLY_STRING && reply->len == REDIS_SHA_MAX - 1)
        memcpy(command->connection->store->shas[command->index], reply->str, REDIS_SHA_MAX - 1);
    else
        redis_connection_refused(command->connection, reply, &err);
}

void redis_script_load(struct redis_connection *connection)
{
    for (size_t i = 0; i < REDIS_SCRIPTS; i++) {
        struct redis_args args = {0};
        struct redis_command *command;

        if (scripts[i].caller != connection->role)
            continue;
        redis_args_text(&args, "SCRIPT");
        redis_args_text(&args, "LOAD");
        redis_args_add(&args, span_of(scripts[i].text, *scripts[i].length));
        command = redis_command_new(connection, on_loaded);
        command->index = (uint16_t)i;
        redis_command_send(command, &args);
    }
}

void redis_script_call(struct redis_store *store, enum redis_script script, size_t key_count,
                       struct redis_args *args)
{
    redis_args_text(args, "EVALSHA");
    redis_args_text(args, store->shas[script]);
    redis_args_number(args, &store->scratch, (int64_t)key_count);
}
