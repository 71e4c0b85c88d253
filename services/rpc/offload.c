/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls whose handler runs on the executor.
 *
 * While it runs, the call's arena is not the worker's: a client that leaves, or a deadline that
 * passes, is noted, told to the client, and takes effect when the handler is done.
 */
#include "base/memory.h"
#include "rpc/worker.h"

#include <assert.h>

struct rpc_offload {
    struct job job;
    struct rpc_call *call;
    struct err outcome; /* what the handler answered */
    grpc_byte_buffer *response;
    bool is_answered;
    atomic_bool is_lapsed; /* nobody waits any more; the executor looks before it begins */
    struct err lapse;
};

static void work(struct job *job)
{
    struct rpc_offload *offload = CONTAINER_OF(job, struct rpc_offload, job);
    struct rpc_call *call = offload->call;
    const struct rpc_entry *entry = call->entry;

    if (atomic_load(&offload->is_lapsed))
        return;
    entry->method->handle(call, call->request, entry->service->context);
    assert(offload->is_answered);
}

static void on_done(struct task *task)
{
    struct rpc_offload *offload = CONTAINER_OF(task, struct rpc_offload, job.done);
    struct rpc_call *call = offload->call;

    call->offload = NULL;
    if (!atomic_load(&offload->is_lapsed)) {
        rpc_call_finish(call, &offload->outcome, offload->response);
    } else {
        if (offload->response)
            grpc_byte_buffer_destroy(offload->response);
        if (offload->is_answered)
            atomic_fetch_add_explicit(&call->worker->late_count, 1, memory_order_relaxed);
        rpc_call_finish(call, &offload->lapse, NULL);
    }
    memory_free(offload);
    rpc_call_settle(call);
}

void rpc_offload_start(struct rpc_call *call)
{
    struct rpc_offload *offload = memory_new(struct rpc_offload);
    struct err err;

    offload->call = call;
    offload->job = (struct job){
        .done = {.run = on_done},
        .reply_to = &call->worker->inbox,
        .work = work,
        .is_spared = (call->entry->method->flags & (RPC_NEVER_SHED | RPC_AGELESS)) != 0,
    };
    rpc_call_park(call, NULL, NULL);
    call->offload = offload;
    call->outstanding++; /* the job counts like a batch */
    if (executor_submit(call->worker->server->executor, &offload->job, &err))
        return;
    call->outstanding--;
    call->offload = NULL;
    memory_free(offload);
    rpc_call_fail(call, &err);
}

void rpc_offload_answer(struct rpc_call *call, const struct err *outcome,
                        grpc_byte_buffer *response)
{
    struct rpc_offload *offload = call->offload;

    assert(!offload->is_answered);
    offload->outcome = *outcome;
    offload->response = response;
    offload->is_answered = true;
}

void rpc_offload_lapse(struct rpc_call *call, const struct err *err)
{
    struct rpc_offload *offload = call->offload;

    if (atomic_load(&offload->is_lapsed))
        return;
    offload->lapse = *err;
    atomic_store(&offload->is_lapsed, true);
    if (!call->is_gone)
        grpc_call_cancel_with_status(call->core, (grpc_status_code)err_grpc_status(err->code),
                                     err_public_text(err->code), NULL);
}
