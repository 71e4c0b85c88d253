/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of one worker: the heap. */
#include "rpc/timers.h"

#include "base/memory.h"

void rpc_timers_init(struct rpc_timers *timers)
{
    *timers = (struct rpc_timers){.capacity = 64};
    timers->heap = memory_new_array(struct rpc_timer *, timers->capacity);
}

void rpc_timers_release(struct rpc_timers *timers)
{
    memory_free(timers->heap);
}

static void put(struct rpc_timers *timers, size_t position, struct rpc_timer *timer)
{
    timers->heap[position] = timer;
    timer->position = position;
}

static void sift_up(struct rpc_timers *timers, size_t position, struct rpc_timer *timer)
{
    while (position > 1 && timers->heap[position / 2]->due_ns > timer->due_ns) {
        put(timers, position, timers->heap[position / 2]);
        position /= 2;
    }
    put(timers, position, timer);
}

static void sift_down(struct rpc_timers *timers, size_t position, struct rpc_timer *timer)
{
    for (;;) {
        size_t child = position * 2;

        if (child < timers->count && timers->heap[child + 1]->due_ns < timers->heap[child]->due_ns)
            child++;
        if (child > timers->count || timers->heap[child]->due_ns >= timer->due_ns)
            break;
        put(timers, position, timers->heap[child]);
        position = child;
    }
    put(timers, position, timer);
}

void rpc_timers_set(struct rpc_timers *timers, struct rpc_timer *timer, int64_t due_ns)
{
    rpc_timers_cancel(timers, timer);
    if (timers->count + 1 == timers->capacity) {
        timers->capacity *= 2;
        timers->heap = memory_grow(timers->heap, timers->capacity, sizeof(timers->heap[0]));
    }
    timer->due_ns = due_ns;
    sift_up(timers, ++timers->count, timer);
}

void rpc_timers_cancel(struct rpc_timers *timers, struct rpc_timer *timer)
{
    size_t position = timer->position;
    struct rpc_timer *last;

    if (position == 0)
        return;
    timer->position = 0;
    last = timers->heap[timers->count--];
    if (last == timer)
        return;
    if (position > 1 && timers->heap[position / 2]->due_ns > last->due_ns)
        sift_up(timers, position, last);
    else
        sift_down(timers, position, last);
}

int64_t rpc_timers_next_ns(const struct rpc_timers *timers)
{
    return timers->count > 0 ? timers->heap[1]->due_ns : INT64_MAX;
}

int64_t rpc_timers_run(struct rpc_timers *timers, int64_t now_ns)
{
    int64_t latest_ns = 0;

    while (timers->count > 0 && timers->heap[1]->due_ns <= now_ns) {
        struct rpc_timer *timer = timers->heap[1];

        if (now_ns - timer->due_ns > latest_ns)
            latest_ns = now_ns - timer->due_ns;
        rpc_timers_cancel(timers, timer);
        timer->on_due(timer);
    }
    return latest_ns;
}
