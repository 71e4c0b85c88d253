/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client for tests: gRPC core's client calls over one completion queue, thousands at once.
 *
 * One thread: calls are started, and the queue is looked at by whoever waits.  Nothing here is
 * hidden from a test: a call can be left without a message, a message can be compressed.
 */
#ifndef TESTS_RPC_CORE_CLIENT_H
#define TESTS_RPC_CORE_CLIENT_H

#include "base/err.h"
#include "base/span.h"

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

struct core_client;
struct core_call;

struct core_client_options {
    const char *target;
    const char *ca_pem; /* NULL: plaintext.  The server is called "localhost". */
    const char *certificate_pem, *key_pem;
    const grpc_arg *arguments;
    size_t argument_count;
};

struct core_client *core_client_new(const char *target);
struct core_client *core_client_new_with(const struct core_client_options *options);
/* All calls are freed before. */
void core_client_free(struct core_client *client);

/* Handle one event; false when none comes within `wait_ms`. */
bool core_client_pump(struct core_client *client, int64_t wait_ms);

struct core_header {
    const char *name, *value;
};

struct core_start {
    const char *path;
    const ProtobufCMessage *message; /* or */
    struct span bytes;
    bool is_without_message; /* headers alone: nothing is sent, and no end either */
    bool is_gzipped;
    int64_t deadline_ms; /* from now; 0: none */
    const struct core_header *headers;
    size_t header_count;
    void (*on_done)(struct core_call *call, void *context); /* while pumping; may free the call */
    void *context;
};

/* One request, one answer. */
struct core_call *core_call_start(struct core_client *client, const struct core_start *start);
struct core_call *core_call(struct core_client *client, const char *path,
                            const ProtobufCMessage *message, int64_t deadline_ms);

/* A stream that sends nothing by itself. */
struct core_call *core_stream_start(struct core_client *client, const struct core_start *start);
/* Send one message; waits until core has taken it (10 s). */
bool core_stream_send(struct core_call *call, const ProtobufCMessage *message);
/* As above without waiting: whether core has taken it. */
void core_stream_send_start(struct core_call *call, const ProtobufCMessage *message);
bool core_stream_is_sending(const struct core_call *call);
void core_stream_half_close(struct core_call *call);
/* The next message, with the call's life; NULL when there is none within `wait_ms` or the stream is
 * over. */
ProtobufCMessage *core_stream_read(struct core_call *call,
                                   const ProtobufCMessageDescriptor *descriptor, int64_t wait_ms);

void core_call_cancel(struct core_call *call);
bool core_call_is_done(const struct core_call *call);
/* Pump until it is over; aborts after 20 s: no call is ever lost. */
grpc_status_code core_call_wait(struct core_call *call);
/* Wait, then free. */
grpc_status_code core_call_end(struct core_call *call);
void core_call_free(struct core_call *call);

/* When done. */
grpc_status_code core_call_status(const struct core_call *call);
const char *core_call_text(struct core_call *call);
ProtobufCMessage *core_call_reply(struct core_call *call,
                                  const ProtobufCMessageDescriptor *descriptor);
bool core_call_trailer(const struct core_call *call, const char *name, struct span *ret_value);
/* Of google.rpc.Status: "" when there is none. */
const char *core_call_reason(struct core_call *call);
const char *core_call_field(struct core_call *call);
/* All of these in one line, for the message of a test that fails.  At any time. */
const char *core_call_describe(struct core_call *call);

/* The call ends with this status.  A test that fails says how it ended instead. */
#define assert_ended(call, expected)                                \
    do {                                                            \
        struct core_call *ended_ = (call);                          \
                                                                    \
        if (core_call_wait(ended_) != (expected))                   \
            fail_msg("%s, and not %s", core_call_describe(ended_),  \
                     err_status_name((enum err_status)(expected))); \
    } while (0)

/* The same, and the call is freed. */
#define assert_end(call, expected)        \
    do {                                  \
        struct core_call *over_ = (call); \
                                          \
        assert_ended(over_, (expected));  \
        core_call_free(over_);            \
    } while (0)

#endif
