/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change log: the last changes of the store that this process was told of, for whoever follows
 * them from another thread and at a pace of his own.
 *
 * A ring that a listener of the store fills, in the order of the numbers, and that drops its oldest
 * entries.  A reader has a
 * point in it; a reader whose point was dropped, or who stands before a reset of the feed, is told
 * that it has lost track.  The log begins with the process: of older changes it knows only that
 * everything after a number is here, once it has been told a number.
 */
#ifndef STORAGE_CHANGE_LOG_H
#define STORAGE_CHANGE_LOG_H

#include "storage/store.h"

struct change_log;

enum { CHANGE_LOG_ENTRIES = 64 * 1024 }; /* 2 MiB, touched as they are filled */

/* Where a reader stands. */
struct change_point {
    uint64_t position;  /* how many entries were before */
    uint64_t number;    /* of the last of them, or the newest known; 0: none is known */
    uint16_t partition; /* of that number */
};

/* Listens to the store: made before its first request, of a store whose partitions are known. */
struct change_log *change_log_new(struct store *store, size_t entries_max);
/* After store_free().  NULL is allowed. */
void change_log_free(struct change_log *log);

/*
 * `ring(owner)` is called whenever there is something new, on a thread of the store and under the
 * log's lock: quick, and without a look at the log.  One follower; NULL ends it, and when this
 * returns no call is under way any more.
 */
void change_log_follow(struct change_log *log, void (*ring)(void *owner), void *owner);

/* From now on.  Any thread, as everything below. */
struct change_point change_log_end(struct change_log *log);

/*
 * From a number on, its own changes included: whoever was told of a part of one write gets all of
 * it.  False when the log does not hold everything since, or cannot know: the number of one
 * partition says nothing where there are several.
 */
MUST_CHECK bool change_log_find(struct change_log *log, uint16_t partition, uint64_t number,
                                struct change_point *ret_point);

/* Read up to `most` entries and move the point behind them.  False when entries are lost: then the
 * point is at the end. */
MUST_CHECK bool change_log_read(struct change_log *log, struct change_point *point,
                                struct store_change *changes, size_t most, size_t *ret_count);

/*
 * Without a change since the start or the last reset, the log knows no number.  Then somebody reads
 * one from the store (the number that a read has seen, begun after the question) and tells it.
 */
bool change_log_wants_number(struct change_log *log, uint64_t *ret_question);
void change_log_tell_number(struct change_log *log, uint64_t question, uint64_t number);

#endif
