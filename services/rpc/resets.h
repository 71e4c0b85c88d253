/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that are begun and not answered, by connection (CVE-2023-44487): which connections do
 * nothing else, and are to be ended.
 *
 * A client that resets what it has begun may begin more at once: its connection has never more open
 * streams than it may have, and costs what calls cost.  An honest one does it as well: now and
 * then, or to all of its calls when a user has gone; and when a server is slow, deadlines pass by
 * the thousand.  But an honest client waits, so that it gives up no more calls a second than its
 * streams have deadlines in one: with 256 streams that all wait for 50 ms in vain, 5,120.  So a
 * connection is guilty that gives up more than a bound, and more than it lets be answered, in two
 * looks on end.
 *
 * No clock, no lock: belongs to the thread that looks.
 */
#ifndef RPC_RESETS_H
#define RPC_RESETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESETS_CONNECTIONS = 4096 };

/* What was known of a connection when it was last looked at. */
struct resets_connection {
    int64_t id; /* 0: none */
    int64_t seen_ns;
    uint64_t begun; /* streams, since it was made */
    uint64_t answered;
    bool is_suspect;
};

/* By the low bits of the id: core numbers connections one after the other.  Of two in one place the
 * one that was looked at last is known. */
struct resets {
    uint32_t per_second_max; /* 0: nobody is guilty */
    uint32_t streams_max;    /* those that are still open are not given up */
    struct resets_connection connections[RESETS_CONNECTIONS];
};

/* Another look at a connection.  True when it is guilty. */
bool resets_look(struct resets *resets, int64_t id, uint64_t begun, uint64_t answered,
                 int64_t now_ns);

#endif
