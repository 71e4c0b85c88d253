/* SPDX-License-Identifier: Apache-2.0 */
/* People for the tests of the check, as records and as facts. */
#ifndef TESTS_UNIT_ENTITLEMENT_PERSONS_H
#define TESTS_UNIT_ENTITLEMENT_PERSONS_H

#include "storage/record.h"

/* 2026-06-12T21:21:00Z */
#define PERSONS_NOW_MS INT64_C(1781299260000)

/* A citizen of the United States by certificate, and of no other country. */
struct record person_american(struct arena *arena, const char *id);
/* A citizen of this country, and nothing else is known. */
struct record person_citizen(struct arena *arena, const char *id, const char *alpha3);
/* … who has declared that there is nothing else, and no US status. */
struct record person_foreigner(struct arena *arena, const char *id, const char *alpha3);
/* A service, and who stands behind it. */
struct record person_service(struct arena *arena, const char *id, const char *const *principals,
                             size_t count);

const struct facts *person_facts(struct arena *arena, const struct record *record);

#endif
