/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One unary call on gRPC C core.
 *
 * Every call has a completion queue of its own and the calling thread plucks its one event from it,
 * as the blocking stubs of gRPC C++ do: the thread that waits does the reading from the socket
 * itself, so that an answer costs no hand-over between threads; the library needs no thread and no
 * lock; and all that a call touches, beside the channel, belongs to one thread.  A queue costs a
 * few microseconds, which is little against a round trip.
 */
#include "client/src/channel.h"
#include "client/src/failure.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

/* All that a call sends and receives.  Metadata that was received belongs to the call, which
 * therefore lives as long. */
struct exchange {
    grpc_completion_queue *queue;
    grpc_call *call;
    grpc_byte_buffer *request;
    grpc_metadata sent[1];
    size_t sent_count;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *reply;
    grpc_status_code status;
    grpc_slice message;
};

static void exchange_init(struct exchange *exchange, const ProtobufCMessage *request,
                          const struct passgate_call *call)
{
    *exchange = (struct exchange){
        .queue = grpc_completion_queue_create_for_pluck(NULL),
        .request = wire_pack(request),
        .message = grpc_empty_slice(),
    };
    grpc_metadata_array_init(&exchange->initial);
    grpc_metadata_array_init(&exchange->trailing);
    exchange->sent_count = wire_metadata(call, exchange->sent);
}

static void exchange_release(struct exchange *exchange)
{
    grpc_byte_buffer_destroy(exchange->request);
    for (size_t i = 0; i < exchange->sent_count; i++)
        grpc_slice_unref(exchange->sent[i].value);
    grpc_metadata_array_destroy(&exchange->initial);
    grpc_metadata_array_destroy(&exchange->trailing);
    if (exchange->reply)
        grpc_byte_buffer_destroy(exchange->reply);
    grpc_slice_unref(exchange->message);
    grpc_call_unref(exchange->call);
    grpc_completion_queue_shutdown(exchange->queue);
    grpc_completion_queue_destroy(exchange->queue);
}

/* Returns when the call is over; its deadline bounds the wait. */
static grpc_call_error exchange_run(struct exchange *exchange, grpc_channel *channel,
                                    const char *path, gpr_timespec deadline)
{
    grpc_op ops[6] = {0};
    grpc_op *op = ops;
    grpc_call_error error;

    exchange->call =
        grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, exchange->queue,
                                 grpc_slice_from_static_string(path), NULL, deadline, NULL);
    op->op = GRPC_OP_SEND_INITIAL_METADATA;
    op->data.send_initial_metadata.metadata = exchange->sent;
    op++->data.send_initial_metadata.count = exchange->sent_count;
    op->op = GRPC_OP_SEND_MESSAGE;
    op++->data.send_message.send_message = exchange->request;
    op++->op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    op->op = GRPC_OP_RECV_INITIAL_METADATA;
    op++->data.recv_initial_metadata.recv_initial_metadata = &exchange->initial;
    op->op = GRPC_OP_RECV_MESSAGE;
    op++->data.recv_message.recv_message = &exchange->reply;
    op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op->data.recv_status_on_client.trailing_metadata = &exchange->trailing;
    op->data.recv_status_on_client.status = &exchange->status;
    op++->data.recv_status_on_client.status_details = &exchange->message;
    assert((size_t)(op - ops) == ARRAY_LEN(ops));

    error = grpc_call_start_batch(exchange->call, ops, ARRAY_LEN(ops), exchange, NULL);
    if (error == GRPC_CALL_OK)
        grpc_completion_queue_pluck(exchange->queue, exchange, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                    NULL);
    return error;
}

static void fail_with_status(const struct exchange *exchange, int timeout_ms,
                             struct passgate_error *error)
{
    struct span details = wire_status_details(&exchange->trailing);
    char *message = grpc_slice_to_c_string(exchange->message);

    failure_from_status(error, (int)exchange->status, message, details);
    if (exchange->status == GRPC_STATUS_DEADLINE_EXCEEDED && details.length == 0)
        failure_set(error, PASSGATE_DEADLINE_EXCEEDED, "DEADLINE", "", "no answer within %d ms",
                    timeout_ms);
    gpr_free(message);
}

void *method_call(const struct method *method, struct passgate_client *client,
                  const ProtobufCMessage *request, const struct passgate_call *call,
                  struct passgate_error *error)
{
    static const struct passgate_call none;
    struct exchange exchange;
    grpc_call_error refused;
    void *value = NULL;
    int timeout_ms;

    call = call ? call : &none;
    if (!wire_call_is_valid(call, error))
        return NULL;
    timeout_ms = call->timeout_ms   ? call->timeout_ms
                 : method->is_check ? client->check_timeout_ms
                                    : client->write_timeout_ms;
    exchange_init(&exchange, request, call);
    refused = exchange_run(
        &exchange, client->channel, method->path,
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN)));
    if (refused != GRPC_CALL_OK)
        failure_set(error, PASSGATE_INTERNAL, "INTERNAL", "", "the call was not started: %s",
                    grpc_call_error_to_string(refused));
    else if (exchange.status != GRPC_STATUS_OK)
        fail_with_status(&exchange, timeout_ms, error);
    else
        value = wire_result(method, exchange.reply, error);
    exchange_release(&exchange);
    return value;
}
