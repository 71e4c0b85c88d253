/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: a bounded queue under one mutex that nobody holds across work. */
#include "base/executor.h"

#include "base/memory.h"
#include "base/thread.h"

#include <pthread.h>

struct executor {
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct job **ring; /* of queue_max entries */
    size_t queue_max;
    size_t first;
    size_t count;
    bool is_stopping;
    pthread_t *threads;
    size_t thread_count;
};

static struct job *take(struct executor *executor)
{
    struct job *job = NULL;

    pthread_mutex_lock(&executor->mutex);
    while (executor->count == 0 && !executor->is_stopping)
        pthread_cond_wait(&executor->has_work, &executor->mutex);
    if (executor->count > 0) {
        job = executor->ring[executor->first];
        executor->first = (executor->first + 1) % executor->queue_max;
        executor->count--;
    }
    pthread_mutex_unlock(&executor->mutex);
    return job;
}

static void *run_thread(void *argument)
{
    struct executor *executor = argument;
    struct job *job;

    thread_lower_priority();
    while ((job = take(executor))) {
        struct inbox *reply_to = job->reply_to;

        job->work(job);
        inbox_post(reply_to, &job->done);
    }
    return NULL;
}

struct executor *executor_new(size_t thread_count, size_t queue_max)
{
    struct executor *executor = memory_new(struct executor);

    pthread_mutex_init(&executor->mutex, NULL);
    pthread_cond_init(&executor->has_work, NULL);
    executor->ring = memory_new_array(struct job *, queue_max);
    executor->queue_max = queue_max;
    executor->threads = memory_new_array(pthread_t, thread_count);
    executor->thread_count = thread_count;
    for (size_t i = 0; i < thread_count; i++)
        thread_start(&executor->threads[i], "executor", run_thread, executor);
    return executor;
}

bool executor_submit(struct executor *executor, struct job *job, struct err *err)
{
    bool is_taken;

    pthread_mutex_lock(&executor->mutex);
    is_taken = executor->count < executor->queue_max && !executor->is_stopping;
    if (is_taken) {
        executor->ring[(executor->first + executor->count) % executor->queue_max] = job;
        executor->count++;
        pthread_cond_signal(&executor->has_work);
    }
    pthread_mutex_unlock(&executor->mutex);
    if (!is_taken)
        return err_set(err, ERR_OVERLOADED, "executor queue of %zu is full", executor->queue_max);
    return true;
}

void executor_free(struct executor *executor)
{
    if (!executor)
        return;
    pthread_mutex_lock(&executor->mutex);
    executor->is_stopping = true;
    pthread_cond_broadcast(&executor->has_work);
    pthread_mutex_unlock(&executor->mutex);
    for (size_t i = 0; i < executor->thread_count; i++)
        pthread_join(executor->threads[i], NULL);
    pthread_cond_destroy(&executor->has_work);
    pthread_mutex_destroy(&executor->mutex);
    memory_free(executor->threads);
    memory_free(executor->ring);
    memory_free(executor);
}
