/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness: whether this replica should get calls, and if not, why not.
 *
 * A fixed set of conditions, each set by its owner.  The replica is ready when all hold that count;
 * the others are only told.  /readyz shows them; grpc.health.v1 listens.  Reasons are for
 * operators: fixed text, never input.
 */
#ifndef TELEMETRY_READINESS_H
#define TELEMETRY_READINESS_H

#include "base/arena.h"

/* X(identifier, name, what it says before its owner has spoken; NULL: holds from the start, whether
 * a replica for which it does not hold is not to be asked) */
#define READINESS_LIST(X)                               \
    X(STORE, "store", "not connected yet", true)        \
    X(DIRECTIVES, "directives", "not loaded yet", true) \
    X(KEYS, "keys", "not loaded yet", true)             \
    X(AUDIT, "audit", "not opened yet", true)           \
    X(LEASE, "lease", NULL, true)                       \
    X(DESCRIPTORS, "descriptors", NULL, true)           \
    X(CLOCK, "clock", NULL, true)                       \
    X(SHIPPING, "shipping", NULL, false)                \
    X(SERVING, "serving", NULL, true) /* fails while the server drains */

enum readiness_condition {
#define X(identifier, name, at_first, counts) READINESS_##identifier,
    READINESS_LIST(X)
#undef X
        READINESS_COUNT
};

enum { READINESS_REASON_MAX = 128 };

/* Told when readiness as a whole changes, on the thread that changed it: quick, no waiting, and it
 * does not set conditions. */
struct readiness_listener {
    struct readiness_listener *next;
    void (*on_change)(struct readiness_listener *listener, bool is_ready);
};

struct readiness;

struct readiness *readiness_new(void);
void readiness_free(struct readiness *readiness);

/* At start. */
void readiness_listen(struct readiness *readiness, struct readiness_listener *listener);

/* Any thread.  `reason` says why a condition fails ("the store does not answer") and is copied. */
void readiness_meet(struct readiness *readiness, enum readiness_condition condition);
void readiness_fail(struct readiness *readiness, enum readiness_condition condition,
                    const char *reason);

/* Any thread, without a lock. */
bool readiness_is_ready(const struct readiness *readiness);

/* A line per condition, "store: ok" or "store: the store does not answer". */
struct span readiness_render(struct readiness *readiness, struct arena *arena);

#endif
