/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flight: one read of a subject, for all who wait for it.
 *
 * It is the placeholder that keeps a change from being lost between a read and its insertion: a
 * change that arrives meanwhile marks the flight, whose result then is not kept, and who came after
 * the change gets the result of another read.
 */
#include "base/memory.h"
#include "storage/facts_shard.h"

#include <inttypes.h>

enum { WAITER_ARENA_BYTES = 256, SCRATCH_ARENA_BYTES = 4096 };

/* What a read gave: an entry, or an error. */
struct outcome {
    bool is_ok;
    struct err err;
    struct facts_entry entry;
};

/* Waiters. */

void facts_waiter_init(struct facts_waiter *waiter, struct inbox *reply_to,
                       void (*on_done)(struct facts_waiter *waiter), void *owner)
{
    *waiter = (struct facts_waiter){.reply_to = reply_to, .on_done = on_done, .owner = owner};
    arena_init(&waiter->arena, WAITER_ARENA_BYTES);
}

void facts_waiter_release(struct facts_waiter *waiter)
{
    arena_release(&waiter->arena);
}

static void run_done(struct task *task)
{
    struct facts_waiter *waiter = CONTAINER_OF(task, struct facts_waiter, done);

    waiter->on_done(waiter);
}

/* From here on the waiter is its owner's again. */
static void send(struct facts_waiter *waiter)
{
    waiter->done.run = run_done;
    inbox_post(waiter->reply_to, &waiter->done);
}

static void send_error(struct facts_waiter *waiter, const struct err *err)
{
    waiter->is_ok = false;
    waiter->err = *err;
    send(waiter);
}

static void send_entry(struct facts_cache *cache, struct facts_waiter *waiter,
                       const struct facts_entry *entry)
{
    size_t facts_bytes = facts_size(&entry->facts->header);
    size_t principal_bytes = entry->principal_count * sizeof(*entry->principals);
    int64_t age_ms = clock_monotonic_ms(cache->options.clock) - entry->read_at_ms;
    struct facts_entry copy = *entry;
    void *facts = arena_alloc(&waiter->arena, facts_bytes);

    memcpy(facts, entry->facts, facts_bytes);
    copy.facts = facts;
    if (principal_bytes > 0) {
        struct hash128 *principals = arena_alloc(&waiter->arena, principal_bytes);

        memcpy(principals, entry->principals, principal_bytes);
        copy.principals = principals;
    }
    waiter->is_ok = true;
    waiter->view = facts_cache_view(cache, &copy, age_ms, clock_wall_ms(cache->options.clock));
    if (age_ms < cache->options.read_timeout_ms)
        waiter->view.is_stale = false; /* the store has answered, however short the bound is */
    send(waiter);
}

/* The store gave no answer, or is asked too much: what there is within the grace, or the error. */
static void send_grace(struct facts_cache *cache, struct hash128 subject,
                       struct facts_waiter *waiter, const struct err *err)
{
    int64_t age_max_ms = facts_cache_fresh_ms(cache, subject) + cache->options.grace_ms;

    waiter->is_ok = err->code != ERR_STORE_CORRUPT &&
                    facts_cache_look_up(cache, subject, waiter->least_number, age_max_ms,
                                        clock_wall_ms(cache->options.clock),
                                        clock_monotonic_ms(cache->options.clock), &waiter->arena,
                                        &waiter->view);
    if (waiter->is_ok) {
        waiter->view.is_stale = true;
        send(waiter);
    } else {
        send_error(waiter, err);
    }
}

/* Flights. */

struct facts_flight **facts_flight_link(struct facts_shard *shard, struct hash128 subject)
{
    struct facts_flight **link = &shard->flights[subject.high % FACTS_FLIGHT_BUCKETS];

    while (*link && !hash128_equal((*link)->subject, subject))
        link = &(*link)->next;
    return link;
}

static void add_waiter(struct facts_flight *flight, struct facts_waiter *waiter)
{
    waiter->next = NULL;
    *flight->waiters_end = waiter;
    flight->waiters_end = &waiter->next;
}

static void on_read(struct store_request *request);

/* The flight is new or its result was not enough; `reply_to` is the inbox of one of its waiters. */
static void begin_read(struct facts_flight *flight, struct inbox *reply_to, int64_t deadline_ms)
{
    const struct facts_cache_options *options = &flight->cache->options;
    struct store_request *request = store_request_new(
        STORE_READ, names_partition(options->names, flight->subject), reply_to, on_read, flight);

    store_request_key(request, names_subject(flight->subject));
    request->deadline_ms = deadline_ms;
    request->is_waited_for = true;
    store_submit(options->store, request);
}

