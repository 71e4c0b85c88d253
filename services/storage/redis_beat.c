/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heartbeats: a write that comes back through the feed proves that the feed brings what is written.
 *
 * How old the proof is counts from when it was sent: what another replica wrote before that has
 * been told.
 *
 * The first one in another epoch also says that this replica has put there again what it had
 * written.  Before anything is read or written there, all who were alive when the last epoch ended
 * have said so, or some heartbeats were waited for them: one of them may know of a revocation that
 * nobody else was told of.
 */
#include "storage/redis_store.h"

#include "base/log.h"

#include <inttypes.h>

/* So that what a replica leaves behind goes away by itself. */
enum { BEAT_LIFE_MS = 60 * 1000 };

/* For so many heartbeats others are waited for, and so many they may have been silent before the
 * end; while they are waited for, it beats faster. */
enum { GATHER_BEATS = 4, GATHER_HASTE = 10 };

void redis_beat_build(struct redis_store *store, struct store_request *request,
                      struct redis_args *args)
{
    struct arena *scratch = &store->scratch;

    (void)request;
    redis_script_call(store, REDIS_SCRIPT_BEAT, 3, args);
    redis_args_add(args, redis_name_part(&store->names, 0, REDIS_EPOCH, &store->scratch));
    redis_args_add(args, store->beat_name);
    redis_args_add(args, redis_name_part(&store->names, 0, REDIS_ROSTER, scratch));
    redis_args_text(args, store->partitions[0].epoch_text);
    redis_args_number(args, scratch, clock_monotonic_ms(store->options.clock));
    redis_args_number(args, scratch, BEAT_LIFE_MS);
    redis_args_text(args, arena_printf(scratch, "%016" PRIx64, store->origin));
    redis_args_number(args, scratch, GATHER_BEATS * store->options.heartbeat_ms);
    redis_args_text(args, store->is_gathered ? "1" : "");
}

/* Gathering. */

void redis_gather(struct redis_store *store)
{
    store->is_gathered = false;
    store->gather_due_ms = 0;
    store->missing = 0;
    store->beat_due_ms = 0;
}

static void note_gathered(struct redis_store *store, long long missing)
{
    if (store->is_gathered)
        return;
    store->is_gathered = true;
    if (missing > 0)
        LOG(WARN, "store.gathered", "replicas that were there have not come to the new epoch",
            log_number("missing", missing));
    redis_requests_go_on(store);
}

/* Whoever has not come by now is not waited for, also when this server takes no heartbeats. */
static int64_t gather_tick(struct redis_store *store, int64_t now_ms)
{
    if (store->is_gathered)
        return store->options.heartbeat_ms;
    if (store->gather_due_ms == 0)
        store->gather_due_ms = now_ms + GATHER_BEATS * store->options.heartbeat_ms;
    if (now_ms >= store->gather_due_ms)
        note_gathered(store, store->missing);
    return store->options.heartbeat_ms / GATHER_HASTE + 1;
}

static void on_beaten(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    struct err err;

    connection->store->is_beating = false;
    if (!reply)
        return;
    if (redis_reply_is_noscript(reply)) {
        redis_script_load(connection);
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        redis_note_works(connection);
        connection->store->missing = reply->integer;
        if (reply->integer == 0)
            note_gathered(connection->store, 0);
    } else {
        redis_connection_refused(connection, reply, &err);
        redis_note_fails(connection, &err);
    }
}

static void beat(struct redis_store *store)
{
    struct redis_args args;

    args.count = 0;
    store->is_beating = true;
    redis_beat_build(store, NULL, &args);
    redis_command_send(redis_command_new(&store->connections[REDIS_WRITER], on_beaten), &args);
}

/* A feed that answers, and brings nothing back, leads nowhere. */
static void check_feed(struct redis_store *store, int64_t now_ms)
{
    struct redis_connection *feeder = &store->connections[REDIS_FEEDER];
    int64_t since_ms =
        store->beat_read_ms > feeder->ready_ms ? store->beat_read_ms : feeder->ready_ms;
    struct err err;

    if (!redis_connection_is_usable(feeder) ||
        !atomic_load(&store->connections[REDIS_WRITER].is_up) ||
        now_ms - since_ms <= store->options.stall_timeout_ms + 2 * store->options.heartbeat_ms)
        return;
    err_set(&err, ERR_STORE_UNAVAILABLE, "no heartbeat came back for %lld ms",
            (long long)(now_ms - since_ms));
    redis_connection_doom(feeder, &err);
    redis_connection_settle(feeder);
}

int64_t redis_beat_tick(struct redis_store *store, int64_t now_ms)
{
    if (!redis_connection_is_usable(&store->connections[REDIS_WRITER]))
        return INT64_MAX;
    if (now_ms < store->beat_due_ms)
        return store->beat_due_ms;
    store->beat_due_ms = now_ms + gather_tick(store, now_ms);
    check_feed(store, now_ms);
    if (!store->is_beating)
        beat(store);
    return store->beat_due_ms;
}

void redis_beat_came_back(struct redis_store *store, struct span id, struct span sent_ms)
{
    uint64_t sent;

    if (id.length < sizeof(store->beat_id)) {
        memcpy(store->beat_id, id.data, id.length);
        store->beat_id[id.length] = '\0';
    }
    if (!redis_decimal_decode(sent_ms, &sent) || sent > INT64_MAX)
        return;
    store->beat_read_ms = redis_now_ms();
    atomic_store_explicit(&store->beat_sent_ms, (int64_t)sent, memory_order_relaxed);
}
