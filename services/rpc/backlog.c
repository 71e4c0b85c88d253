/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backlog: what waits in a worker's completion queue, and for how long.
 *
 * A worker that is busy never polls: everything that core has read waits in the worker's queue, and
 * what it has not read, in the sockets, waits for as long.  So the age of a call is the time that
 * anything takes from the end of the queue to its head.  A marker measures it: an empty batch, like
 * the doorbell, at most one every few milliseconds.  How long the queue was never empty would be
 * cheaper and tells nothing: a server that works to capacity and lets nobody wait looks the same.
 *
 * Calls that come when none is posted wait in core, where a marker does not pass and nothing is
 * bounded.  So when all posted calls have come before the marker, twice as many are posted, until
 * they are few again.
 *
 * What has begun waits elsewhere, and is not looked at here: for the store (storage/read_queue.h),
 * for the executor.
 */
#include "base/memory.h"
#include "rpc/worker.h"

#include <sched.h>

enum {
    MARKER_EVERY_NS = 5 * 1000 * 1000,
    POSTED_MAX = 4096, /* of a door and worker: some 5 MB */
    FEW = 8,           /* less than this part of those that are posted */
};

static struct rpc_posted *posted_of(struct rpc_worker *worker, const struct rpc_door *door)
{
    return &worker->backlog.posted[door - worker->server->doors];
}

void rpc_backlog_post(struct rpc_worker *worker, const struct rpc_door *door)
{
    struct rpc_posted *posted = posted_of(worker, door);

    while (posted->count < posted->wanted && rpc_call_post(worker, door))
        posted->count++;
}

void rpc_backlog_accept(struct rpc_worker *worker, const struct rpc_door *door)
{
    struct rpc_posted *posted = posted_of(worker, door);

    posted->count--;
    posted->accepted++;
    rpc_backlog_post(worker, door);
}

static void adapt(struct rpc_posted *posted, uint32_t least)
{
    uint32_t most = least > POSTED_MAX ? least : POSTED_MAX;

    if (posted->accepted >= posted->wanted)
        posted->wanted = 2 * posted->wanted < most ? 2 * posted->wanted : most;
    else if (posted->accepted < posted->wanted / FEW)
        posted->wanted = posted->wanted / 2 > least ? posted->wanted / 2 : least;
}

static void note_trip(struct rpc_worker *worker, int64_t trip_ns)
{
    struct rpc_backlog *backlog = &worker->backlog;

    backlog->trip_ns = trip_ns;
    backlog->back_ns = worker->now_ns;
    (void)queue_age_refuses(&backlog->age, trip_ns, worker->now_ns);
    atomic_store_explicit(&backlog->age_us, (unsigned long long)trip_ns / 1000,
                          memory_order_relaxed);
}

static void send_marker(struct rpc_worker *worker)
{
    struct rpc_backlog *backlog = &worker->backlog;

    if (atomic_exchange_explicit(&backlog->is_marked, true, memory_order_acquire))
        return;
    backlog->marked_ns = worker->now_ns;
    for (size_t i = 0; i < worker->server->door_count; i++)
        backlog->posted[i].accepted = 0;
    if (grpc_call_start_batch(worker->bell, NULL, 0, &backlog->marker, NULL) != GRPC_CALL_OK)
        abort();
}

static void on_marker(struct rpc_op *op, bool is_ok)
{
    struct rpc_backlog *backlog = CONTAINER_OF(op, struct rpc_backlog, marker);
    struct rpc_worker *worker = CONTAINER_OF(backlog, struct rpc_worker, backlog);

    (void)is_ok;
    note_trip(worker, worker->now_ns - backlog->marked_ns);
    backlog->marked_ns = 0;
    for (size_t i = 0; i < worker->server->door_count; i++)
        adapt(&backlog->posted[i], worker->server->options.posted_calls);
    atomic_store_explicit(&backlog->is_marked, false, memory_order_release);
    if (backlog->trip_ns > backlog->age.target_ns) /* is it over? */
        send_marker(worker);
}

void rpc_backlog_look(struct rpc_worker *worker)
{
    struct rpc_backlog *backlog = &worker->backlog;
    int64_t passed_ns = worker->now_ns - backlog->back_ns;

    if (passed_ns < MARKER_EVERY_NS || backlog->marked_ns != 0 || backlog->age.target_ns == 0)
        return;
    if (passed_ns >= 2 * MARKER_EVERY_NS) /* it has slept: whatever waited then does no more */
        note_trip(worker, 0);
    send_marker(worker);
}

/* A marker that is not back yet tells as well. */
static int64_t age_ns(const struct rpc_worker *worker)
{
    const struct rpc_backlog *backlog = &worker->backlog;
    int64_t waited_ns = backlog->marked_ns != 0 ? worker->now_ns - backlog->marked_ns : 0;

    return waited_ns > backlog->trip_ns ? waited_ns : backlog->trip_ns;
}

/* Every second one: to refuse a call costs about as much as to answer it, so that a queue is hardly
 * shorter for it, and refusing all would be answering nobody. */
bool rpc_backlog_refuses(struct rpc_worker *worker)
{
    struct rpc_backlog *backlog = &worker->backlog;

    if (!queue_age_refuses(&backlog->age, age_ns(worker), worker->now_ns))
        return false;
    backlog->is_turn = !backlog->is_turn;
    if (backlog->is_turn)
        atomic_fetch_add_explicit(&backlog->refused_count, 1, memory_order_relaxed);
    return backlog->is_turn;
}

void rpc_backlog_init(struct rpc_worker *worker)
{
    const struct rpc_server *server = worker->server;
    struct rpc_backlog *backlog = &worker->backlog;

    backlog->marker.on_done = on_marker;
    queue_age_init(&backlog->age, server->options.queue_age_target_ms,
                   server->options.queue_age_interval_ms);
    backlog->posted = memory_new_array(struct rpc_posted, server->door_count);
    for (size_t i = 0; i < server->door_count; i++)
        backlog->posted[i].wanted = server->options.posted_calls;
}

void rpc_backlog_quit(struct rpc_worker *worker)
{
    while (atomic_exchange_explicit(&worker->backlog.is_marked, true, memory_order_acquire))
        sched_yield();
}

void rpc_backlog_release(struct rpc_worker *worker)
{
    memory_free(worker->backlog.posted);
}
