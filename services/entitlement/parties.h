/* SPDX-License-Identifier: Apache-2.0 */
/* The parties of a question: everyone whom it is about, with their facts as far as they are at
 * hand. */
#ifndef ENTITLEMENT_PARTIES_H
#define ENTITLEMENT_PARTIES_H

#include "entitlement/check.h"

struct check_lookups;

struct parties {
    struct check_party items[CHECK_PARTIES_MAX];
    size_t count;
    struct hash128 missing[CHECK_PARTIES_MAX]; /* subjects whose facts have to be read first */
    size_t missing_count;
    uint64_t number; /* the newest in the subject's partition that any of this is of */
};

/*
 * Collect them.  A service stands for the persons behind it; without any, its own facts count,
 * which prove nothing.  Facts of a subject that is no service count in any case, whoever else the
 * record names.  A registered organization is what the configuration says of it, in whatever place
 * it is named, and nothing that was stored under its id.  `subject` is whom the question names
 * (from its id or its claim).  False: the question cannot be decided (ORGANIZATION_UNKNOWN, or the
 * error of a read that `lookups` remembers).
 */
MUST_CHECK bool parties_collect(const struct entitlement *entitlement,
                                const struct check_input *input, struct hash128 subject,
                                const struct revision *least, int64_t now_ms,
                                const struct check_lookups *lookups, struct arena *arena,
                                struct parties *ret_parties, struct err *err);

/* The party that a registered organization is, as this subject. */
struct check_party parties_of_organization(const struct organization *organization,
                                           enum party_role role, struct hash128 subject,
                                           int64_t now_ms, struct arena *arena);

/* The organization that a question is on behalf of.  ORGANIZATION_UNKNOWN on `on_behalf_of`. */
MUST_CHECK bool parties_organization(const struct entitlement_options *options, struct span id,
                                     int64_t now_ms, struct arena *arena,
                                     struct check_party *ret_party, struct err *err);

/* What number the subject's facts must have reached: the revision's, if it is of the same
 * partition.
 */
uint64_t parties_least_number(const struct entitlement_options *options,
                              const struct revision *least, struct hash128 subject);

#endif
