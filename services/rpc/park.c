/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait: watched for the client's leaving and for their deadline. */
#include "rpc/worker.h"

#include <assert.h>

static atomic_uint *count_of(const struct rpc_call *call)
{
    return call->state == CALL_PARKED ? &call->worker->parked_count : &call->worker->stream_count;
}

void rpc_call_activate(struct rpc_call *call, enum call_state state)
{
    struct rpc_worker *worker = call->worker;

    call->state = state;
    call->next_active = worker->active;
    call->link_active = &worker->active;
    if (worker->active)
        worker->active->link_active = &call->next_active;
    worker->active = call;
    atomic_fetch_add_explicit(count_of(call), 1, memory_order_relaxed);
}

void rpc_call_deactivate(struct rpc_call *call)
{
    *call->link_active = call->next_active;
    if (call->next_active)
        call->next_active->link_active = call->link_active;
    atomic_fetch_sub_explicit(count_of(call), 1, memory_order_relaxed);
}

void rpc_call_arm(struct rpc_call *call)
{
    int64_t due_ms = call->deadline_ms;

    if (call->entry->method->kind != RPC_UNARY && !(call->entry->method->flags & RPC_NEVER_SHED)) {
        int64_t age_ms = rpc_stream_age_ms(call->worker);

        if (age_ms < due_ms)
            due_ms = age_ms;
    }
    if (due_ms != INT64_MAX)
        rpc_timers_set(&call->worker->timers, &call->timer, due_ms * 1000000);
}

void rpc_call_watch_close(struct rpc_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

    if (call->is_close_posted)
        return;
    call->is_close_posted = true;
    op.data.recv_close_on_server.cancelled = &call->is_cancelled;
    rpc_call_start(call, &op, 1, &call->closed);
}

void rpc_call_park(struct rpc_call *call, void (*on_abandoned)(void *owner), void *owner)
{
    assert(call->state == CALL_OPEN);
    call->on_abandoned = on_abandoned;
    call->owner = owner;
    if (call->entry->method->kind != RPC_UNARY) {
        rpc_stream_open(call);
        return;
    }
    rpc_call_activate(call, CALL_PARKED);
    rpc_call_arm(call);
    rpc_call_watch_close(call);
}
