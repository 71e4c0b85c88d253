/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout and the epochs: what the writer does before anything else is asked of a server.
 *
 * A server that is not in the life that the epoch began in has been started again, promoted, or
 * filled with a backup: what it has may be older than what was seen.  So another epoch begins, the
 * listeners are told to forget, and what was lost is put there again by all who are alive, before
 * anything is answered.
 */
#include "storage/redis_store.h"

#include "base/log.h"

enum { LAYOUT_FORMAT = 1 };

static void note_epoch(struct redis_store *store, uint64_t epoch)
{
    if (epoch > atomic_load_explicit(&store->epoch, memory_order_relaxed))
        atomic_store_explicit(&store->epoch, epoch, memory_order_relaxed);
}

static void enter_epoch(struct redis_store *store, uint16_t index, uint64_t epoch,
                        struct span epoch_text, uint64_t number, struct span inherited)
{
    struct redis_partition *partition = &store->partitions[index];
    bool is_first = partition->epoch == 0;

    if (number > partition->newest)
        partition->newest = number;
    if (span_is(epoch_text, partition->epoch_text)) {
        ledger_stay(store->ledger, index);
        return;
    }
    redis_gather(store);
    ledger_enter(store->ledger, index, epoch,
                 redis_inherited_number(inherited, epoch, partition->epoch_text));
    memcpy(partition->epoch_text, epoch_text.data, epoch_text.length);
    partition->epoch_text[epoch_text.length] = '\0';
    partition->epoch = epoch;
    if (number > partition->fed)
        partition->fed = number;
    note_epoch(store, epoch);
    if (is_first)
        return;
    LOG(WARN, "store.epoch", "another epoch has begun: what is cached is forgotten",
        log_number("partition", index), log_number("epoch", (int64_t)epoch));
    redis_tell_reset(store, index);
}

static void on_begun(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    struct redis_store *store = connection->store;
    uint64_t epoch, counter;
    struct err err;

    if (!reply)
        return;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING ||
        reply->element[2]->type != REDIS_REPLY_STRING ||
        !redis_epoch_decode(redis_reply_span(reply->element[0]), &epoch) ||
        !redis_decimal_decode(redis_reply_span(reply->element[1]), &counter) ||
        counter >> STORE_NUMBER_COUNTER_BITS != 0) {
        redis_connection_refused(connection, reply, &err);
        return;
    }
    enter_epoch(store, command->index, epoch, redis_reply_span(reply->element[0]),
                redis_number_of(epoch, counter), redis_reply_span(reply->element[2]));
    if (--store->begin_left == 0)
        redis_again(connection);
}

static void begin_partition(struct redis_connection *connection, uint16_t index)
{
    static const enum redis_part parts[] = {REDIS_EPOCH, REDIS_COUNTER, REDIS_FEED, REDIS_OUTBOX,
                                            REDIS_INHERITED};
    struct redis_store *store = connection->store;
    uint64_t newest = store->partitions[index].newest;
    struct redis_command *command = redis_command_new(connection, on_begun);
    struct redis_args args = {0};

    command->index = index;
    redis_script_call(store, REDIS_SCRIPT_BEGIN, ARRAY_LEN(parts), &args);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        redis_args_add(&args, redis_name_part(&store->names, index, parts[i], &store->scratch));
    redis_args_text(&args, connection->server.life);
    redis_args_number(&args, &store->scratch, (int64_t)redis_epoch_of(newest));
    redis_args_number(&args, &store->scratch, (int64_t)redis_counter_of(newest));
    redis_command_send(command, &args);
}

static struct span layout(const struct redis_store *store, struct arena *arena)
{
    return span_text(arena_printf(arena, "%d %u %s", LAYOUT_FORMAT, store->store.partition_count,
                                  store->names.hash_key_id));
}

static void on_layout(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    struct redis_store *store = connection->store;
    struct err err;

    if (!reply)
        return;
    if (reply->type != REDIS_REPLY_NIL && reply->type != REDIS_REPLY_STRING) {
        redis_connection_refused(connection, reply, &err);
        return;
    }
    if (reply->type == REDIS_REPLY_STRING &&
        !span_equal(redis_reply_span(reply), layout(store, &store->scratch))) {
        err_set(&err, ERR_CONFIG_INVALID,
                "under this prefix is a store of another layout than %d (format) %u (partitions) "
                "%s (hash key)",
                LAYOUT_FORMAT, store->store.partition_count, store->names.hash_key_id);
        redis_connection_doom(connection, &err);
        return;
    }
    store->begin_left = store->store.partition_count;
    for (uint16_t i = 0; i < store->store.partition_count && !connection->is_doomed; i++)
        begin_partition(connection, i);
}

void redis_begin(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;
    struct redis_args args = {0};

    redis_args_text(&args, "SET");
    redis_args_add(&args, redis_name_part(&store->names, 0, REDIS_LAYOUT, &store->scratch));
    redis_args_add(&args, layout(store, &store->scratch));
    redis_args_text(&args, "NX");
    redis_args_text(&args, "GET");
    redis_command_send(redis_command_new(connection, on_layout), &args);
}

void redis_epoch_changed(struct redis_store *store)
{
    struct redis_connection *writer = &store->connections[REDIS_WRITER];
    struct err err;

    if (!redis_connection_is_usable(writer))
        return;
    err_set(&err, ERR_STORE_UNAVAILABLE, "EPOCH: another epoch has begun");
    redis_connection_doom(writer, &err);
}
