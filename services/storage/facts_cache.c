/* SPDX-License-Identifier: Apache-2.0 */
/* The facts cache: looking up, forgetting what changed, life. */
#include "storage/facts_cache.h"

#include "base/memory.h"
#include "storage/facts_shard.h"

/* An entry's life is up to an eighth shorter than fresh_ms. */
enum { JITTER_SHIFT = 3 };

/* Ages. */

int64_t facts_cache_fresh_ms(const struct facts_cache *cache, struct hash128 subject)
{
    int64_t most_ms = cache->options.fresh_ms >> JITTER_SHIFT;

    return cache->options.fresh_ms - most_ms * (int64_t)(subject.high & 0xff) / 256;
}

static bool is_fresh(const struct facts_cache *cache, struct hash128 subject, int64_t age_ms)
{
    return age_ms < facts_cache_fresh_ms(cache, subject);
}

bool facts_cache_feed_is_alive(const struct facts_cache *cache)
{
    return store_feed_age_ms(cache->options.store) <= FACTS_CACHE_FEED_SILENT_MS;
}

struct facts_view facts_cache_view(const struct facts_cache *cache, const struct facts_entry *entry,
                                   int64_t age_ms, int64_t now_ms)
{
    return (struct facts_view){
        .facts = entry->facts,
        .subject = entry->subject,
        .number = entry->number,
        .partition = entry->partition,
        .read_at_ms = now_ms - age_ms,
        .is_known = entry->is_known,
        .is_stale = !is_fresh(cache, entry->subject, age_ms),
        .principal_count = entry->principal_count,
        .principals = entry->principals,
    };
}

/* Looking up. */

static uint64_t feed_number(struct facts_cache *cache, struct hash128 subject)
{
    uint16_t partition = names_partition(cache->options.names, subject);

    return atomic_load_explicit(&cache->feed_numbers[partition], memory_order_acquire);
}

/* The feed's number is read before the table: a change up to it has been dropped from the table
 * before the number could be seen. */
bool facts_cache_look_up(struct facts_cache *cache, struct hash128 subject, uint64_t least_number,
                         int64_t age_max_ms, int64_t now_ms, int64_t monotonic_ms,
                         struct arena *arena, struct facts_view *ret_view)
{
    uint64_t as_new_as = feed_number(cache, subject);
    struct facts_shard *shard = facts_shard_of(cache, subject);
    struct facts_entry entry;
    bool is_usable = false;

    pthread_mutex_lock(&shard->mutex);
    {
        const struct facts_cell *cell = facts_table_find(&shard->table, subject);

        if (cell && facts_cell_number(cell) > as_new_as)
            as_new_as = facts_cell_number(cell);
        is_usable = cell && monotonic_ms - facts_cell_read_at_ms(cell) < age_max_ms &&
                    facts_cell_valid_until_ms(cell) > now_ms && as_new_as >= least_number;
        if (is_usable)
            facts_cell_open(cell, arena, &entry);
    }
    pthread_mutex_unlock(&shard->mutex);
    if (!is_usable)
        return false;
    entry.number = as_new_as;
    *ret_view = facts_cache_view(cache, &entry, monotonic_ms - entry.read_at_ms, now_ms);
    return true;
}

bool facts_cache_get(struct facts_cache *cache, struct hash128 subject, uint64_t least_number,
                     int64_t now_ms, struct arena *arena, struct facts_view *ret_view)
{
    bool is_hit =
        facts_cache_feed_is_alive(cache) &&
        facts_cache_look_up(cache, subject, least_number, facts_cache_fresh_ms(cache, subject),
                            now_ms, clock_monotonic_ms(cache->options.clock), arena, ret_view);

    facts_shard_count(facts_shard_of(cache, subject),
                      is_hit ? FACTS_COUNTER_HITS : FACTS_COUNTER_MISSES, 1);
    return is_hit;
}

/* Changes. */

static void drop(struct facts_cache *cache, struct hash128 subject, uint64_t number)
{
    struct facts_shard *shard = facts_shard_of(cache, subject);
    struct facts_flight *flight;

    pthread_mutex_lock(&shard->mutex);
    if (facts_table_remove(&shard->table, subject))
        facts_shard_count(shard, FACTS_COUNTER_INVALIDATIONS, 1);
    flight = *facts_flight_link(shard, subject);
    if (flight && number == 0)
        flight->is_spoiled = true;
    else if (flight && flight->change_number < number)
        flight->change_number = number;
    pthread_mutex_unlock(&shard->mutex);
}

