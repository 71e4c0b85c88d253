/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Redis server, as its INFO describes it, and whether it is one to keep things in.
 *
 * Only INFO is asked, never CONFIG: that is forbidden on managed servers, and no user needs the
 * right to it.
 */
#ifndef STORAGE_REDIS_CHECK_H
#define STORAGE_REDIS_CHECK_H

#include "storage/redis_value.h"

struct redis_server {
    unsigned version; /* 7 * 100 + 2 for 7.2 */
    /* "RUNID:REPLID": this process, since it was a primary without a break.  One that was made a
     * replica and promoted again has the same run_id, and perhaps less data. */
    char life[REDIS_LIFE_MAX];
    bool has_aof;
};

enum { REDIS_VERSION_LEAST = 700, REDIS_VERSION_WAITAOF = 702 };

/*
 * CONFIG_INVALID with what to set when it must not be used; STORE_UNAVAILABLE when it may be later
 * (it loads its data, or is a replica now).  `is_managed`: persistence and eviction are not judged.
 */
MUST_CHECK bool redis_check(struct span info, bool is_managed, struct redis_server *ret_server,
                            struct err *err);

#endif
