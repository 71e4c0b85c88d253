/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates: the questions of the regulations that facts alone answer, without a context. */
#ifndef DOMAIN_CLAIM_PREDICATES_H
#define DOMAIN_CLAIM_PREDICATES_H

#include "domain/country/groups.h"
#include "domain/directive/truth.h"
#include "domain/facts/facts.h"

/*
 * Is the subject a US person by status: citizen, national, permanent resident or otherwise
 * protected (22 CFR 120.62; the opposite is the foreign person of 15 CFR 772.1 and 22 CFR 120.63)?
 * Presence in the United States, which other rules count, is not asked.
 */
enum truth predicate_us_person(const struct facts *facts, enum proof least);

/* Is one of the citizenships held now in the set?  FALSE only when the list is closed. */
enum truth predicate_citizen_of(const struct facts *facts, const struct country_set *countries,
                                enum proof least);

#endif
