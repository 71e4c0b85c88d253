/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an archive, shared by its thread (archive.c), what it ships of heads
 * (archive_head.c) and what it removes (archive_retain.c). */
#ifndef AUDIT_ARCHIVE_STATE_H
#define AUDIT_ARCHIVE_STATE_H

#include "audit/archive.h"
#include "audit/ship.h"
#include "base/mailbox.h"

#include <time.h>

/* What one round of shipping has met. */
struct archive_round {
    bool has_failed;
    bool has_conflict;
    bool is_head_given_up; /* it is tried in the next one */
};

struct archive {
    struct archive_options options;
    struct arena arena; /* of what lives as long as it does */
    pthread_t thread;
    struct mailbox mailbox;
    struct mailbox ended; /* of whoever stops it: is woken by its end */
    atomic_bool is_kicked;
    atomic_bool is_stopping;
    atomic_bool is_cancelled; /* the place is to give up */

    pthread_mutex_t log_lock; /* held while the log is used */
    struct audit_log *audit;  /* NULL: it is gone */

    /* The thread's own. */
    const char *segments_folder;
    const char *marks_folder; /* NULL: nothing is shipped */
    char log_id[AUDIT_LOG_ID_LENGTH + 1];
    struct ship_route route; /* without a place nothing is shipped */
    struct timespec seen;    /* the last change of the folder of segments */
    bool is_due;
    int64_t next_look_ms, next_try_ms, next_head_ms; /* monotonic, as all below */
    unsigned failures;                               /* rounds in a row */
    enum ship_result last_failure;                   /* SHIP_STORED: none */
    struct archive_round round;

    uint64_t size_at_start;  /* records of the log when this run began */
    bool is_head_looked_at;  /* the head that is there may be replaced */
    uint64_t shipped_size;   /* of the newest head that was shipped */
    int64_t head_shipped_ms; /* or when this began */

    struct legal_holds *holds; /* that the log knows of; NULL: none yet */
    bool is_swept;             /* of what a crash has left */
    int64_t next_retain_ms;
};

/* Records of the log before the newest segment. */
uint64_t archive_first_index(const struct archive *archive);
/* The newest head where that is due; false when the place is not to be asked for more now. */
bool archive_ship_head(struct archive *archive);
/* That of the newest file of heads, once the log is closed. */
void archive_ship_last_head(struct archive *archive);

/* The holds in force, once the log has a record of what has changed about them. */
void archive_keep_holds(struct archive *archive);
/* Remove what may go, every now and then or at once. */
void archive_retain(struct archive *archive, bool is_kicked);

/* For both: count and log a failure; false when the place is not to be asked for more now. */
bool archive_note(struct archive *archive, enum ship_result result, const struct err *err);

#endif
