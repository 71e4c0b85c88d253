/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an audit log from its files, without the server: for tests and for `passgate audit`.
 *
 * Everything is checked on the way: checksums, numbers, and that segments follow each other.
 */
#ifndef TELEMETRY_AUDIT_READER_H
#define TELEMETRY_AUDIT_READER_H

#include "domain/audit/record.h"

struct audit_reader;

struct audit_entry {
    uint64_t log_id;
    uint64_t sequence;
    uint64_t index;      /* records of the log before this one */
    const char *segment; /* its file */
    size_t frame_bytes;
    int64_t base_ms;     /* the time of its block */
    struct span payload; /* as it stands in the file */
    struct audit_record record;
};

/* A segment's file, the folder `segments`, or the folder of a log. */
MUST_CHECK bool audit_reader_open(const char *path, struct audit_reader **ret_reader,
                                  struct err *err);
/* Before the first record: leave out the segments that end before the record of this number.  Its
 * own is read from the beginning, because what stands there leans on what stands before it. */
void audit_reader_skip_to(struct audit_reader *reader, uint64_t sequence);
void audit_reader_close(struct audit_reader *reader);

/* The next record, which lives until the next call; *ret_entry is NULL at the end.  STORE_CORRUPT
 * names file and place. */
MUST_CHECK bool audit_reader_next(struct audit_reader *reader, const struct audit_entry **ret_entry,
                                  struct err *err);

/* At the end: bytes at the end of the last segment that are no record, because a crash tore them or
 * because the log is just being written. */
size_t audit_reader_torn_bytes(const struct audit_reader *reader);

#endif
