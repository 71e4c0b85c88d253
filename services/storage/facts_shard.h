/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the facts cache: its shards, each with a table of facts and with the reads that are
 * under way (flights).
 *
 * No lock is held across anything but a look-up, a copy or an insertion, and never two at once.
 */
#ifndef STORAGE_FACTS_SHARD_H
#define STORAGE_FACTS_SHARD_H

#include "storage/facts_cache.h"
#include "storage/facts_table.h"

#include <pthread.h>
#include <stdatomic.h>

enum { FACTS_SHARDS = 64, FACTS_FLIGHT_BUCKETS = 64 };

/* One read of a subject, and those who wait for it.  Under the shard's lock. */
struct facts_flight {
    struct facts_flight *next;
    struct facts_cache *cache;
    struct hash128 subject;
    struct facts_waiter *waiters; /* oldest first */
    struct facts_waiter **waiters_end;
    uint64_t change_number; /* the feed told of a change with this number since the flight began */
    bool is_spoiled;        /* dropped or reset since the read now under way was begun */
    int64_t read_at_ms;     /* monotonic; when that read was begun */
    int64_t deadline_ms;    /* monotonic; of that read */
};

enum facts_counter {
    FACTS_COUNTER_HITS,
    FACTS_COUNTER_MISSES,
    FACTS_COUNTER_LOADS,
    FACTS_COUNTER_SHARED_LOADS,
    FACTS_COUNTER_EVICTIONS,
    FACTS_COUNTER_INVALIDATIONS,
    FACTS_COUNTER_COUNT,
};

/* The flights, seldom touched, keep what is hot of two shards apart. */
struct facts_shard {
    pthread_mutex_t mutex;
    struct facts_table table;
    atomic_uint_fast64_t counters[FACTS_COUNTER_COUNT];
    struct facts_flight *flights[FACTS_FLIGHT_BUCKETS];
};

struct facts_cache {
    struct facts_cache_options options;
    struct store_listener listener;
    /* The last change that was told in its turn, by partition: whatever is in the table then is as
     * new as that. */
    atomic_uint_fast64_t feed_numbers[STORE_PARTITIONS_MAX];
    atomic_uint_fast64_t resets;
    atomic_bool is_stopped;
    struct facts_shard shards[FACTS_SHARDS];
};

static inline struct facts_shard *facts_shard_of(struct facts_cache *cache, struct hash128 subject)
{
    return &cache->shards[subject.low % FACTS_SHARDS];
}

static inline void facts_shard_count(struct facts_shard *shard, enum facts_counter counter,
                                     uint64_t by)
{
    atomic_fetch_add_explicit(&shard->counters[counter], by, memory_order_relaxed);
}

/* How long an entry of this subject is fresh. */
int64_t facts_cache_fresh_ms(const struct facts_cache *cache, struct hash128 subject);

bool facts_cache_feed_is_alive(const struct facts_cache *cache);

/* What is seen of an entry of this age. */
struct facts_view facts_cache_view(const struct facts_cache *cache, const struct facts_entry *entry,
                                   int64_t age_ms, int64_t now_ms);

/*
 * A copy of the entry if it is younger than `age_max_ms` at `monotonic_ms`, valid at `now_ms` and
 * reaches `least_number`.
 */
bool facts_cache_look_up(struct facts_cache *cache, struct hash128 subject, uint64_t least_number,
                         int64_t age_max_ms, int64_t now_ms, int64_t monotonic_ms,
                         struct arena *arena, struct facts_view *ret_view);

/* Where the flight of the subject hangs, or would. Under the lock. */
struct facts_flight **facts_flight_link(struct facts_shard *shard, struct hash128 subject);

#endif
