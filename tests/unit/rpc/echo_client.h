/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the runtime say over and over: a call to EchoService, waiting for a state. */
#ifndef TESTS_RPC_ECHO_CLIENT_H
#define TESTS_RPC_ECHO_CLIENT_H

#include "base/clock.h"
#include "testing.pb-c.h"
#include "unit/rpc/core_client.h"
#include "unit/rpc/echo_server.h"

#define ECHO_PATH "/passgate.testing.EchoService/"

enum { ECHO_WAIT_MS = 10000 };

/* A server, and a client of it. */
struct echo_fixture {
    struct echo_server *echo;
    struct core_client *client;
};

/* For cmocka, which keeps a `struct echo_fixture *` as its state: with these options; with those of
 * echo_options(); and the end of both. */
int echo_set_up_with(void **state, const struct rpc_options *options, size_t executor_queue);
int echo_set_up(void **state);
int echo_tear_down(void **state);

/* Start a call of a unary method. */
struct core_call *echo_start(struct core_client *client, const char *path, uint64_t number,
                             int64_t deadline_ms);
/* Start, wait, free. */
grpc_status_code echo_status(struct core_client *client, const char *path);
/* A call of a unary method ends with this status. */
#define assert_echo(client, path, expected) \
    assert_end(echo_start((client), (path), 1, ECHO_WAIT_MS), (expected))

/* The number in the reply; 0 when there is none. */
uint64_t echo_number(struct core_call *call);

/* A stream of Count or CountAlways that has got its request. */
struct core_call *echo_count(struct core_client *client, const char *path, uint64_t count,
                             uint32_t pad_bytes, int64_t deadline_ms);
/* The number of the next message; 0 when the stream is over or nothing comes within `wait_ms`. */
uint64_t echo_next(struct core_call *call, int64_t wait_ms);

/* Pump the client until it is so; fails the test when it is not within ten seconds. */
#define WAIT_FOR(client, condition)                                          \
    do {                                                                     \
        int64_t until_ns = clock_now_ns() + ECHO_WAIT_MS * INT64_C(1000000); \
                                                                             \
        while (!(condition)) {                                               \
            if (clock_now_ns() > until_ns)                                   \
                fail_msg("never came true: %s", #condition);                 \
            core_client_pump((client), 1);                                   \
        }                                                                    \
    } while (0)

/* One gauge of the server. */
struct rpc_stats echo_stats(struct echo_server *echo);

#endif
