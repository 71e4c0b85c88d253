/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of a connection to Redis, where hiredis has none. */
#include "storage/redis_tls.h"

bool redis_tls_check(const struct redis_options *options, struct err *err)
{
    (void)options;
    return err_set(
        err, ERR_CONFIG_INVALID,
        "rediss:// needs hiredis 1.0 or newer (Debian 13, or the image), and this program "
        "was built with %d.%d, which has no TLS: take one built there, or reach Redis by "
        "redis+unix: or by redis:// through a tunnel",
        HIREDIS_MAJOR, HIREDIS_MINOR);
}

/* The rest is never called: no store is opened. */

bool redis_tls_begin(const struct redis_options *options, const char *host,
                     redisAsyncContext *context, struct ssl_st **ret_session, struct err *err)
{
    (void)host;
    (void)context;
    (void)ret_session;
    return redis_tls_check(options, err);
}

void redis_tls_explain(const struct ssl_st *session, struct err *err)
{
    (void)session;
    (void)err;
}

void redis_tls_forget(void) {}
