/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming call on gRPC C core. */
#include "client/src/stream.h"

#include "base/memory.h"
#include "client/src/channel.h"
#include "client/src/failure.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

enum { MESSAGE_TIMEOUT_MS = 60000 };

struct passgate_stream {
    struct passgate_client *client;
    const struct method *method;
    int timeout_ms;
    char *traceparent; /* or NULL */
    uint8_t token[STREAM_TOKEN_MAX];
    size_t token_length;
    struct passgate_import import;
    struct passgate_audit_query query;

    /* Of the call that it is on; `call` NULL: of none. */
    grpc_completion_queue *queue;
    grpc_call *call;
    grpc_metadata sent[1];
    size_t sent_count;
    grpc_byte_buffer *request;
    grpc_byte_buffer *reply;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice message;
    bool is_late;             /* cancelled, because nothing came for too long */
    char begun, ended, moved; /* what completes has the address of one of these as its tag */
};

struct passgate_stream *stream_new(const struct method *method, struct passgate_client *client,
                                   const struct passgate_call *call, struct passgate_error *error)
{
    static const struct passgate_call none;
    struct passgate_stream *stream;

    call = call ? call : &none;
    if (!wire_call_is_valid(call, error))
        return NULL;
    stream = memory_new(struct passgate_stream);
    stream->client = client;
    stream->method = method;
    stream->timeout_ms = call->timeout_ms ? call->timeout_ms : MESSAGE_TIMEOUT_MS;
    if (call->traceparent) {
        stream->traceparent = memory_zalloc(strlen(call->traceparent) + 1);
        memcpy(stream->traceparent, call->traceparent, strlen(call->traceparent));
    }
    return stream;
}

static bool pluck(struct passgate_stream *stream, char *tag, gpr_timespec until)
{
    return grpc_completion_queue_pluck(stream->queue, tag, until, NULL).type == GRPC_OP_COMPLETE;
}

/* Wait for what was started; past the time of one message the call is given up, which ends it. */
static void wait_for(struct passgate_stream *stream, char *tag)
{
    gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_millis(stream->timeout_ms, GPR_TIMESPAN));

    if (pluck(stream, tag, until))
        return;
    stream->is_late = true;
    grpc_call_cancel(stream->call, NULL);
    pluck(stream, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC));
}

static void drop(grpc_byte_buffer **buffer)
{
    if (*buffer)
        grpc_byte_buffer_destroy(*buffer);
    *buffer = NULL;
}

/* After the status has come. */
static void forget_call(struct passgate_stream *stream)
{
    drop(&stream->request);
    drop(&stream->reply);
    for (size_t i = 0; i < stream->sent_count; i++)
        grpc_slice_unref(stream->sent[i].value);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->message);
    grpc_call_unref(stream->call);
    grpc_completion_queue_shutdown(stream->queue);
    grpc_completion_queue_destroy(stream->queue);
    stream->call = NULL;
}

static void end_call(struct passgate_stream *stream)
{
    if (!stream->call)
        return;
    grpc_call_cancel(stream->call, NULL);
    pluck(stream, &stream->ended, gpr_inf_future(GPR_CLOCK_MONOTONIC));
    forget_call(stream);
}

void passgate_stream_free(struct passgate_stream *stream)
{
    if (!stream)
        return;
    end_call(stream);
    memory_free(stream->traceparent);
    memory_free(stream);
}

