/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to Redis. */
#include "storage/redis_connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "storage/redis_store.h"

#include <stdio.h>

enum {
    RETRY_FIRST_MS = 25, /* doubled with every attempt, and spread over half to all of it */
    RETRY_LAST_MS = 1000,
    /* A sentinel that does not answer for so long is as good as none; the first time its name has
     * to be looked up, too.  So long is also waited for all of them. */
    SENTINEL_ANSWER_MS = 500,
    SENTINEL_CONNECT_MS = 1000,
    STEADY_MS = 1000, /* so long it must have been ready for the next retry to be a first one */
    /* A server that sends now and then a byte, and never a reply, is as good as silent. */
    STALLS_MAX = 4,
};

int64_t redis_now_ms(void)
{
    return clock_now_ns() / 1000000;
}

void redis_connection_init(struct redis_connection *connection, struct redis_store *store,
                           enum redis_role role, const struct redis_address *address)
{
    const struct redis_options *options = &store->options;
    bool is_sentinel = role == REDIS_SENTINEL;

    connection->store = store;
    connection->role = role;
    connection->address = address;
    connection->connect_timeout_ms =
        is_sentinel ? SENTINEL_CONNECT_MS : options->connect_timeout_ms;
    connection->stall_timeout_ms = is_sentinel ? SENTINEL_ANSWER_MS : options->stall_timeout_ms;
    connection->newest_end = &connection->oldest;
    redis_queue_init(&connection->waiting);
    atomic_init(&connection->is_up, true);
}

bool redis_connection_is_usable(const struct redis_connection *connection)
{
    return connection->state == REDIS_READY && !connection->is_doomed &&
           strcmp(connection->server.life, connection->store->life) == 0;
}

/* Whether it works: logged when that changes. */

void redis_note_works(struct redis_connection *connection)
{
    if (!atomic_exchange(&connection->is_up, true))
        LOG(INFO, "store.up", "the store works again",
            log_text("connection", redis_connection_name(connection)));
}

void redis_note_fails(struct redis_connection *connection, const struct err *err)
{
    const struct log_field fields[] = {
        log_text("connection", redis_connection_name(connection)),
        log_text("reason", err_reason(err->code)),
        log_text("field", err->field),
        log_text("detail", err->detail),
        {0},
    };

    if (atomic_exchange(&connection->is_up, false) && connection->store->stop_due_ms == 0 &&
        log_is_on(err_log_level(err->code)))
        log_write(err_log_level(err->code), "store.down", "the store does not work", fields);
}

/* The end. */

void redis_connection_doom(struct redis_connection *connection, const struct err *err)
{
    if (connection->is_doomed)
        return;
    connection->is_doomed = true;
    connection->err = *err;
    redis_wake_at(connection->store, redis_now_ms());
}

void redis_connection_part(struct redis_connection *connection, const struct err *err)
{
    if (connection->is_doomed)
        return;
    connection->is_out_of_step = true;
    redis_connection_doom(connection, err);
    LOG(WARN, "store.out_of_step", "a value of another key: it is asked for on a new connection",
        log_text("connection", redis_connection_name(connection)));
}

void redis_connection_settle(struct redis_connection *connection)
{
    if (connection->is_doomed && connection->context)
        redisAsyncFree(connection->context);
}

static void attempt_failed(struct redis_connection *connection, int64_t now_ms)
{
    int64_t most_ms = RETRY_LAST_MS;

    if (connection->attempts < 6)
        most_ms = RETRY_FIRST_MS << connection->attempts;
    connection->attempts++;
    connection->state = REDIS_DOWN;
    connection->is_doomed = false;
    connection->due_ms = now_ms + most_ms / 2 + (int64_t)(random_u64() % (uint64_t)most_ms) / 2;
    redis_wake_at(connection->store, connection->due_ms);
    if (connection->role == REDIS_SENTINEL) {
        redis_sentinel_note(connection, &connection->err);
        return;
    }
    if (!connection->is_out_of_step)
        redis_note_fails(connection, &connection->err);
    redis_note_refused(connection->store, &connection->err);
    redis_requests_go_on(connection->store);
}

