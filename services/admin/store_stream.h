/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of pages: a walk through the store whose every page becomes one message of a server
 * stream.  The next page is read when the client has room for it.
 */
#ifndef ADMIN_STORE_STREAM_H
#define ADMIN_STORE_STREAM_H

#include "admin/store_walk.h"
#include "base/arena.h"

/* A member of what belongs to one call. */
struct store_stream {
    struct rpc_call *call; /* NULL: the client is gone */
    const struct admin_options *options;
    struct store_walk walk;
    struct arena arena; /* of one page and its message */
    bool has_begun;     /* a message was sent */

    /* A page is there: say store_stream_tell(), now or later. */
    void (*on_page)(struct store_stream *stream);
    void (*release)(struct store_stream *stream); /* the last that is heard of it */

    bool is_busy; /* something of it is under way with the store */
    const ProtobufCMessage *held;
};

/*
 * Begin with the first page behind `token`, or refuse the call; either way `release` will run.  The
 * owner has set on_page and release, everything else is 0.
 */
void store_stream_open(struct store_stream *stream, struct rpc_call *call,
                       const struct admin_options *options, struct span token);

/* The message of this page, in the stream's arena, and then the next page; or the end, when the
 * client is gone (then the message may be NULL). */
void store_stream_tell(struct store_stream *stream, const ProtobufCMessage *message);

/* End the stream with this error. */
void store_stream_fail(struct store_stream *stream, const struct err *err);

#endif
