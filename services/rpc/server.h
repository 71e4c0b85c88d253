/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: listeners, workers, services; start, drain, stop.
 *
 * One completion queue and one thread per worker; a call stays with the worker that accepted it.
 * The server keeps more calls posted than it will run, and refuses above its bound at once: core's
 * own queue of calls that nobody asked for has no limit.
 */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include "base/executor.h"
#include "rpc/interceptor.h"
#include "rpc/method.h"

struct rpc_server;

/* PEM; all three or none.  Copied. */
struct rpc_tls {
    const char *certificate; /* intermediates behind it; NULL: plaintext */
    const char *key;
    const char *client_ca; /* client certificates are required and verified against it */
};

struct rpc_listener {
    const char *address; /* "127.0.0.1:50051", "[::1]:0", "unix:/run/passgate/grpc.sock" */
    struct rpc_tls tls;
    const char *option; /* what an error has as its field; NULL: nothing */
};

/* For sizes, counts and times 0 means none, or what core does by itself. */
struct rpc_options {
    const struct rpc_listener *listeners;
    size_t listener_count;
    const struct rpc_service *services; /* copied; descriptors, rows and contexts are not */
    size_t service_count;
    const struct rpc_interceptor *const *interceptors; /* outermost first */
    size_t interceptor_count;
    struct executor *executor; /* for rows that run there; may be NULL when there are none */
    uint32_t worker_count;     /* 0: one per CPU */
    uint32_t
        posted_calls; /* per worker and hot method, and as many for all others together; 0: 64 */
    uint32_t in_flight_max;        /* of the whole server, never passed: calls get OVERLOADED, where
                                    workers   share unevenly from 7/8 of it on; those that are never shed
                                    do   not   count */
    int64_t queue_age_target_ms;   /* calls get OVERLOADED while they wait for longer than this */
    int64_t queue_age_interval_ms; /* … and have done so for this long (base/queue_age.h) */
    uint32_t streams_max;          /* per connection */
    uint32_t resets_per_second;    /* per connection; what gives up more calls is to be ended */
    size_t message_bytes_max;      /* received; rows may say less */
    size_t metadata_bytes_max;
    size_t memory_quota_bytes; /* of core's transport buffers; 0: none */
    int64_t connection_age_ms; /* with ±10 % of jitter by core */
    int64_t connection_grace_ms;
    int64_t connection_idle_ms;
    int64_t keepalive_ms;
    int64_t keepalive_timeout_ms;
    int64_t handshake_timeout_ms;
};

/* Check all tables, bind every listener, start the workers.  CONFIG_INVALID for what the
 * configuration can cure (an address in use, a certificate that does not fit its key), INTERNAL for
 * tables. */
MUST_CHECK bool rpc_server_start(const struct rpc_options *options, struct rpc_server **ret_server,
                                 struct err *err);

/* The port that listener `index` got (for ":0"); 0 for a unix socket. */
int rpc_server_port(const struct rpc_server *server, size_t index);

/* Every listener with TLS goes on with these, from the next handshake on; connections that are
 * there keep what they began with, until their age.  What cannot be used must have been found
 * before (keys/certificate.h): core would log it and stay with the old. */
void rpc_server_renew_tls(struct rpc_server *server, const struct rpc_tls *tls);

/* One of the `in_flight_max`, for a request that came in by another door and counts like a call;
 * false: there are as many as there may be.  Any thread. */
MUST_CHECK bool rpc_server_take_permit(struct rpc_server *server);
void rpc_server_give_permit(struct rpc_server *server);

/* End the connections that give up most of what they begin, and much (rpc/resets.h); returns how
 * many there were.  For one background thread, every second or so: it asks core about up to 256
 * connections, the next time about the next ones. */
uint32_t rpc_server_hang_up(struct rpc_server *server);

size_t rpc_server_method_count(const struct rpc_server *server);
const char *rpc_server_method_path(const struct rpc_server *server, size_t index);

struct rpc_stats {
    uint64_t calls; /* accepted since the start */
    uint32_t in_flight;
    uint32_t parked;
    uint32_t streams;
    uint64_t refused;     /* for being too many */
    uint64_t aged;        /* refused for the age of a worker's queue */
    int64_t queue_age_us; /* of the oldest queue, when it was last looked at */
    uint64_t unknown_methods;
    uint64_t late_results;         /* of the executor, dropped because their call was gone */
    uint64_t deadline_late_us_max; /* how late a deadline fired at most since the last look */
};

void rpc_server_get_stats(struct rpc_server *server, struct rpc_stats *ret_stats);

/* Every worker's view of a run on its own thread; for owners of per-worker state.  Blocks until all
 * ran: not from a worker. */
void rpc_server_run_on_workers(struct rpc_server *server,
                               void (*run)(uint32_t worker_index, void *context), void *context);

/*
 * The drain, in steps (the time between them is the lifecycle's business):
 *   end_streams  every stream ends with UNAVAILABLE DRAINING and no new one opens, but those of
 *                methods that are never shed (health);
 *   stop         these too; no new calls, GOAWAY; waits up to `grace_ms` for calls in flight,
 *                cancels the rest (their owners are told), waits for jobs on the executor, stops
 *                the workers.  Returns when everything is down.
 */
void rpc_server_end_streams(struct rpc_server *server);
void rpc_server_stop(struct rpc_server *server, int64_t grace_ms);

/* After stop.  Whoever was told that a call is abandoned has posted what it still had to post. */
void rpc_server_free(struct rpc_server *server);

/* Of the gRPC C core that this program runs on. */
const char *rpc_core_version(void);

#endif
