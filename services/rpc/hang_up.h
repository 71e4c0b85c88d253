/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hanging up: ends a connection, which core offers no way to do.
 *
 * The socket is found among our own descriptors by the address of its peer, and shut down; core
 * then reads the end of the connection and cleans up as it does when a client leaves.  Core may
 * close the number, and have another file under it, at any moment: what is looked at and shut down
 * is a duplicate, which stays the same connection until it is closed.
 *
 * Blocks for a look at all descriptors: on a background thread.
 */
#ifndef RPC_HANG_UP_H
#define RPC_HANG_UP_H

#include "base/attributes.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* What core calls a peer: "ipv4:192.0.2.1:50000", "ipv6:%5B2001:db8::1%5D:50000"; an IPv4 address
 * becomes a mapped one.  False for everything else. */
MUST_CHECK bool hang_up_parse(const char *peer, struct sockaddr_in6 *ret_address);

/* True when there was such a connection, to one of these ports. */
bool hang_up(const struct sockaddr_in6 *peer, const int *ports, size_t port_count);

#endif
