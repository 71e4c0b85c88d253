/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of one worker: a binary heap by due time.  C core has no public alarm; the earliest timer
 * is the deadline of the worker's next look at its completion queue.
 */
#ifndef RPC_TIMERS_H
#define RPC_TIMERS_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in what it wakes.  `position` is 0 while it is not in a heap. */
struct rpc_timer {
    int64_t due_ns;
    size_t position;
    void (*on_due)(struct rpc_timer *timer);
};

struct rpc_timers {
    struct rpc_timer **heap; /* from index 1 */
    size_t count;
    size_t capacity;
};

void rpc_timers_init(struct rpc_timers *timers);
void rpc_timers_release(struct rpc_timers *timers);

void rpc_timers_set(struct rpc_timers *timers, struct rpc_timer *timer, int64_t due_ns);
/* No matter whether it is set. */
void rpc_timers_cancel(struct rpc_timers *timers, struct rpc_timer *timer);

/* INT64_MAX when there is none. */
int64_t rpc_timers_next_ns(const struct rpc_timers *timers);

/* Run everything due at `now_ns`; returns how late the latest of them was, 0 when none was due. */
int64_t rpc_timers_run(struct rpc_timers *timers, int64_t now_ns);

#endif
