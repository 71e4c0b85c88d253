/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk through everything that the store holds: page by page, partition by partition, from a
 * token that says where the one before has ended.  It belongs to a worker, like the call that it is
 * made for.
 */
#ifndef ADMIN_STORE_WALK_H
#define ADMIN_STORE_WALK_H

#include "admin/admin.h"

/* The partition, then the store's cursor. */
enum { STORE_WALK_TOKEN_MAX = 2 + STORE_CURSOR_BYTES_MAX };

struct store_walk {
    const struct admin_options *options;
    struct inbox *reply_to;
    size_t limit; /* entries of a page, about */
    /* On the worker.  The page is the walk's, until the next one is asked for or it is stopped. */
    void (*on_page)(struct store_walk *walk);
    struct store_request *page; /* is_ok, err; entries */

    /* Where the next page begins. */
    uint16_t partition;
    uint8_t cursor[STORE_CURSOR_BYTES_MAX];
    size_t cursor_length;
    uint32_t permille; /* of all partitions */
    bool is_done;      /* there is no next page */
};

/* FIELD_RANGE, naming `field`, for a token that cannot be one. */
MUST_CHECK bool store_walk_begin(struct store_walk *walk, struct span token, const char *field,
                                 struct err *err);

/* Ask for the next page; only when none is under way. */
void store_walk_next(struct store_walk *walk);

/* Give the page back; only when none is under way. */
void store_walk_stop(struct store_walk *walk);

/* What begins there where this one stands; empty when it is done. */
struct span store_walk_token(const struct store_walk *walk, struct arena *arena);

#endif
