/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of this process's servers, as core knows them (channelz): the only place where it
 * tells of streams that it never shows us as calls.
 *
 * Takes some 30 microseconds for each: on a background thread.
 */
#ifndef RPC_CONNECTIONS_H
#define RPC_CONNECTIONS_H

#include <stddef.h>
#include <stdint.h>

enum { CONNECTION_PEER_MAX = 96 };

struct connection {
    int64_t id;                     /* counts up, from 1 */
    char peer[CONNECTION_PEER_MAX]; /* "ipv4:192.0.2.1:50000"; "": no address */
    uint64_t begun;                 /* streams, since it was made */
    uint64_t answered;              /* those of which the end was sent */
};

/* Those behind this id, oldest first, at most so many; returns how many. */
size_t connections_list(int64_t behind, struct connection *connections, size_t capacity);

#endif
