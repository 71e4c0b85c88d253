/* SPDX-License-Identifier: Apache-2.0 */
/* What a new connection says first, and what it must hear: then, and now and again later. */
#include "storage/redis_store.h"

#include "base/file.h"
#include "base/secret.h"

enum {
    PASSWORD_BYTES_MAX = 4096,
    LOOK_BEATS = 20, /* after so many heartbeats the server is looked at again */
};

static const char *const client_names[] = {
    [REDIS_WRITER] = "passgate-write",
    [REDIS_READER] = "passgate-read",
    [REDIS_FEEDER] = "passgate-feed",
    [REDIS_SENTINEL] = "passgate-sentinel",
};

const char *redis_connection_name(const struct redis_connection *connection)
{
    return client_names[connection->role];
}

static void on_greeted(struct redis_command *command, const redisReply *reply)
{
    struct err err;

    if (reply && reply->type != REDIS_REPLY_STATUS)
        redis_connection_refused(command->connection, reply, &err);
}

static void on_info(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    struct err err;

    if (!reply)
        return;
    if (reply->type != REDIS_REPLY_STRING) {
        redis_connection_refused(connection, reply, &err);
    } else if (!redis_check(redis_reply_span(reply),
                            connection->store->options.is_durability_managed, &connection->server,
                            &err)) {
        redis_connection_doom(connection, &err);
        if (err.code == ERR_STORE_UNAVAILABLE)
            redis_connections_leave(connection->store, &err);
    } else if (connection->role == REDIS_WRITER) {
        redis_begin(connection);
    } else {
        redis_connection_ready(connection);
    }
}

/* AUTH with the password as the file has it now, without the line end. */
static bool authenticate(struct redis_connection *connection, const char *user,
                         const char *password_file, struct err *err)
{
    struct redis_args args = {0};
    struct span password;
    struct arena arena;

    if (!password_file)
        return true;
    arena_init(&arena, PASSWORD_BYTES_MAX + 1);
    if (!file_read(password_file, PASSWORD_BYTES_MAX, &arena, &password, err)) {
        arena_release(&arena);
        return false;
    }
    while (password.length > 0 && strchr("\r\n", password.data[password.length - 1]))
        password.length--;
    redis_args_text(&args, "AUTH");
    if (user)
        redis_args_text(&args, user);
    redis_args_add(&args, password);
    redis_command_send(redis_command_new(connection, on_greeted), &args);
    secret_wipe((void *)(uintptr_t)password.data, password.length);
    arena_release(&arena);
    return true;
}

static void select_database(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;
    struct redis_args args = {0};

    if (store->options.database == 0)
        return;
    redis_args_text(&args, "SELECT");
    redis_args_number(&args, &store->scratch, store->options.database);
    redis_command_send(redis_command_new(connection, on_greeted), &args);
}

static void give_name(struct redis_connection *connection)
{
    struct redis_args args = {0};

    redis_args_text(&args, "CLIENT");
    redis_args_text(&args, "SETNAME");
    redis_args_text(&args, redis_connection_name(connection));
    redis_command_send(redis_command_new(connection, on_greeted), &args);
}

void redis_handshake(struct redis_connection *connection)
{
    const struct redis_options *options = &connection->store->options;
    bool is_sentinel = connection->role == REDIS_SENTINEL;
    struct redis_args info = {0};
    struct err err;

    if (!authenticate(connection, is_sentinel ? options->sentinel_user : options->user,
                      is_sentinel ? options->sentinel_password_file : options->password_file,
                      &err)) {
        err_prefix_field(&err,
                         is_sentinel ? "store.sentinel_password_file" : "store.password_file");
        redis_connection_doom(connection, &err);
        return;
    }
    if (is_sentinel) {
        give_name(connection);
        redis_sentinel_greet(connection);
        return;
    }
    select_database(connection);
    give_name(connection);
    redis_script_load(connection);
    redis_args_text(&info, "INFO");
    redis_command_send(redis_command_new(connection, on_info), &info);
}

/* Again. */

/* What is not to be relied on any more is left by all, and refused by the next handshakes. */
static void on_looked(struct redis_command *command, const redisReply *reply)
{
    struct redis_store *store = command->connection->store;
    struct redis_server server;
    struct err err;

    if (!reply)
        return;
    if (reply->type != REDIS_REPLY_STRING)
        redis_connection_refused(command->connection, reply, &err);
    else if (!redis_check(redis_reply_span(reply), store->options.is_durability_managed, &server,
                          &err))
        redis_connections_leave(store, &err);
}

int64_t redis_look_tick(struct redis_store *store, int64_t now_ms)
{
    struct redis_connection *reader = &store->connections[REDIS_READER];
    struct redis_args info = {0};

    if (!redis_connection_is_usable(reader))
        return INT64_MAX;
    if (store->look_due_ms < reader->ready_ms)
        store->look_due_ms = reader->ready_ms + LOOK_BEATS * store->options.heartbeat_ms;
    if (now_ms < store->look_due_ms)
        return store->look_due_ms;
    store->look_due_ms = now_ms + LOOK_BEATS * store->options.heartbeat_ms;
    redis_args_text(&info, "INFO");
    redis_command_send(redis_command_new(reader, on_looked), &info);
    return store->look_due_ms;
}