/* The connection ends, and nobody has said yet why. */
static void note_end(struct redis_connection *connection, const char *why)
{
    err_set(&connection->err, ERR_STORE_UNAVAILABLE, "%s", why);
    if (connection->tls)
        redis_tls_explain(connection->tls, &connection->err);
}

void redis_connection_lost(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;
    int64_t now_ms = redis_now_ms();

    if (!connection->is_doomed && connection->context)
        note_end(connection,
                 connection->context->err ? connection->context->errstr : "connection closed");
    connection->context = NULL;
    connection->tls = NULL;
    redis_tls_forget();
    if (connection->role == REDIS_WRITER)
        redis_queue_fail(store, &store->unconfirmed, &connection->err);
    if (connection->state == REDIS_READY) {
        connection->failures = 0;
        if (now_ms - connection->ready_ms >= STEADY_MS || connection->is_out_of_step)
            connection->attempts = 0;
    } else {
        connection->failures++;
    }
    attempt_failed(connection, now_ms);
}

void redis_connection_close(struct redis_connection *connection, const struct err *err)
{
    if (connection->is_looking_up)
        uv_cancel((uv_req_t *)&connection->lookup);
    redis_connection_doom(connection, err);
    redis_connection_settle(connection);
}

/* The beginning. */

static void give_up(struct redis_connection *connection, const struct err *err)
{
    connection->err = *err;
    connection->failures++;
    attempt_failed(connection, redis_now_ms());
}

static void fail_attempt(struct redis_connection *connection, const char *why)
{
    struct err err;

    err_set(&err, ERR_STORE_UNAVAILABLE, "%s", why);
    give_up(connection, &err);
}

static void on_connect(const redisAsyncContext *context, int status)
{
    (void)context;
    (void)status; /* what a failure ends is told through clean_up() */
}

static bool set_up(struct redis_connection *connection, struct err *err)
{
    const struct redis_options *options = &connection->store->options;
    redisAsyncContext *context = connection->context;

    if (context->err)
        return err_set(err, ERR_STORE_UNAVAILABLE, "%s", context->errstr);
    if (options->is_tls &&
        !redis_tls_begin(options, connection->address->host, context, &connection->tls, err))
        return false;
    if (!redis_socket_attach(connection))
        return err_set(err, ERR_STORE_UNAVAILABLE, "the socket cannot be watched");
    return true;
}

static void take_context(struct redis_connection *connection, redisAsyncContext *context)
{
    struct err err;

    if (!context) {
        fail_attempt(connection, "out of memory");
        return;
    }
    connection->context = context;
    if (!set_up(connection, &err)) {
        connection->context = NULL;
        connection->tls = NULL;
        redisAsyncFree(context);
        give_up(connection, &err);
        return;
    }
    connection->state = REDIS_CONNECTING;
    connection->last_byte_ms = redis_now_ms();
    redisAsyncSetConnectCallback(context, on_connect);
    redis_handshake(connection);
    redis_connection_settle(connection);
}

static void connect_address(struct redis_connection *connection, const char *address)
{
    take_context(connection, redisAsyncConnect(address, connection->address->port));
}

/* Every attempt takes the next of a name's addresses. */
static bool choose_address(const struct redis_connection *connection,
                           const struct addrinfo *addresses, char text[static INET6_ADDRSTRLEN])
{
    const struct addrinfo *address = addresses;
    unsigned count = 0;

    for (; address; address = address->ai_next)
        count++;
    if (count == 0)
        return false;
    address = addresses;
    for (unsigned i = connection->attempts % count; i > 0; i--)
        address = address->ai_next;
    return uv_ip_name(address->ai_addr, text, INET6_ADDRSTRLEN) == 0;
}

static void on_address(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    struct redis_connection *connection = lookup->data;
    char text[INET6_ADDRSTRLEN];

    connection->is_looking_up = false;
    if (connection->state == REDIS_RESOLVING) {
        if (status == 0 && choose_address(connection, addresses, text))
            connect_address(connection, text);
        else
            fail_attempt(connection, status ? uv_strerror(status) : "the name has no address");
    }
    uv_freeaddrinfo(addresses);
}

