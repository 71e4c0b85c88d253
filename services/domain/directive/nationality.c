/* SPDX-License-Identifier: Apache-2.0 */
/* Tests on nationalities: citizenships and permanent residencies, their order, the place of birth.
 */
#include "domain/directive/test.h"

/* One nationality as a test sees it. */
struct nationality {
    enum truth is_member; /* of the test's set; UNKNOWN for codes that show no citizenship */
    uint32_t doubt;       /* enum missing: why it may not be so; 0 = established */
    bool is_usa;          /* from the US status, not from a list */
    int32_t earliest_day; /* when it may have been acquired */
    int32_t latest_day;
};

/* Both lists, and the United States, which stand in the US status. */
enum { NATIONALITIES_MAX = FACTS_CITIZENSHIPS_MAX + FACTS_RESIDENCIES_MAX + 1 };

struct nationalities {
    const struct facts *facts;
    const struct directive_node *node;
    country_id usa;
    bool is_closed;       /* there are no others */
    bool is_contradicted; /* by evidence of a nationality */
    size_t count;
    struct nationality rows[NATIONALITIES_MAX];
};

/* British nationals who are not British citizens may be citizens of one of several states, or of
 * none; a refugee's document does not state the nationality; a stateless person has none. */
static enum truth membership(const struct country_set *countries, country_id code)
{
    country_id state = country_nationality(code);
    enum country_kind kind = country_get(code)->kind;
    struct country_set possible;

    if (state != COUNTRY_NONE)
        return country_set_has(countries, state) ? TRUTH_TRUE : TRUTH_FALSE;
    if (kind == COUNTRY_KIND_STATELESS)
        return TRUTH_FALSE;
    possible = country_possible_states(code);
    if (country_set_is_empty(&possible))
        return TRUTH_UNKNOWN;
    return country_set_intersects(&possible, countries) ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static void add_row(struct nationalities *all, const struct facts_nationality *row)
{
    struct nationality *entry = &all->rows[all->count++];

    *entry = (struct nationality){
        .is_member = membership(all->node->countries, row->country),
        .earliest_day = row->acquired_precision == DATE_EXACT ? row->acquired_day : INT32_MIN,
        .latest_day = row->acquired_precision == DATE_UNKNOWN ? INT32_MAX : row->acquired_day,
    };
    if (row->flags & FACTS_NATIONALITY_CONFLICT)
        entry->doubt = MISSING_AGREEMENT;
    else if (!facts_qualifies(row->proof, row->source, all->node->proof))
        entry->doubt = MISSING_PROOF;
}

static void add_rows(struct nationalities *all, const struct facts_nationality *rows, size_t count,
                     bool with_lost)
{
    for (size_t i = 0; i < count; i++) {
        bool is_lost = rows[i].flags & FACTS_NATIONALITY_LOST;

        if (is_lost ? !with_lost : rows[i].country == all->usa)
            continue;
        if (country_get(rows[i].country)->kind != COUNTRY_KIND_STATELESS)
            add_row(all, &rows[i]);
    }
}

static bool names_usa(const struct nationalities *all, const struct facts_nationality *rows,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].country == all->usa && !(rows[i].flags & FACTS_NATIONALITY_LOST))
            return true;
    return false;
}

/* Do closed lists say that the holdings which `statuses` are of are not there?  Not where what is
 * known of the status contradicts itself, or has ended, or may not be told. */
static bool is_usa_left_out(const struct nationalities *all, uint8_t statuses)
{
    const struct facts_header *header = &all->facts->header;
    uint16_t doubts = FACTS_US_CONFLICT | FACTS_US_EXPIRED | FACTS_ACCREDITED;

    if (!all->is_closed || all->is_contradicted || (header->flags & doubts))
        return false;
    return !((statuses & US_STATUS_CITIZEN) &&
             names_usa(all, facts_citizenships(all->facts), header->citizenship_count)) &&
           !((statuses & US_STATUS_LPR) &&
             names_usa(all, facts_residencies(all->facts), header->residency_count));
}

