/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: a bounded queue under one mutex that nobody holds across work. */
#include "base/executor.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/queue_age.h"
#include "base/thread.h"

#include <pthread.h>

struct executor {
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct job **ring; /* of queue_max entries */
    size_t queue_max;
    size_t first;
    size_t count;
    struct queue_age age;
    uint64_t refused;
    bool is_stopping;
    pthread_t *threads;
    size_t thread_count;
};

/* Under the mutex: of the job that has waited for longest. */
static int64_t age_ns(const struct executor *executor, int64_t now_ns)
{
    return executor->count > 0 ? now_ns - executor->ring[executor->first]->submitted_ns : 0;
}

/* Under the mutex. */
static bool is_too_old(struct executor *executor)
{
    int64_t now_ns = clock_now_ns();

    return queue_age_refuses(&executor->age, age_ns(executor, now_ns), now_ns);
}

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
        (void)is_too_old(executor); /* another one is the oldest now */
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

void executor_bound_age(struct executor *executor, int64_t target_ms, int64_t interval_ms)
{
    queue_age_init(&executor->age, target_ms, interval_ms);
}

/* Under the mutex. */
static bool may_join(struct executor *executor, const struct job *job, struct err *err)
{
    if (executor->count == executor->queue_max || executor->is_stopping)
        return err_set(err, ERR_OVERLOADED, "executor queue of %zu is full", executor->queue_max);
    if (!is_too_old(executor) || job->is_spared)
        return true;
    executor->refused++;
    return err_set(err, ERR_OVERLOADED, "%zu jobs have waited for the executor for too long",
                   executor->count);
}

bool executor_submit(struct executor *executor, struct job *job, struct err *err)
{
    bool is_taken;

    pthread_mutex_lock(&executor->mutex);
    is_taken = may_join(executor, job, err);
    if (is_taken) {
        job->submitted_ns = clock_now_ns();
        executor->ring[(executor->first + executor->count) % executor->queue_max] = job;
        executor->count++;
        pthread_cond_signal(&executor->has_work);
    }
    pthread_mutex_unlock(&executor->mutex);
    return is_taken;
}

void executor_get_state(struct executor *executor, struct executor_state *ret_state)
{
    int64_t now_ns = clock_now_ns();

    pthread_mutex_lock(&executor->mutex);
    *ret_state = (struct executor_state){
        .queued = executor->count,
        .age_ns = age_ns(executor, now_ns),
        .refused = executor->refused,
    };
    pthread_mutex_unlock(&executor->mutex);
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
