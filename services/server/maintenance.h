/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance: one thread that looks at files and at the store, so that nobody else has to. */
#ifndef SERVER_MAINTENANCE_H
#define SERVER_MAINTENANCE_H

#include "base/mailbox.h"
#include "base/snapshot.h"
#include "directive/folder.h"
#include "entitlement/watches.h"
#include "server/callers.h"
#include "server/certificates.h"

struct maintenance;

struct maintenance_options {
    struct callers *callers;
    struct directive_folder *directives;
    struct watches *watches; /* are told when the directives were loaded */
    struct mailbox *mailbox; /* of this thread once it runs */
    const char *keys_folder;
    int64_t keys_keep_ms;
    struct snapshot *keys; /* of struct key_ring */
    struct certificates *certificates;
    struct store *store;
    struct readiness *readiness;
    int64_t lease_ms;
    const struct clock *clock;
    int64_t interval_ms;
};

struct maintenance *maintenance_start(const struct maintenance_options *options);

/* Look at once. */
void maintenance_kick(struct maintenance *maintenance);

/* NULL is allowed. */
void maintenance_stop(struct maintenance *maintenance);

#endif
