/* SPDX-License-Identifier: Apache-2.0 */
/* The server: ending streams, stopping. */
#include "rpc/worker.h"

#include <time.h>

/* Read on the workers before a stream opens, set before they are visited: whichever comes first, no
 * stream stays. */
bool rpc_server_takes_streams(const struct rpc_server *server, const struct rpc_method *method,
                              struct err *err)
{
    int end = atomic_load_explicit(&server->streams_end, memory_order_acquire);

    if (method->kind == RPC_UNARY || end == STREAMS_SERVED ||
        (end == STREAMS_END && (method->flags & RPC_NEVER_SHED)))
        return true;
    return err_set(err, ERR_DRAINING, "no new streams");
}

static void end_worker_streams(uint32_t worker_index, void *context)
{
    struct rpc_server *server = context;
    struct rpc_call *call = server->workers[worker_index].active, *next;
    struct err err;

    for (; call; call = next) {
        next = call->next_active;
        if (call->stream && !rpc_server_takes_streams(server, call->entry->method, &err))
            rpc_stream_cut(call, &err);
    }
}

static void end_streams(struct rpc_server *server, enum streams_end end)
{
    atomic_store_explicit(&server->streams_end, end, memory_order_release);
    rpc_server_run_on_workers(server, end_worker_streams, server);
}

void rpc_server_end_streams(struct rpc_server *server)
{
    end_streams(server, STREAMS_END);
}

void rpc_server_note_idle(struct rpc_server *server)
{
    if (atomic_load_explicit(&server->streams_end, memory_order_relaxed) != STREAMS_END_ALL)
        return;
    pthread_mutex_lock(&server->mutex);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

/* Core tells when the last connection is gone; calls may outlive theirs, on the executor. */
static bool is_down(struct rpc_server *server)
{
    return server->is_stopped && rpc_server_open_count(server) == 0;
}

/* True when everything is over within `wait_ms`. */
static bool wait_until_stopped(struct rpc_server *server, int64_t wait_ms)
{
    struct timespec until;
    bool is_over;
    int waited = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&server->mutex);
    while (!is_down(server) && waited == 0)
        waited = pthread_cond_timedwait(&server->changed, &server->mutex, &until);
    is_over = is_down(server);
    pthread_mutex_unlock(&server->mutex);
    return is_over;
}

void rpc_server_stop(struct rpc_server *server, int64_t grace_ms)
{
    end_streams(server, STREAMS_END_ALL);
    grpc_server_shutdown_and_notify(server->core, server->workers[0].queue, &server->stopped);
    if (!wait_until_stopped(server, grace_ms)) {
        grpc_server_cancel_all_calls(server->core);
        while (!wait_until_stopped(server, 1000))
            continue;
    }
    for (uint32_t i = 0; i < server->worker_count; i++)
        rpc_worker_quit(&server->workers[i]);
}
