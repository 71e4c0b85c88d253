/* SPDX-License-Identifier: Apache-2.0 */
/* The reads that callers wait for: a list, so that the oldest is known whatever is answered first.
 */
#include "storage/read_queue.h"

void read_queue_init(struct read_queue *queue, int64_t target_ms, int64_t interval_ms)
{
    *queue = (struct read_queue){.oldest = NULL};
    pthread_mutex_init(&queue->mutex, NULL);
    queue_age_init(&queue->age, target_ms, interval_ms);
}

void read_queue_release(struct read_queue *queue)
{
    pthread_mutex_destroy(&queue->mutex);
}

static int64_t age_ns(const struct read_queue *queue, int64_t now_ns)
{
    return queue->oldest ? now_ns - queue->oldest->submitted_ns : 0;
}

static void append(struct read_queue *queue, struct store_request *request)
{
    request->is_queued = true;
    request->newer = NULL;
    request->older = queue->newest;
    if (queue->newest)
        queue->newest->newer = request;
    else
        queue->oldest = request;
    queue->newest = request;
}

bool read_queue_join(struct read_queue *queue, struct store_request *request, struct err *err)
{
    int64_t now_ns = request->submitted_ns;
    bool is_refused;

    pthread_mutex_lock(&queue->mutex);
    is_refused = queue_age_refuses(&queue->age, age_ns(queue, now_ns), now_ns);
    if (is_refused)
        queue->refused++;
    else
        append(queue, request);
    pthread_mutex_unlock(&queue->mutex);
    if (is_refused)
        return err_set(err, ERR_OVERLOADED, "reads have waited for the store for too long");
    return true;
}

void read_queue_leave(struct read_queue *queue, struct store_request *request, int64_t now_ns)
{
    pthread_mutex_lock(&queue->mutex);
    if (request->older)
        request->older->newer = request->newer;
    else
        queue->oldest = request->newer;
    if (request->newer)
        request->newer->older = request->older;
    else
        queue->newest = request->older;
    (void)queue_age_refuses(&queue->age, age_ns(queue, now_ns), now_ns);
    pthread_mutex_unlock(&queue->mutex);
    request->is_queued = false;
}

int64_t read_queue_age_ns(struct read_queue *queue, int64_t now_ns)
{
    int64_t age;

    pthread_mutex_lock(&queue->mutex);
    age = age_ns(queue, now_ns);
    pthread_mutex_unlock(&queue->mutex);
    return age;
}

uint64_t read_queue_refused(struct read_queue *queue)
{
    uint64_t refused;

    pthread_mutex_lock(&queue->mutex);
    refused = queue->refused;
    pthread_mutex_unlock(&queue->mutex);
    return refused;
}
