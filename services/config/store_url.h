/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the store is:
 *
 *     sqlite:PATH                    the embedded store
 *     redis://HOST[:PORT]            Redis or Valkey
 *     rediss://HOST[:PORT]           the same over TLS
 *     redis+unix:PATH                the same through a unix socket
 *     redis-sentinel://HOST[:PORT],HOST[:PORT][,…]/NAME
 *                                    the primary that these sentinels know by the name
 *     rediss-sentinel://…            the same, the sentinels and Redis over TLS
 *
 * User, password and database have options of their own: a URL is printed and logged.
 */
#ifndef CONFIG_STORE_URL_H
#define CONFIG_STORE_URL_H

#include "base/arena.h"
#include "config/config.h"

/* What is wrong with it, as a phrase that goes behind `store.url`; NULL: nothing, and the place is
 * filled in. */
const char *store_url_parse(struct span url, struct arena *arena,
                            struct config_store_place *ret_place);

#endif
