/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis store as tests open it, and wait for it. */
#ifndef CONTRACT_REDIS_STORE_H
#define CONTRACT_REDIS_STORE_H

#include "contract/redis_server.h"
#include "storage/redis.h"

enum { REDIS_STORE_PENDING_MAX = 5000, REDIS_STORE_PATIENCE_MS = 20000 };

/* On that server: one partition, the system's clock, and as patient as the test is. */
struct redis_options redis_store_options(const struct redis_server_process *server,
                                         const char *prefix);

/* It finds its way back alone; aborts when it does not. */
void redis_store_wait_until_up(struct store *store);

#endif
