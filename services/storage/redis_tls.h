/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of a connection to Redis: hiredis moves the bytes, whom to trust is decided here.
 *
 * The server must prove that it is who store.url says, by a certificate of an authority of the
 * file, and with TLS 1.2 at least.  Where hiredis has no TLS (before 1.0, Debian 12),
 * redis_no_tls.c stands in the place of redis_tls.c, and asking for TLS is CONFIG_INVALID.
 */
#ifndef STORAGE_REDIS_TLS_H
#define STORAGE_REDIS_TLS_H

#include "storage/redis.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

struct ssl_st; /* SSL of OpenSSL */

/* Is there TLS, and can its files be used?  CONFIG_INVALID with what to do when not. */
MUST_CHECK bool redis_tls_check(const struct redis_options *options, struct err *err);

/*
 * Begin TLS with the server that is called `host`, with the files as they are now: they may be
 * replaced while the store is open.  The session is hiredis', until the context is freed.
 */
MUST_CHECK bool redis_tls_begin(const struct redis_options *options, const char *host,
                                redisAsyncContext *context, struct ssl_st **ret_session,
                                struct err *err);

/*
 * Makes `err` say why the connection ended, as far as that has to do with TLS: CONFIG_INVALID when
 * it will not be otherwise next time.  hiredis only knows that reading or writing failed.
 */
void redis_tls_explain(const struct ssl_st *session, struct err *err);

/* To be called when a connection has ended: OpenSSL keeps the errors of a thread, not of a session,
 * and would take them for those of the thread's next operation. */
void redis_tls_forget(void);

#endif
