/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis store as tests open it, and wait for it. */
#include "contract/redis_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_MS = 2 };

struct redis_options redis_store_options(const struct redis_server_process *server,
                                         const char *prefix)
{
    return (struct redis_options){
        .unix_path = server->socket,
        .prefix = prefix,
        .hash_key_id = "k1",
        .partition_count = 1,
        .clock = &clock_system,
        .pending_max = REDIS_STORE_PENDING_MAX,
        .fsync = REDIS_FSYNC_ALWAYS,
        .connect_timeout_ms = REDIS_STORE_PATIENCE_MS,
        .stall_timeout_ms = REDIS_STORE_PATIENCE_MS,
    };
}

void redis_store_wait_until_up(struct store *store)
{
    struct store_state state = {.is_up = false};

    for (int waited_ms = 0; !state.is_up; waited_ms += LOOK_MS) {
        if (waited_ms > REDIS_STORE_PATIENCE_MS) {
            fprintf(stderr, "the store does not come back\n");
            abort();
        }
        usleep(LOOK_MS * 1000);
        store_get_state(store, &state);
    }
}
