/* SPDX-License-Identifier: Apache-2.0 */
/* Server credentials: plaintext, or TLS that requires and verifies a client certificate. */
#ifndef RPC_CREDENTIALS_H
#define RPC_CREDENTIALS_H

#include "rpc/core_compat.h"
#include "rpc/server.h"

/* CONFIG_INVALID when a file cannot be read.  A key that does not fit its certificate is found by
 * keys/. */
MUST_CHECK bool rpc_credentials_make(const struct rpc_tls *tls,
                                     grpc_server_credentials **ret_credentials, struct err *err);

#endif
