/* SPDX-License-Identifier: Apache-2.0 */
/* A client for tests. */
#include "unit/rpc/core_client.h"

#include "base/arena.h"
#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>
#include <grpc/grpc_security.h>

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 20000 };

#if defined(__SANITIZE_THREAD__)
/* Core is not built with ThreadSanitizer, which therefore sees neither its locks nor its atomics:
 * what core does with memory that it was given is not looked at.  Our own frames all are. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1";
}
#endif

struct core_client {
    grpc_completion_queue *queue;
    grpc_channel *channel;
};

struct core_op {
    void (*on_done)(struct core_op *op, bool is_ok);
};

struct core_call {
    struct core_client *client;
    grpc_call *core;
    struct arena arena;
    unsigned outstanding;
    struct core_op opened, sent, read, closed;

    grpc_byte_buffer *outgoing, *incoming;
    bool is_sending, is_sent, is_reading, is_read;

    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice text;
    bool is_done;
    void (*told)(struct core_call *call, void *context);
    void *context;
};

static void check(grpc_call_error error)
{
    if (error != GRPC_CALL_OK)
        abort();
}

/* The client */

struct core_client *core_client_new_with(const struct core_client_options *options)
{
    struct core_client *client = memory_new(struct core_client);
    grpc_channel_args arguments = {options->argument_count, (grpc_arg *)options->arguments};
    grpc_ssl_pem_key_cert_pair pair = {options->key_pem, options->certificate_pem};
    grpc_channel_credentials *credentials;

    grpc_init();
    client->queue = grpc_completion_queue_create_for_next(NULL);
    credentials = options->ca_pem
                      ? grpc_ssl_credentials_create_ex(
                            options->ca_pem, options->certificate_pem ? &pair : NULL, NULL, NULL)
                      : grpc_insecure_credentials_create();
    client->channel = grpc_channel_create(options->target, credentials, &arguments);
    grpc_channel_credentials_release(credentials);
    return client;
}

struct core_client *core_client_new(const char *target)
{
    return core_client_new_with(&(struct core_client_options){.target = target});
}

void core_client_free(struct core_client *client)
{
    grpc_channel_destroy(client->channel);
    grpc_completion_queue_shutdown(client->queue);
    while (core_client_pump(client, WAIT_MS))
        continue;
    grpc_completion_queue_destroy(client->queue);
    memory_free(client);
    grpc_shutdown();
}

bool core_client_pump(struct core_client *client, int64_t wait_ms)
{
    gpr_timespec until =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(wait_ms, GPR_TIMESPAN));
    grpc_event event = grpc_completion_queue_next(client->queue, until, NULL);
    struct core_op *op = event.tag;

    if (event.type != GRPC_OP_COMPLETE)
        return false;
    op->on_done(op, event.success != 0);
    return true;
}

/* Calls */

static void start_batch(struct core_call *call, const grpc_op *ops, size_t count,
                        struct core_op *op)
{
    call->outstanding++;
    check(grpc_call_start_batch(call->core, ops, count, op, NULL));
}

/* The test is told when nothing of the call is outstanding any more. */
static void settle(struct core_call *call)
{
    if (--call->outstanding == 0 && call->is_done && call->told)
        call->told(call, call->context);
}

static void on_opened(struct core_op *op, bool is_ok)
{
    (void)is_ok;
    settle(CONTAINER_OF(op, struct core_call, opened));
}

static void on_sent(struct core_op *op, bool is_ok)
{
    struct core_call *call = CONTAINER_OF(op, struct core_call, sent);

    call->is_sending = false;
    call->is_sent = is_ok;
    grpc_byte_buffer_destroy(call->outgoing);
    call->outgoing = NULL;
    settle(call);
}

static void on_read(struct core_op *op, bool is_ok)
{
    struct core_call *call = CONTAINER_OF(op, struct core_call, read);

    (void)is_ok;
    call->is_reading = false;
    call->is_read = true;
    settle(call);
}

static void on_closed(struct core_op *op, bool is_ok)
{
    struct core_call *call = CONTAINER_OF(op, struct core_call, closed);

    (void)is_ok;
    call->is_done = true;
    settle(call);
}

static struct core_call *call_new(struct core_client *client, const struct core_start *start)
{
    struct core_call *call = memory_new(struct core_call);
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    grpc_slice path = grpc_slice_from_copied_string(start->path);

