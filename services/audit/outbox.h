/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: audit records that were written together with what they are about are moved from the
 * store to this replica's audit log, by a thread of its own.
 *
 * A record leaves the store only when it is durable in the log: a crash in between repeats it, and
 * never loses it.
 */
#ifndef AUDIT_OUTBOX_H
#define AUDIT_OUTBOX_H

#include "base/clock.h"
#include "storage/store.h"
#include "telemetry/audit.h"

struct outbox;

struct outbox_options {
    struct store *store;
    struct audit_log *audit;
    const struct clock *clock;
};

/* Listens to the store: made before the store's first request. */
struct outbox *outbox_new(const struct outbox_options *options);
void outbox_start(struct outbox *outbox);

/* Move what is there once more, then stop.  Before store_free() and audit_close(). */
void outbox_stop(struct outbox *outbox);
/* After store_free(): the store may have called until then.  NULL is allowed. */
void outbox_free(struct outbox *outbox);

#endif
