/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the audit log need: a folder, somebody who waits, and what was written. */
#ifndef TESTS_AUDIT_FIXTURE_H
#define TESTS_AUDIT_FIXTURE_H

#include "base/mailbox.h"
#include "telemetry/audit.h"
#include "telemetry/audit_reader.h"

/* A new folder below the system's temporary one; removed with all that is in it. */
char *folder_new(void);
void folder_free(char *folder);

/* Wait until the record is durable or has failed. */
bool wait_for(struct audit_log *log, struct mailbox *mailbox, uint64_t sequence);
/* Wait until a signed head covers the record, or it is said that none will. */
bool wait_for_head(struct audit_log *log, struct mailbox *mailbox, uint64_t sequence);

/* A decision as the check makes it: user `subject`, one of a few resources. */
struct decision {
    struct audit_item item;
    struct audit_record record;
};
void decision_init(struct decision *decision, uint64_t subject);

/* What stands in the log, without the log's own records. */
struct written {
    uint64_t *sequences;
    uint64_t *subjects; /* low half of the hash */
    size_t count;
    size_t own_count;
    size_t bytes; /* of frames */
    size_t segment_count;
    uint64_t first_sequence; /* of all, own ones included */
    uint64_t last_sequence;
    uint64_t dropped;
    char last_opened[200]; /* what the last LOG_OPENED says */
};
bool written_read(const char *folder, struct written *ret_written, struct err *err);
void written_release(struct written *written);

/* Paths of the segments, the first at 0; NULL when there are not so many.  To be freed. */
char *segment_path(const char *folder, size_t index);
size_t file_size(const char *path);
/* As after a run that was killed. */
void indices_remove(const char *folder);

#endif
