/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming call on gRPC C core, one message at a time: whoever waits reads from the socket, as
 * in call.c.  One thread at a time.
 */
#ifndef CLIENT_SRC_STREAM_H
#define CLIENT_SRC_STREAM_H

#include "base/attributes.h"
#include "client/src/method.h"

enum { STREAM_TOKEN_MAX = 128 };

/* NULL after filling *error.  Nothing is sent yet.  `timeout_ms` of the call is that of each
 * message. */
struct passgate_stream *stream_new(const struct method *method, struct passgate_client *client,
                                   const struct passgate_call *call, struct passgate_error *error);

/* Begin, or begin again on another call.  With `only` that is all that is sent. */
MUST_CHECK bool stream_begin(struct passgate_stream *stream, const ProtobufCMessage *only,
                             struct passgate_error *error);

/* One more message to the server; a stream that has ended is found out by stream_read(). */
void stream_write(struct passgate_stream *stream, const ProtobufCMessage *message);

/* The next result; NULL at the end (error->code is PASSGATE_OK), or after filling *error. */
void *stream_read(struct passgate_stream *stream, struct passgate_error *error);

/* Has it ended only because every stream does? */
bool stream_is_aged(const struct passgate_error *error);

/* Where the results so far say to go on; what has no token begins. */
void stream_keep_token(struct passgate_stream *stream, struct passgate_token token);
ProtobufCBinaryData stream_token(struct passgate_stream *stream);

/* Which records of the audit log are listed; its texts stay the caller's. */
void stream_keep_query(struct passgate_stream *stream, const struct passgate_audit_query *query);
const struct passgate_audit_query *stream_query(const struct passgate_stream *stream);

/* What every message of an import says; its texts stay the caller's. */
void stream_keep_import(struct passgate_stream *stream, const struct passgate_import *import);
const struct passgate_import *stream_import(const struct passgate_stream *stream);

#endif
