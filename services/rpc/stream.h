/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: many answers to one request, and items in both directions.
 *
 * Outgoing messages wait in a short queue; when it is full the sender waits (server streams) or
 * reading stops (bidirectional ones), so that a slow reader costs a bounded amount of memory.  A
 * stream ends with UNAVAILABLE, reason STREAM_AGE, before its connection reaches its age, so that
 * clients open another one on another connection instead of seeing it break.
 */
#ifndef RPC_STREAM_H
#define RPC_STREAM_H

#include "rpc/call.h"

enum { RPC_STREAM_WINDOW = 32 };

/*
 * Server stream: send one message.  The handler has parked the call first.  False when the queue is
 * full (RPC_STREAM_WINDOW messages, or 64 KiB): then nothing was taken, and `on_writable`
 * (rpc_stream_on_writable) is told when there is room.
 */
bool rpc_stream_send(struct rpc_call *call, const ProtobufCMessage *message);
void rpc_stream_on_writable(struct rpc_call *call, void (*on_writable)(void *owner));

/*
 * The owner ends it: everything queued is sent, then the status; `err` NULL or with code OK for an
 * orderly end.  The owner is not told of anything afterwards and must not touch the call.
 */
void rpc_stream_end(struct rpc_call *call, const struct err *err);

/* One item that was read, with memory of its own until it is answered. */
struct arena *rpc_item_arena(struct rpc_item *item);
/* As rpc_call_take_arena(). */
struct arena rpc_item_take_arena(struct rpc_item *item);
struct rpc_call *rpc_item_call(struct rpc_item *item);
/* Answer, in any order; the item is gone then. */
void rpc_item_reply(struct rpc_item *item, const ProtobufCMessage *response);
/* End the whole stream with this error. */
void rpc_item_fail(struct rpc_item *item, const struct err *err);
/* Answer later.  When the stream is gone first, `on_abandoned(owner)` is told once, and the item
 * must not be touched any more: what comes later is dropped by its owner. */
void rpc_item_park(struct rpc_item *item, void (*on_abandoned)(void *owner), void *owner);

#endif
