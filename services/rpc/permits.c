/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permits: as many as calls may be in flight in the whole server.
 *
 * One counter for all workers would be a cache line that every call drags from core to core, twice.
 * A worker takes a batch of permits instead and gives back what it does not need.  The bound is
 * never passed; a worker may refuse while others hold unused permits, an eighth of all at most, and
 * none of a bound so small that a batch is a single one.
 */
#include "rpc/worker.h"

enum { BATCH_MAX = 64, SHARE = 16 };

void rpc_permits_init(struct rpc_server *server)
{
    uint32_t batch = server->options.in_flight_max / (SHARE * server->worker_count);

    server->permit_batch = batch < 1 ? 1 : batch < BATCH_MAX ? batch : BATCH_MAX;
    atomic_init(&server->permits, server->options.in_flight_max);
}

static uint32_t take_batch(struct rpc_server *server)
{
    unsigned left = atomic_load_explicit(&server->permits, memory_order_relaxed);
    unsigned taken;

    do
        taken = left < server->permit_batch ? left : server->permit_batch;
    while (taken > 0 &&
           !atomic_compare_exchange_weak_explicit(&server->permits, &left, left - taken,
                                                  memory_order_relaxed, memory_order_relaxed));
    return taken;
}

bool rpc_permits_take(struct rpc_worker *worker)
{
    if (worker->permits == 0)
        worker->permits = take_batch(worker->server);
    if (worker->permits == 0)
        return false;
    worker->permits--;
    return true;
}

/* Without a batch of its own: another door is not where millions of calls come in. */
bool rpc_server_take_permit(struct rpc_server *server)
{
    unsigned left = atomic_load_explicit(&server->permits, memory_order_relaxed);

    while (left > 0 &&
           !atomic_compare_exchange_weak_explicit(&server->permits, &left, left - 1,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
    return left > 0;
}

void rpc_server_give_permit(struct rpc_server *server)
{
    atomic_fetch_add_explicit(&server->permits, 1, memory_order_relaxed);
}

void rpc_permits_give(struct rpc_worker *worker)
{
    uint32_t kept = worker->server->permit_batch - 1;

    if (++worker->permits <= 2 * kept)
        return;
    atomic_fetch_add_explicit(&worker->server->permits, worker->permits - kept,
                              memory_order_relaxed);
    worker->permits = kept;
}
