/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts that run inside of Redis: services/storage/redis_*.lua. */
#ifndef STORAGE_REDIS_SCRIPT_H
#define STORAGE_REDIS_SCRIPT_H

#include "storage/redis_connection.h"

enum redis_script {
    REDIS_SCRIPT_WRITE,
    REDIS_SCRIPT_BEGIN,
    REDIS_SCRIPT_BEAT,
    REDIS_SCRIPT_OUTBOX,
    REDIS_SCRIPT_CLAIM,
    REDIS_SCRIPT_AGAIN,
    REDIS_SCRIPTS,
};

enum { REDIS_SHA_MAX = 41 };

/* Load what this connection calls; it ends when that is refused. */
void redis_script_load(struct redis_connection *connection);

/* `EVALSHA sha key_count`; keys and arguments follow. */
void redis_script_call(struct redis_store *store, enum redis_script script, size_t key_count,
                       struct redis_args *args);

#endif
