/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: what every backend does.
 *
 * A store keeps values under keys in P fixed partitions.  A partition has a counter, and everything
 * that is written into it together - values, feed entries, audit outbox entries - is written at
 * once or not at all and gets the next number of that counter:  epoch << 40 | counter.  Numbers of
 * one partition only grow.
 *
 * All operations are asynchronous.  The submitter owns the request before and after, the store in
 * between: `on_done` runs exactly once, on the thread of `reply_to`.  A submitter that has lost
 * interest (its call was cancelled) forgets the owner in `owner` and frees the request when
 * `on_done` runs; it never waits.
 *
 * Acknowledged means kept: a write is done when it is durable as the backend's configuration
 * promises. "No value" and "no answer" are different things: the first is a success with version 0.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/inbox.h"
#include "base/keyed_hash.h"
#include "base/span.h"

#include <stdatomic.h>

/* What a key is about.  The numbers are stored: they are never reused. */
enum store_space {
    STORE_SUBJECT = 1,     /* a subject's record */
    STORE_REQUEST = 2,     /* an answered request_id, for 24 h */
    STORE_CHECK = 3,       /* (vendor, check id): which subject it belongs to */
    STORE_CLAIM = 4,       /* an issued claim by its jti, until it has expired */
    STORE_CLAIM_CACHE = 5, /* the claim to give again for (subject, audience, azp, disclosure) */
    STORE_REALM = 6,       /* what there is one of: whose it is, the directive set in force */
};

/* Made by storage/names.h, nowhere else. */
struct store_key {
    enum store_space space;
    struct hash128 id;
};

enum {
    STORE_CLAIM_MS_MAX = 60000,
    STORE_PARTITIONS_MAX = 64,
    STORE_KEYS_MAX = 16, /* of one request */
    STORE_VALUE_BYTES_MAX = 64 * 1024,
    STORE_OUTBOX_LIMIT_MAX = 1024,
    STORE_SCAN_LIMIT_MAX = 128,
    STORE_CURSOR_BYTES_MAX = 64,
    STORE_NUMBER_COUNTER_BITS = 40,
};

/* A value as it was found.  version 0: there is none. */
struct store_value {
    uint64_t version;      /* the number of the write that made it */
    int64_t expires_at_ms; /* wall time; TIMESTAMP_NEVER_MS */
    struct span data;      /* in the request's arena */
};

enum store_entry_state {
    STORE_ENTRY_FINE,
    STORE_ENTRY_FOREIGN,   /* what is stored under the key was written under another one */
    STORE_ENTRY_MALFORMED, /* what is stored under the key is no value */
    STORE_ENTRY_TOO_LARGE, /* longer than STORE_VALUE_BYTES_MAX */
};

/*
 * What a scan has found.  A value that has expired and was not removed yet is found as well: it is
 * the reader's to leave out.  What is not FINE has no data, and is nobody's answer.
 */
struct store_entry {
    struct store_key key; /* the space may be one that this program does not know */
    enum store_entry_state state;
    struct store_value value;
};

/* The write happens only if the key has this version now (0: only if there is no value). */
struct store_guard {
    struct store_key key;
    uint64_t version;
};

/* data.length 0 removes the value. */
struct store_put {
    struct store_key key;
    int64_t expires_at_ms;
    struct span data;
};

enum store_change_kind {
    STORE_CHANGE_SUBJECT = 1,    /* the record under `id` changed: drop what was derived from it */
    STORE_CHANGE_CLAIM = 2,      /* the claim with jti hash `id` was revoked */
    STORE_CHANGE_DIRECTIVES = 3, /* another directive set is in force */
};

/* One entry of the feed. */
struct store_change {
    uint64_t number;
    uint16_t partition;
    enum store_change_kind kind;
    struct hash128 id;
    /* Told before changes with smaller numbers, so that an own write is known here when it is
     * answered: it says nothing of those, and is told again in its turn. */
    bool is_ahead;
};

/* An audit record that was written together with what it is about. */
struct store_outbox_entry {
    uint64_t number;
    uint16_t partition;
    struct span record;
};

enum store_operation {
    STORE_READ,  /* keys[] → values[], number */
    STORE_WRITE, /* guards[], puts[], changes[], outbox[] → number; or CONFLICT and conflict_index
                  */
    STORE_OUTBOX_READ,   /* limit → outbox[], oldest first; never a part of one write, so that
                            there may be a few more than limit */
    STORE_OUTBOX_REMOVE, /* everything of the partition up to and including `number` */
    /*
     * claimant, claim_ms → is_claimed: whoever moves records out of the outbox claims it first, so
     * that no two move the same.  The claim is the claimant's for claim_ms from now on, if nobody
     * else has it, and longer when he claims it again; 0 gives up his own.  It stops nobody:
     * reading and removing go on for all, and what a claim that lapsed too early costs is a record
     * that is moved twice.
     */
    STORE_OUTBOX_CLAIM,
    STORE_PING, /* can the store read and write? */
    /*
     * cursor, limit → entries[], cursor, is_scanned, scanned_permille: a page of everything that
     * the partition holds, in no order.  A key that is there from the first page to the last is
     * found at least once, and sometimes twice; one that comes or goes meanwhile may be found or
     * not.  A page may have a few more than limit, or none although it is not the last one.
     * FIELD_RANGE for a cursor that is none of this backend's; CONFLICT for one of an epoch that
     * has ended since: the scan has to begin again.
     */
    STORE_SCAN,
};

struct store_request {
    struct task done;
    struct inbox *reply_to;
    void (*on_done)(struct store_request *request);
    void *owner;

    enum store_operation operation;
    uint16_t partition;
    int64_t deadline_ms; /* monotonic; past it the answer is DEADLINE, and a write may or may not
                            have happened */
    bool is_waited_for;  /* a read of a caller: OVERLOADED while others have waited for too long */
    struct arena arena;  /* of the request: inputs and results live here */

