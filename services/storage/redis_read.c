/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: one MGET of the epoch, the counter and the values, so that all of them are of one
 * moment; and the outbox.
 */
#include "storage/redis_store.h"

enum { READ_FIXED = 2, OUTBOX_BYTES_MAX = 4 * 1024 * 1024 };

void redis_read_build(struct redis_store *store, struct store_request *request,
                      struct redis_args *args)
{
    static const enum redis_part parts[READ_FIXED] = {REDIS_EPOCH, REDIS_COUNTER};

    redis_args_text(args, "MGET");
    for (size_t i = 0; i < READ_FIXED; i++)
        redis_args_add(
            args, redis_name_part(&store->names, request->partition, parts[i], &store->scratch));
    for (size_t i = 0; i < request->key_count; i++)
        redis_args_add(args, redis_name_value(&store->names, request->partition, request->keys[i],
                                              &store->scratch));
}

bool redis_read_number(struct redis_command *command, const redisReply *epoch,
                       const redisReply *counter, uint64_t *ret_number, struct err *err)
{
    struct redis_store *store = command->connection->store;
    struct redis_partition *partition = &store->partitions[command->index];
    uint64_t number;

    if (epoch->type != REDIS_REPLY_STRING ||
        !span_is(redis_reply_span(epoch), partition->epoch_text)) {
        redis_epoch_changed(store);
        return err_set(err, ERR_STORE_UNAVAILABLE, "another epoch has begun");
    }
    if (counter->type != REDIS_REPLY_STRING ||
        !redis_decimal_decode(redis_reply_span(counter), &number) ||
        number >> STORE_NUMBER_COUNTER_BITS != 0) {
        redis_epoch_changed(store); /* which makes another counter */
        return err_set(err, ERR_STORE_UNAVAILABLE, "the counter of partition %u is lost",
                       command->index);
    }
    *ret_number = redis_number_of(partition->epoch, number);
    if (*ret_number > partition->newest)
        partition->newest = *ret_number;
    return true;
}

static bool foreign_equal(const struct redis_foreign *a, const struct redis_foreign *b)
{
    return a->partition == b->partition && a->key.space == b->key.space &&
           hash128_equal(a->key.id, b->key.id) &&
           memcmp(a->subject, b->subject, sizeof(a->subject)) == 0;
}

/*
 * A value of another key: either it stands there, or replies have got out of step with commands.
 * The first time the connection ends.  Whoever says the same after that is another connection, and
 * then it is the value that is damaged, which is no reason to end that one as well.
 */
static void judge_foreign(struct redis_command *command, struct store_key key, struct span stored,
                          const struct err *err)
{
    struct redis_store *store = command->connection->store;
    struct redis_foreign found = {.partition = command->index, .key = key};
    size_t known =
        store->foreign_count < REDIS_FOREIGN_MAX ? store->foreign_count : REDIS_FOREIGN_MAX;

    memcpy(found.subject, stored.data, sizeof(found.subject));
    for (size_t i = 0; i < known; i++)
        if (foreign_equal(&store->foreign[i], &found))
            return;
    store->foreign[store->foreign_count++ % REDIS_FOREIGN_MAX] = found;
    redis_connection_part(command->connection, err);
}

static bool take_value(struct redis_command *command, size_t index, const redisReply *reply,
                       struct err *err)
{
    struct redis_connection *connection = command->connection;
    struct store_request *request = command->request;
    struct store_key key = request->keys[index];
    struct store_value value;

    request->values[index] = (struct store_value){.version = 0};
    if (reply->type == REDIS_REPLY_NIL)
        return true;
    if (reply->type != REDIS_REPLY_STRING) {
        redis_connection_refused(connection, reply, err);
        return false;
    }
    if (!redis_value_decode(redis_reply_span(reply), key, &value, err)) {
        if (redis_value_is_foreign(redis_reply_span(reply), key))
            judge_foreign(command, key, redis_reply_span(reply), err);
        return false;
    }
    if (value.expires_at_ms <= clock_wall_ms(connection->store->options.clock))
        return true;
    value.data = arena_copy(&request->arena, value.data);
    request->values[index] = value;
    return true;
}

bool redis_read_take(struct redis_command *command, const redisReply *reply, struct err *err)
{
    struct store_request *request = command->request;
    uint64_t number;

    if (reply->type != REDIS_REPLY_ARRAY ||
        (request && reply->elements != READ_FIXED + request->key_count)) {
        redis_connection_refused(command->connection, reply, err);
        return false;
    }
    if (!request)
        return true;
    if (!redis_read_number(command, reply->element[0], reply->element[1], &number, err))
        return false;
    request->values = arena_new_array(&request->arena, struct store_value, request->key_count);
    for (size_t i = 0; i < request->key_count; i++)
        if (!take_value(command, i, reply->element[READ_FIXED + i], err))
            return false;
    request->number = number;
    return true;
}

/* The outbox. */

void redis_outbox_build(struct redis_store *store, struct store_request *request,
                        struct redis_args *args)
{
    redis_script_call(store, REDIS_SCRIPT_OUTBOX, 1, args);
    redis_args_add(
        args, redis_name_part(&store->names, request->partition, REDIS_OUTBOX, &store->scratch));
    redis_args_number(args, &store->scratch, (int64_t)request->limit);
    redis_args_number(args, &store->scratch, OUTBOX_BYTES_MAX);
}

/* An entry is one write: [id, [r, record, r, record …]]. */
static bool is_entry(const redisReply *entry)
{
    const redisReply *fields;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[0]->type != REDIS_REPLY_STRING ||
        entry->element[1]->type != REDIS_REPLY_ARRAY || entry->element[1]->elements % 2 != 0)
        return false;
    fields = entry->element[1];
    for (size_t i = 0; i < fields->elements; i++)
        if (fields->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

static bool count_records(const redisReply *reply, size_t *ret_count)
{
    size_t count = 0;

    if (reply->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < reply->elements; i++) {
        if (!is_entry(reply->element[i]))
            return false;
        count += reply->element[i]->element[1]->elements / 2;
    }
    *ret_count = count;
    return true;
}

bool redis_outbox_take(struct redis_command *command, const redisReply *reply, struct err *err)
{
    struct store_request *request = command->request;
    size_t count;

    if (!count_records(reply, &count)) {
        redis_connection_refused(command->connection, reply, err);
        return false;
    }
    if (!request)
        return true;
    request->outbox = arena_new_array(&request->arena, struct store_outbox_entry, count);
    request->outbox_count = 0;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *id = reply->element[i]->element[0],
                         *fields = reply->element[i]->element[1];
        uint64_t number;

        if (!redis_id_decode(redis_reply_span(id), &number))
            return err_set(err, ERR_STORE_CORRUPT, "an id in the outbox");
        for (size_t j = 1; j < fields->elements; j += 2)
            request->outbox[request->outbox_count++] = (struct store_outbox_entry){
                .number = number,
                .partition = request->partition,
                .record = arena_copy(&request->arena, redis_reply_span(fields->element[j])),
            };
    }
    return true;
}
