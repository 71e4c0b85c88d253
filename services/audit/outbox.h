/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: audit records that were written together with what they are about are moved from the
 * store to this replica's audit log, by a thread of its own.
 *
 * A record leaves the store only when it is durable in the log: a crash in between repeats it, and
 * never loses it.
 *
 * Of the replicas that share a store one at a time moves the records of a partition, whoever wrote
 * them: the one that has claimed it.  The claim is short and renewed while there is something to
 * move, so that the others go on when that one is killed, hangs, or its log cannot be written;
 * where it stops in order they go on at once.
 */
#ifndef AUDIT_OUTBOX_H
#define AUDIT_OUTBOX_H

#include "base/clock.h"
#include "storage/store.h"
#include "telemetry/audit.h"

struct outbox;

enum { OUTBOX_CLAIM_MS = 10000 };

struct outbox_options {
    struct store *store;
    struct audit_log *audit;
    const struct clock *clock;
    int64_t claim_ms; /* 0: OUTBOX_CLAIM_MS */
};

/* Listens to the store: made before the store's first request. */
struct outbox *outbox_new(const struct outbox_options *options);
void outbox_start(struct outbox *outbox);

/* Move what is there once more, give up the claims, then stop.  Before store_free() and
 * audit_close(). */
void outbox_stop(struct outbox *outbox);
/* After store_free(): the store may have called until then.  NULL is allowed. */
void outbox_free(struct outbox *outbox);

#endif
