/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of an audit log: its id, its lock, its segments, and where writing goes on. */
#ifndef TELEMETRY_AUDIT_FOLDER_H
#define TELEMETRY_AUDIT_FOLDER_H

#include "base/err.h"
#include "domain/audit/files.h"
#include "domain/audit/segment.h"

struct audit_folder {
    char *path;
    int lock_fd; /* of the folder; the lock ends with it */
    int segments_fd;
    uint64_t log_id;
};

/* What was found when the folder was opened. */
struct audit_recovery {
    uint64_t last_sequence; /* that may have been given; 0: none */
    uint64_t record_count;  /* of the whole log */
    uint64_t cut_bytes;     /* of a torn tail */
    bool was_closed;        /* the last record says that the log was closed */
};

MUST_CHECK bool audit_folder_open(const char *path, struct audit_folder *ret_folder,
                                  struct audit_recovery *ret_recovery, struct err *err);
void audit_folder_close(struct audit_folder *folder);

/* The path of a segment's file, in AUDIT_SEGMENTS_FOLDER or AUDIT_HEADS_FOLDER. */
const char *audit_folder_path(const struct audit_folder *folder, const char *inner,
                              uint64_t first_sequence, const char *suffix, struct arena *arena);

/* What is there, for those who read it; lives as long as the arena and the folder. */
MUST_CHECK bool audit_folder_files(const struct audit_folder *folder, struct arena *arena,
                                   struct audit_files *ret_files, struct err *err);

/* A new segment, opened for writing, its header written; not yet durable. */
MUST_CHECK bool audit_folder_add_segment(const struct audit_folder *folder,
                                         const struct audit_segment_header *header, int *ret_fd,
                                         struct err *err);
/* Make the names of segments durable. */
MUST_CHECK bool audit_folder_sync(const struct audit_folder *folder, struct err *err);

#endif
