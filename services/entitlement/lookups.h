/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one run had to fetch: facts by subject, subjects by claim.  A small table, so that a batch
 * about the same subject fetches it once.
 */
#ifndef ENTITLEMENT_LOOKUPS_H
#define ENTITLEMENT_LOOKUPS_H

#include "entitlement/check.h"

/* One subject that the cache did not have. */
struct check_lookup {
    struct facts_waiter waiter;
    struct hash128 subject;
    uint64_t least_number;
    bool is_loaded;
    struct check_lookup *next; /* in its bucket */
    struct check_lookup *next_made;
};

/* One claim token: whom it is about. */
struct check_claim {
    struct store_request *request;
    struct check_run *run;
    bool is_known;
    bool is_ok;
    struct err err;
    struct span jti;
    struct hash128 subject;
};

enum { LOOKUP_BUCKETS = 256 };

struct check_lookups {
    struct check_lookup *buckets[LOOKUP_BUCKETS];
    struct check_lookup *made;  /* all, newest first */
    struct check_claim *claims; /* as many as inputs; NULL until a token is met */
};

struct check_lookup *lookups_find(const struct check_lookups *lookups, struct hash128 subject);
/* In the arena; not started. */
struct check_lookup *lookups_add(struct check_lookups *lookups, struct arena *arena,
                                 struct hash128 subject, uint64_t least_number);

#endif
