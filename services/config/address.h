/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen on: `host:port`, with an IPv6 host in brackets. */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include "base/arena.h"
#include "config/config.h"

/* False for anything else.  Does not touch `place`. */
bool address_parse(struct span text, struct arena *arena, struct config_address *ret_address);

/* `http://host[:port][/path]` or https, without user, query, fragment, or a slash at the end. */
bool address_is_url(struct span url);

/* The host of a URL that address_is_url() accepts is on loopback. */
bool address_url_is_loopback(struct span url);

#endif
