/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An audit record: who asked what about whom, what was answered, and under which rules; or what was
 * written; or what an operator did.
 *
 * docs/audit.md describes the bytes.  Records hold no personal data: subjects are keyed hashes.
 */
#ifndef DOMAIN_AUDIT_RECORD_H
#define DOMAIN_AUDIT_RECORD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/keyed_hash.h"
#include "base/span.h"
#include "domain/audit/dictionary.h"

/*
 * X(identifier, number, name)
 *
 * The numbers are in files that are kept for years: they are never changed or reused.  A reader
 * that meets a number that it does not know shows the number.
 */
#define AUDIT_KIND_LIST(X)                                                            \
    X(DECISION, 1, "decision")                                                        \
    X(BATCH, 2, "batch")                                                              \
    X(REFUSAL, 3, "refusal") /* the call got an error instead of an answer */         \
    X(VERIFICATION_SUBMITTED, 16, "verification_submitted")                           \
    X(EVIDENCE_REVOKED, 17, "evidence_revoked")                                       \
    X(AFFILIATIONS_SET, 18, "affiliations_set")                                       \
    X(PRINCIPALS_SET, 19, "principals_set")                                           \
    X(SUBJECT_READ, 20, "subject_read")                                               \
    X(SUBJECT_ERASED, 21, "subject_erased")                                           \
    X(CLAIM_ISSUED, 32, "claim_issued")                                               \
    X(CLAIM_REVOKED, 33, "claim_revoked")                                             \
    X(DIRECTIVES_ACTIVATED, 48, "directives_activated")                               \
    X(SHADOW_ACTIVATED, 49, "shadow_activated") /* others are tried beside them */    \
    X(DIRECTIVES_IN_FORCE, 50, "directives_in_force")                                 \
    X(ADMINISTRATION, 80, "administration") /* any other act of an operator */        \
    X(LOG_OPENED, 96, "log_opened")                                                   \
    X(LOG_CLOSED, 97, "log_closed")                                                   \
    X(RECORDS_DROPPED, 98, "records_dropped") /* mode ring; `number` says how many */ \
    X(OPAQUE, 112, "opaque")                  /* `payload` in a form that only its writer knows */

enum audit_kind {
#define X(identifier, number, name) AUDIT_##identifier = (number),
    AUDIT_KIND_LIST(X)
#undef X
};

enum audit_flags {
    AUDIT_STALE_FACTS = 1 << 0,   /* decided on facts older than the freshness bound */
    AUDIT_ALSO_SUBJECTS = 1 << 1, /* one decision: the items after the first are further subjects */
    AUDIT_BY_CLAIM = 1 << 2,      /* the subject was named by a claim token */
    AUDIT_WAITED = 1 << 3,        /* the answer waited for this record */
    AUDIT_DRY_RUN = 1 << 4,       /* nothing was written */
};

#define AUDIT_NO_DIRECTIVE UINT32_MAX

/* Before the id of a natural person who has reviewed what was submitted, among `ids`. */
#define AUDIT_REVIEWER_LABEL "reviewer:"

enum {
    AUDIT_ITEMS_MAX = 4096,
    AUDIT_IDS_MAX = 64,
    AUDIT_TEXT_MAX = 2048, /* of a caller, a resource, an id … */
    AUDIT_PAYLOAD_MAX = 64 * 1024,
    AUDIT_FRAME_BYTES_MAX = 1 << 20, /* of a record as it is written */
};

/* What would have been answered if the directives that are tried were in force. */
struct audit_shadow {
    uint8_t truth;         /* enum truth */
    uint8_t reason;        /* enum decision_reason; 0: nothing that is tried names the resource */
    struct span directive; /* the decisive one, "ID DIGEST"; empty: none */
};

/* One question and its answer, or one thing that was written. */
struct audit_item {
    struct hash128 subject; /* keyed hash; zero: none */
    struct span resource;   /* "model/fable-5"; empty: none */
    struct span action;
    uint8_t truth;      /* enum truth */
    uint8_t reason;     /* enum decision_reason; 0: no decision was made */
    uint32_t directive; /* the decisive one, by its index in the set; AUDIT_NO_DIRECTIVE */
    struct audit_shadow shadow;
};

struct audit_record {
    enum audit_kind kind;
    uint32_t flags;           /* enum audit_flags */
    int64_t time_ms;          /* wall time of the decision or the write */
    struct span caller;       /* authenticated identity */
    struct span method;       /* "CheckEntitlement" */
    struct span outcome;      /* reason of the error ("ROLE_MISSING"); empty: done */
    struct span on_behalf_of; /* organization */
    struct span location;     /* alpha-3, as the caller said */
    uint64_t directive_set;   /* number; 0: none was used */
    uint64_t latency_us;
    uint16_t partition; /* with `number`: the revision of the facts, or of the write itself */
    uint64_t number;
    const struct audit_item *items;
    size_t item_count;
    const struct span *ids; /* evidence, jti, directive …: what the act was about */
    size_t id_count;
    struct span payload;
    struct span shadow_set; /* digest of the shadow set that the items' shadows are of; empty: there
                               are none */
};

/* The two halves of `shadow->directive`; empty where there is none. */
void audit_shadow_directive(const struct audit_shadow *shadow, struct span *ret_id,
                            struct span *ret_digest);

/* "decision"; NULL for a number that this program does not know. */
const char *audit_kind_name(enum audit_kind kind);

/* FIELD_TOO_LONG or FIELD_TOO_MANY for what does not fit in a record, and how many bytes the
 * encoding takes at most. */
MUST_CHECK bool audit_record_measure(const struct audit_record *record, size_t *ret_bytes_max,
                                     struct err *err);

/*
 * Write at `at`, where there is room for what audit_record_measure() said; returns the end.
 * `dictionary` is that of the segment, or NULL for a record that stands alone; times are written
 * relative to `base_ms`.
 */
uint8_t *audit_record_put(uint8_t *at, const struct audit_record *record,
                          struct audit_dictionary *dictionary, int64_t base_ms);

/* STORE_CORRUPT when it is no record.  The record points into `payload`, the dictionary and the
 * arena. */
MUST_CHECK bool audit_record_get(struct span payload, struct audit_dictionary *dictionary,
                                 int64_t base_ms, struct arena *arena,
                                 struct audit_record *ret_record, struct err *err);

/* Kind and time alone, which need no dictionary; false when it is no record. */
bool audit_record_peek(struct span payload, int64_t base_ms, enum audit_kind *ret_kind,
                       int64_t *ret_time_ms);

/*
 * A record that stands alone, for the store's outbox: encoded within the write's own transaction,
 * decoded and appended to the log when the outbox is drained.
 */
MUST_CHECK bool audit_record_encode(const struct audit_record *record, struct arena *arena,
                                    struct span *ret_bytes, struct err *err);
MUST_CHECK bool audit_record_decode(struct span bytes, struct arena *arena,
                                    struct audit_record *ret_record, struct err *err);

#endif
