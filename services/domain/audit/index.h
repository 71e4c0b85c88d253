/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a segment: when and which records are in it, where they are, and their part of the
 * log's Merkle tree.
 *
 * It is written when its segment has ended, and can be made again from the segment and the tree
 * before it: nothing depends on it but how long things take.  With it the tree goes on where it
 * ended without anything being hashed again, and a proof needs one segment and not all.
 */
#ifndef DOMAIN_AUDIT_INDEX_H
#define DOMAIN_AUDIT_INDEX_H

#include "base/err.h"
#include "domain/audit/segment.h"
#include "domain/audit/tree.h"

enum {
    AUDIT_INDEX_FORMAT = 1,
    AUDIT_INDEX_STRIDE_BYTES = 64 * 1024, /* of the segment, between two entries */
};

/* The beginning of a block. */
struct audit_index_entry {
    uint64_t sequence; /* of its first record */
    uint64_t offset;   /* in the segment */
    int64_t time_ms;
};

struct audit_index {
    uint64_t log_id;
    uint64_t first_sequence;
    uint64_t segment_bytes;
    int64_t earliest_ms, latest_ms; /* of its records; without any: INT64_MAX, INT64_MIN */
    struct tree_range before;       /* all records of the log before this segment */
    struct tree_range records;      /* those of this segment */
    struct audit_index_entry *entries;
    size_t entry_count;
};

/* ---- making one ---- */

/* For the segment of this header; `before` is the tree of all records before it, or NULL when that
 * is not known (then the index knows only of its own records). */
void audit_index_init(struct audit_index *index, const struct audit_segment_header *header,
                      const struct tree_range *before);
void audit_index_release(struct audit_index *index);

/* What stands in the tree for a record: its hash covers its number, the time that it is relative
 * to, and its payload as it is in the file. */
struct tree_hash audit_leaf(uint64_t sequence, int64_t base_ms, struct span payload);

/* The record that the cursor has just come to, whose frames begin at `offset` of the segment (0
 * when the cursor goes through the whole of it).  Returns its leaf. */
struct tree_hash audit_index_add(struct audit_index *index, const struct audit_cursor *cursor,
                                 uint64_t offset, uint64_t sequence, struct span payload);

/* All whole records of a segment, for the index that was made for its header. */
void audit_index_add_segment(struct audit_index *index, struct span segment);

/* The tree of all records up to the end of the segment. */
void audit_index_tree(const struct audit_index *index, struct tree_range *ret_tree);

/* ---- its file ---- */

/* To be released with memory_free(). */
uint8_t *audit_index_encode(const struct audit_index *index, size_t *ret_length);
/* STORE_CORRUPT: no index, damaged, or of another format.  The result is released. */
MUST_CHECK bool audit_index_decode(struct span bytes, struct audit_index *ret_index,
                                   struct err *err);
/* The same content. */
bool audit_index_equal(const struct audit_index *a, const struct audit_index *b);

#endif
