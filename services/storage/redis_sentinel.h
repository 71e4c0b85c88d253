/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sentinels: they are asked where the primary is.
 *
 * Each has a connection of its own, which is made again by itself.  A connection to Redis that is
 * to be made, for the first time or after a loss, asks all of them and goes where more than half
 * say; INFO says there whether it is the primary (its `role` is what ROLE answers).  Beside that
 * they are asked once in a while: an old primary that is cut off from everybody but this process
 * does not notice that it has been replaced.  What they publish is not listened to: a message that
 * is lost would not be missed.
 */
#ifndef STORAGE_REDIS_SENTINEL_H
#define STORAGE_REDIS_SENTINEL_H

#include "storage/redis.h"
#include "storage/redis_connection.h"

struct redis_sentinel {
    struct redis_connection connection;
    struct redis_address address;
};

/* For redis_open(): texts of the options.  CONFIG_INVALID for fewer than two, too many, what is no
 * address, or a primary without a name. */
MUST_CHECK bool redis_sentinels_check(const struct redis_options *options, struct err *err);
void redis_sentinels_init(struct redis_store *store);

/* Of this connection, which is ASKING: it is told by redis_connection_go(). */
void redis_sentinels_ask_for(struct redis_connection *connection);
/* Why it was told nothing in time. */
void redis_sentinels_explain(const struct redis_connection *connection, struct err *err);

/* What is due by now.  Returns when it is due again. */
int64_t redis_sentinels_tick(struct redis_store *store, int64_t now_ms);
void redis_sentinels_close(struct redis_store *store, const struct err *err);

/* The end of the handshake: the first question. */
void redis_sentinel_greet(struct redis_connection *connection);
/* It is logged when that changes. */
void redis_sentinel_note(struct redis_connection *connection, const struct err *err);

#endif