static void make_call(struct passgate_stream *stream)
{
    const struct passgate_call options = {.traceparent = stream->traceparent};

    stream->queue = grpc_completion_queue_create_for_pluck(NULL);
    stream->call =
        grpc_channel_create_call(stream->client->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                 stream->queue, grpc_slice_from_static_string(stream->method->path),
                                 NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    stream->sent_count = wire_metadata(&options, stream->sent);
    stream->message = grpc_empty_slice();
    stream->is_late = false;
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
}

/* The end is waited for from the beginning; headers come with the first message at the latest. */
static grpc_call_error expect_end(struct passgate_stream *stream)
{
    grpc_op ops[2] = {0};

    ops[0].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[0].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    ops[1].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[1].data.recv_status_on_client.trailing_metadata = &stream->trailing;
    ops[1].data.recv_status_on_client.status = &stream->status;
    ops[1].data.recv_status_on_client.status_details = &stream->message;
    return grpc_call_start_batch(stream->call, ops, ARRAY_LEN(ops), &stream->ended, NULL);
}

bool stream_begin(struct passgate_stream *stream, const ProtobufCMessage *only,
                  struct passgate_error *error)
{
    grpc_op ops[3] = {0}, *op = ops;
    grpc_call_error refused;

    end_call(stream);
    make_call(stream);
    op->op = GRPC_OP_SEND_INITIAL_METADATA;
    op->data.send_initial_metadata.metadata = stream->sent;
    (op++)->data.send_initial_metadata.count = stream->sent_count;
    if (only) {
        stream->request = wire_pack(only);
        op->op = GRPC_OP_SEND_MESSAGE;
        (op++)->data.send_message.send_message = stream->request;
        (op++)->op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    }
    refused = expect_end(stream);
    if (refused != GRPC_CALL_OK)
        forget_call(stream);
    else
        refused =
            grpc_call_start_batch(stream->call, ops, (size_t)(op - ops), &stream->begun, NULL);
    if (refused == GRPC_CALL_OK) {
        wait_for(stream, &stream->begun);
        drop(&stream->request);
        return true;
    }
    failure_set(error, PASSGATE_INTERNAL, "INTERNAL", "", "the call was not started: %s",
                grpc_call_error_to_string(refused));
    return false;
}

void stream_write(struct passgate_stream *stream, const ProtobufCMessage *message)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

    if (!stream->call)
        return;
    stream->request = wire_pack(message);
    op.data.send_message.send_message = stream->request;
    if (grpc_call_start_batch(stream->call, &op, 1, &stream->moved, NULL) == GRPC_CALL_OK)
        wait_for(stream, &stream->moved);
    drop(&stream->request);
}

static void read_status(struct passgate_stream *stream, struct passgate_error *error)
{
    char *message;

    wait_for(stream, &stream->ended);
    message = grpc_slice_to_c_string(stream->message);
    if (stream->is_late)
        failure_set(error, PASSGATE_DEADLINE_EXCEEDED, "DEADLINE", "", "no answer within %d ms",
                    stream->timeout_ms);
    else if (stream->status == GRPC_STATUS_OK)
        *error = (struct passgate_error){.code = PASSGATE_OK};
    else
        failure_from_status(error, (int)stream->status, message,
                            wire_status_details(&stream->trailing));
    gpr_free(message);
}

void *stream_read(struct passgate_stream *stream, struct passgate_error *error)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    void *value;

    if (!stream->call) {
        failure_set(error, PASSGATE_FAILED_PRECONDITION, "USAGE", "", "the stream has ended");
        return NULL;
    }
    op.data.recv_message.recv_message = &stream->reply;
    if (grpc_call_start_batch(stream->call, &op, 1, &stream->moved, NULL) == GRPC_CALL_OK)
        wait_for(stream, &stream->moved);
    if (!stream->reply) {
        read_status(stream, error);
        forget_call(stream);
        return NULL;
    }
    value = wire_result(stream->method, stream->reply, error);
    drop(&stream->reply);
    return value;
}

bool stream_is_aged(const struct passgate_error *error)
{
    return error->code == PASSGATE_UNAVAILABLE && strcmp(error->reason, "STREAM_AGE") == 0;
}

void stream_keep_token(struct passgate_stream *stream, struct passgate_token token)
{
    stream->token_length = token.length <= sizeof(stream->token) ? token.length : 0;
    if (stream->token_length > 0)
        memcpy(stream->token, token.bytes, stream->token_length);
}

ProtobufCBinaryData stream_token(struct passgate_stream *stream)
{
    return (ProtobufCBinaryData){.len = stream->token_length, .data = stream->token};
}

void stream_keep_import(struct passgate_stream *stream, const struct passgate_import *import)
{
    stream->import = *import;
}

const struct passgate_import *stream_import(const struct passgate_stream *stream)
{
    return &stream->import;
}

void stream_keep_query(struct passgate_stream *stream, const struct passgate_audit_query *query)
{
    stream->query = *query;
}

const struct passgate_audit_query *stream_query(const struct passgate_stream *stream)
{
    return &stream->query;
}
