/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server credentials: plaintext, or TLS that requires and verifies a client certificate, and whose
 * certificate, key and authorities may be replaced while it serves.
 *
 * Core asks for something newer at the beginning of every handshake, holding a lock.  What it is
 * to use is ready by then: an exchange of a pointer.  Connections keep what they began with.
 */
#ifndef RPC_CREDENTIALS_H
#define RPC_CREDENTIALS_H

#include "rpc/core_compat.h"
#include "rpc/server.h"

#include <stdatomic.h>

/* One per listener; stays where it is until core is destroyed. */
struct rpc_credentials {
    bool is_tls;
    _Atomic(grpc_ssl_server_certificate_config *) next; /* not taken by core yet; NULL: nothing */
};

/* CONFIG_INVALID when one of the three is missing.  What they are is checked by keys/. */
MUST_CHECK bool rpc_credentials_make(struct rpc_credentials *credentials, const struct rpc_tls *tls,
                                     grpc_server_credentials **ret_core, struct err *err);

/* From the next handshake on; nothing on plaintext.  Any thread. */
void rpc_credentials_renew(struct rpc_credentials *credentials, const struct rpc_tls *tls);

/* After core's server. */
void rpc_credentials_release(struct rpc_credentials *credentials);

#endif
