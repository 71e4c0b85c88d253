/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded store: SQLite, one node, nothing to install.
 *
 * WAL with `synchronous=FULL`; one thread writes (a burst of writes is one transaction, each in a
 * savepoint of its own, acknowledged after the commit), one thread with a connection of its own
 * reads.
 *
 * It has one partition.  One process at a time uses a file: `PATH.lock` beside it is locked, and
 * remembers the last epoch; every opening begins a new one.  After a commit whose outcome is not
 * known the listeners are told of a reset.  The feed keeps its last SQLITE_FEED_ENTRIES_MAX
 * entries.
 */
#ifndef STORAGE_SQLITE_H
#define STORAGE_SQLITE_H

#include "base/clock.h"
#include "storage/store.h"

enum { SQLITE_FEED_ENTRIES_MAX = 100000, SQLITE_SWEEP_INTERVAL_MS = 1000 };

struct sqlite_options {
    const char *path; /* its folder is made when it is not there */
    const struct clock *clock;
    size_t pending_max;        /* more requests than this are refused with OVERLOADED */
    int64_t sweep_interval_ms; /* between looks for expired values; 0: SQLITE_SWEEP_INTERVAL_MS */
};

/* IO when the file cannot be opened or another server uses it; STORE_CORRUPT when it is damaged, no
 * Passgate store, or of a newer format. */
MUST_CHECK bool sqlite_open(const struct sqlite_options *options, struct store **ret_store,
                            struct err *err);

#endif