static void mark_begin(struct facts_flight *flight)
{
    flight->read_at_ms = clock_monotonic_ms(flight->cache->options.clock);
    flight->deadline_ms = flight->read_at_ms + flight->cache->options.read_timeout_ms;
    flight->is_spoiled = false;
}

static struct facts_flight *flight_new(struct facts_cache *cache, struct hash128 subject)
{
    struct facts_flight *flight = memory_new(struct facts_flight);

    flight->cache = cache;
    flight->subject = subject;
    flight->waiters_end = &flight->waiters;
    mark_begin(flight);
    return flight;
}

/* Derive what the record proves now. */
static void derive(const struct facts_cache *cache, const struct record *record,
                   const struct store_value *value, struct arena *arena, struct facts_entry *entry)
{
    struct facts_input input = record_facts_input(record);
    struct facts_content *content = arena_new(arena, struct facts_content);
    struct hash128 *principals = arena_new_array(arena, struct hash128, record->principal_count);

    facts_derive(&input, clock_wall_ms(cache->options.clock), content);
    if (content->header.valid_until_ms > value->expires_at_ms)
        content->header.valid_until_ms = value->expires_at_ms;
    for (size_t i = 0; i < record->principal_count; i++)
        principals[i] = names_subject_hash(cache->options.names, record->principals[i]);
    entry->facts = facts_pack(content, arena);
    entry->principals = principals;
    entry->principal_count = (uint8_t)record->principal_count;
    entry->is_known = true;
}

/* What the answered request says, without any lock. */
static void interpret(const struct facts_flight *flight, const struct store_request *request,
                      struct arena *arena, struct outcome *ret_outcome)
{
    struct outcome outcome = {
        .is_ok = request->is_ok,
        .entry = {.subject = flight->subject,
                  .number = request->number,
                  .partition = request->partition,
                  .facts = &facts_unknown},
    };

    if (!request->is_ok) {
        outcome.err = request->err;
    } else if (request->values[0].version != 0) {
        struct record record;

        outcome.is_ok =
            record_decode(request->values[0].data, flight->subject, arena, &record, &outcome.err);
        if (outcome.is_ok)
            derive(flight->cache, &record, &request->values[0], arena, &outcome.entry);
    }
    *ret_outcome = outcome;
}

static void insert(struct facts_cache *cache, struct facts_shard *shard,
                   const struct facts_entry *entry)
{
    size_t bytes_max = cache->options.bytes_max / FACTS_SHARDS;
    size_t evicted = 0;

    facts_table_put(&shard->table, entry);
    while (shard->table.entry_count > 1 && facts_table_bytes(&shard->table) > bytes_max &&
           facts_table_evict(&shard->table))
        evicted++;
    facts_shard_count(shard, FACTS_COUNTER_EVICTIONS, evicted);
}

/* Is this result new enough for the waiter? */
static bool is_enough(const struct facts_waiter *waiter, const struct outcome *outcome)
{
    return !waiter->needs_next_read && waiter->change_number <= outcome->entry.number &&
           waiter->least_number <= outcome->entry.number;
}

static void send_outcome(struct facts_flight *flight, struct facts_waiter *waiter,
                         const struct outcome *outcome)
{
    struct err err;

    if (!outcome->is_ok) {
        send_grace(flight->cache, flight->subject, waiter, &outcome->err);
    } else if (is_enough(waiter, outcome)) {
        send_entry(flight->cache, waiter, &outcome->entry);
    } else if (waiter->least_number > outcome->entry.number) {
        err_set(&err, ERR_REVISION_AHEAD, "asked for %" PRIu64 ", the store has %" PRIu64,
                waiter->least_number, outcome->entry.number);
        send_error(waiter, &err);
    } else {
        err_set(&err, ERR_STORE_UNAVAILABLE, "the store reads behind its own feed");
        send_error(waiter, &err);
    }
}

/*
 * Under the lock: keep the result if nothing came between; put the waiters for whom it is too old
 * because they came late back into the flight for one more read.  Returns the others.
 */
static struct facts_waiter *settle(struct facts_flight *flight, struct facts_shard *shard,
                                   const struct outcome *outcome)
{
    bool may_read_again =
        outcome->is_ok && !atomic_load_explicit(&flight->cache->is_stopped, memory_order_acquire);
    struct facts_waiter *waiter = flight->waiters, *settled = NULL, **settled_end = &settled;

    if (outcome->is_ok && !flight->is_spoiled && outcome->entry.number >= flight->change_number)
        insert(flight->cache, shard, &outcome->entry);
    flight->waiters = NULL;
    flight->waiters_end = &flight->waiters;
    while (waiter) {
        struct facts_waiter *next = waiter->next;

        if (may_read_again && waiter->came_late && !is_enough(waiter, outcome)) {
            waiter->came_late = false;
            waiter->needs_next_read = false;
            add_waiter(flight, waiter);
        } else {
            waiter->next = NULL;
            *settled_end = waiter;
            settled_end = &waiter->next;
        }
        waiter = next;
    }
    return settled;
}

