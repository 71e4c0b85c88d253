/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: the loop. */
#include "rpc/worker.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#include <stdio.h>

static gpr_timespec timespec_of_ns(int64_t ns)
{
    if (ns == INT64_MAX)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return (gpr_timespec){ns / 1000000000, (int32_t)(ns % 1000000000), GPR_CLOCK_MONOTONIC};
}

/* Any thread, and only one batch at a time: `is_rung` is taken back when its tag comes. */
static void ring(struct inbox *inbox)
{
    struct rpc_worker *worker = CONTAINER_OF(inbox, struct rpc_worker, inbox);

    if (!atomic_exchange_explicit(&worker->is_rung, true, memory_order_acq_rel) &&
        grpc_call_start_batch(worker->bell, NULL, 0, &worker->doorbell, NULL) != GRPC_CALL_OK)
        abort();
}

static void on_doorbell(struct rpc_op *op, bool is_ok)
{
    struct rpc_worker *worker = CONTAINER_OF(op, struct rpc_worker, doorbell);

    (void)is_ok;
    /* An exchange, not a store: who found the bell rung has posted before, and is seen below. */
    atomic_exchange_explicit(&worker->is_rung, false, memory_order_acq_rel);
    inbox_run(&worker->inbox);
    if (!inbox_is_empty(&worker->inbox))
        ring(&worker->inbox);
}

void rpc_worker_init(struct rpc_worker *worker, struct rpc_server *server, uint32_t index)
{
    worker->server = server;
    worker->index = index;
    worker->queue = grpc_completion_queue_create_for_next(NULL);
    worker->doorbell.on_done = on_doorbell;
    worker->lame = grpc_lame_client_channel_create("doorbell", GRPC_STATUS_UNKNOWN, "doorbell");
    worker->bell = grpc_channel_create_call(
        worker->lame, NULL, GRPC_PROPAGATE_DEFAULTS, worker->queue,
        grpc_slice_from_static_string("/doorbell"), NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    inbox_init(&worker->inbox, ring);
    rpc_timers_init(&worker->timers);
}

static void run_timers(struct rpc_worker *worker)
{
    int64_t late_us;

    if (rpc_timers_next_ns(&worker->timers) > worker->now_ns)
        return;
    late_us = rpc_timers_run(&worker->timers, worker->now_ns) / 1000;
    if ((unsigned long long)late_us >
        atomic_load_explicit(&worker->late_us_max, memory_order_relaxed))
        atomic_store_explicit(&worker->late_us_max, (unsigned long long)late_us,
                              memory_order_relaxed);
}

static void *run(void *argument)
{
    struct rpc_worker *worker = argument;

    for (;;) {
        gpr_timespec deadline = timespec_of_ns(rpc_timers_next_ns(&worker->timers));
        grpc_event event = grpc_completion_queue_next(worker->queue, deadline, NULL);
        struct rpc_op *op;

        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        worker->now_ns = clock_now_ns();
        if (event.type == GRPC_OP_COMPLETE) {
            op = event.tag;
            rpc_backlog_look(worker);
            op->on_done(op, event.success != 0);
        }
        run_timers(worker);
    }
}

void rpc_worker_start(struct rpc_worker *worker)
{
    char name[16];

    snprintf(name, sizeof(name), "worker-%u", worker->index);
    thread_start(&worker->thread, name, run, worker);
}

/* The bell is taken and never given back, so that nobody can ring a queue that is shut down; what
 * is posted later is run by rpc_worker_release(). */
void rpc_worker_quit(struct rpc_worker *worker)
{
    while (atomic_exchange_explicit(&worker->is_rung, true, memory_order_acq_rel))
        sched_yield();
    rpc_backlog_quit(worker);
    grpc_completion_queue_shutdown(worker->queue);
    pthread_join(worker->thread, NULL);
}

void rpc_worker_release(struct rpc_worker *worker)
{
    inbox_run(&worker->inbox);
    while (worker->spare_calls) {
        struct rpc_call *call = worker->spare_calls;

        worker->spare_calls = call->next_free;
        rpc_call_free(call);
    }
    while (worker->arena_count > 0)
        arena_release(&worker->arenas[--worker->arena_count]);
    grpc_call_unref(worker->bell);
    grpc_channel_destroy(worker->lame);
    grpc_completion_queue_destroy(worker->queue);
    rpc_backlog_release(worker);
    rpc_timers_release(&worker->timers);
}

struct arena rpc_worker_take_arena(struct rpc_worker *worker)
{
    struct arena arena;

    if (worker->arena_count > 0)
        return worker->arenas[--worker->arena_count];
    arena_init(&arena, CALL_ARENA_BYTES);
    return arena;
}

void rpc_worker_give_arena(struct rpc_worker *worker, struct arena *arena)
{
    arena_reset(arena);
    if (worker->arena_count < WORKER_ARENAS_MAX)
        worker->arenas[worker->arena_count++] = *arena;
    else
        arena_release(arena);
}