static bool is_status_proven(const struct nationalities *all)
{
    const struct facts_us_status *rows = facts_us_statuses(all->facts);

    for (size_t i = 0; i < all->facts->header.us_status_count; i++)
        if (!facts_qualifies(rows[i].proof, rows[i].source, all->node->proof))
            return false;
    return true;
}

/* The United States are decided by the US status.  Where papers leave it open whether somebody has
 * risen to more than they show, or show nothing at all, closed lists that do not name the United
 * States answer as well. */
static struct outcome usa_outcome(const struct nationalities *all, uint8_t statuses)
{
    struct outcome outcome = test_us_status(all->facts, statuses, all->node->proof);

    if (outcome.truth != TRUTH_UNKNOWN || !is_usa_left_out(all, statuses))
        return outcome;
    return is_status_proven(all) ? outcome_known(false) : outcome_unknown(MISSING_PROOF);
}

static void add_usa(struct nationalities *all, uint8_t statuses)
{
    struct outcome outcome = usa_outcome(all, statuses);

    if (outcome.truth == TRUTH_FALSE)
        return;
    all->rows[all->count++] = (struct nationality){
        .is_member = country_set_has(all->node->countries, all->usa) ? TRUTH_TRUE : TRUTH_FALSE,
        .doubt = outcome.missing,
        .is_usa = true,
        .earliest_day = INT32_MIN,
        .latest_day = INT32_MAX,
    };
}

/* Whether the United States are among them is a question about the US status alone. */
static bool is_about_usa_alone(const struct nationalities *all)
{
    return all->node->test != TEST_DEEMED_COUNTRY && all->node->quantifier == QUANTIFIER_ANY &&
           country_set_has(all->node->countries, all->usa) &&
           country_set_count(all->node->countries) == 1;
}

static void add_lists(struct nationalities *all)
{
    const struct facts *facts = all->facts;
    const struct directive_node *node = all->node;
    bool with_lost = node->regime == REGIME_ITAR_120_50B || node->quantifier == QUANTIFIER_EVER;

    if (node->test != TEST_PERMANENT_RESIDENT_OF)
        add_rows(all, facts_citizenships(facts), facts->header.citizenship_count, with_lost);
    if (node->test != TEST_CITIZEN_OF)
        add_rows(all, facts_residencies(facts), facts->header.residency_count, false);
}

static void collect(struct nationalities *all)
{
    const struct directive_node *node = all->node;
    uint8_t us_statuses = 0;

    if (node->test != TEST_PERMANENT_RESIDENT_OF)
        us_statuses |= US_STATUS_CITIZEN;
    if (node->test != TEST_CITIZEN_OF)
        us_statuses |= US_STATUS_LPR;
    /* The rules of deemed exports are about foreign persons: within their scope there is neither
     * US citizenship nor US residency. */
    if (node->test != TEST_DEEMED_COUNTRY || node->scope == SCOPE_EVERYBODY)
        add_usa(all, us_statuses);
    if (is_about_usa_alone(all)) {
        all->is_closed = true;
        all->is_contradicted = false;
    } else {
        add_lists(all);
    }
}

/* What keeps a list from proving that something is not in it. */
static uint32_t absence_missing(const struct nationalities *all)
{
    uint32_t missing = all->is_closed ? 0 : MISSING_VERIFICATION;

    if (all->is_contradicted)
        missing |= MISSING_AGREEMENT;
    return missing;
}

/* What a row that does not settle the answer leaves open.  A list with a row that may be wrong
 * proves nothing about what is not in it; a US status that is not known concerns the United States
 * alone. */
static uint32_t row_missing(const struct nationality *row, enum truth settled)
{
    if (row->is_usa && row->is_member == settled)
        return 0;
    return row->doubt | (row->is_member == TRUTH_UNKNOWN ? MISSING_VERIFICATION : 0);
}

/* The doubts about all rows, when there is no row without one. */
static uint32_t unestablished_missing(const struct nationalities *all)
{
    uint32_t missing = MISSING_VERIFICATION;

    for (size_t i = 0; i < all->count; i++) {
        if (all->rows[i].doubt == 0)
            return 0;
        missing |= all->rows[i].doubt;
    }
    return missing;
}

