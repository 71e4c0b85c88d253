/* SPDX-License-Identifier: Apache-2.0 */
/* Status under US law: who is a foreign person, a US person, a citizen, three-valued. */
#include "base/attributes.h"
#include "domain/directive/test.h"

/* Is everything that is possible in `statuses`? */
static bool is_within(uint8_t possible, uint8_t statuses)
{
    return possible != 0 && (possible & ~statuses) == 0;
}

/*
 * What else somebody may be whose papers show a status: everything that supersedes it, for an old
 * paper does not know of a naturalisation or an adjustment, and the other refuge beside one.  Who
 * is a citizen is nothing less; that there is no status is said by a statement, not by a paper, and
 * is not left open.  docs/directives.md has the table.
 */
static const struct {
    uint8_t shown;
    uint8_t may_be;
} may_be[] = {
    {US_STATUS_NATIONAL, US_STATUS_CITIZEN},
    {US_STATUS_LPR, US_STATUS_CITIZEN | US_STATUS_NATIONAL},
    {US_STATUS_REFUGEE, US_STATUS_CITIZEN | US_STATUS_NATIONAL | US_STATUS_LPR | US_STATUS_ASYLEE},
    {US_STATUS_ASYLEE, US_STATUS_CITIZEN | US_STATUS_NATIONAL | US_STATUS_LPR | US_STATUS_REFUGEE},
    {US_STATUS_TEMPORARY,
     US_STATUS_CITIZEN | US_STATUS_NATIONAL | US_STATUS_LPR | US_STATUS_REFUGEE | US_STATUS_ASYLEE},
};

/* Is it certain that the status is none of `statuses`? */
static bool is_excluded(uint8_t possible, uint8_t statuses)
{
    for (size_t i = 0; i < ARRAY_LEN(may_be); i++)
        if (possible & may_be[i].shown)
            possible |= may_be[i].may_be;
    return possible != 0 && (possible & statuses) == 0;
}

/* Why the status is not known: what contradicts comes before what is too weak, and that before
 * what has ended. */
static uint32_t status_missing(const struct facts *facts, uint8_t statuses)
{
    uint8_t with_any_proof = facts_possible_us_status(facts, PROOF_UNSPECIFIED);

    if (facts->header.flags & FACTS_US_CONFLICT)
        return MISSING_AGREEMENT;
    if (is_excluded(with_any_proof, statuses) || is_within(with_any_proof, statuses))
        return MISSING_PROOF;
    if (facts->header.flags & FACTS_US_EXPIRED)
        return MISSING_RENEWAL;
    return MISSING_VERIFICATION;
}

/* Is the status of a natural person one of `statuses`? */
static struct outcome status_in(const struct facts *facts, uint8_t statuses, enum proof least)
{
    uint8_t possible = facts_possible_us_status(facts, least);

    if (is_within(possible, statuses))
        return outcome_known(true);
    if (is_excluded(possible, statuses))
        return outcome_known(false);
    return outcome_unknown(status_missing(facts, statuses));
}

/* Entities are persons too (50 U.S.C. 4801(5)(B)): of the United States when organized there;
 * international organizations are foreign wherever they sit; a government belongs to the state
 * that it is of, which is what `organized_in` says of it. */
static struct outcome organization_is_us(const struct facts_header *header)
{
    if (header->organization_kind == ORGANIZATION_INTERNATIONAL)
        return outcome_known(false);
    if (header->organized_in == COUNTRY_NONE)
        return outcome_unknown(MISSING_VERIFICATION);
    return outcome_known(country_nationality(header->organized_in) ==
                         country_from_iso(span_text("USA")));
}

struct outcome test_foreign_person(const struct facts *facts, enum proof least)
{
    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return outcome_not(organization_is_us(&facts->header));
    return outcome_not(status_in(facts, US_STATUS_PROTECTED, least));
}

/* 28 CFR 202.256 does not name the temporary residents of 8 U.S.C. 1160(a) and 1255a(a)(1). */
static const uint8_t us_person_statuses[REGIME_COUNT] = {
    [REGIME_ITAR_120_62] = US_STATUS_PROTECTED,
    [REGIME_EAR_744_6] = US_STATUS_PROTECTED,
    [REGIME_DOJ_202_256] = US_STATUS_PROTECTED & ~US_STATUS_TEMPORARY,
};

struct outcome test_us_person(struct inquiry *inquiry, const struct directive_node *node)
{
    const struct facts *facts = inquiry->question->facts;
    const struct directive_context *location;
    struct outcome status;
    country_id country;

    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        status = organization_is_us(&facts->header);
    else
        status = status_in(facts, us_person_statuses[node->regime], node->proof);
    if (node->regime == REGIME_ITAR_120_62 || status.truth == TRUTH_TRUE)
        return status;
    /* "… or any person in the United States" */
    location = inquiry_context(inquiry, node->key);
    country = location ? country_from_iso(location->value) : COUNTRY_NONE;
    if (country == COUNTRY_NONE)
        return outcome_or(status, outcome_unknown(MISSING_CONTEXT));
    return outcome_or(status, outcome_known(country_set_has(node->countries, country)));
}

struct outcome test_us_status(const struct facts *facts, uint8_t statuses, enum proof least)
{
    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return outcome_known(false);
    return status_in(facts, statuses, least);
}
