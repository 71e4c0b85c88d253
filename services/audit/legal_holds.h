/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legal holds: spans of time of which nothing of the audit log is removed, whatever retention says.
 *
 * A set of them is immutable and counted; a reload of the configuration brings the next one.  What
 * the log knows of is remembered in its folder, as lines, so that setting and lifting leave a
 * record each, across restarts too.
 */
#ifndef AUDIT_LEGAL_HOLDS_H
#define AUDIT_LEGAL_HOLDS_H

#include "base/arena.h"
#include "base/snapshot.h"

struct legal_hold {
    struct span id;
    int64_t from_ms;  /* INT64_MIN: since ever */
    int64_t until_ms; /* exclusive; INT64_MAX: without an end */
    struct span reason;
};

struct legal_holds;

/* Everything is copied. */
struct legal_holds *legal_holds_new(const struct legal_hold *rows, size_t count);
void legal_holds_unref(struct legal_holds *holds);
/* Takes the reference. */
void legal_holds_snapshot_init(struct snapshot *snapshot, struct legal_holds *holds);

size_t legal_holds_count(const struct legal_holds *holds);
/* A hold that covers some of this time, both ends included; NULL: none. */
const struct legal_hold *legal_holds_cover(const struct legal_holds *holds, int64_t earliest_ms,
                                           int64_t latest_ms);

/* One hold to a line: `id=… from=… until=… reason=…`. */
struct span legal_holds_lines(const struct legal_holds *holds, struct arena *arena);

/* Every line of `lines` that `others` has not. */
void legal_holds_each_new(struct span lines, struct span others,
                          void (*each)(void *context, struct span line), void *context);

#endif
