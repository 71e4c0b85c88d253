/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread, one completion queue, and everything that belongs to the calls on it.
 *
 * Nothing here is shared but the inbox and the counters.  Whoever completes parked work posts to
 * the inbox; the doorbell, an empty batch on a private call over a lame channel, makes the queue
 * return.
 */
#ifndef RPC_WORKER_H
#define RPC_WORKER_H

#include "base/queue_age.h"
#include "rpc/call_state.h"
#include "rpc/resets.h"
#include "rpc/server.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WORKER_ARENAS_MAX = 64, WORKER_SPARE_CALLS_MAX = 1024, CALL_ARENA_BYTES = 8192 };

/* What waits in a worker's completion queue (backlog.c).  Only the worker writes. */
struct rpc_backlog {
    struct rpc_op marker;
    atomic_bool is_marked; /* a marker is on its way, or the queue is being shut down */
    int64_t marked_ns;     /* when it was sent; 0: there is none */
    int64_t back_ns;       /* when the last one came back */
    int64_t trip_ns;       /* how long it took */
    struct queue_age age;
    bool is_turn; /* of a call to be refused */
    struct rpc_posted {
        uint32_t count;    /* calls that core has, and the queue */
        uint32_t wanted;   /* as many as there should be */
        uint32_t accepted; /* since the marker was sent */
    } * posted;            /* by door */
    atomic_ullong age_us;
    atomic_ullong refused_count;
};

struct rpc_worker {
    struct rpc_server *server;
    uint32_t index;
    pthread_t thread;
    grpc_completion_queue *queue;

    struct inbox inbox;
    atomic_bool is_rung; /* a doorbell batch is on its way, or the queue is being shut down */
    struct rpc_op doorbell;
    grpc_channel *lame;
    grpc_call *bell;

    int64_t now_ns; /* of the event being handled */
    struct rpc_timers timers;
    struct rpc_call *active;      /* parked and streaming */
    struct rpc_call *spare_calls; /* finished ones, for re-use */
    size_t spare_count;
    struct arena arenas[WORKER_ARENAS_MAX]; /* with a warm block each */
    size_t arena_count;

    struct rpc_backlog backlog;
    uint32_t permits; /* taken from the server's, not in use */
    atomic_uint
        open_count; /* calls that have begun and are not given back; only the worker writes */
    atomic_ullong call_count;
    atomic_uint parked_count;
    atomic_uint stream_count;
    atomic_ullong refused_count;
    atomic_ullong unknown_count;
    atomic_ullong late_count;
    atomic_ullong late_us_max;

    unsigned char apart[64]; /* a cache line between this worker's counters and the next worker */
};

enum streams_end {
    STREAMS_SERVED,
    STREAMS_END,     /* but those that are never shed */
    STREAMS_END_ALL, /* the server stops */
};

struct rpc_server {
    grpc_server *core;
    struct rpc_registry *registry;
    struct rpc_options options;
    struct rpc_interceptor const **interceptors;
    struct executor *executor;
    struct rpc_door *doors; /* the hot methods, then the generic one */
    size_t door_count;
    struct rpc_worker *workers;
    uint32_t worker_count;
    int *ports;
    struct rpc_credentials *credentials; /* one per listener */
    bool has_tls;                        /* one of the listeners at least */
    atomic_uint permits;                 /* for calls that may be shed, that no worker has taken */
    uint32_t permit_batch;
    struct resets *resets;  /* of who hangs up; so is the next */
    int64_t looked_at;      /* the id of the connection with which the last look has ended */
    atomic_int streams_end; /* enum streams_end */
    struct rpc_op stopped;
    pthread_mutex_t mutex; /* of `is_stopped` */
    pthread_cond_t changed;
    bool is_stopped;
};

void rpc_worker_init(struct rpc_worker *worker, struct rpc_server *server, uint32_t index);
void rpc_worker_start(struct rpc_worker *worker);
/* Called on any thread after core has shut down: ends the thread. */
void rpc_worker_quit(struct rpc_worker *worker);
void rpc_worker_release(struct rpc_worker *worker);

/* stop.c: DRAINING for a method that streams, once streams are being ended. */
MUST_CHECK bool rpc_server_takes_streams(const struct rpc_server *server,
                                         const struct rpc_method *method, struct err *err);

/* backlog.c */
void rpc_backlog_init(struct rpc_worker *worker);
void rpc_backlog_release(struct rpc_worker *worker);
/* Post as many calls of the door as are wanted. */
void rpc_backlog_post(struct rpc_worker *worker, const struct rpc_door *door);
/* One of them has come. */
void rpc_backlog_accept(struct rpc_worker *worker, const struct rpc_door *door);
/* Once for every event: now and then a marker is sent. */
void rpc_backlog_look(struct rpc_worker *worker);
/* Is the next call, which may be refused for this, to be refused? */
bool rpc_backlog_refuses(struct rpc_worker *worker);
/* Any thread but the worker's: from here on no marker is sent. */
void rpc_backlog_quit(struct rpc_worker *worker);

/* permits.c */
void rpc_permits_init(struct rpc_server *server);
MUST_CHECK bool rpc_permits_take(struct rpc_worker *worker);
void rpc_permits_give(struct rpc_worker *worker);

/* Calls of all workers that have begun and are not given back. */
uint32_t rpc_server_open_count(const struct rpc_server *server);

/* A worker's last call is over: who stops the server may be waiting for that. */
void rpc_server_note_idle(struct rpc_server *server);

struct arena rpc_worker_take_arena(struct rpc_worker *worker);
void rpc_worker_give_arena(struct rpc_worker *worker, struct arena *arena);

#endif
