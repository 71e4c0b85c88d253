/* SPDX-License-Identifier: Apache-2.0 */
/* TLS under test: certificates good and bad, a Redis that shows one, and options to reach it. */
#ifndef CONTRACT_REDIS_CERTIFICATES_H
#define CONTRACT_REDIS_CERTIFICATES_H

#include "storage/redis.h"

enum { REDIS_TLS_TEXT_MAX = 128, REDIS_TLS_ARGUMENTS_MAX = 16 };

struct redis_tls_server {
    uint16_t port;
    char port_text[8];
    char certificate[REDIS_TLS_TEXT_MAX], key[REDIS_TLS_TEXT_MAX], authority[REDIS_TLS_TEXT_MAX];
    const char *arguments[REDIS_TLS_ARGUMENTS_MAX]; /* for struct redis_server_process */
};

/* Does hiredis have TLS here? */
bool redis_tls_is_built(void);

/* The folder that redis_certificates.sh has filled, once a process; it goes at exit. */
const char *redis_certificates(void);

/* A server that shows the certificate of that name, on a port that it keeps. */
void redis_tls_server_init(struct redis_tls_server *server, const char *name, bool asks_clients);

/* Over TLS instead of the unix socket, believing `authority`, as `client` (NULL: as nobody).  The
 * texts last until the next call. */
void redis_tls_options(struct redis_options *options, const struct redis_tls_server *server,
                       const char *host, const char *authority, const char *client);

#endif