    if (start->deadline_ms != 0)
        deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                gpr_time_from_millis(start->deadline_ms, GPR_TIMESPAN));
    call->client = client;
    call->core = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                          client->queue, path, NULL, deadline, NULL);
    grpc_slice_unref(path);
    arena_init(&call->arena, 1024);
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    call->text = grpc_empty_slice();
    call->opened.on_done = on_opened;
    call->sent.on_done = on_sent;
    call->read.on_done = on_read;
    call->closed.on_done = on_closed;
    call->told = start->on_done;
    call->context = start->context;
    return call;
}

static grpc_byte_buffer *pack(const ProtobufCMessage *message, struct span bytes)
{
    size_t length = message ? protobuf_c_message_get_packed_size(message) : bytes.length;
    grpc_slice slice = grpc_slice_malloc(length);
    grpc_byte_buffer *buffer;

    if (message)
        protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    else if (length > 0)
        memcpy(GRPC_SLICE_START_PTR(slice), bytes.data, length);
    buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

/* Headers out (and for a request with compression the wish for it), headers in. */
static void open_call(struct core_call *call, const struct core_start *start)
{
    grpc_metadata headers[8] = {0};
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    size_t count = 0;

    for (; count < start->header_count; count++)
        headers[count] = (grpc_metadata){
            .key = grpc_slice_from_static_string(start->headers[count].name),
            .value = grpc_slice_from_static_string(start->headers[count].value),
        };
    if (start->is_gzipped)
        headers[count++] = (grpc_metadata){
            .key = grpc_slice_from_static_string(GRPC_COMPRESSION_REQUEST_ALGORITHM_MD_KEY),
            .value = grpc_slice_from_static_string("gzip"),
        };
    ops[0].data.send_initial_metadata.count = count;
    ops[0].data.send_initial_metadata.metadata = headers;
    ops[1].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
    start_batch(call, ops, 2, &call->opened);
}

static void watch_status(struct core_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};

    op.data.recv_status_on_client.trailing_metadata = &call->trailing;
    op.data.recv_status_on_client.status = &call->status;
    op.data.recv_status_on_client.status_details = &call->text;
    start_batch(call, &op, 1, &call->closed);
}

static void start_read(struct core_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    if (call->is_reading || call->is_read)
        return;
    call->is_reading = true;
    op.data.recv_message.recv_message = &call->incoming;
    start_batch(call, &op, 1, &call->read);
}

struct core_call *core_call_start(struct core_client *client, const struct core_start *start)
{
    struct core_call *call = call_new(client, start);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}};

    open_call(call, start);
    watch_status(call);
    start_read(call);
    if (start->is_without_message)
        return call;
    call->outgoing = pack(start->message, start->bytes);
    call->is_sending = true;
    ops[0].data.send_message.send_message = call->outgoing;
    start_batch(call, ops, 2, &call->sent);
    return call;
}

struct core_call *core_call(struct core_client *client, const char *path,
                            const ProtobufCMessage *message, int64_t deadline_ms)
{
    return core_call_start(
        client, &(struct core_start){.path = path, .message = message, .deadline_ms = deadline_ms});
}

/* A message that came */

static void *arena_allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void arena_keep(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

static ProtobufCMessage *unpack(struct core_call *call,
                                const ProtobufCMessageDescriptor *descriptor, struct span bytes)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_keep, &call->arena};

    return protobuf_c_message_unpack(descriptor, &allocator, bytes.length, bytes.data);
}

static ProtobufCMessage *take_incoming(struct core_call *call,
                                       const ProtobufCMessageDescriptor *descriptor)
{
    grpc_byte_buffer_reader reader;
    ProtobufCMessage *message;
    grpc_slice whole;

    if (!call->incoming)
        return NULL;
    if (!grpc_byte_buffer_reader_init(&reader, call->incoming))
        abort();
    whole = grpc_byte_buffer_reader_readall(&reader);
    message =
        unpack(call, descriptor, span_of(GRPC_SLICE_START_PTR(whole), GRPC_SLICE_LENGTH(whole)));
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(call->incoming);
    call->incoming = NULL;
    return message;
}

/* Streams */

struct core_call *core_stream_start(struct core_client *client, const struct core_start *start)
{
    struct core_call *call = call_new(client, start);

    open_call(call, start);
    watch_status(call);
    return call;
}

void core_stream_send_start(struct core_call *call, const ProtobufCMessage *message)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

    call->outgoing = pack(message, span_of(NULL, 0));
    call->is_sending = true;
    op.data.send_message.send_message = call->outgoing;
    start_batch(call, &op, 1, &call->sent);
}

bool core_stream_is_sending(const struct core_call *call)
{
    return call->is_sending;
}

bool core_stream_send(struct core_call *call, const ProtobufCMessage *message)
{
    core_stream_send_start(call, message);
    while (call->is_sending)
        if (!core_client_pump(call->client, WAIT_MS))
            abort();
    return call->is_sent;
}

