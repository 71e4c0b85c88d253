/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what this replica knows to have been written lately, so that a server that has lost
 * it is not believed, and what this replica wrote itself can be put there again.
 *
 * It holds of every key that was written, here or by others as the feed tells, the number of its
 * newest write; and of own writes all that they put.  When another epoch begins, what the server
 * may not have is *doubted*: a key until it is read with that number or a newer one, or somebody
 * writes it; an own write until it was put again or found to be there.  A write that was sent and
 * not answered is *unsure*.  It is forgotten, unless the feed has told that what it changes was
 * written, and that is lost: then it had happened, as others know, too, and is a doubted one
 * without a number, to be sent once more with its guards.
 *
 * Bounded: in keys, in bytes of own writes, and in time, which is taken from the notes themselves,
 * so that nothing is forgotten while there is no server to write to.  What is doubted is never
 * forgotten, and takes its room from what is not.
 *
 * Pure bookkeeping; of one thread.
 */
#ifndef STORAGE_LEDGER_H
#define STORAGE_LEDGER_H

#include "storage/store.h"

enum {
    LEDGER_KEYS_MAX = 64 * 1024,
    LEDGER_BYTES_MAX = 32 * 1024 * 1024,
    LEDGER_KEPT_MS = 2 * 60 * 1000,
};

struct ledger;

/* What a write was asked to do; one block of memory. */
struct ledger_write {
    struct ledger_write *next;
    size_t bytes;
    int64_t noted_ms;
    uint64_t number; /* 0: it was sent, and nobody knows whether it happened */
    uint16_t partition;
    bool is_lost;    /* doubted, and the server surely lacks it */
    uint32_t newest; /* taken: bit i, put i is the newest that is known of its key */
    struct store_guard *guards;
    size_t guard_count;
    struct store_put *puts;
    size_t put_count;
    struct store_change *changes;
    size_t change_count;
    struct store_outbox_entry *outbox;
    size_t outbox_count;
};

struct ledger *ledger_new(size_t keys_max, size_t bytes_max);
/* Every write that was taken has been given back.  NULL is allowed. */
void ledger_free(struct ledger *ledger);

/* What somebody wrote, as the feed tells it. */
void ledger_note(struct ledger *ledger, const struct store_change *change, int64_t now_ms);

/*
 * Own writes.  A copy of what is about to be sent, which goes back with one of: it happened; it did
 * not, and nothing of it; nobody knows.
 */
struct ledger_write *ledger_sent(const struct store_request *request);
void ledger_written(struct ledger *ledger, struct ledger_write *write, uint64_t number,
                    int64_t now_ms);
void ledger_refused(struct ledger_write *write);
void ledger_unsure(struct ledger *ledger, struct ledger_write *write);

/* The connection is back, and the epoch the same: who was told that his write may have happened or
 * not has to find out. */
void ledger_stay(struct ledger *ledger, uint16_t partition);
/* Another epoch has begun.  The server has everything up to number `inherited`, and of the epochs
 * before that one what was not doubted by now; 0: nobody knows what it has. */
void ledger_enter(struct ledger *ledger, uint16_t partition, uint64_t epoch, uint64_t inherited);

/* The oldest own write that is doubted; NULL: there is none.  Of its puts only the newest are
 * wanted again.  It goes back with ledger_put_again(), ledger_doubt() or, without a number, as
 * after it was sent. */
struct ledger_write *ledger_take_doubted(struct ledger *ledger);
void ledger_doubt(struct ledger *ledger, struct ledger_write *write);
/*
 * It was put again under `number`, 0: there was nothing to do.  `was_put` is by put: false for one
 * that was not the newest here, or older than what was found there.
 */
void ledger_put_again(struct ledger *ledger, struct ledger_write *write, uint64_t number,
                      const bool *was_put, int64_t now_ms);

/* A key was read with this version: false when it is older than what is known of it. */
MUST_CHECK bool ledger_believes(struct ledger *ledger, struct store_key key, uint64_t version);

struct ledger_stats {
    size_t keys;
    size_t doubted_keys;
    size_t bytes; /* of own writes */
};

void ledger_get_stats(const struct ledger *ledger, struct ledger_stats *ret_stats);

#endif