void facts_cache_drop(struct facts_cache *cache, struct hash128 subject)
{
    drop(cache, subject, 0);
}

static void on_change(struct store_listener *listener, const struct store_change *change)
{
    struct facts_cache *cache = CONTAINER_OF(listener, struct facts_cache, listener);

    if (change->kind == STORE_CHANGE_SUBJECT)
        drop(cache, change->id, change->number);
    if (!change->is_ahead)
        atomic_store_explicit(&cache->feed_numbers[change->partition], change->number,
                              memory_order_release);
}

static void on_reset(struct store_listener *listener, uint16_t partition)
{
    struct facts_cache *cache = CONTAINER_OF(listener, struct facts_cache, listener);

    /* Before anything is removed: what stays in a table for a moment is not as new as that. */
    atomic_store_explicit(&cache->feed_numbers[partition], 0, memory_order_release);
    for (size_t i = 0; i < FACTS_SHARDS; i++) {
        struct facts_shard *shard = &cache->shards[i];

        pthread_mutex_lock(&shard->mutex);
        facts_shard_count(shard, FACTS_COUNTER_INVALIDATIONS,
                          facts_table_remove_partition(&shard->table, partition));
        for (size_t k = 0; k < FACTS_FLIGHT_BUCKETS; k++)
            for (struct facts_flight *flight = shard->flights[k]; flight; flight = flight->next)
                if (names_partition(cache->options.names, flight->subject) == partition)
                    flight->is_spoiled = true;
        pthread_mutex_unlock(&shard->mutex);
    }
    atomic_fetch_add_explicit(&cache->resets, 1, memory_order_relaxed);
}

/* Life. */

struct facts_cache *facts_cache_new(const struct facts_cache_options *options)
{
    struct facts_cache *cache = memory_new(struct facts_cache);

    cache->options = *options;
    for (size_t i = 0; i < FACTS_SHARDS; i++) {
        pthread_mutex_init(&cache->shards[i].mutex, NULL);
        facts_table_init(&cache->shards[i].table);
    }
    cache->listener = (struct store_listener){.on_change = on_change, .on_reset = on_reset};
    store_listen(options->store, &cache->listener);
    return cache;
}

void facts_cache_stop(struct facts_cache *cache)
{
    atomic_store_explicit(&cache->is_stopped, true, memory_order_release);
}

void facts_cache_free(struct facts_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < FACTS_SHARDS; i++) {
        facts_table_release(&cache->shards[i].table);
        pthread_mutex_destroy(&cache->shards[i].mutex);
    }
    memory_free(cache);
}

void facts_cache_get_stats(struct facts_cache *cache, struct facts_cache_stats *ret_stats)
{
    struct facts_cache_stats stats = {
        .resets = atomic_load_explicit(&cache->resets, memory_order_relaxed),
    };
    uint64_t counters[FACTS_COUNTER_COUNT] = {0};

    for (size_t i = 0; i < FACTS_SHARDS; i++) {
        struct facts_shard *shard = &cache->shards[i];

        for (size_t k = 0; k < FACTS_COUNTER_COUNT; k++)
            counters[k] += atomic_load_explicit(&shard->counters[k], memory_order_relaxed);
        pthread_mutex_lock(&shard->mutex);
        stats.entries += shard->table.entry_count;
        stats.bytes += facts_table_bytes(&shard->table);
        pthread_mutex_unlock(&shard->mutex);
    }
    stats.hits = counters[FACTS_COUNTER_HITS];
    stats.misses = counters[FACTS_COUNTER_MISSES];
    stats.loads = counters[FACTS_COUNTER_LOADS];
    stats.shared_loads = counters[FACTS_COUNTER_SHARED_LOADS];
    stats.evictions = counters[FACTS_COUNTER_EVICTIONS];
    stats.invalidations = counters[FACTS_COUNTER_INVALIDATIONS];
    *ret_stats = stats;
}
