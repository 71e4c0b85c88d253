/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy between unix sockets that can make the answers slow, or let nothing through. */
#ifndef CONTRACT_SLOW_PROXY_H
#define CONTRACT_SLOW_PROXY_H

#include <pthread.h>
#include <stdatomic.h>

enum {
    SLOW_PROXY_PATH_MAX = 108, /* of sockaddr_un */
    SLOW_PROXY_LINKS_MAX = 64,
    SLOW_PROXY_BYTE_MS = 20,
};

enum slow_proxy_mode { SLOW_PROXY_FAST, SLOW_PROXY_SLOW, SLOW_PROXY_CUT };

struct slow_proxy {
    _Atomic enum slow_proxy_mode mode; /* SLOW: answers come a byte at a time */
    _Atomic enum slow_proxy_mode taken;
    atomic_bool is_stopping;
    char target[SLOW_PROXY_PATH_MAX];
    char path[SLOW_PROXY_PATH_MAX];
    int listener;
    int clients[SLOW_PROXY_LINKS_MAX]; /* -1: none */
    int servers[SLOW_PROXY_LINKS_MAX];
    pthread_t thread;
};

/* Listen on `path`; every connection there is one to `target`. */
void slow_proxy_start(struct slow_proxy *proxy, const char *path, const char *target);
/* When this returns it is so. */
void slow_proxy_set(struct slow_proxy *proxy, enum slow_proxy_mode mode);
void slow_proxy_stop(struct slow_proxy *proxy);

#endif
