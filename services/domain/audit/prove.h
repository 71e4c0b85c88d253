/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proving that a record is in a log, and that a log was only added to: from its files, of which one
 * segment or two are read where the others have their indices.
 */
#ifndef DOMAIN_AUDIT_PROVE_H
#define DOMAIN_AUDIT_PROVE_H

#include "domain/audit/files.h"
#include "domain/audit/head.h"
#include "domain/audit/index.h"

struct audit_inclusion {
    uint64_t sequence;
    uint64_t index;          /* of its leaf: records of the log before it */
    uint64_t first_sequence; /* of its segment */
    uint64_t offset;         /* of its frame there */
    struct tree_hash leaf;
    struct tree_proof proof;
};

/*
 * That the record with this number is in the tree of `head`, checked.  RECORD_UNKNOWN when the log
 * has no such record, TREE_HEAD_BEHIND when it has it behind the head; STORE_CORRUPT when files are
 * damaged, missing, or do not lead to the head.  Reads files: not for threads that may not wait.
 */
MUST_CHECK bool audit_prove(const struct audit_files *files, const struct audit_head *head,
                            uint64_t sequence, struct audit_inclusion *ret_inclusion,
                            struct err *err);

/*
 * That the tree of the first `old_size` records, at least 1, is a prefix of that of `head`, checked
 * (RFC 6962 section 2.1.2).  TREE_HEAD_BEHIND when the head is older; RECORD_UNKNOWN when the
 * records of that time have been taken away; else as audit_prove().
 */
MUST_CHECK bool audit_prove_consistency(const struct audit_files *files,
                                        const struct audit_head *head, uint64_t old_size,
                                        struct tree_proof *ret_proof, struct err *err);

/* The index of segment `at`: its file, or made from the segment and, as far back as necessary,
 * those before it.  To be released. */
MUST_CHECK bool audit_index_load(const struct audit_files *files, size_t at,
                                 struct audit_index *ret_index, struct err *err);

#endif