/* On the thread of one of the waiters, which may have lost interest meanwhile: the others count. */
static void on_read(struct store_request *request)
{
    struct facts_flight *flight = request->owner;
    struct facts_shard *shard = facts_shard_of(flight->cache, flight->subject);
    struct inbox *again = NULL;
    struct facts_waiter *settled;
    struct outcome outcome;
    struct arena arena;
    int64_t deadline_ms = 0;

    arena_init(&arena, SCRATCH_ARENA_BYTES);
    interpret(flight, request, &arena, &outcome);
    pthread_mutex_lock(&shard->mutex);
    outcome.entry.read_at_ms = flight->read_at_ms;
    settled = settle(flight, shard, &outcome);
    if (flight->waiters) {
        again = flight->waiters->reply_to;
        mark_begin(flight);
        deadline_ms = flight->deadline_ms;
    } else {
        *facts_flight_link(shard, flight->subject) = flight->next;
    }
    pthread_mutex_unlock(&shard->mutex);
    while (settled) {
        struct facts_waiter *next = settled->next;

        send_outcome(flight, settled, &outcome);
        settled = next;
    }
    if (again)
        begin_read(flight, again, deadline_ms);
    else
        memory_free(flight);
    store_request_free(request);
    arena_release(&arena);
}

/* Somebody has read it since the caller looked. */
static bool is_there_now(struct facts_cache *cache, struct hash128 subject,
                         struct facts_waiter *waiter)
{
    if (!facts_cache_feed_is_alive(cache) ||
        !facts_cache_look_up(
            cache, subject, waiter->least_number, facts_cache_fresh_ms(cache, subject),
            clock_wall_ms(cache->options.clock), clock_monotonic_ms(cache->options.clock),
            &waiter->arena, &waiter->view))
        return false;
    waiter->is_ok = true;
    send(waiter);
    return true;
}

enum joined { JOINED, JOINED_NEW, JOINED_LATE };

/* Join the flight of the subject, or begin one (JOINED_NEW); JOINED_LATE: the one that there is has
 * not been answered in time. */
static enum joined join(struct facts_cache *cache, struct hash128 subject,
                        struct facts_waiter *waiter, struct facts_flight **ret_flight)
{
    struct facts_shard *shard = facts_shard_of(cache, subject);
    int64_t now_ms = clock_monotonic_ms(cache->options.clock);
    enum joined joined = JOINED;
    struct facts_flight **link, *flight;

    pthread_mutex_lock(&shard->mutex);
    link = facts_flight_link(shard, subject);
    flight = *link;
    if (!flight) {
        flight = *link = flight_new(cache, subject);
        waiter->came_late = waiter->needs_next_read = false;
        waiter->change_number = 0;
        joined = JOINED_NEW;
    } else if (now_ms >= flight->deadline_ms) {
        joined = JOINED_LATE;
    } else {
        waiter->came_late = true;
        waiter->needs_next_read = flight->is_spoiled;
        waiter->change_number = flight->change_number;
    }
    if (joined != JOINED_LATE)
        add_waiter(flight, waiter);
    pthread_mutex_unlock(&shard->mutex);
    *ret_flight = flight;
    return joined;
}

void facts_cache_load(struct facts_cache *cache, struct hash128 subject, uint64_t least_number,
                      struct facts_waiter *waiter)
{
    struct inbox *reply_to = waiter->reply_to;
    struct facts_flight *flight;
    enum joined joined;
    struct err err;

    waiter->least_number = least_number;
    if (atomic_load_explicit(&cache->is_stopped, memory_order_acquire)) {
        err_set(&err, ERR_STORE_UNAVAILABLE, "the store is closing");
        send_error(waiter, &err);
        return;
    }
    if (is_there_now(cache, subject, waiter)) {
        facts_shard_count(facts_shard_of(cache, subject), FACTS_COUNTER_SHARED_LOADS, 1);
        return;
    }
    joined = join(cache, subject, waiter, &flight);
    facts_shard_count(facts_shard_of(cache, subject),
                      joined == JOINED_NEW ? FACTS_COUNTER_LOADS : FACTS_COUNTER_SHARED_LOADS, 1);
    if (joined == JOINED_NEW) {
        /* The waiter may be answered, and the flight be over, as soon as this has been sent. */
        begin_read(flight, reply_to, flight->deadline_ms);
    } else if (joined == JOINED_LATE) {
        err_set(&err, ERR_STORE_UNAVAILABLE, "a read that is under way is not answered");
        send_grace(cache, subject, waiter, &err);
    }
}
