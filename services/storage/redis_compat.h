/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between hiredis 0.14 (Debian 12) and 1.x (Debian 13): only the newer one has TLS, in
 * a library of its own.
 *
 * That library checks whether the authority signed the server's certificate, not whose name is in
 * it: so the authority must be given, and be one that signs for this Redis only.
 */
#ifndef STORAGE_REDIS_COMPAT_H
#define STORAGE_REDIS_COMPAT_H

#include "base/err.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

struct redis_tls;

#if HIREDIS_MAJOR >= 1 && PASSGATE_HIREDIS_TLS

#include <hiredis/hiredis_ssl.h>

MUST_CHECK static inline bool redis_tls_open(const char *ca_file, const char *server_name,
                                             struct redis_tls **ret_tls, struct err *err)
{
    redisSSLContextError error = REDIS_SSL_CTX_NONE;
    redisSSLContext *context;

    if (!ca_file)
        return err_set(err, ERR_CONFIG_INVALID, "TLS needs the file of the authority");
    redisInitOpenSSL();
    context = redisCreateSSLContext(ca_file, NULL, NULL, NULL, server_name, &error);
    if (!context)
        return err_set(err, ERR_CONFIG_INVALID, "TLS: %s", redisSSLContextGetError(error));
    *ret_tls = (struct redis_tls *)(void *)context;
    return true;
}

/* False leaves the reason in the context. */
MUST_CHECK static inline bool redis_tls_begin(struct redis_tls *tls, redisAsyncContext *context)
{
    return redisInitiateSSLWithContext(&context->c, (redisSSLContext *)(void *)tls) == REDIS_OK;
}

static inline void redis_tls_close(struct redis_tls *tls)
{
    redisFreeSSLContext((redisSSLContext *)(void *)tls);
}

#else

MUST_CHECK static inline bool redis_tls_open(const char *ca_file, const char *server_name,
                                             struct redis_tls **ret_tls, struct err *err)
{
    (void)ca_file;
    (void)server_name;
    (void)ret_tls;
    return err_set(err, ERR_CONFIG_INVALID,
                   "this build has hiredis %d.%d, which has no TLS: use a unix socket or a tunnel",
                   HIREDIS_MAJOR, HIREDIS_MINOR);
}

MUST_CHECK static inline bool redis_tls_begin(struct redis_tls *tls, redisAsyncContext *context)
{
    (void)tls;
    (void)context;
    return false;
}

static inline void redis_tls_close(struct redis_tls *tls)
{
    (void)tls;
}

#endif
#endif
