/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The age of a queue: whether new work may still join it.
 *
 * A queue that a burst has filled empties again by itself.  One whose oldest item has been older
 * than a target for a whole interval stands: it makes everybody wait and nobody faster (RFC 8289
 * 3.1).  From then on work is refused while the oldest item is older than the target, and a burst
 * is not forgiven any more, until it was younger for a whole interval.
 *
 * RFC 8289 drops now and then, and more often as time goes by, because its senders slow down when
 * one packet is lost.  Callers do not; so everything that comes while the queue is too old is
 * refused, which costs the queue nothing and makes it young again.
 *
 * What is oldest, and how old, is the owner's to know.  He tells of every change of it: in between
 * the age grows with the clock.  No lock, no clock, no memory.
 */
#ifndef BASE_QUEUE_AGE_H
#define BASE_QUEUE_AGE_H

#include <stdbool.h>
#include <stdint.h>

struct queue_age {
    int64_t target_ns; /* 0: nothing is ever refused */
    int64_t interval_ns;
    int64_t turned_ns; /* since when it is old, or is not */
    bool is_old;       /* the oldest item is older than the target */
    bool is_standing;
};

void queue_age_init(struct queue_age *queue, int64_t target_ms, int64_t interval_ms);

/* The oldest item is that old now; 0 when there is none.  True when new work is to be refused. */
bool queue_age_refuses(struct queue_age *queue, int64_t age_ns, int64_t now_ns);

#endif
