/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: a queue of what is to be sent, a window over what is read. */
#include "rpc/stream.h"

#include "base/memory.h"
#include "rpc/worker.h"

enum { FLUSH_GRACE_MS = 1000, QUEUE_BYTES_MAX = 64 * 1024 };

/* One item between its reading and its answer. */
struct rpc_item {
    struct rpc_stream *stream;
    struct arena arena;
    void (*on_abandoned)(void *owner);
    void *owner;
    struct rpc_item *next;
    struct rpc_item **link;
};

struct rpc_stream {
    struct rpc_call *call;
    bool is_bidi;

    struct rpc_op wrote;
    grpc_byte_buffer *queue[RPC_STREAM_WINDOW]; /* to be sent, oldest at `first` */
    uint32_t first;
    uint32_t queued;
    size_t queued_bytes;
    grpc_byte_buffer *writing;
    bool has_begun; /* initial metadata went out */
    void (*on_writable)(void *owner);

    struct rpc_op read;
    grpc_byte_buffer *incoming;
    bool is_reading;
    bool is_half_closed;
    struct rpc_item *items; /* read and not answered */
    uint32_t item_count;

    bool is_ending;
    struct err ending;
};

static void read_next(struct rpc_stream *stream);

static bool is_live(const struct rpc_stream *stream)
{
    return stream->call->state == CALL_STREAMING;
}

/* A window of small messages, or a few large ones, wait for a slow reader. */
static bool has_room(const struct rpc_stream *stream)
{
    return stream->item_count + stream->queued < RPC_STREAM_WINDOW &&
           stream->queued_bytes < QUEUE_BYTES_MAX;
}

/* Everything is sent and nothing more will come: the status may go. */
static void end_if_done(struct rpc_stream *stream)
{
    if (!is_live(stream) || stream->writing || stream->queued > 0)
        return;
    if (stream->is_ending)
        rpc_call_finish(stream->call, &stream->ending, NULL);
    else if (stream->is_half_closed && stream->item_count == 0)
        rpc_call_finish(stream->call, &ERR_NONE, NULL);
}

static void write_next(struct rpc_stream *stream)
{
    grpc_op ops[2] = {0}, *op = ops;

    if (stream->writing || stream->queued == 0 || !is_live(stream))
        return;
    stream->writing = stream->queue[stream->first];
    stream->first = (stream->first + 1) % RPC_STREAM_WINDOW;
    stream->queued--;
    stream->queued_bytes -= grpc_byte_buffer_length(stream->writing);
    if (!stream->has_begun) {
        stream->has_begun = true;
        (op++)->op = GRPC_OP_SEND_INITIAL_METADATA;
    }
    op->op = GRPC_OP_SEND_MESSAGE;
    (op++)->data.send_message.send_message = stream->writing;
    rpc_call_start(stream->call, ops, (size_t)(op - ops), &stream->wrote);
}

static void on_wrote(struct rpc_op *op, bool is_ok)
{
    struct rpc_stream *stream = CONTAINER_OF(op, struct rpc_stream, wrote);
    struct rpc_call *call = stream->call;

    grpc_byte_buffer_destroy(stream->writing);
    stream->writing = NULL;
    if (is_ok && is_live(stream)) {
        write_next(stream);
        if (stream->on_writable && !stream->is_ending && has_room(stream))
            stream->on_writable(call->owner);
        read_next(stream);
        end_if_done(stream);
    }
    rpc_call_settle(call);
}

static void enqueue(struct rpc_stream *stream, const ProtobufCMessage *message)
{
    grpc_byte_buffer *buffer = rpc_message_pack(message);

    stream->queue[(stream->first + stream->queued++) % RPC_STREAM_WINDOW] = buffer;
    stream->queued_bytes += grpc_byte_buffer_length(buffer);
    write_next(stream);
}

static void item_free(struct rpc_item *item)
{
    struct rpc_stream *stream = item->stream;

    *item->link = item->next;
    if (item->next)
        item->next->link = item->link;
    stream->item_count--;
    rpc_worker_give_arena(stream->call->worker, &item->arena);
    memory_free(item);
}

static struct rpc_item *item_new(struct rpc_stream *stream)
{
    struct rpc_item *item = memory_new(struct rpc_item);

    item->stream = stream;
    item->arena = rpc_worker_take_arena(stream->call->worker);
    item->next = stream->items;
    item->link = &stream->items;
    if (stream->items)
        stream->items->link = &item->next;
    stream->items = item;
    stream->item_count++;
    return item;
}

static void abandon_items(struct rpc_stream *stream)
{
    while (stream->items) {
        struct rpc_item *item = stream->items;

        if (item->on_abandoned)
            item->on_abandoned(item->owner);
        item_free(item);
    }
}

static void take_item(struct rpc_stream *stream)
{
    const struct rpc_entry *entry = stream->call->entry;
    struct rpc_item *item = item_new(stream);
    ProtobufCMessage *message;
    struct err err;
    bool is_read =
        rpc_message_unpack(stream->incoming, entry->input, entry->method->request_bytes_max,
                           &item->arena, &message, &err);

    grpc_byte_buffer_destroy(stream->incoming);
    stream->incoming = NULL;
    if (is_read)
        entry->method->take_item(item, message, entry->service->context);
    else
        rpc_item_fail(item, &err);
}

