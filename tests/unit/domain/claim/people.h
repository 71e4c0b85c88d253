/* SPDX-License-Identifier: Apache-2.0 */
/* People whose claims the tests look at, each by the evidence about them. */
#ifndef TESTS_UNIT_DOMAIN_CLAIM_PEOPLE_H
#define TESTS_UNIT_DOMAIN_CLAIM_PEOPLE_H

#include "domain/claim/claim.h"

enum { PEOPLE_EVIDENCE_MAX = 4 };

/* 2026-06-12T17:21:00-04:00, and some time before. */
static const int64_t people_now_ms = INT64_C(1781299260000);
static const int64_t people_verified_ms = INT64_C(1781200000000); /* 2026-06-11T17:46:40Z */

struct person {
    const char *name;
    struct evidence evidence[PEOPLE_EVIDENCE_MAX];
    size_t evidence_count;
};

/* By name; aborts when there is none. */
const struct person *person_find(const char *name);
size_t people_count(void);
const struct person *person_get(size_t index);

/* The person's facts, in the arena. */
const struct facts *person_facts(const struct person *person, struct arena *arena);

/* A request for a claim about the person that claim_build() takes. */
struct claim_request person_request(const struct person *person, enum claim_disclosure disclosure,
                                    struct arena *arena);

#endif
