/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive of an audit log: what has ended is shipped elsewhere, and goes from here when its
 * time is over.
 *
 * A thread of its own, because places are slow and may not answer for days.  It looks at the folder
 * of the log, ships what is there and was not shipped, oldest first, and tries again for ever with
 * growing pauses.  Nobody waits for it.
 */
#ifndef AUDIT_ARCHIVE_H
#define AUDIT_ARCHIVE_H

#include "audit/legal_holds.h"
#include "audit/ship_place.h"
#include "telemetry/audit.h"

struct archive_options {
    const char *folder; /* of the log */
    struct audit_log *audit;
    const char *place_name; /* NULL: nothing is shipped */
    /* The place, which is the archive's then.  `is_cancelled` ends what it does. */
    struct ship_place *(*open_place)(const atomic_bool *is_cancelled, void *context);
    void *context;
    int64_t heads_every_ms;
    int64_t late_ms;        /* readiness says so of what waits for longer; 0: never */
    int64_t retention_ms;   /* 0: for ever */
    int64_t keep_local_ms;  /* of what was shipped; 0: as `retention_ms` */
    int64_t retain_ms;      /* for how long the place is to keep what it gets; 0: it need not */
    struct snapshot *holds; /* of struct legal_holds */
    struct metrics *metrics;
    struct readiness *readiness;
    const struct clock *clock;
};

struct archive;

/* After the log was opened.  What `options` points to must outlive the archive, but for the log. */
struct archive *archive_start(const struct archive_options *options);

/* Look at once: the holds have changed. */
void archive_kick(struct archive *archive);

/* The log is about to be closed: it is not used any more when this returns.  NULL is allowed, here
 * and below. */
void archive_leave_log(struct archive *archive);

/* Ship what has ended meanwhile, for as long as `grace_ms`, stop, free. */
void archive_stop(struct archive *archive, int64_t grace_ms);

#endif
