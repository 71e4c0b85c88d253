/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods: what varies from one to the next is a row.
 *
 * A service is an array of rows beside its handlers, held against the protobuf-c descriptor when
 * the server starts: a method without a row, a row without a method or a row without roles, and the
 * server does not start.  The runtime enforces what the row says before a handler runs.
 */
#ifndef RPC_METHOD_H
#define RPC_METHOD_H

#include "base/err.h"
#include "base/span.h"

#include <protobuf-c/protobuf-c.h>

struct rpc_call;
struct rpc_item;

/* protobuf-c descriptors do not say which methods stream, so that the row does. */
enum rpc_kind {
    RPC_UNARY,
    RPC_SERVER_STREAM, /* one request, many answers */
    RPC_BIDI_STREAM,   /* items in both directions */
};

enum rpc_runs {
    RPC_RUNS_ON_WORKER,   /* decides at once or parks */
    RPC_RUNS_ON_EXECUTOR, /* takes long: the handler runs on the executor and answers before it
                             returns */
};

enum rpc_flags {
    RPC_IDEMPOTENT = 1 << 0, /* a client may safely send it again */
    RPC_AUDITED = 1 << 1,    /* leaves an audit record */
    RPC_HOT = 1 << 2,        /* registered with core: matched before our code runs; unary only */
    RPC_NEVER_SHED = 1 << 3, /* for health: answered under overload and no part of it; its streams
                                have no age and end last */
    RPC_AGELESS = 1 << 4, /* for operators: a call like others, but not refused because queues are
                             old, which is when it is needed */
};

/*
 * Answer the call, now or later: exactly one of rpc_call_reply() and rpc_call_fail().  `request`
 * lives as long as the call.  A handler that cannot answer at once parks the call before it
 * returns.
 */
typedef void rpc_handler_fn(struct rpc_call *call, const ProtobufCMessage *request, void *context);

/* Take one item of a bidirectional stream; answer it with rpc_item_reply() or rpc_item_fail(). */
typedef void rpc_item_fn(struct rpc_item *item, const ProtobufCMessage *request, void *context);

struct rpc_method {
    const char *name;
    enum rpc_kind kind;
    enum rpc_runs runs;
    rpc_handler_fn *handle; /* RPC_UNARY and RPC_SERVER_STREAM */
    rpc_item_fn *take_item; /* RPC_BIDI_STREAM */
    uint32_t roles; /* who may call it; its meaning belongs to the interceptor that checks it */
    int64_t deadline_cap_ms; /* a call without a deadline, or with a later one, gets this; streams:
                                0 = none */
    size_t request_bytes_max;
    unsigned flags; /* enum rpc_flags */
};

struct rpc_service {
    const ProtobufCServiceDescriptor *descriptor;
    const struct rpc_method *methods;
    size_t method_count;
    void *context; /* for the handlers */
};

/* Table and descriptor agree in both directions and every row is complete; otherwise INTERNAL says
 * where. */
MUST_CHECK bool rpc_service_check(const struct rpc_service *service, struct err *err);

#endif
