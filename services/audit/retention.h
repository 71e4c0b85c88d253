/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: which of the oldest segments of a log may go, and removing them.
 *
 * A log has no holes: the first segment that has to stay keeps all behind it.  The last segment
 * that has an index stays whatever its age: the tree of what follows is built on it.
 */
#ifndef AUDIT_RETENTION_H
#define AUDIT_RETENTION_H

#include "audit/legal_holds.h"
#include "base/err.h"

struct retention_rule {
    const char *folder; /* of the log */
    int64_t keep_ms;    /* a segment goes when its latest record is older */
    const struct legal_holds *holds;
    const char *marks_folder; /* only what has a mark in it may go; NULL: marks are not asked for */
};

/* The segments that may go, from the first of the log on. */
struct retention_plan {
    size_t segments;
    uint64_t records;
    uint64_t first_sequence, last_sequence; /* of those records */
    uint64_t next_sequence;                 /* the name of the first segment that stays */
    int64_t latest_ms;                      /* of those records */
};

MUST_CHECK bool retention_find(const struct retention_rule *rule, int64_t now_ms,
                               struct retention_plan *ret_plan, struct err *err);

/* Remove them, their indices, heads and marks, and whatever of removed segments a crash has left.
 * Done again after a crash it goes on. */
MUST_CHECK bool retention_remove(const char *folder, uint64_t next_sequence, struct err *err);

#endif