static void on_read(struct rpc_op *op, bool is_ok)
{
    struct rpc_stream *stream = CONTAINER_OF(op, struct rpc_stream, read);
    struct rpc_call *call = stream->call;

    stream->is_reading = false;
    if (!is_live(stream) || stream->is_ending) {
        if (stream->incoming)
            grpc_byte_buffer_destroy(stream->incoming);
        stream->incoming = NULL;
    } else if (!is_ok) { /* core has cancelled the call and tells so on `closed` */
        stream->is_half_closed = true;
    } else if (!stream->incoming) {
        stream->is_half_closed = true;
        end_if_done(stream);
    } else {
        take_item(stream);
        read_next(stream);
    }
    rpc_call_settle(call);
}

static void read_next(struct rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    if (!stream->is_bidi || stream->is_reading || stream->is_half_closed || stream->is_ending ||
        !is_live(stream) || !has_room(stream))
        return;
    stream->is_reading = true;
    op.data.recv_message.recv_message = &stream->incoming;
    rpc_call_start(stream->call, &op, 1, &stream->read);
}

/* Core closes a connection hard after age and grace: what a stream may live is a part of the grace.
 */
int64_t rpc_stream_age_ms(const struct rpc_worker *worker)
{
    int64_t grace_ms = worker->server->options.connection_grace_ms;

    return grace_ms > 0 ? worker->now_ns / 1000000 + grace_ms * 8 / 10 : INT64_MAX;
}

void rpc_stream_open(struct rpc_call *call)
{
    struct rpc_stream *stream = memory_new(struct rpc_stream);

    stream->call = call;
    stream->is_bidi = call->entry->method->kind == RPC_BIDI_STREAM;
    stream->wrote.on_done = on_wrote;
    stream->read.on_done = on_read;
    call->stream = stream;
    rpc_call_activate(call, CALL_STREAMING);
    rpc_call_arm(call);
    rpc_call_watch_close(call);
    read_next(stream);
}

bool rpc_stream_has_begun(const struct rpc_call *call)
{
    return call->stream->has_begun;
}

bool rpc_stream_send(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct rpc_stream *stream = call->stream;

    if (stream->is_ending || !has_room(stream))
        return false;
    enqueue(stream, message);
    return true;
}

void rpc_stream_on_writable(struct rpc_call *call, void (*on_writable)(void *owner))
{
    call->stream->on_writable = on_writable;
}

static void begin_ending(struct rpc_stream *stream, const struct err *err)
{
    stream->is_ending = true;
    stream->ending = err ? *err : ERR_NONE;
    stream->call->on_abandoned = NULL;
    abandon_items(stream);
    end_if_done(stream);
}

void rpc_stream_end(struct rpc_call *call, const struct err *err)
{
    if (!call->stream->is_ending)
        begin_ending(call->stream, err);
}

void rpc_stream_cut(struct rpc_call *call, const struct err *err)
{
    void (*on_abandoned)(void *owner) = call->on_abandoned;
    void *owner = call->owner;

    if (call->stream->is_ending)
        return;
    begin_ending(call->stream, err);
    if (on_abandoned)
        on_abandoned(owner);
}

/* A reader that does not even take what is queued gets a moment more, then the stream is torn down.
 */
void rpc_stream_expire(struct rpc_call *call)
{
    struct rpc_worker *worker = call->worker;
    enum err_code reason =
        worker->now_ns / 1000000 >= call->deadline_ms ? ERR_DEADLINE : ERR_STREAM_AGE;
    struct err err;

    if (call->stream->is_ending) {
        grpc_call_cancel_with_status(call->core, GRPC_STATUS_UNAVAILABLE,
                                     err_public_text(ERR_STREAM_AGE), NULL);
        return;
    }
    rpc_timers_set(&worker->timers, &call->timer,
                   worker->now_ns + FLUSH_GRACE_MS * INT64_C(1000000));
    err_set(&err, reason, "a stream's time is over");
    rpc_stream_cut(call, &err);
}

const struct err *rpc_stream_abandon(struct rpc_call *call, const struct err *err)
{
    struct rpc_stream *stream = call->stream;

    abandon_items(stream);
    return stream->is_ending && stream->ending.code != ERR_OK ? &stream->ending : err;
}

void rpc_stream_release(struct rpc_call *call)
{
    struct rpc_stream *stream = call->stream;

    for (uint32_t i = 0; i < stream->queued; i++)
        grpc_byte_buffer_destroy(stream->queue[(stream->first + i) % RPC_STREAM_WINDOW]);
    if (stream->incoming)
        grpc_byte_buffer_destroy(stream->incoming);
    memory_free(stream);
    call->stream = NULL;
}

struct arena *rpc_item_arena(struct rpc_item *item)
{
    return &item->arena;
}

struct arena rpc_item_take_arena(struct rpc_item *item)
{
    struct arena arena = item->arena;

    arena_init(&item->arena, CALL_ARENA_BYTES);
    return arena;
}

struct rpc_call *rpc_item_call(struct rpc_item *item)
{
    return item->stream->call;
}

void rpc_item_reply(struct rpc_item *item, const ProtobufCMessage *response)
{
    struct rpc_stream *stream = item->stream;

    enqueue(stream, response);
    item_free(item);
    read_next(stream);
}

void rpc_item_fail(struct rpc_item *item, const struct err *err)
{
    struct rpc_call *call = item->stream->call;

    item_free(item);
    rpc_stream_end(call, err);
}

void rpc_item_park(struct rpc_item *item, void (*on_abandoned)(void *owner), void *owner)
{
    item->on_abandoned = on_abandoned;
    item->owner = owner;
}
