/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe: one new connection to a listener of our own, and whether anybody takes it.
 *
 * Core 1.51 never accepts again on a listener whose accept() once failed for want of a descriptor
 * (CVE-2023-4785), and goes on serving the connections that it has: only a new connection tells.
 * The probe asks for a sign of life and no more: no certificate, no handshake that is finished, no
 * call.
 */
#ifndef RPC_PROBE_H
#define RPC_PROBE_H

#include "rpc/server.h"

#include <sys/socket.h>

enum { RPC_PROBE_NAME_MAX = 64 };

struct rpc_probe {
    struct sockaddr_storage address;
    socklen_t address_length;
    bool is_tls;
    char name[RPC_PROBE_NAME_MAX]; /* "127.0.0.1:50051" */
};

/*
 * How `listener`, which got `port`, is reached from this machine: on loopback where it serves every
 * address, and once per address where it has the name of several, of which core may have bound some
 * only.  Returns how many; 0 for a unix socket.
 */
size_t rpc_probe_fill(const struct rpc_listener *listener, int port, struct rpc_probe *probes,
                      size_t capacity);

/*
 * Connect and wait for an answer, `timeout_ms` for each of the two: a TLS record, a SETTINGS frame,
 * or the end of the connection, which an accept loop that turns connections away (memory) gives.
 * IO when there is none; not when this machine has no port left to ask from, which says nothing of
 * the listener.  Blocks; takes one descriptor, and one more where it is accepted.
 */
MUST_CHECK bool rpc_probe_run(const struct rpc_probe *probe, int64_t timeout_ms, struct err *err);

#endif
