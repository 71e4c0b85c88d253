/* SPDX-License-Identifier: Apache-2.0 */
/* Which records of the audit log are meant. */
#ifndef AUDIT_RECORD_FILTER_H
#define AUDIT_RECORD_FILTER_H

#include "domain/audit/record.h"
#include "passgate/v1/audit.pb-c.h"
#include "storage/names.h"

/* The texts are those of the request. */
struct record_filter {
    int64_t from_ms;
    int64_t until_ms;   /* TIMESTAMP_NEVER_MS */
    struct span caller; /* empty: anybody's */
    bool has_subject;
    struct hash128 subject;
    struct span resource; /* "model/fable-5"; empty: any */
    bool has_decision;
    bool is_allowed;
    bool is_every_kind;
    bool has_shadow_difference;
};

/* FIELD_* names what is wrong with the request. */
MUST_CHECK bool record_filter_read(const Passgate__V1__ListDecisionsRequest *request,
                                   const struct names *names, struct arena *arena,
                                   struct record_filter *ret_filter, struct err *err);

bool record_filter_takes(const struct record_filter *filter, const struct audit_record *record);

#endif
