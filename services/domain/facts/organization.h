/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Organizations: employers, partners, missions, and the operator itself.  They come from the
 * configuration, are few, and have facts of their own (50 U.S.C. 4801(5)(B): entities are persons).
 */
#ifndef DOMAIN_FACTS_ORGANIZATION_H
#define DOMAIN_FACTS_ORGANIZATION_H

#include "base/span.h"
#include "domain/country/country.h"

enum organization_kind {
    ORGANIZATION_KIND_UNSPECIFIED = 0,
    ORGANIZATION_COMPANY = 1,
    ORGANIZATION_GOVERNMENT = 2, /* ministries, missions, state bodies */
    ORGANIZATION_INTERNATIONAL =
        3, /* international organizations: foreign persons wherever they sit */
};

struct organization {
    struct span id;          /* "org/partner-a" */
    bool is_self;            /* the operator */
    country_id organized_in; /* COUNTRY_NONE = not known */
    enum organization_kind kind;
    const struct span *attesters; /* callers that may set affiliations with it */
    size_t attester_count;
};

/* Immutable; the arrays belong to the configuration snapshot. */
struct organizations {
    const struct organization *rows;
    size_t count;
};

/* What facts store instead of the id: 64 bits of it, the same in every process.  Never 0. */
uint64_t organization_key(struct span id);

const struct organization *organization_find(const struct organizations *organizations,
                                             struct span id);
const struct organization *organization_self(const struct organizations *organizations);

#endif
