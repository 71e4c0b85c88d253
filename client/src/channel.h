/* SPDX-License-Identifier: Apache-2.0 */
/* A client from inside: the channel and its defaults.  Immutable after it was made. */
#ifndef CLIENT_SRC_CHANNEL_H
#define CLIENT_SRC_CHANNEL_H

#include "client/include/passgate/client.h"

#include <grpc/grpc.h>

struct passgate_client {
    grpc_channel *channel;
    int check_timeout_ms;
    int write_timeout_ms;
};

/* Loopback addresses and unix sockets: where plaintext does not leave the machine. */
bool target_is_local(const char *target);

#endif
