/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test server: EchoService in this process, on a port of its own, with everything that a test
 * turns.
 */
#ifndef TESTS_RPC_ECHO_SERVER_H
#define TESTS_RPC_ECHO_SERVER_H

#include "base/executor.h"
#include "rpc/server.h"

#include <stdatomic.h>

struct echo_server;

enum {
    ECHO_REQUEST_BYTES_MAX = 16 * 1024,
    ECHO_DEADLINE_CAP_MS = 60 * 1000,
    ECHO_PARK_CAP_MS = 3 * 1000,
};

/* Sensible options: one loopback listener with port 0, two workers. */
struct rpc_options echo_options(void);

/* EchoService is added to `options->services`; `executor_queue` is the length of the executor's
 * queue (it has one thread). */
struct echo_server *echo_server_start(const struct rpc_options *options, size_t executor_queue);

struct rpc_server *echo_server_rpc(struct echo_server *echo);
/* "127.0.0.1:port" of listener 0. */
const char *echo_server_address(const struct echo_server *echo);

/* Parked calls that the server holds, abandoned ones among them. */
size_t echo_server_held(struct echo_server *echo);
/* Answer (from this thread) everything that is held; returns how many. */
size_t echo_server_complete(struct echo_server *echo);
/* How many owners were told that their call is abandoned, and how many results came too late. */
unsigned echo_server_abandoned(struct echo_server *echo);
unsigned echo_server_late(struct echo_server *echo);
/* Streams and items whose owners were told, streams that are open now, messages that they sent. */
unsigned echo_server_streams_told(struct echo_server *echo);
unsigned echo_server_items_told(struct echo_server *echo);
unsigned long echo_server_sent(struct echo_server *echo);
/* Chat items that were read, and those that are kept; answer the latter, newest first. */
unsigned echo_server_read(struct echo_server *echo);
unsigned echo_server_kept(struct echo_server *echo);
void echo_server_release(struct echo_server *echo);

/* While the gate is closed (it starts open) Work waits in front of it. */
void echo_server_gate(struct echo_server *echo, bool is_open);
/* Open it from another thread after a while. */
void echo_server_gate_later(struct echo_server *echo, unsigned after_ms);
/* Handlers that are at work on the executor. */
unsigned echo_server_working(struct echo_server *echo);

/* Stop with this grace, complete what is held, free. */
void echo_server_stop(struct echo_server *echo, int64_t grace_ms);
/* The same for one that the test has stopped. */
void echo_server_discard(struct echo_server *echo);

/* The methods of EchoService, for tests of the registry. */
const struct rpc_service *echo_service(void);

#endif
