/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon: one instance of libmicrohttpd, which has one certificate for as long as it lives.
 *
 * The library reads its certificate at the start and never again.  So a new certificate is a new
 * daemon: connections that come are handed to the newest; those of an older one are told to go with
 * their next response, and when it has none any more it is freed.
 */
#ifndef HTTP_DAEMON_H
#define HTTP_DAEMON_H

#include "http/exchange.h"

struct http_daemon {
    struct exchange_home *home;
    struct MHD_Daemon *mhd;
    struct http_daemon *older;
    atomic_uint connection_count; /* handed to it, and not closed */
    atomic_bool is_retired;       /* connections end with their response */
};

struct daemon_limits {
    unsigned thread_count;
    unsigned connections_max;
    size_t header_bytes_max;
};

/* `tls->certificate` NULL: plaintext.  CONFIG_INVALID when the library does not start with it. */
MUST_CHECK bool daemon_new(struct exchange_home *home, const struct daemon_limits *limits,
                           const struct http_tls *tls, struct http_daemon **ret_daemon,
                           struct err *err);

/* Takes over the socket of a new connection; false when it has closed it instead. */
bool daemon_take(struct http_daemon *daemon, int fd, const struct sockaddr *address,
                 socklen_t length);

/* Who accepts connections is woken when the last one is gone. */
void daemon_retire(struct http_daemon *daemon);
bool daemon_is_over(const struct http_daemon *daemon);

/* Closes the connections that it still has.  Not from one of its own threads. */
void daemon_free(struct http_daemon *daemon);

#endif
