/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance: one thread that looks at files and at the store, so that nobody else has to. */
#ifndef SERVER_MAINTENANCE_H
#define SERVER_MAINTENANCE_H

#include "base/mailbox.h"
#include "base/snapshot.h"
#include "directive/folder.h"
#include "directive/shadow_folder.h"
#include "entitlement/watches.h"
#include "server/callers.h"
#include "server/certificates.h"
#include "server/retention.h"

struct maintenance;

struct maintenance_options {
    struct callers *callers;
    struct directive_folder *directives;
    struct shadow_folder *shadow; /* or NULL */
    struct watches *watches;      /* are told when the directives were loaded */
    struct mailbox *mailbox;      /* of this thread once it runs */
    const char *keys_folder;
    int64_t keys_keep_ms;
    struct snapshot *keys; /* of struct key_ring */
    struct certificates *certificates;
    struct retention *retention;
    struct store *store;
    struct readiness *readiness;
    int64_t lease_ms;
    const struct clock *clock;
    bool needs_synchronized_clock; /* else the replica is not ready */
    int64_t interval_ms;
};

/* What is tried may be wrong at every time, a start included: it is told, and nothing else happens.
 * Looks at the folder where it has changed, or `is_kicked`.  NULL is allowed. */
void maintenance_look_at_shadow(struct shadow_folder *folder, bool is_kicked);

struct maintenance *maintenance_start(const struct maintenance_options *options);

/* Look at once. */
void maintenance_kick(struct maintenance *maintenance);

/* NULL is allowed. */
void maintenance_stop(struct maintenance *maintenance);

#endif
