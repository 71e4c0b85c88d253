/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts: what a token says about one decision, to whoever has the issuer's keys, for good.
 *
 * A receipt says what was asked and what the caller was answered, no more than the caller was told,
 * and nothing that names a person: subjects stand in it under the name that only this caller is
 * given.  It proves that something was decided and permits nothing, so that it has no end: what was
 * decided stays decided.  How long the answer could be used, it says.
 *
 * It is written and read here, by the same tables, and signed elsewhere (keys/token.h).
 * docs/receipts.md describes every member.
 */
#ifndef DOMAIN_CLAIM_RECEIPT_H
#define DOMAIN_CLAIM_RECEIPT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/span.h"

/* The `typ` of a receipt's token, without "application/". */
#define RECEIPT_TOKEN_TYPE "passgate-receipt+jwt"

enum { RECEIPT_TEXT_MAX = 512, RECEIPT_ALSO_SUBJECTS_MAX = 8 };

struct receipt {
    struct span issuer;
    struct span id;       /* of the decision and of its audit record */
    struct span caller;   /* who asked */
    struct span subject;  /* claim_pairwise_subject() for the caller */
    int64_t issued_at_ms; /* when it was decided, to the second */

    /* What was asked. */
    struct span resource_type;
    struct span resource_id;
    struct span action;
    struct span on_behalf_of;         /* empty: nobody */
    const struct span *also_subjects; /* each like `subject` */
    size_t also_subject_count;
    struct span context_digest; /* empty: there was no context */

    /* What was answered. */
    bool is_allowed;
    int64_t max_age_ms;

    /* Empty, 0 or false where the caller was not told. */
    struct span reason; /* "NOT_PERMITTED" */
    int64_t evaluated_at_ms;
    struct span revision;
    uint64_t directive_set;
    struct span directive_set_digest;
    bool is_stale;
    struct span directive; /* the one that decided */
    uint32_t directive_version;
    struct span directive_digest;
};

/* The payload, in the arena.  FIELD_TOO_LONG or FIELD_REQUIRED names the member that cannot be
 * written. */
MUST_CHECK bool receipt_write(const struct receipt *receipt, struct arena *arena,
                              struct span *ret_payload, struct err *err);

/* From a payload whose signature was checked; the texts are the payload's.  TOKEN_INVALID when a
 * member is missing or is not what it should be; members that are not known are left alone. */
MUST_CHECK bool receipt_read(const json_t *payload, struct arena *arena,
                             struct receipt *ret_receipt, struct err *err);

#endif
