/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying a log: every byte of its segments against their checksums, their numbers, each other,
 * their indices, and the signed heads of its tree.
 *
 * Heads are added first, in any order, by whoever has checked their signatures; then segments, in
 * the order of their names.  What is wrong is reported as it is found, and the rest goes on as far
 * as it can: behind damage the tree continues from what the index of the segment says.
 */
#ifndef DOMAIN_AUDIT_VERIFY_H
#define DOMAIN_AUDIT_VERIFY_H

#include "domain/audit/head.h"

/*
 * X(identifier, name, what is wrong)
 *
 * The names are what programs read: never changed.
 */
#define AUDIT_FINDING_LIST(X)                                                                \
    X(FRAME, "frame_damaged", "a frame is damaged")                                          \
    X(HEADER, "header_damaged", "the header of a segment is damaged")                        \
    X(OTHER_LOG, "other_log", "a file belongs to another log")                               \
    X(ORDER, "out_of_order", "a segment does not follow the one before it")                  \
    X(NUMBERS, "records_missing", "the numbers of records have a gap that nothing explains") \
    X(RECORD, "record_unreadable", "a record cannot be read")                                \
    X(INDEX, "index_wrong", "an index is damaged, or is not that of its segment")            \
    X(HEAD, "head_wrong",                                                                    \
      "a tree head is damaged, not signed by a known key, or contradicts"                    \
      " the others")                                                                         \
    X(ROOT, "tree_differs", "the records are not those that were signed")                    \
    X(CUT, "log_cut", "the log is shorter than a signed tree head")                          \
    X(UNSIGNED, "not_signed", "no signed tree head covers records that one must cover")

enum audit_finding_kind {
#define X(identifier, name, text) AUDIT_FINDING_##identifier,
    AUDIT_FINDING_LIST(X)
#undef X
};

const char *audit_finding_name(enum audit_finding_kind kind);
const char *audit_finding_text(enum audit_finding_kind kind);

struct audit_finding {
    enum audit_finding_kind kind;
    const char *file;
    uint64_t offset;
    const char *detail; /* as long as the call */
};

struct audit_verifier;

/* `report` is called on every finding. */
struct audit_verifier *audit_verifier_new(void (*report)(void *context,
                                                         const struct audit_finding *finding),
                                          void *context);
void audit_verifier_free(struct audit_verifier *verifier);

/* For those who find something themselves; counts it, and reports it. */
void audit_verifier_find(struct audit_verifier *verifier, enum audit_finding_kind kind,
                         const char *file, uint64_t offset, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* `file` must outlive the verifier, here and below.  One that may be ahead is that of a log whose
 * segments are shipped when they end. */
void audit_verifier_add_head(struct audit_verifier *verifier, const char *file, uint64_t offset,
                             const struct audit_head *head, bool may_be_ahead);

struct audit_segment_files {
    const char *segment_file;
    uint64_t first_sequence; /* by its name */
    struct span segment;
    const char *index_file;
    struct span index; /* empty: there is none */
    bool is_last;      /* may be in the middle of being written, or torn */
};

void audit_verifier_check(struct audit_verifier *verifier, const struct audit_segment_files *files);

struct audit_verdict {
    uint64_t log_id;
    uint64_t segments;
    uint64_t first_index;     /* of the first record that is there: those before were taken away */
    uint64_t size;            /* of the log, those taken away included */
    uint64_t heads;           /* that were added */
    uint64_t heads_met;       /* that the tree agrees with */
    struct audit_head newest; /* of those; `size` 0: none */
    uint64_t last_sequence;
    uint64_t ahead;      /* records of the log behind those that are there, by its newest head */
    uint64_t torn_bytes; /* behind the last record, never durable as a whole */
    bool is_closed;      /* the last record says so */
    uint64_t findings;
};

/* After the last segment. */
void audit_verifier_finish(struct audit_verifier *verifier, struct audit_verdict *ret_verdict);

#endif
