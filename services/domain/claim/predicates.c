/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates, three-valued. */
#include "domain/claim/predicates.h"

/* 8 U.S.C. 1324b(a)(3), and the permanent residents that 772.1 and 120.62 name beside it. */
enum {
    US_PERSON_STATUSES = US_STATUS_CITIZEN | US_STATUS_NATIONAL | US_STATUS_LPR |
                         US_STATUS_REFUGEE | US_STATUS_ASYLEE | US_STATUS_TEMPORARY
};

static country_id usa(void)
{
    return country_from_iso(span_text("USA"));
}

static enum truth truth_of(bool is_so)
{
    return is_so ? TRUTH_TRUE : TRUTH_FALSE;
}

/* 50 U.S.C. 4801(5)(B): international organizations are foreign wherever they sit. */
static enum truth organization_is_us(const struct facts_header *header)
{
    if (header->organization_kind == ORGANIZATION_INTERNATIONAL)
        return TRUTH_FALSE;
    if (header->organized_in == COUNTRY_NONE)
        return TRUTH_UNKNOWN;
    return truth_of(country_nationality(header->organized_in) == usa());
}

enum truth predicate_us_person(const struct facts *facts, enum proof least)
{
    uint8_t possible;

    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return organization_is_us(&facts->header);
    possible = facts_possible_us_status(facts, least);
    if (possible == 0)
        return TRUTH_UNKNOWN;
    if ((possible & ~US_PERSON_STATUSES) == 0)
        return TRUTH_TRUE;
    return possible & US_PERSON_STATUSES ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

/* Does this entry show a citizenship in the set?  A British national who is not a citizen, and a
 * refugee whose document does not state the nationality, may be citizens of one. */
static enum truth membership(const struct facts_nationality *row,
                             const struct country_set *countries)
{
    country_id state = country_nationality(row->country);
    struct country_set possible;

    if (country_get(row->country)->kind == COUNTRY_KIND_STATELESS)
        return TRUTH_FALSE;
    if (state != COUNTRY_NONE)
        return truth_of(country_set_has(countries, state));
    possible = country_possible_states(row->country);
    if (country_set_is_empty(&possible) || country_set_intersects(&possible, countries))
        return TRUTH_UNKNOWN;
    return TRUTH_FALSE;
}

/* Whether somebody is a citizen of the United States is decided by the US status: a US passport
 * is also a national's. */
static enum truth us_membership(const struct facts *facts, const struct country_set *countries,
                                enum proof least)
{
    uint8_t possible = facts_possible_us_status(facts, least);

    if (!country_set_has(countries, usa()) || !(possible & US_STATUS_CITIZEN))
        return TRUTH_FALSE;
    return possible == US_STATUS_CITIZEN ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

enum truth predicate_citizen_of(const struct facts *facts, const struct country_set *countries,
                                enum proof least)
{
    const struct facts_nationality *rows = facts_citizenships(facts);
    uint16_t flags = facts->header.flags;
    bool is_closed = (flags & FACTS_CITIZENSHIPS_COMPLETE) && !(flags & FACTS_CITIZENSHIP_CONFLICT);
    enum truth answer = is_closed ? TRUTH_FALSE : TRUTH_UNKNOWN;

    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return TRUTH_UNKNOWN;
    answer = truth_or(answer, us_membership(facts, countries, least));
    for (size_t i = 0; i < facts->header.citizenship_count; i++) {
        const struct facts_nationality *row = &rows[i];
        enum truth member = membership(row, countries);
        bool is_doubted = (row->flags & FACTS_NATIONALITY_CONFLICT) ||
                          !facts_qualifies(row->proof, row->source, least);

        if ((row->flags & FACTS_NATIONALITY_LOST) || row->country == usa())
            continue;
        if (is_doubted && member == TRUTH_TRUE)
            member = TRUTH_UNKNOWN;
        answer = truth_or(answer, member);
    }
    return answer;
}