    struct store_key *keys;
    size_t key_count;
    struct store_guard *guards;
    size_t guard_count;
    struct store_put *puts;
    size_t put_count;
    struct store_change *changes; /* kind and id are inputs */
    size_t change_count;
    struct store_outbox_entry
        *outbox; /* STORE_WRITE: records to append; STORE_OUTBOX_READ: the result */
    size_t outbox_count;
    size_t limit;
    uint64_t claimant; /* STORE_OUTBOX_CLAIM: not 0 */
    int64_t claim_ms;
    struct span cursor; /* STORE_SCAN: empty begins; then what the page before has left here */

    /* Results. */
    bool is_ok;
    struct err err;  /* STORE_UNAVAILABLE, DEADLINE, CONFLICT, STORE_CORRUPT, OVERLOADED; of a scan
                        FIELD_RANGE */
    uint64_t number; /* the write's own; for a read the partition's number that it saw */
    size_t conflict_index;      /* the guard that did not hold */
    bool is_claimed;            /* false: somebody else has it */
    struct store_value *values; /* as many as keys */
    struct store_entry *entries;
    size_t entry_count;
    bool is_scanned;           /* this was the last page */
    uint32_t scanned_permille; /* about how much of the partition lies behind */

    /* The store's while it has the request. */
    struct store *store;
    void *notes; /* in the arena: a backend's own, about an operation of several steps */
    int64_t submitted_ns;
    struct store_request *next;
    bool is_asked_again; /* on another connection than the first time */
    bool is_queued;      /* with the reads that are waited for; so are these */
    struct store_request *older;
    struct store_request *newer;
};

/* An empty request with an arena and without a deadline. */
struct store_request *store_request_new(enum store_operation operation, uint16_t partition,
                                        struct inbox *reply_to,
                                        void (*on_done)(struct store_request *request),
                                        void *owner);
void store_request_free(struct store_request *request);

/* Add to the inputs; `data` is copied.  More than STORE_KEYS_MAX of a kind is a bug and aborts. */
void store_request_key(struct store_request *request, struct store_key key);
void store_request_guard(struct store_request *request, struct store_key key, uint64_t version);
void store_request_put(struct store_request *request, struct store_key key, int64_t expires_at_ms,
                       struct span data);
void store_request_remove(struct store_request *request, struct store_key key);
void store_request_change(struct store_request *request, enum store_change_kind kind,
                          struct hash128 id);
void store_request_outbox(struct store_request *request, struct span record);
/* For STORE_SCAN: `cursor` is copied. */
void store_request_cursor(struct store_request *request, struct span cursor);

/*
 * Who wants to know what changed.  Called on a thread of the store: quick, no waiting.  A listener
 * misses nothing between its registration and store_free(): what was lost is told as a reset.
 */
struct store_listener {
    struct store_listener *next;
    void (*on_change)(struct store_listener *listener, const struct store_change *change);
    /* A gap, a trim or a new epoch: whatever was derived from this partition may be old. */
    void (*on_reset)(struct store_listener *listener, uint16_t partition);
};

struct store_state {
    bool is_up; /* the last operation that could tell got an answer */
    uint64_t epoch;
    int64_t feed_age_ms; /* since the feed last proved to be alive; 0 where it cannot lag */
    size_t pending;      /* requests taken and not answered */
    size_t doubted_keys; /* that a server has lost, as far as is known, and nobody has put again */
    uint64_t put_again;  /* own writes that a server had lost, and that are there again */
};

struct store;

struct store_ops {
    const char *name; /* "sqlite" */
    void (*submit)(struct store *store, struct store_request *request);
    void (*listen)(struct store *store, struct store_listener *listener);
    void (*state)(struct store *store, struct store_state *ret_state);
    void (*free)(struct store *store);
};

/* First member of every backend's own struct. */
struct store {
    const struct store_ops *ops;
    uint16_t partition_count;
    void (*observe)(void *observer, int64_t duration_ns); /* told of every answer; or NULL */
    void *observer;
    struct read_queue *reads; /* which may bound the age of reads; or NULL */
    const char *durability; /* what an acknowledgement means, for GetServerInfo: "sqlite: fsync per
                               commit" */
    /* Where the feed may lag: when it last proved to be alive, on `clock`.  What anybody had
     * written by then, listeners have been told.  NULL: it cannot lag. */
    const _Atomic int64_t *feed_alive_ms;
    const struct clock *clock;
};

/* Any thread.  A request that breaks a limit (a partition that there is not, a value longer than
 * STORE_VALUE_BYTES_MAX, a limit of 0) is answered INTERNAL: limits are the submitter's to keep. */
void store_submit(struct store *store, struct store_request *request);
/* Before the first request. */
void store_listen(struct store *store, struct store_listener *listener);
void store_get_state(struct store *store, struct store_state *ret_state);

/* feed_age_ms alone, for those who look at every call: one load, and the clock where it matters. */
static inline int64_t store_feed_age_ms(const struct store *store)
{
    int64_t age_ms;

    if (!store->feed_alive_ms)
        return 0;
    age_ms = clock_monotonic_ms(store->clock) -
             atomic_load_explicit(store->feed_alive_ms, memory_order_relaxed);
    return age_ms > 0 ? age_ms : 0;
}

/* Answer everything that was taken (STORE_UNAVAILABLE where it did not happen), stop, free.  The
 * inboxes of all requests must still be there.  NULL is allowed. */
void store_free(struct store *store);

/* For backends: fail or finish a request, which posts it back. */
void store_finish(struct store_request *request);
void store_fail(struct store_request *request, const struct err *err);

#endif
