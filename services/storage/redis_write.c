/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: one script for each write, one wait for the replicas for all that were sent together. */
#include "storage/redis_store.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "base/timestamp.h"

#include <inttypes.h>

/*
 * Readers decide by their own clock whether a value has expired.  Redis lets go of it that much
 * later, so that a clock there that is ahead takes nothing away from them.
 */
#define EXPIRY_MARGIN_MS INT64_C(60000)
/* Longer than that is for ever, to Redis. */
#define LIFE_MAX_MS (INT64_C(36525) * TIMESTAMP_DAY_MS)

void redis_write_add_keys(struct redis_store *store, const struct store_request *request,
                          struct redis_args *args)
{
    static const enum redis_part parts[REDIS_WRITE_KEYS] = {REDIS_EPOCH, REDIS_COUNTER, REDIS_FEED,
                                                            REDIS_OUTBOX};

    for (size_t i = 0; i < REDIS_WRITE_KEYS; i++)
        redis_args_add(
            args, redis_name_part(&store->names, request->partition, parts[i], &store->scratch));
    for (size_t i = 0; i < request->guard_count; i++)
        redis_args_add(args, redis_name_value(&store->names, request->partition,
                                              request->guards[i].key, &store->scratch));
    for (size_t i = 0; i < request->put_count; i++)
        redis_args_add(args, redis_name_value(&store->names, request->partition,
                                              request->puts[i].key, &store->scratch));
}

void redis_write_add_changes(struct redis_store *store, const struct store_request *request,
                             struct redis_args *args)
{
    size_t length = request->change_count * REDIS_CHANGE_BYTES;
    uint8_t *bytes = arena_alloc(&store->scratch, length);

    redis_changes_encode(request->changes, request->change_count, bytes);
    redis_args_add(args, span_of(bytes, length));
}

static void add_guard(struct redis_store *store, const struct store_guard *guard,
                      struct redis_args *args)
{
    uint8_t *bytes = arena_alloc(&store->scratch, REDIS_SUBJECT_BYTES + REDIS_NUMBER_BYTES);

    redis_subject_encode(guard->key, bytes);
    redis_number_encode(guard->version, bytes + REDIS_SUBJECT_BYTES);
    redis_args_add(args, span_of(bytes, REDIS_SUBJECT_BYTES + REDIS_NUMBER_BYTES));
}

static void add_life(struct redis_store *store, int64_t expires_at_ms, int64_t now_ms,
                     struct redis_args *args)
{
    int64_t life_ms = expires_at_ms > now_ms ? expires_at_ms - now_ms : 0;

    if (life_ms < LIFE_MAX_MS)
        redis_args_number(args, &store->scratch, life_ms + EXPIRY_MARGIN_MS);
    else
        redis_args_text(args, "");
}

/* The version stands between the two: the script knows it. */
void redis_write_add_put(struct redis_store *store, const struct store_put *put, int64_t now_ms,
                         struct redis_args *args)
{
    uint8_t *subject = arena_alloc(&store->scratch, REDIS_SUBJECT_BYTES), *behind;
    size_t length = REDIS_NUMBER_BYTES + put->data.length;

    redis_subject_encode(put->key, subject);
    redis_args_add(args, span_of(subject, REDIS_SUBJECT_BYTES));
    if (put->data.length == 0) {
        redis_args_text(args, "");
        redis_args_text(args, "");
        return;
    }
    behind = arena_alloc(&store->scratch, length);
    redis_number_encode((uint64_t)put->expires_at_ms, behind);
    memcpy(behind + REDIS_NUMBER_BYTES, put->data.data, put->data.length);
    redis_args_add(args, span_of(behind, length));
    add_life(store, put->expires_at_ms, now_ms, args);
}

void redis_write_build(struct redis_store *store, struct store_request *request,
                       struct redis_args *args)
{
    int64_t now_ms = clock_wall_ms(store->options.clock);
    struct arena *scratch = &store->scratch;

    (void)FAILPOINT("before_store_write");
    redis_script_call(store, REDIS_SCRIPT_WRITE,
                      REDIS_WRITE_KEYS + request->guard_count + request->put_count, args);
    redis_write_add_keys(store, request, args);
    redis_args_text(args, store->partitions[request->partition].epoch_text);
    redis_args_number(args, scratch, now_ms);
    redis_args_number(args, scratch, store->options.feed_entries_max);
    redis_write_add_changes(store, request, args);
    redis_args_number(args, scratch, (int64_t)request->guard_count);
    redis_args_number(args, scratch, (int64_t)request->put_count);
    for (size_t i = 0; i < request->guard_count; i++)
        add_guard(store, &request->guards[i], args);
    for (size_t i = 0; i < request->put_count; i++)
        redis_write_add_put(store, &request->puts[i], now_ms, args);
    for (size_t i = 0; i < request->outbox_count; i++)
        redis_args_add(args, request->outbox[i].record);
}

static void take_written(struct redis_store *store, struct store_request *request, uint64_t number)
{
    request->number = number;
    for (size_t i = 0; i < request->change_count; i++)
        request->changes[i].number = number;
    for (size_t i = 0; i < request->outbox_count; i++)
        request->outbox[i].number = number;
    redis_tell_changes(store, request);
}