static void look_up(struct redis_connection *connection)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status;

    if (connection->is_looking_up) {
        fail_attempt(connection, "the name is still being looked up");
        return;
    }
    connection->state = REDIS_RESOLVING;
    connection->lookup.data = connection;
    status = uv_getaddrinfo(&connection->store->loop, &connection->lookup, on_address,
                            connection->address->host, NULL, &hints);
    connection->is_looking_up = status == 0;
    if (status != 0)
        fail_attempt(connection, uv_strerror(status));
}

void redis_connection_go(struct redis_connection *connection)
{
    const char *host = connection->address->host;
    struct in6_addr address;

    connection->due_ms = redis_now_ms() + connection->connect_timeout_ms;
    redis_wake_at(connection->store, connection->due_ms);
    if (uv_inet_pton(AF_INET, host, &address) == 0 || uv_inet_pton(AF_INET6, host, &address) == 0)
        connect_address(connection, host);
    else
        look_up(connection);
}

static void connect_now(struct redis_connection *connection, int64_t now_ms)
{
    const struct redis_store *store = connection->store;

    connection->is_doomed = connection->is_out_of_step = false;
    if (connection->role != REDIS_SENTINEL && store->options.unix_path) {
        connection->due_ms = now_ms + connection->connect_timeout_ms;
        take_context(connection, redisAsyncConnectUnix(store->options.unix_path));
    } else if (connection->role != REDIS_SENTINEL && store->sentinel_count > 0) {
        connection->state = REDIS_ASKING;
        connection->asking_ms = now_ms;
        connection->due_ms = now_ms + SENTINEL_CONNECT_MS;
        redis_sentinels_ask_for(connection);
    } else {
        redis_connection_go(connection);
    }
}

void redis_connection_turn_back(struct redis_connection *connection, const struct err *err)
{
    if (connection->state == REDIS_RESOLVING)
        fail_attempt(connection, err->detail);
    else if (connection->context)
        redis_connection_doom(connection, err);
}

void redis_connections_leave(struct redis_store *store, const struct err *err)
{
    for (size_t i = 0; i < REDIS_ROLES; i++)
        if (store->connections[i].state == REDIS_READY)
            redis_connection_doom(&store->connections[i], err);
}

/* Connections that lead to another process than the writer's, or than the newest one does. */
static void part_from_others(struct redis_store *store, const struct redis_connection *newest)
{
    struct err err;

    err_set(&err, ERR_STORE_UNAVAILABLE, "the store is another server now");
    for (size_t i = 0; i < REDIS_ROLES; i++) {
        struct redis_connection *other = &store->connections[i];

        if (other->state == REDIS_READY && strcmp(other->server.life, newest->server.life) != 0)
            redis_connection_doom(other, &err);
    }
}

void redis_connection_ready(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;

    connection->state = REDIS_READY;
    connection->failures = 0;
    connection->ready_ms = redis_now_ms();
    if (connection->role == REDIS_SENTINEL) {
        redis_sentinel_note(connection, NULL);
        return;
    }
    if (connection->role == REDIS_WRITER)
        memcpy(store->life, connection->server.life, sizeof(store->life));
    part_from_others(store, connection);
    for (size_t i = 0; i < REDIS_ROLES; i++)
        if (redis_connection_is_usable(&store->connections[i]))
            redis_note_works(&store->connections[i]);
    redis_note_open(store);
    redis_feed_start(&store->connections[REDIS_FEEDER]);
    redis_requests_go_on(store);
    redis_wake_at(store, connection->ready_ms);
}

/* Time. */