void core_stream_half_close(struct core_call *call)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};

    start_batch(call, &op, 1, &call->opened);
}

ProtobufCMessage *core_stream_read(struct core_call *call,
                                   const ProtobufCMessageDescriptor *descriptor, int64_t wait_ms)
{
    int64_t until_ns = clock_now_ns() + wait_ms * 1000000;

    start_read(call);
    while (call->is_reading) {
        int64_t left_ms = (until_ns - clock_now_ns()) / 1000000;

        if (left_ms < 0 || !core_client_pump(call->client, left_ms))
            return NULL;
    }
    call->is_read = false;
    return take_incoming(call, descriptor);
}

/* Ends */

void core_call_cancel(struct core_call *call)
{
    check(grpc_call_cancel(call->core, NULL));
}

bool core_call_is_done(const struct core_call *call)
{
    return call->is_done && call->outstanding == 0;
}

grpc_status_code core_call_wait(struct core_call *call)
{
    while (!core_call_is_done(call))
        if (!core_client_pump(call->client, WAIT_MS)) {
            fprintf(stderr, "a call does not end\n");
            abort();
        }
    return call->status;
}

grpc_status_code core_call_end(struct core_call *call)
{
    grpc_status_code status = core_call_wait(call);

    core_call_free(call);
    return status;
}

void core_call_free(struct core_call *call)
{
    if (call->outstanding > 0)
        abort();
    if (call->incoming)
        grpc_byte_buffer_destroy(call->incoming);
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    grpc_slice_unref(call->text);
    grpc_call_unref(call->core);
    arena_release(&call->arena);
    memory_free(call);
}

/* What came */

grpc_status_code core_call_status(const struct core_call *call)
{
    return call->status;
}

const char *core_call_text(struct core_call *call)
{
    return arena_text(&call->arena,
                      span_of(GRPC_SLICE_START_PTR(call->text), GRPC_SLICE_LENGTH(call->text)));
}

ProtobufCMessage *core_call_reply(struct core_call *call,
                                  const ProtobufCMessageDescriptor *descriptor)
{
    return take_incoming(call, descriptor);
}

bool core_call_trailer(const struct core_call *call, const char *name, struct span *ret_value)
{
    for (size_t i = 0; i < call->trailing.count; i++) {
        const grpc_metadata *trailer = &call->trailing.metadata[i];

        if (grpc_slice_str_cmp(trailer->key, name) != 0)
            continue;
        *ret_value =
            span_of(GRPC_SLICE_START_PTR(trailer->value), GRPC_SLICE_LENGTH(trailer->value));
        return true;
    }
    return false;
}

/* The detail of this type, or NULL. */
static ProtobufCMessage *detail_of(struct core_call *call, const char *type,
                                   const ProtobufCMessageDescriptor *descriptor)
{
    const Google__Rpc__Status *status;
    struct span packed;

    if (!core_call_trailer(call, "grpc-status-details-bin", &packed))
        return NULL;
    status = (const Google__Rpc__Status *)unpack(call, &google__rpc__status__descriptor, packed);
    if (!status || status->code != (int32_t)call->status)
        return NULL;
    for (size_t i = 0; i < status->n_details; i++)
        if (strcmp(status->details[i]->type_url, type) == 0)
            return unpack(call, descriptor,
                          span_of(status->details[i]->value.data, status->details[i]->value.len));
    return NULL;
}

const char *core_call_reason(struct core_call *call)
{
    const Google__Rpc__ErrorInfo *info = (const Google__Rpc__ErrorInfo *)detail_of(
        call, "type.googleapis.com/google.rpc.ErrorInfo", &google__rpc__error_info__descriptor);

    return info && strcmp(info->domain, "passgate") == 0 ? info->reason : "";
}

const char *core_call_field(struct core_call *call)
{
    const Google__Rpc__BadRequest *bad_request = (const Google__Rpc__BadRequest *)detail_of(
        call, "type.googleapis.com/google.rpc.BadRequest", &google__rpc__bad_request__descriptor);

    return bad_request && bad_request->n_field_violations == 1
               ? bad_request->field_violations[0]->field
               : "";
}

const char *core_call_describe(struct core_call *call)
{
    if (!core_call_is_done(call))
        return "the call is under way";
    return arena_printf(&call->arena, "the call ended with %s \"%s\", reason \"%s\", field \"%s\"",
                        err_status_name((enum err_status)call->status), core_call_text(call),
                        core_call_reason(call), core_call_field(call));
}