bool redis_write_take(struct redis_command *command, const redisReply *reply, struct err *err)
{
    struct redis_store *store = command->connection->store;
    struct redis_partition *partition = &store->partitions[command->index];
    struct store_request *request = command->request;
    uint64_t number;

    if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 1 &&
        reply->integer <= STORE_KEYS_MAX) {
        if (request)
            request->conflict_index = (size_t)reply->integer - 1;
        return err_set(err, ERR_CONFLICT, "guard %lld does not hold", reply->integer - 1);
    }
    if (reply->type != REDIS_REPLY_STRING ||
        !redis_number_decode(redis_reply_span(reply), &number)) {
        redis_connection_refused(command->connection, reply, err);
        return false;
    }
    (void)FAILPOINT("after_store_commit");
    if (number > partition->newest)
        partition->newest = number;
    ledger_written(store->ledger, command->written, number, redis_now_ms());
    command->written = NULL;
    if (request)
        take_written(store, request, number);
    return true;
}

/* The outbox up to a number: everything below the id that follows. */
void redis_remove_build(struct redis_store *store, struct store_request *request,
                        struct redis_args *args)
{
    char *id = arena_alloc(&store->scratch, REDIS_ID_MAX);

    redis_id_encode(request->number == UINT64_MAX ? UINT64_MAX : request->number + 1, id);
    redis_args_text(args, "XTRIM");
    redis_args_add(
        args, redis_name_part(&store->names, request->partition, REDIS_OUTBOX, &store->scratch));
    redis_args_text(args, "MINID");
    redis_args_text(args, id);
}

void redis_claim_build(struct redis_store *store, struct store_request *request,
                       struct redis_args *args)
{
    static const enum redis_part parts[] = {REDIS_EPOCH, REDIS_CLAIM};

    redis_script_call(store, REDIS_SCRIPT_CLAIM, ARRAY_LEN(parts), args);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        redis_args_add(
            args, redis_name_part(&store->names, request->partition, parts[i], &store->scratch));
    redis_args_text(args, store->partitions[request->partition].epoch_text);
    redis_args_text(args, arena_printf(&store->scratch, "%016" PRIx64, request->claimant));
    redis_args_number(args, &store->scratch, request->claim_ms);
}

bool redis_claim_take(struct redis_command *command, const redisReply *reply, struct err *err)
{
    if (!redis_integer_take(command, reply, err))
        return false;
    if (command->request)
        command->request->is_claimed = reply->integer == 1;
    return true;
}

bool redis_integer_take(struct redis_command *command, const redisReply *reply, struct err *err)
{
    if (reply->type == REDIS_REPLY_INTEGER)
        return true;
    redis_connection_refused(command->connection, reply, err);
    return false;
}

/* Replicas. */

/* Who has it, when the time of the WAIT or WAITAOF is over or enough of them do. */
struct acknowledged {
    bool is_on_disk; /* of the server itself; WAIT does not ask */
    long long replicas;
};

/* WAIT gives one number, WAITAOF that of the server and that of the replicas. */
static bool read_acknowledged(const redisReply *reply, struct acknowledged *ret_acknowledged)
{
    const redisReply *replicas = reply;

    ret_acknowledged->is_on_disk = true;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        if (reply->element[0]->type != REDIS_REPLY_INTEGER)
            return false;
        ret_acknowledged->is_on_disk = reply->element[0]->integer >= 1;
        replicas = reply->element[1];
    }
    if (replicas->type != REDIS_REPLY_INTEGER)
        return false;
    ret_acknowledged->replicas = replicas->integer;
    return true;
}

static bool check_acknowledged(const struct acknowledged *acknowledged, uint32_t replicas_min,
                               struct err *err)
{
    if (!acknowledged->is_on_disk)
        return err_set(err, ERR_STORE_UNAVAILABLE,
                       "NOFSYNC: written, but the server does not say that it is on its disk");
    if (acknowledged->replicas < (long long)replicas_min)
        return err_set(err, ERR_STORE_UNAVAILABLE,
                       "NOREPLICAS: written, but %lld of %u replicas say so",
                       acknowledged->replicas, replicas_min);
    return true;
}

/* Everything that had been written before this reply was sent before the WAIT was. */
static void on_waited(struct redis_command *command, const redisReply *reply)
{
    struct redis_store *store = command->connection->store;
    struct store_request *request;
    struct acknowledged acknowledged;
    struct err err;

    if (!reply)
        return;
    if (!read_acknowledged(reply, &acknowledged)) {
        redis_connection_refused(command->connection, reply, &err);
        redis_queue_fail(store, &store->unconfirmed, &err);
    } else if (!check_acknowledged(&acknowledged, store->options.replicas_min, &err)) {
        redis_note_fails(command->connection, &err);
        redis_queue_fail(store, &store->unconfirmed, &err);
    } else {
        while ((request = redis_queue_pop(&store->unconfirmed)))
            redis_request_answer(store, request, true);
    }
}

void redis_write_flush(struct redis_store *store)
{
    struct redis_connection *writer = &store->connections[REDIS_WRITER];
    struct redis_command *command;
    struct redis_args args = {0};

    if (!store->is_wait_due)
        return;
    store->is_wait_due = false;
    if (store->options.replicas_min == 0 || !redis_connection_is_usable(writer))
        return;
    if (writer->server.has_aof && writer->server.version >= REDIS_VERSION_WAITAOF) {
        redis_args_text(&args, "WAITAOF");
        redis_args_text(&args, "1");
    } else {
        redis_args_text(&args, "WAIT");
    }
    command = redis_command_new(writer, on_waited);
    /* Long enough for replicas that tell once a second what a second before came to their disk, and
     * over before the writes themselves give up. */
    command->patience_ms = store->options.stall_timeout_ms / 4 * 3;
    redis_args_number(&args, &store->scratch, store->options.replicas_min);
    redis_args_number(&args, &store->scratch, command->patience_ms);
    redis_command_send(command, &args);
}
