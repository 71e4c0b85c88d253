/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of pages. */
#include "admin/store_stream.h"

#include "admin/store_message.h"
#include "rpc/stream.h"

/* Pages are messages: clients take no more than 4 MiB, a value may have 64 KiB, and a page a few
 * entries more than were asked for. */
enum { PAGE_ENTRIES = 32, ARENA_BYTES = 32 * 1024 };

static void end(struct store_stream *stream)
{
    store_walk_stop(&stream->walk);
    arena_release(&stream->arena);
    stream->release(stream);
}

static void next_page(struct store_stream *stream)
{
    arena_reset(&stream->arena);
    stream->is_busy = true;
    store_walk_next(&stream->walk);
}

static void go_on(struct store_stream *stream)
{
    stream->has_begun = true;
    if (!stream->walk.is_done) {
        next_page(stream);
        return;
    }
    rpc_stream_end(stream->call, NULL);
    end(stream);
}

static void on_writable(void *owner)
{
    struct store_stream *stream = owner;

    if (!stream->held || !rpc_stream_send(stream->call, stream->held))
        return;
    stream->held = NULL;
    go_on(stream);
}

static void on_abandoned(void *owner)
{
    struct store_stream *stream = owner;

    stream->call = NULL;
    if (!stream->is_busy)
        end(stream);
}

static void on_page(struct store_walk *walk)
{
    struct store_stream *stream = CONTAINER_OF(walk, struct store_stream, walk);

    if (!stream->call)
        end(stream);
    else if (walk->page->is_ok)
        stream->on_page(stream);
    else
        store_stream_fail(stream, &walk->page->err);
}

void store_stream_tell(struct store_stream *stream, const ProtobufCMessage *message)
{
    stream->is_busy = false;
    if (!stream->call)
        end(stream);
    else if (rpc_stream_send(stream->call, message))
        go_on(stream);
    else
        stream->held = message;
}

void store_stream_fail(struct store_stream *stream, const struct err *err)
{
    if (stream->call)
        rpc_stream_end(stream->call, err);
    end(stream);
}

void store_stream_open(struct store_stream *stream, struct rpc_call *call,
                       const struct admin_options *options, struct span token)
{
    struct err err;

    stream->call = call;
    stream->options = options;
    stream->walk = (struct store_walk){
        .options = options,
        .reply_to = rpc_call_inbox(call),
        .limit = PAGE_ENTRIES,
        .on_page = on_page,
    };
    arena_init(&stream->arena, ARENA_BYTES);
    if (!store_walk_begin(&stream->walk, token, "resume_token", &err) ||
        !store_audit(call, options, &err)) {
        rpc_call_fail(call, &err);
        end(stream);
        return;
    }
    rpc_call_park(call, on_abandoned, stream);
    rpc_stream_on_writable(call, on_writable);
    next_page(stream);
}