static int64_t tick_stalls(struct redis_connection *connection, int64_t now_ms)
{
    int64_t stall_ms = connection->stall_timeout_ms, heard_ms, limit_ms;
    const struct redis_command *oldest = connection->oldest;
    struct err err;

    if (!oldest)
        return INT64_MAX;
    stall_ms += oldest->patience_ms;
    heard_ms =
        connection->last_byte_ms > oldest->sent_ms ? connection->last_byte_ms : oldest->sent_ms;
    limit_ms = heard_ms + stall_ms;
    if (limit_ms > oldest->sent_ms + STALLS_MAX * stall_ms)
        limit_ms = oldest->sent_ms + STALLS_MAX * stall_ms;
    if (now_ms < limit_ms)
        return limit_ms;
    err_set(&err, ERR_STORE_UNAVAILABLE, "no reply for %lld ms",
            (long long)(now_ms - oldest->sent_ms));
    redis_connection_doom(connection, &err);
    return now_ms;
}

int64_t redis_connection_tick(struct redis_connection *connection, int64_t now_ms)
{
    struct err err;
    int64_t due_ms = INT64_MAX;

    redis_connection_settle(connection);
    if (connection->store->stop_due_ms != 0)
        return INT64_MAX;
    switch (connection->state) {
    case REDIS_DOWN:
        if (now_ms >= connection->due_ms)
            connect_now(connection, now_ms);
        due_ms = connection->due_ms;
        break;
    case REDIS_ASKING:
        if (now_ms >= connection->due_ms) {
            redis_sentinels_explain(connection, &err);
            fail_attempt(connection, err.detail);
        }
        due_ms = connection->due_ms;
        break;
    case REDIS_RESOLVING:
        if (now_ms >= connection->due_ms)
            fail_attempt(connection, "the name was not looked up in time");
        due_ms = connection->due_ms;
        break;
    case REDIS_CONNECTING:
        if (now_ms >= connection->due_ms) {
            note_end(connection, "the server did not answer in time");
            err = connection->err;
            redis_connection_doom(connection, &err);
        }
        due_ms = connection->due_ms;
        break;
    case REDIS_READY: due_ms = tick_stalls(connection, now_ms); break;
    }
    redis_connection_settle(connection);
    if (connection->state == REDIS_DOWN)
        due_ms = connection->due_ms;
    return due_ms;
}

/* Commands. */

void redis_args_add(struct redis_args *args, struct span argument)
{
    args->texts[args->count] = argument.data ? (const char *)argument.data : "";
    args->lengths[args->count++] = argument.length;
}

void redis_args_text(struct redis_args *args, const char *text)
{
    redis_args_add(args, span_text(text));
}

void redis_args_number(struct redis_args *args, struct arena *scratch, int64_t number)
{
    redis_args_text(args, arena_printf(scratch, "%lld", (long long)number));
}

struct redis_command *redis_command_new(struct redis_connection *connection,
                                        void (*on_reply)(struct redis_command *command,
                                                         const redisReply *reply))
{
    struct redis_command *command = memory_new(struct redis_command);

    command->connection = connection;
    command->on_reply = on_reply;
    return command;
}

static void on_reply(redisAsyncContext *context, void *data, void *private_data)
{
    struct redis_command *command = private_data;
    struct redis_connection *connection = command->connection;
    const redisReply *reply = connection->is_doomed ? NULL : data;

    /* Mostly that is known by now: hiredis lets go of the socket first. */
    if (!data && !connection->is_doomed && connection->context == context)
        note_end(connection, context->err ? context->errstr : "connection closed");
    connection->oldest = command->next;
    if (!connection->oldest)
        connection->newest_end = &connection->oldest;
    connection->unanswered--;
    command->on_reply(command, reply);
    memory_free(command);
}

void redis_command_send(struct redis_command *command, const struct redis_args *args)
{
    struct redis_connection *connection = command->connection;
    struct redis_store *store = connection->store;

    command->sent_ms = redis_now_ms();
    if (connection->context && !connection->is_doomed &&
        redisAsyncCommandArgv(connection->context, on_reply, command, (int)args->count,
                              (const char **)(uintptr_t)args->texts, args->lengths) == REDIS_OK) {
        *connection->newest_end = command;
        connection->newest_end = &command->next;
        connection->unanswered++;
        redis_wake_at(store,
                      command->sent_ms + connection->stall_timeout_ms + command->patience_ms);
    } else {
        command->on_reply(command, NULL);
        memory_free(command);
    }
    arena_reset(&store->scratch);
}
