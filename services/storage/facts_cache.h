/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts cache, in front of the store: facts by subject hash, never decisions.
 *
 * An entry lives from the moment its read was begun for at most `fresh_ms` (a little less, by
 * subject, so that what was read together is not read again together), on the monotonic clock, so
 * that no step of the wall clock lengthens it; never past the facts' own valid_until; and a look at
 * it extends nothing.  The feed drops what changed, and nothing is given while the feed has been
 * silent for longer than FACTS_CACHE_FEED_SILENT_MS: then every look-up asks the store.  "No
 * record" is cached as facts_unknown, "no answer" is not cached.  Memory is bounded: past
 * `bytes_max` the entries not looked at for longest go (a clock hand).
 *
 * When the store does not answer, an entry past `fresh_ms` may still be given up to `grace_ms`
 * longer, and is marked stale; then there is nothing to give.
 */
#ifndef STORAGE_FACTS_CACHE_H
#define STORAGE_FACTS_CACHE_H

#include "base/clock.h"
#include "domain/facts/facts.h"
#include "storage/names.h"
#include "storage/record.h"
#include "storage/store.h"

struct facts_cache;

enum { FACTS_CACHE_FEED_SILENT_MS = 2000 };

struct facts_cache_options {
    struct store *store;
    const struct names *names;
    const struct clock *clock;
    size_t bytes_max;
    int64_t fresh_ms;        /* freshness bound: older entries are read again */
    int64_t grace_ms;        /* how much longer they may answer while the store is down */
    int64_t read_timeout_ms; /* of one read from the store */
};

/* Facts as the check sees them, copied out of the cache. */
struct facts_view {
    const struct facts *facts; /* in the arena that was given */
    struct hash128 subject;
    uint64_t number; /* a number of the partition at which this was true: of the read, or of the
                        last change that the feed told of since */
    uint16_t partition;
    int64_t read_at_ms;      /* wall time of the read: the age of the facts counts from here */
    bool is_known;           /* there is a record */
    bool is_stale;           /* past fresh_ms */
    uint8_t principal_count; /* > 0: a service; the persons behind it count, see
                                facts_view_principals */
    const struct hash128 *principals;
};

/* Listens to the store: made before its first request. */
struct facts_cache *facts_cache_new(const struct facts_cache_options *options);

/* Before store_free(): from now on facts_cache_load() answers STORE_UNAVAILABLE and the store is
 * not asked any more.  Nothing else may be calling the cache. */
void facts_cache_stop(struct facts_cache *cache);

/* After store_free(), and after the inboxes have run what that gave them.  NULL is allowed. */
void facts_cache_free(struct facts_cache *cache);

/*
 * Any thread, never waits.  True when there is an entry that may answer without asking the store:
 * fresh, valid at `now_ms`, and at least as new as `least_number` of its partition (0: no matter).
 */
bool facts_cache_get(struct facts_cache *cache, struct hash128 subject, uint64_t least_number,
                     int64_t now_ms, struct arena *arena, struct facts_view *ret_view);

/* One that waits for a subject to be read.  Owned by the waiter; freed by it after on_done. */
struct facts_waiter {
    struct task done;
    struct inbox *reply_to;
    void (*on_done)(struct facts_waiter *waiter);
    void *owner;        /* forget it when the call is gone: on_done still runs */
    struct arena arena; /* holds view.facts; facts_waiter_init() makes it */
    bool is_ok;
    struct err err; /* STORE_UNAVAILABLE, DEADLINE, STORE_CORRUPT, OVERLOADED, REVISION_AHEAD */
    struct facts_view view;

    /* The cache's while it has the waiter. */
    struct facts_waiter *next;
    uint64_t least_number;
    uint64_t change_number; /* a change of the subject was known of when the waiter came */
    bool came_late;         /* the read under way had begun before the waiter came */
    bool needs_next_read;   /* … and something had changed since: its result is too old for it */
};

void facts_waiter_init(struct facts_waiter *waiter, struct inbox *reply_to,
                       void (*on_done)(struct facts_waiter *waiter), void *owner);
void facts_waiter_release(struct facts_waiter *waiter);

/*
 * Read the subject from the store unless somebody is doing so already; everyone who waits for the
 * same subject gets the result of one read (a waiter with a `least_number` that this read did not
 * reach, or that came after a change that this read may not have seen, gets one more).  When the
 * store does not answer within its timeout and there is an entry within its grace, that is the
 * result, marked stale; who comes when the timeout has passed already gets it at once.  A
 * least_number beyond what the store has is REVISION_AHEAD.
 *
 * The record is read and its facts are derived on the thread of one of the waiters.
 */
void facts_cache_load(struct facts_cache *cache, struct hash128 subject, uint64_t least_number,
                      struct facts_waiter *waiter);

/* The writer's own changes are dropped by the feed; a caller that has just written may call this to
 * be sure. */
void facts_cache_drop(struct facts_cache *cache, struct hash128 subject);

struct facts_cache_stats {
    uint64_t hits;
    uint64_t misses;
    uint64_t loads;
    uint64_t shared_loads; /* waited for somebody else's read */
    uint64_t evictions;
    uint64_t invalidations;
    uint64_t resets;
    size_t entries;
    size_t bytes;
};

void facts_cache_get_stats(struct facts_cache *cache, struct facts_cache_stats *ret_stats);

#endif
