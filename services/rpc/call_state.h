/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call is made of; for the files of this folder.
 *
 * A call object is posted to core and waits (WAITING), is accepted with a request (OPEN), may wait
 * for something (PARKED) or stream (STREAMING), sends its outcome (FINISHING) and is given back to
 * its worker when it is DONE and no batch is outstanding any more.  Each started batch counts in
 * `outstanding` until its tag comes.
 */
#ifndef RPC_CALL_STATE_H
#define RPC_CALL_STATE_H

#include "rpc/call.h"
#include "rpc/core_compat.h"
#include "rpc/op.h"
#include "rpc/registry.h"
#include "rpc/timers.h"

#include <stdatomic.h>

enum call_state {
    CALL_WAITING,
    CALL_OPEN,
    CALL_PARKED,
    CALL_STREAMING, /* bidirectional: reading items; or a server stream that has parked */
    CALL_FINISHING,
    CALL_DONE,
};

enum { CALL_TRAILERS_MAX = 4, CALL_ATTACHED_MAX = 4 };

/* What is posted: calls of one hot method, or of all others together. */
struct rpc_door {
    const struct rpc_entry *entry; /* NULL: the generic one */
    void *registered;              /* core's handle */
};

struct rpc_stream;  /* stream.c */
struct rpc_offload; /* offload.c */

struct rpc_call {
    struct rpc_worker *worker;
    const struct rpc_door *door;
    const struct rpc_entry *entry; /* NULL: no such method */
    enum call_state state;
    uint32_t outstanding;
    bool has_permit; /* of those that bound the calls in flight */

    /* Core's. */
    grpc_call *core;
    grpc_call_details details;
    grpc_metadata_array headers;
    gpr_timespec core_deadline;
    grpc_byte_buffer *payload;
    grpc_byte_buffer *response;
    int is_cancelled;
    bool is_close_posted;
    bool is_gone; /* the client: told by `closed` */

    struct rpc_op accepted;
    struct rpc_op
        received; /* the request of a call that came through the generic door, a stream's items */
    struct rpc_op sent;   /* the final batch */
    struct rpc_op closed; /* RECV_CLOSE_ON_SERVER, posted alone */

    struct arena arena;
    int64_t started_ns;
    int64_t deadline_ms;
    struct rpc_timer timer;

    void (*on_abandoned)(void *owner);
    void *owner;
    struct rpc_call *next_active; /* parked and streaming calls of the worker */
    struct rpc_call **link_active;
    struct rpc_call *next_free;

    const ProtobufCMessage *request;
    struct rpc_offload *offload; /* while its handler is on the executor */

    size_t interceptors_run;
    struct {
        const void *key;
        void *value;
    } attached[CALL_ATTACHED_MAX];
    size_t attached_count;
    struct {
        const char *name;
        struct span value;
    } trailers[CALL_TRAILERS_MAX];
    size_t trailer_count;

    struct rpc_stream *stream;
};

/* call.c */
struct rpc_call *rpc_call_new(struct rpc_worker *worker);
void rpc_call_free(struct rpc_call *call);
/* Ask core for one more call of this door; false when the server is shutting down. */
bool rpc_call_post(struct rpc_worker *worker, const struct rpc_door *door);
/* Start a batch and count it.  A batch that core refuses is a bug of ours and aborts. */
void rpc_call_start(struct rpc_call *call, const grpc_op *ops, size_t count, struct rpc_op *op);
/* The tag of a batch came: give the call back if that was the last thing it waited for. */
void rpc_call_settle(struct rpc_call *call);

/* park.c */
void rpc_call_activate(struct rpc_call *call, enum call_state state);
void rpc_call_deactivate(struct rpc_call *call);
/* Set the timer: to the deadline, for streams to the end of their age if that is earlier (what is
 * never shed has no age: a balancer's watch lives as long as its connection). */
void rpc_call_arm(struct rpc_call *call);
/* Learn of cancellation while waiting. */
void rpc_call_watch_close(struct rpc_call *call);

/* outcome.c */
void rpc_call_init_ends(struct rpc_call *call);
/* End the call with this outcome; takes `response` (may be NULL). */
void rpc_call_finish(struct rpc_call *call, const struct err *outcome, grpc_byte_buffer *response);
/* Nobody waits any more: finish with `err`, tell the owner. */
void rpc_call_abandon(struct rpc_call *call, const struct err *err);

/* offload.c */
void rpc_offload_start(struct rpc_call *call);
void rpc_offload_answer(struct rpc_call *call, const struct err *outcome,
                        grpc_byte_buffer *response);
void rpc_offload_lapse(struct rpc_call *call, const struct err *err);

/* message.c */
grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message);
/* Scan and unpack into the arena.  Destroys nothing. */
MUST_CHECK bool rpc_message_unpack(grpc_byte_buffer *buffer,
                                   const ProtobufCMessageDescriptor *descriptor, size_t bytes_max,
                                   struct arena *arena, ProtobufCMessage **ret_message,
                                   struct err *err);

/* status.c: what an error says to the client; in the arena. */
struct span rpc_status_text(const struct err *err, struct arena *arena);
/* google.rpc.Status with ErrorInfo and, for a field, BadRequest.  What stands behind `#` in the
 * field is the metadata `part` of ErrorInfo. */
struct span rpc_status_details(const struct err *err, struct arena *arena);

/* stream.c */
void rpc_stream_open(struct rpc_call *call);            /* from here on the call streams */
bool rpc_stream_has_begun(const struct rpc_call *call); /* initial metadata is sent */
/* End it from our side (age, deadline, drain): the owner is told. */
void rpc_stream_cut(struct rpc_call *call, const struct err *err);
void rpc_stream_expire(struct rpc_call *call); /* its deadline or its age is there */
/* The client is gone.  Returns the outcome: why the stream was ending already, or `err`. */
const struct err *rpc_stream_abandon(struct rpc_call *call, const struct err *err);
void rpc_stream_release(struct rpc_call *call);
/* When a stream that opens now has reached its age; INT64_MAX when there is no age. */
int64_t rpc_stream_age_ms(const struct rpc_worker *worker);

#endif