/* One of them is in the set. */
static struct outcome any_in(const struct nationalities *all)
{
    uint32_t missing = absence_missing(all);

    for (size_t i = 0; i < all->count; i++) {
        const struct nationality *row = &all->rows[i];

        if (row->is_member == TRUTH_TRUE && row->doubt == 0)
            return outcome_known(true);
        missing |= row_missing(row, TRUTH_FALSE);
    }
    /* "Not defined by the rule" is not "not in the set". */
    if (all->node->test == TEST_DEEMED_COUNTRY)
        missing |= unestablished_missing(all);
    return missing ? outcome_unknown(missing) : outcome_known(false);
}

/* All of them are in the set, and there is one. */
static struct outcome every_in(const struct nationalities *all)
{
    uint32_t missing = absence_missing(all);

    for (size_t i = 0; i < all->count; i++) {
        const struct nationality *row = &all->rows[i];

        if (row->is_member == TRUTH_FALSE && row->doubt == 0)
            return outcome_known(false);
        missing |= row_missing(row, TRUTH_TRUE);
    }
    missing |= unestablished_missing(all);
    return missing ? outcome_unknown(missing) : outcome_known(true);
}

/*
 * The most recent of them is in the set (15 CFR 734.13(b)).  What may be the most recent one is
 * everything that was not certainly acquired before another; the answer is known when all of these
 * agree.
 */
static struct outcome latest_in(const struct nationalities *all)
{
    uint32_t missing = absence_missing(all);
    int32_t threshold_day = INT32_MIN;
    unsigned established = 0; /* bits (1 << truth) of what is certain, and of what is doubted */
    unsigned doubted = 0;

    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].doubt == 0 && all->rows[i].earliest_day > threshold_day)
            threshold_day = all->rows[i].earliest_day;
    for (size_t i = 0; i < all->count; i++) {
        const struct nationality *row = &all->rows[i];

        if (row->latest_day < threshold_day)
            continue;
        if (row->doubt == 0)
            established |= 1U << row->is_member;
        else
            doubted |= 1U << row->is_member;
    }
    if (established != 1U << TRUTH_TRUE && established != 1U << TRUTH_FALSE)
        missing |= MISSING_VERIFICATION;
    if (doubted & ~established)
        for (size_t i = 0; i < all->count; i++)
            missing |= all->rows[i].doubt;
    return missing ? outcome_unknown(missing) : outcome_known(established == 1U << TRUTH_TRUE);
}

static struct outcome born_in(const struct facts *facts, const struct directive_node *node)
{
    country_id country = facts->header.birth_country;

    if (facts->header.flags & FACTS_BIRTH_CONFLICT)
        return outcome_unknown(MISSING_AGREEMENT);
    if (country == COUNTRY_NONE)
        return outcome_unknown(MISSING_VERIFICATION);
    if (facts->header.birth_proof < node->proof)
        return outcome_unknown(MISSING_PROOF);
    return outcome_known(country_set_has(node->countries, country) ||
                         country_set_has(node->countries, country_nationality(country)));
}

struct outcome test_nationality(const struct facts *facts, const struct directive_node *node)
{
    struct nationalities all;

    /* An organization has no citizenship; that it has none must not pass a `not`. */
    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return outcome_unknown(MISSING_VERIFICATION);
    if (node->test == TEST_BORN_IN)
        return born_in(facts, node);
    all.facts = facts;
    all.node = node;
    all.count = 0;
    all.usa = country_from_iso(span_text("USA"));
    all.is_closed = facts->header.flags & FACTS_CITIZENSHIPS_COMPLETE;
    all.is_contradicted = facts->header.flags & FACTS_CITIZENSHIP_CONFLICT;
    collect(&all);
    if (node->regime == REGIME_EAR_734_13B)
        return latest_in(&all);
    return node->quantifier == QUANTIFIER_EVERY ? every_in(&all) : any_in(&all);
}
