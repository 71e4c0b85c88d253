/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ends: answered, refused, abandoned; what is sent, and who is told. */
#include "rpc/stream.h"

#include "rpc/worker.h"

#include <assert.h>
#include <stdlib.h>

/* For a client to take its answer.  One that gave a deadline is let go by core when that passes; a
 * shorter time for the others would turn answers into CANCELLED on a machine that is out of breath.
 */
enum { TAKE_MS = 5000 };

static const struct err answered = {.code = ERR_OK};

static int64_t now_ms(const struct rpc_call *call)
{
    return call->worker->now_ns / 1000000;
}

static void run_after_chain(struct rpc_call *call, const struct err *outcome)
{
    const struct rpc_server *server = call->worker->server;

    while (call->interceptors_run > 0) {
        const struct rpc_interceptor *interceptor = server->interceptors[--call->interceptors_run];

        if (interceptor->after)
            interceptor->after(call, interceptor->context, outcome);
    }
}

static grpc_slice slice_copy(struct span span)
{
    return grpc_slice_from_copied_buffer((const char *)span.data, span.length);
}

/* What the trailers hold: the call's own, and for an error its details.  Who is refused because
 * there is too much to do must not come again by itself. */
static size_t fill_trailers(struct rpc_call *call, const struct err *outcome,
                            grpc_metadata *trailers)
{
    size_t count = 0;

    for (; count < call->trailer_count; count++)
        trailers[count] = (grpc_metadata){
            .key = grpc_slice_from_static_string(call->trailers[count].name),
            .value = slice_copy(call->trailers[count].value),
        };
    if (outcome->code == ERR_OVERLOADED)
        trailers[count++] = (grpc_metadata){
            .key = grpc_slice_from_static_string(RPC_PUSHBACK),
            .value = grpc_slice_from_static_string("-1"),
        };
    if (outcome->code != ERR_OK)
        trailers[count++] = (grpc_metadata){
            .key = grpc_slice_from_static_string("grpc-status-details-bin"),
            .value = slice_copy(rpc_status_details(outcome, &call->arena)),
        };
    return count;
}

/* The final batch: headers, the answer if there is one, the status. */
static void send_outcome(struct rpc_call *call, const struct err *outcome)
{
    grpc_metadata trailers[CALL_TRAILERS_MAX + 2];
    size_t count = fill_trailers(call, outcome, trailers);
    bool is_error = outcome->code != ERR_OK;
    grpc_slice text = grpc_empty_slice();
    grpc_op ops[4] = {0}, *op = ops;

    if (is_error)
        text = slice_copy(rpc_status_text(outcome, &call->arena));

    if (!call->stream || !rpc_stream_has_begun(call))
        (op++)->op = GRPC_OP_SEND_INITIAL_METADATA;
    if (call->response) {
        op->op = GRPC_OP_SEND_MESSAGE;
        (op++)->data.send_message.send_message = call->response;
    }
    op->op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    op->data.send_status_from_server.status = (grpc_status_code)err_grpc_status(outcome->code);
    op->data.send_status_from_server.status_details = is_error ? &text : NULL;
    op->data.send_status_from_server.trailing_metadata_count = count;
    (op++)->data.send_status_from_server.trailing_metadata = trailers;
    if (!call->is_close_posted) {
        call->is_close_posted = true;
        op->op = GRPC_OP_RECV_CLOSE_ON_SERVER;
        (op++)->data.recv_close_on_server.cancelled = &call->is_cancelled;
    }
    rpc_call_start(call, ops, (size_t)(op - ops), &call->sent);
    rpc_timers_set(&call->worker->timers, &call->timer, (now_ms(call) + TAKE_MS) * 1000000);
    grpc_slice_unref(text);
    for (size_t i = 0; i < count; i++)
        grpc_slice_unref(trailers[i].value);
}

void rpc_call_finish(struct rpc_call *call, const struct err *outcome, grpc_byte_buffer *response)
{
    assert(call->state != CALL_FINISHING && call->state != CALL_DONE);
    if (call->state == CALL_PARKED || call->state == CALL_STREAMING)
        rpc_call_deactivate(call);
    rpc_timers_cancel(&call->worker->timers, &call->timer);
    call->response = response;
    run_after_chain(call, outcome);
    call->state = CALL_FINISHING;
    if (call->is_gone) /* nobody is there to tell; the caller of this holds a batch's count */
        call->state = CALL_DONE;
    else
        send_outcome(call, outcome);
}

void rpc_call_abandon(struct rpc_call *call, const struct err *err)
{
    void (*on_abandoned)(void *owner) = call->on_abandoned;
    void *owner = call->owner;

    if (call->offload) {
        rpc_offload_lapse(call, err);
        return;
    }
    call->on_abandoned = NULL;
    rpc_call_finish(call, call->stream ? rpc_stream_abandon(call, err) : err, NULL);
    if (on_abandoned) /* last: what the call still needs may be memory of its owner's */
        on_abandoned(owner);
}

/* A moment later we would have been the one to say so. */
static enum err_code reason_of_close(const struct rpc_call *call)
{
    return now_ms(call) >= call->deadline_ms ? ERR_DEADLINE : ERR_CANCELLED;
}

/* The client cancelled, its deadline passed, its connection broke; or our own final batch is
 * through. */
static void on_closed(struct rpc_op *op, bool is_ok)
{
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, closed);
    struct err err;

    (void)is_ok;
    call->is_gone = call->is_cancelled != 0;
    if (call->is_gone && call->state != CALL_FINISHING && call->state != CALL_DONE) {
        err_set(&err, reason_of_close(call), "the client is gone");
        rpc_call_abandon(call, &err);
    }
    rpc_call_settle(call);
}

static void on_due(struct rpc_timer *timer)
{
    struct rpc_call *call = CONTAINER_OF(timer, struct rpc_call, timer);
    struct err err;

    if (call->state == CALL_FINISHING) { /* the client does not take the answer: `sent` will come */
        grpc_call_cancel(call->core, NULL);
        return;
    }
    if (call->stream) {
        rpc_stream_expire(call);
        return;
    }
    err_set(&err, ERR_DEADLINE, "the deadline passed while waiting");
    rpc_call_abandon(call, &err);
}

static void on_sent(struct rpc_op *op, bool is_ok)
{
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, sent);

    (void)is_ok;
    rpc_timers_cancel(&call->worker->timers, &call->timer);
    call->state = CALL_DONE;
    rpc_call_settle(call);
}

void rpc_call_init_ends(struct rpc_call *call)
{
    call->sent.on_done = on_sent;
    call->closed.on_done = on_closed;
    call->timer.on_due = on_due;
}

void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *response)
{
    grpc_byte_buffer *buffer = rpc_message_pack(response);

    assert(!call->stream);
    if (call->offload)
        rpc_offload_answer(call, &answered, buffer);
    else
        rpc_call_finish(call, &answered, buffer);
}

void rpc_call_fail(struct rpc_call *call, const struct err *err)
{
    if (call->offload)
        rpc_offload_answer(call, err, NULL);
    else if (call->stream)
        rpc_stream_end(call, err);
    else
        rpc_call_finish(call, err, NULL);
}
