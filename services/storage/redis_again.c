/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server has lost, put there again: the writer's last step before anything is asked of a
 * server on which another epoch has begun.
 *
 * The ledger knows which own writes the server may lack.  Each is one script, in their order, some
 * at a time; what is found to be as new stays.  What others wrote is theirs to put again: until it
 * is there, or somebody writes it anew, a read that finds less is no answer.
 */
#include "storage/redis_store.h"

#include "base/log.h"

enum { AT_ONCE = 64 };

/* What came of it. */

static void note_put_again(struct redis_store *store, struct ledger_write *write, uint64_t number,
                           struct span marks)
{
    bool was_put[STORE_KEYS_MAX] = {false};
    size_t mark = 0;

    for (size_t i = 0; i < write->put_count; i++)
        if (write->newest >> i & 1) {
            was_put[i] = mark < marks.length && marks.data[mark] == '1';
            store->again_found_newer += write->is_lost && !was_put[i];
            mark++;
        }
    if (number != 0)
        atomic_fetch_add_explicit(&store->put_again, 1, memory_order_relaxed);
    ledger_put_again(store->ledger, write, number, was_put, redis_now_ms());
}

/* [number or nothing, marks] */
static bool take_put_again(struct redis_store *store, struct ledger_write *write,
                           const redisReply *reply)
{
    struct span number_bytes;
    uint64_t number = 0;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return false;
    number_bytes = redis_reply_span(reply->element[0]);
    if (number_bytes.length != 0 && !redis_number_decode(number_bytes, &number))
        return false;
    note_put_again(store, write, number, redis_reply_span(reply->element[1]));
    return true;
}

/* The answer of a write: its number, or which guard does not hold any more. */
static bool take_sent_again(struct redis_store *store, struct ledger_write *write,
                            const redisReply *reply)
{
    uint64_t number;

    if (reply->type == REDIS_REPLY_INTEGER) {
        ledger_refused(write);
        return true;
    }
    if (reply->type != REDIS_REPLY_STRING || !redis_number_decode(redis_reply_span(reply), &number))
        return false;
    atomic_fetch_add_explicit(&store->put_again, 1, memory_order_relaxed);
    ledger_written(store->ledger, write, number, redis_now_ms());
    return true;
}

static void go_on(struct redis_connection *connection);

static void on_again(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    struct redis_store *store = connection->store;
    struct ledger_write *write = command->written;
    struct err err;

    store->again_left--;
    if (reply && (write->number != 0 ? take_put_again(store, write, reply)
                                     : take_sent_again(store, write, reply))) {
        connection->due_ms = redis_now_ms() + connection->connect_timeout_ms;
        go_on(connection);
        return;
    }
    ledger_doubt(store->ledger, write);
    if (reply)
        redis_connection_refused(connection, reply, &err);
    else
        err = connection->err;
    if (connection->context)
        redis_connection_doom(connection, &err);
}

/* What is sent. */

static void build_put_again(struct redis_store *store, struct store_request *request,
                            const struct ledger_write *write, struct redis_args *args)
{
    uint8_t *number = arena_alloc(&store->scratch, REDIS_NUMBER_BYTES);
    int64_t now_ms = clock_wall_ms(store->options.clock);

    redis_number_encode(write->number, number);
    redis_script_call(store, REDIS_SCRIPT_AGAIN, REDIS_WRITE_KEYS + request->put_count, args);
    redis_write_add_keys(store, request, args);
    redis_args_text(args, store->partitions[write->partition].epoch_text);
    redis_args_number(args, &store->scratch, store->options.feed_entries_max);
    redis_write_add_changes(store, request, args);
    redis_args_add(args, span_of(number, REDIS_NUMBER_BYTES));
    redis_args_number(args, &store->scratch, (int64_t)request->put_count);
    for (size_t i = 0; i < request->put_count; i++)
        redis_write_add_put(store, &request->puts[i], now_ms, args);
    for (size_t i = 0; i < request->outbox_count; i++)
        redis_args_add(args, request->outbox[i].record);
}

static void send_write(struct redis_connection *connection, struct ledger_write *write,
                       struct store_request *request)
{
    struct redis_store *store = connection->store;
    struct redis_command *command = redis_command_new(connection, on_again);
    struct redis_args args;

    args.count = 0;
    command->written = write;
    command->index = write->partition;
    store->again_left++;
    if (write->number != 0)
        build_put_again(store, request, write, &args);
    else
        redis_write_build(store, request, &args);
    redis_command_send(command, &args);
}

/* As a request that says the same, but for puts that are not the newest any more. */
static void begin_write(struct redis_connection *connection, struct ledger_write *write)
{
    struct redis_store *store = connection->store;
    struct store_put puts[STORE_KEYS_MAX];
    struct store_request request = {
        .operation = STORE_WRITE,
        .partition = write->partition,
        .guards = write->guards,
        .guard_count = write->guard_count,
        .puts = write->puts,
        .put_count = write->put_count,
        .changes = write->changes,
        .change_count = write->change_count,
        .outbox = write->outbox,
        .outbox_count = write->outbox_count,
    };

    if (write->number != 0) {
        request.guard_count = request.put_count = 0;
        request.puts = puts;
        for (size_t i = 0; i < write->put_count; i++)
            if (write->newest >> i & 1)
                puts[request.put_count++] = write->puts[i];
        /* What it put is old by now, and so may be its record, unless that is surely lost. */
        if (request.put_count == 0 && (!write->is_lost || write->outbox_count == 0)) {
            note_put_again(store, write, 0, span_of(NULL, 0));
            return;
        }
    }
    send_write(connection, write, &request);
}

static void finish(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;
    uint64_t put_again = atomic_load_explicit(&store->put_again, memory_order_relaxed);
    struct ledger_stats stats;

    ledger_get_stats(store->ledger, &stats);
    if (put_again > store->again_told || stats.doubted_keys > 0 || store->again_found_newer > 0)
        LOG(WARN, "store.put_again", "the server had lost writes: ours are there again",
            log_number("writes", (int64_t)(put_again - store->again_told)),
            log_number("found_newer", (int64_t)store->again_found_newer),
            log_number("doubted_keys", (int64_t)stats.doubted_keys));
    store->again_told = put_again;
    store->again_found_newer = 0;
    redis_connection_ready(connection);
}

static bool is_open(const struct redis_connection *connection)
{
    return connection->context && !connection->is_doomed;
}

static void go_on(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;
    struct ledger_write *write;

    while (is_open(connection) && store->again_left < AT_ONCE &&
           (write = ledger_take_doubted(store->ledger)))
        begin_write(connection, write);
    if (is_open(connection) && store->again_left == 0)
        finish(connection);
}

void redis_again(struct redis_connection *connection)
{
    go_on(connection);
}

/* What was read. */

bool redis_again_believes(struct redis_store *store, const struct store_request *request,
                          struct err *err)
{
    if (request->operation != STORE_READ)
        return true;
    for (size_t i = 0; i < request->key_count; i++)
        if (!ledger_believes(store->ledger, request->keys[i], request->values[i].version))
            return err_set(err, ERR_STORE_UNAVAILABLE,
                           "LOST: what is there is older than what is known");
    return true;
}

void redis_again_note(struct redis_store *store, const struct store_change *change)
{
    ledger_note(store->ledger, change, redis_now_ms());
}

void redis_again_count(struct redis_store *store)
{
    struct ledger_stats stats;

    ledger_get_stats(store->ledger, &stats);
    atomic_store_explicit(&store->doubted, stats.doubted_keys, memory_order_relaxed);
}
