/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed: what every replica wrote, in the order of its numbers.
 *
 * One XREAD waits for all partitions and for this replica's heartbeats, from where it stopped.
 * Every write has an entry, so that the number after N is N + 1: anything else is a gap, by a trim
 * or a new epoch, and the listeners are told to forget the partition.
 *
 * Own writes are told before they are answered.  One that is next is left out when the feed brings
 * it; one that overtakes what others wrote is told as such, and again in its turn.
 */
#include "storage/redis_store.h"

#include "base/log.h"

enum { FEED_STEP = 256 };

/* What is told. */

static void tell_change(struct redis_store *store, const struct store_change *change)
{
    for (struct store_listener *listener = atomic_load(&store->listeners); listener;
         listener = listener->next)
        listener->on_change(listener, change);
}

void redis_tell_reset(struct redis_store *store, uint16_t partition)
{
    for (struct store_listener *listener = atomic_load(&store->listeners); listener;
         listener = listener->next)
        listener->on_reset(listener, partition);
}

void redis_tell_changes(struct redis_store *store, const struct store_request *request)
{
    struct redis_partition *partition = &store->partitions[request->partition];
    bool is_ahead = request->number != partition->fed + 1;

    if (request->number <= partition->fed)
        return;
    if (!is_ahead)
        partition->fed = request->number;
    for (size_t i = 0; i < request->change_count; i++) {
        struct store_change change = request->changes[i];

        change.is_ahead = is_ahead;
        tell_change(store, &change);
    }
}

/* What is read. */

static void note_gap(struct redis_store *store, uint16_t index, uint64_t number)
{
    struct redis_partition *partition = &store->partitions[index];

    LOG(WARN, "store.gap", "the feed has a gap: what is cached is forgotten",
        log_number("partition", index), log_number("after", (int64_t)partition->fed),
        log_number("number", (int64_t)number));
    redis_tell_reset(store, index);
    if (redis_epoch_of(number) != partition->epoch)
        redis_epoch_changed(store);
}

static void take_write(struct redis_store *store, uint16_t index, uint64_t number,
                       struct span bytes)
{
    struct redis_partition *partition = &store->partitions[index];
    struct store_change changes[STORE_KEYS_MAX];
    size_t count;
    struct err err;

    if (number <= partition->fed)
        return;
    if (number != partition->fed + 1)
        note_gap(store, index, number);
    partition->fed = number;
    if (number > partition->newest)
        partition->newest = number;
    if (!redis_changes_decode(bytes, number, index, changes, &count, &err)) {
        log_err("store.feed", "a feed entry that cannot be read: what is cached is forgotten",
                &err);
        redis_tell_reset(store, index);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        redis_again_note(store, &changes[i]);
        tell_change(store, &changes[i]);
    }
}

/* [id, [name, value, …]]: the value of one field; false when it has no such shape or field. */
static bool entry_field(const redisReply *entry, const char *name, struct span *ret_id,
                        struct span *ret_value)
{
    const redisReply *fields;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[0]->type != REDIS_REPLY_STRING ||
        entry->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    fields = entry->element[1];
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (fields->element[i]->type == REDIS_REPLY_STRING &&
            fields->element[i + 1]->type == REDIS_REPLY_STRING &&
            span_is(redis_reply_span(fields->element[i]), name)) {
            *ret_id = redis_reply_span(entry->element[0]);
            *ret_value = redis_reply_span(fields->element[i + 1]);
            return true;
        }
    return false;
}

static bool take_beats(struct redis_store *store, const redisReply *entries)
{
    struct span id, value;

    for (size_t i = 0; i < entries->elements; i++) {
        if (!entry_field(entries->element[i], "t", &id, &value))
            return false;
        redis_beat_came_back(store, id, value);
    }
    return true;
}

static bool take_writes(struct redis_store *store, uint16_t index, const redisReply *entries)
{
    struct span id, value;
    uint64_t number;

    for (size_t i = 0; i < entries->elements; i++) {
        if (!entry_field(entries->element[i], "c", &id, &value) || !redis_id_decode(id, &number))
            return false;
        take_write(store, index, number, value);
    }
    return true;
}

/*
 * [name of the stream, entries].  `*is_behind`: a partition may have more to tell than it did now.
 * Then a heartbeat that came along, behind them, does not prove yet that all from before it was
 * told: it is left for the next read to bring again.
 */
static bool take_stream(struct redis_store *store, const redisReply *stream, bool *is_behind)
{
    struct span name;

    if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 ||
        stream->element[0]->type != REDIS_REPLY_STRING ||
        stream->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    name = redis_reply_span(stream->element[0]);
    if (span_equal(name, store->beat_name)) {
        if (!*is_behind)
            return take_beats(store, stream->element[1]);
        store->beat_read_ms = redis_now_ms();
        return true;
    }
    for (uint16_t i = 0; i < store->store.partition_count; i++) {
        if (!span_equal(name, store->feed_names[i]))
            continue;
        *is_behind |= stream->element[1]->elements >= FEED_STEP;
        return take_writes(store, i, stream->element[1]);
    }
    return false;
}

static void read_on(struct redis_connection *connection);

static void on_entries(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    bool is_readable, is_behind = false;
    struct err err;

    if (!reply)
        return;
    is_readable = reply->type == REDIS_REPLY_ARRAY || reply->type == REDIS_REPLY_NIL;
    for (size_t i = 0; is_readable && i < reply->elements; i++)
        is_readable = take_stream(connection->store, reply->element[i], &is_behind);
    if (is_readable)
        read_on(connection);
    else
        redis_connection_refused(connection, reply, &err);
}

static void read_on(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;
    struct redis_command *command = redis_command_new(connection, on_entries);
    struct redis_args args;

    command->patience_ms = 2 * store->options.heartbeat_ms;
    args.count = 0;
    redis_args_text(&args, "XREAD");
    redis_args_text(&args, "COUNT");
    redis_args_number(&args, &store->scratch, FEED_STEP);
    redis_args_text(&args, "BLOCK");
    redis_args_number(&args, &store->scratch, command->patience_ms);
    redis_args_text(&args, "STREAMS");
    for (uint16_t i = 0; i < store->store.partition_count; i++)
        redis_args_add(&args, store->feed_names[i]);
    redis_args_add(&args, store->beat_name);
    for (uint16_t i = 0; i < store->store.partition_count; i++) {
        char *id = arena_alloc(&store->scratch, REDIS_ID_MAX);

        redis_id_encode(store->partitions[i].fed, id);
        redis_args_text(&args, id);
    }
    redis_args_text(&args, store->beat_id);
    redis_command_send(command, &args);
}

void redis_feed_start(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;

    if (!redis_connection_is_usable(connection) || connection->unanswered > 0)
        return;
    memcpy(store->beat_id, "0-0", sizeof("0-0"));
    read_on(connection);
}
