/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call: its arena, its deadline, its answer.
 *
 * A call and its arena never leave their worker: everything here is called on that worker's thread,
 * except on the executor where a handler that runs there may use the arena and answer.
 *
 * A handler that waits for something parks the call.  From then on the call may be abandoned
 * (cancelled by the client, past its deadline, server stopping): its outcome is sent,
 * `on_abandoned(owner)` is told once, and the call must not be touched any more; a result that
 * comes later is dropped by its owner.  Otherwise the owner answers, which ends the park.  What is
 * parked for must have memory of its own, and post its result to the inbox before the server is
 * freed.
 */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include "base/arena.h"
#include "base/inbox.h"
#include "rpc/method.h"

/* Answer.  The message is packed before this returns. */
void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *response);
void rpc_call_fail(struct rpc_call *call, const struct err *err);

void rpc_call_park(struct rpc_call *call, void (*on_abandoned)(void *owner), void *owner);

struct arena *rpc_call_arena(struct rpc_call *call);

/*
 * Take the arena away with everything in it, the request among it: for work that is parked for and
 * may outlive the call.  The call goes on with an empty one.  The new owner releases it, after it
 * has answered.
 */
struct arena rpc_call_take_arena(struct rpc_call *call);

/* Where the results of parked work are posted. */
struct inbox *rpc_call_inbox(struct rpc_call *call);

const struct rpc_method *rpc_call_method(const struct rpc_call *call);
/* The index of the method among all methods of all services, for counters; its path
 * "/package.Service/Method". A method that does not exist has the index rpc_server_method_count()
 * and an empty path. */
size_t rpc_call_method_index(const struct rpc_call *call);
const char *rpc_call_path(const struct rpc_call *call);

/* Monotonic; the earlier of the client's and the row's. */
int64_t rpc_call_deadline_ms(const struct rpc_call *call);
int64_t rpc_call_started_ns(const struct rpc_call *call);
uint32_t rpc_call_worker_index(const struct rpc_call *call);

/* The first value of a request header (lower-case name), valid as long as the call; false when
 * there is none. */
bool rpc_call_metadata(const struct rpc_call *call, const char *name, struct span *ret_value);

/* When a client may try again by itself, in milliseconds; negative: not at all (gRFC A6). */
#define RPC_PUSHBACK "grpc-retry-pushback-ms"

/* Add a header to what is sent with the status (trailing metadata).  `name` is static text, `value`
 * is copied; at most four.  A value that no header can carry is left out. */
void rpc_call_add_trailer(struct rpc_call *call, const char *name, struct span value);

enum rpc_authentication {
    RPC_PLAINTEXT, /* loopback or unix socket */
    RPC_MTLS,      /* the transport verified a client certificate against our CA */
};

/* What the transport knows of the peer.  Headers and the peer string are never looked at. */
struct rpc_peer {
    enum rpc_authentication authentication;
    struct span spiffe_id;    /* set only for exactly one URI SAN with the scheme spiffe */
    const struct span *names; /* DNS names among the subject alternative names; never the CN */
    size_t name_count;
};

/* In the call's arena.  UNAUTHENTICATED when TLS was used and no certificate was verified, or one
 * with several URI SANs, whatever they are. */
MUST_CHECK bool rpc_call_peer(struct rpc_call *call, struct rpc_peer *ret_peer, struct err *err);

/* What interceptors hand on to handlers: one pointer per key, at most four keys; a key is an
 * address. */
void rpc_call_attach(struct rpc_call *call, const void *key, void *value);
void *rpc_call_attached(const struct rpc_call *call, const void *key);

#endif
