/* SPDX-License-Identifier: Apache-2.0 */
/* A client from inside: the channel and its defaults, and messages as gRPC core has them. */
#ifndef CLIENT_SRC_CHANNEL_H
#define CLIENT_SRC_CHANNEL_H

#include "base/attributes.h"
#include "client/src/method.h"

#include <grpc/grpc.h>

/* Immutable after it was made. */
struct passgate_client {
    grpc_channel *channel;
    int check_timeout_ms;
    int write_timeout_ms;
};

/* Loopback addresses and unix sockets: where plaintext does not leave the machine. */
bool target_is_local(const char *target);

/* wire.c: what single calls and streams share. */
grpc_byte_buffer *wire_pack(const ProtobufCMessage *request);

/* The result for a reply; NULL after filling *error, also when there is none. */
void *wire_result(const struct method *method, grpc_byte_buffer *reply,
                  struct passgate_error *error);

/* The google.rpc.Status that came with a status, or empty; belongs to the metadata. */
struct span wire_status_details(const grpc_metadata_array *trailing);

/* False after filling *error. */
MUST_CHECK bool wire_call_is_valid(const struct passgate_call *call, struct passgate_error *error);

/* The metadata that a call is sent with: 0 or 1; the value is to be given back. */
size_t wire_metadata(const struct passgate_call *call, grpc_metadata *ret_metadata);

#endif
