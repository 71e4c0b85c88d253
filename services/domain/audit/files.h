/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an audit log: what they are called, and where their bytes come from.
 *
 * The domain reads no files: whoever owns a folder hands out its bytes through `struct
 * audit_files`. docs/audit.md describes the folder.
 */
#ifndef DOMAIN_AUDIT_FILES_H
#define DOMAIN_AUDIT_FILES_H

#include "base/arena.h"
#include "base/err.h"

#define AUDIT_SEGMENTS_FOLDER "segments"
#define AUDIT_HEADS_FOLDER    "heads"
#define AUDIT_SEGMENT_SUFFIX  ".pgaudit"
#define AUDIT_INDEX_SUFFIX    ".pgindex" /* beside its segment */
#define AUDIT_HEADS_SUFFIX    ".jws"
/* Of a log that is shipped elsewhere while it is written: its newest head, among the others. */
#define AUDIT_NEWEST_HEAD_FILE "latest" AUDIT_HEADS_SUFFIX

enum {
    AUDIT_FILE_NAME_MAX = 64,
    AUDIT_SEGMENT_FILE_BYTES_MAX = 544 * 1024 * 1024, /* the largest segment and two full buffers */
    AUDIT_INDEX_FILE_BYTES_MAX = 8 * 1024 * 1024,
    AUDIT_HEADS_FILE_BYTES_MAX = 256 * 1024 * 1024,
    AUDIT_LOG_ID_BYTES = 8,
    AUDIT_LOG_ID_LENGTH = 2 * AUDIT_LOG_ID_BYTES,
};

/* All files of a segment bear the number of its first record, 20 digits. */
void audit_file_name(uint64_t first_sequence, const char *suffix,
                     char name[static AUDIT_FILE_NAME_MAX]);
/* False when it is not exactly such a name. */
bool audit_file_number(const char *name, const char *suffix, uint64_t *ret_first_sequence);

/* 16 lower-case hex digits and a NUL. */
void audit_log_id_encode(uint64_t log_id, char text[static AUDIT_LOG_ID_LENGTH + 1]);
bool audit_log_id_decode(struct span text, uint64_t *ret_log_id);

/* What a caller is told: "<log id in hex>-<sequence>". */
enum { AUDIT_ID_MAX = AUDIT_LOG_ID_LENGTH + 1 + 20 + 1 };
const char *audit_decision_id(uint64_t log_id, uint64_t sequence, char text[static AUDIT_ID_MAX]);
/* Written again it has to be the same: there is one text for one id. */
bool audit_decision_id_parse(struct span text, uint64_t *ret_log_id, uint64_t *ret_sequence);

/* The segments of one log, in order.  Both readers return bytes that live as long as the arena. */
struct audit_files {
    void *context;
    const uint64_t *first_sequences;
    size_t count;
    bool (*read_segment)(void *context, uint64_t first_sequence, struct arena *arena,
                         struct span *ret_bytes, struct err *err);
    /* No index is no error: `ret_bytes` is empty. */
    bool (*read_index)(void *context, uint64_t first_sequence, struct arena *arena,
                       struct span *ret_bytes, struct err *err);
};

#endif
