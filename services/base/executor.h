/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor: a few low-priority threads for what takes long, so that nothing on a worker blocks.
 *
 * A job belongs to its submitter again when `done` runs on the submitter's inbox.
 */
#ifndef BASE_EXECUTOR_H
#define BASE_EXECUTOR_H

#include "base/err.h"
#include "base/inbox.h"

#include <stdint.h>

struct executor;

struct job {
    struct task done; /* posted to `reply_to` when the work is over */
    struct inbox *reply_to;
    void (*work)(struct job *job); /* on an executor thread */
    bool is_spared;                /* not refused for the age of the queue */

    int64_t submitted_ns; /* the executor's */
};

struct executor_state {
    size_t queued;    /* jobs that wait */
    int64_t age_ns;   /* of the one that has waited for longest; 0 when none waits */
    uint64_t refused; /* for the age of the queue, since the start */
};

/* Start `thread_count` threads that share a queue of at most `queue_max` jobs. */
struct executor *executor_new(size_t thread_count, size_t queue_max);

/* Before the first job: refuse new ones while those that wait have done so for too long
 * (base/queue_age.h).  Without this nothing is. */
void executor_bound_age(struct executor *executor, int64_t target_ms, int64_t interval_ms);

/* Any thread.  OVERLOADED when the queue is full, or too old: then the job has not been taken. */
MUST_CHECK bool executor_submit(struct executor *executor, struct job *job, struct err *err);

/* Any thread. */
void executor_get_state(struct executor *executor, struct executor_state *ret_state);

/* Finish the jobs that were taken, stop the threads.  NULL is allowed. */
void executor_free(struct executor *executor);

#endif
