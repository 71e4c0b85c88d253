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

struct executor;

struct job {
    struct task done; /* posted to `reply_to` when the work is over */
    struct inbox *reply_to;
    void (*work)(struct job *job); /* on an executor thread */
};

/* Start `thread_count` threads that share a queue of at most `queue_max` jobs. */
struct executor *executor_new(size_t thread_count, size_t queue_max);

/* Any thread.  OVERLOADED when the queue is full: then the job has not been taken. */
MUST_CHECK bool executor_submit(struct executor *executor, struct job *job, struct err *err);

/* Finish the jobs that were taken, stop the threads.  NULL is allowed. */
void executor_free(struct executor *executor);

#endif
