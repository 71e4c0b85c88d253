/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend under test: how to open it, and how to do to it what the world does to stores.
 *
 * The suite (store_contract.c) runs for every row of the table in backend.c.
 */
#ifndef CONTRACT_BACKEND_H
#define CONTRACT_BACKEND_H

#include "contract/mailbox.h"
#include "contract/redis_server.h"
#include "contract/test_clock.h"
#include "storage/store.h"

enum { BACKEND_PATH_MAX = 256, BACKEND_CHANGES_MAX = 256, BACKEND_PENDING_MAX = 5000 };

/* One store at a time, with everything around it. */
struct fixture {
    const struct backend *backend;
    struct store *store;
    struct test_clock clock;
    struct mailbox mailbox;
    size_t answered;
    char folder[BACKEND_PATH_MAX];
    char path[BACKEND_PATH_MAX];
    int generation; /* how often the data was carried to another place */
    struct redis_server_process redis;
    bool is_broken;

    /* What the feed told; written by the store's thread before the answers that the test waits for.
     */
    struct store_listener listener;
    struct store_change changes[BACKEND_CHANGES_MAX];
    size_t change_count;
    size_t reset_count;
};

struct backend {
    const char *name;
    bool is_tls; /* of Redis: mutual TLS over a port */
    /* Can it run here?  NULL: everywhere. */
    bool (*is_installed)(void);
    /* Open what is there, or something empty; with fixture->clock, BACKEND_PENDING_MAX and
     * fixture->listener. */
    void (*open)(struct fixture *fixture);
    /* Open what a process that had died at this moment would have left; the store is closed then.
     */
    void (*crash)(struct fixture *fixture);
    /* Copy everything away; put it back and open it.  Between the two the store is closed. */
    void (*back_up)(struct fixture *fixture);
    void (*restore)(struct fixture *fixture);
    /* From now on nothing can be written; now it can again. */
    void (*break_down)(struct fixture *fixture);
    void (*mend)(struct fixture *fixture);
    /* What is left when the store is closed for good; NULL: nothing. */
    void (*clean_up)(struct fixture *fixture);
};

extern const struct backend backend_sqlite;
extern const struct backend backend_redis;
extern const struct backend backend_redis_tls;

/* NULL when there is none of that name. */
const struct backend *backend_find(const char *name);

/* What a test cannot go on without; aborts. */
void backend_must(bool is_done, const struct err *err);

void fixture_close(struct fixture *fixture);

#endif
