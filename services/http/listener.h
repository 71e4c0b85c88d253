/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket: from an address as text. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include "base/err.h"

#include <stdint.h>

struct listener {
    int fd;
    uint16_t port;   /* 0 for a unix socket */
    bool is_local;   /* loopback or a unix socket */
    char *unix_path; /* removed with the listener; NULL for TCP */
};

/* CONFIG_INVALID when it is no address, IO when it cannot be had. */
MUST_CHECK bool listener_open(const char *address, struct listener *ret_listener, struct err *err);
void listener_close(struct listener *listener);

#endif
