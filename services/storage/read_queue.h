/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reads that callers wait for, oldest first: whether one more may join them.
 *
 * A store that answers more slowly than it is asked would let everybody wait until nobody gets an
 * answer in time.  While the oldest read is too old (base/queue_age.h) new ones are refused at once
 * instead, and those that there are come in time.  Reads that nobody waits for are not counted and
 * never refused.
 *
 * Any thread; the mutex is held for a look.
 */
#ifndef STORAGE_READ_QUEUE_H
#define STORAGE_READ_QUEUE_H

#include "base/queue_age.h"
#include "storage/store.h"

#include <pthread.h>

struct read_queue {
    pthread_mutex_t mutex;
    struct store_request *oldest;
    struct store_request *newest;
    struct queue_age age;
    uint64_t refused;
};

void read_queue_init(struct read_queue *queue, int64_t target_ms, int64_t interval_ms);
void read_queue_release(struct read_queue *queue);

/* OVERLOADED.  Otherwise the request has to leave, when it is answered. */
MUST_CHECK bool read_queue_join(struct read_queue *queue, struct store_request *request,
                                struct err *err);
void read_queue_leave(struct read_queue *queue, struct store_request *request, int64_t now_ns);

/* How long the oldest has waited, 0 when none does; and how many were refused since the start. */
int64_t read_queue_age_ns(struct read_queue *queue, int64_t now_ns);
uint64_t read_queue_refused(struct read_queue *queue);

#endif
