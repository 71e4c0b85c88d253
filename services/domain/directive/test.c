/* SPDX-License-Identifier: Apache-2.0 */
/* Tests: one row per kind, and how all, any and not combine what they yield. */
#include "domain/directive/test.h"

#include "domain/directive/set.h"

static const char *const words[] = {
#define X(name, word) [TEST_##name] = (word),
    TEST_LIST(X)
#undef X
};

static const struct {
    const char *word;
    const char *clause;
} regimes[] = {
#define X(name, word, clause) [REGIME_##name] = {(word), (clause)},
    REGIME_LIST(X)
#undef X
};

const char *test_word(enum test_kind test)
{
    return words[test];
}

const char *regime_word(enum regime regime)
{
    return regimes[regime].word;
}

const char *regime_clause(enum regime regime)
{
    return regimes[regime].clause;
}

const struct directive_context *inquiry_context(struct inquiry *inquiry, unsigned key)
{
    const struct directive_question *question = inquiry->question;
    struct span name = inquiry->set->context_keys[key];

    inquiry->vary_context |= UINT32_C(1) << key;
    for (size_t i = 0; i < question->context_count; i++)
        if (span_equal(question->context[i].key, name))
            return &question->context[i];
    return NULL;
}

/* The operands of `all` and `any`.  A result that no further operand can change ends it, unless
 * every outcome is wanted. */
static struct outcome evaluate_operands(struct inquiry *inquiry, const struct directive_node *node)
{
    bool is_all = node->test == TEST_ALL;
    struct outcome result = outcome_known(is_all);
    enum truth last_word = is_all ? TRUTH_FALSE : TRUTH_TRUE;
    const struct directive_node *end = node + node->length;

    for (const struct directive_node *operand = node + 1; operand < end;
         operand += operand->length) {
        struct outcome outcome = test_evaluate(inquiry, operand);

        result = is_all ? outcome_and(result, outcome) : outcome_or(result, outcome);
        if (result.truth == last_word && !inquiry->trace)
            break;
    }
    return result;
}

static struct outcome evaluate_not(struct inquiry *inquiry, const struct directive_node *node)
{
    return outcome_not(test_evaluate(inquiry, node + 1));
}

static struct outcome evaluate_foreign_person(struct inquiry *inquiry,
                                              const struct directive_node *node)
{
    struct outcome outcome = test_foreign_person(inquiry->question->facts, node->proof);

    return node->is_negated ? outcome_not(outcome) : outcome;
}

static struct outcome evaluate_us_person(struct inquiry *inquiry, const struct directive_node *node)
{
    struct outcome outcome = test_us_person(inquiry, node);

    return node->is_negated ? outcome_not(outcome) : outcome;
}

static struct outcome evaluate_us_status(struct inquiry *inquiry, const struct directive_node *node)
{
    return test_us_status(inquiry->question->facts, (uint8_t)node->mask, node->proof);
}

static struct outcome evaluate_nationality(struct inquiry *inquiry,
                                           const struct directive_node *node)
{
    const struct facts *facts = inquiry->question->facts;
    struct outcome outcome = test_nationality(facts, node);

    if (node->scope == SCOPE_EVERYBODY)
        return outcome;
    if (node->scope == SCOPE_AND_FOREIGN)
        return outcome_and(outcome, test_foreign_person(facts, node->proof));
    return outcome_or(outcome, outcome_not(test_foreign_person(facts, node->proof)));
}

/* Has the organization's attester closed the list, so that what is not in it is not so? */
static bool is_affiliation_closed(const struct facts *facts, uint64_t organization)
{
    const struct facts_affiliation *rows = facts_affiliations(facts);

    for (size_t i = 0; i < facts->header.affiliation_count; i++)
        if (rows[i].organization == organization && rows[i].is_complete)
            return true;
    return false;
}

static bool is_affiliated(const struct facts *facts, uint64_t organization, unsigned as)
{
    const struct facts_affiliation *rows = facts_affiliations(facts);

    if (as & AFFILIATION_ITSELF && facts->header.self_organization == organization)
        return true;
    for (size_t i = 0; i < facts->header.affiliation_count; i++)
        if (rows[i].organization == organization && (rows[i].as & as))
            return true;
    return false;
}

/* An organization is nobody's employee; whether a subject is a certain organization is known of
 * everybody.  What is left needs the word of the attester. */
static struct outcome evaluate_affiliated_with(struct inquiry *inquiry,
                                               const struct directive_node *node)
{
    const struct facts *facts = inquiry->question->facts;
    bool is_organization = facts->header.subject_kind == SUBJECT_ORGANIZATION;
    unsigned open = node->as & (unsigned)~AFFILIATION_ITSELF;
    bool is_closed = true;

    if (is_organization)
        open &= (unsigned)~AFFILIATION_EMPLOYEE;
    for (size_t i = 0; i < node->count; i++) {
        if (is_affiliated(facts, node->organizations[i], node->as))
            return outcome_known(true);
        is_closed = is_closed && is_affiliation_closed(facts, node->organizations[i]);
    }
    return is_closed || open == 0 ? outcome_known(false) : outcome_unknown(MISSING_AFFILIATION);
}

static struct outcome evaluate_organized_in(struct inquiry *inquiry,
                                            const struct directive_node *node)
{
    const struct facts_header *header = &inquiry->question->facts->header;

    if (header->subject_kind == SUBJECT_KIND_UNSPECIFIED)
        return outcome_unknown(MISSING_VERIFICATION);
    if (header->subject_kind != SUBJECT_ORGANIZATION)
        return outcome_known(false);
    if (header->organized_in == COUNTRY_NONE)
        return outcome_unknown(MISSING_VERIFICATION);
    return outcome_known(country_set_has(node->countries, header->organized_in));
}

static struct outcome evaluate_subject_kind(struct inquiry *inquiry,
                                            const struct directive_node *node)
{
    unsigned kind = inquiry->question->facts->header.subject_kind;

    if (kind == SUBJECT_KIND_UNSPECIFIED)
        return outcome_unknown(MISSING_VERIFICATION);
    return outcome_known(node->mask >> kind & 1);
}

static struct outcome evaluate_assurance(struct inquiry *inquiry, const struct directive_node *node)
{
    const struct facts_header *header = &inquiry->question->facts->header;

    if (header->assurance >= node->mask)
        return outcome_known(true);
    return outcome_unknown(header->flags & FACTS_HAS_EVIDENCE ? MISSING_PROOF
                                                              : MISSING_VERIFICATION);
}

/* Is there any status or citizenship that was established so well? */
static struct outcome evaluate_proof(struct inquiry *inquiry, const struct directive_node *node)
{
    const struct facts *facts = inquiry->question->facts;
    const struct facts_us_status *statuses = facts_us_statuses(facts);
    const struct facts_nationality *citizenships = facts_citizenships(facts);

    for (size_t i = 0; i < facts->header.us_status_count; i++)
        if (facts_qualifies(statuses[i].proof, statuses[i].source, (enum proof)node->mask))
            return outcome_known(true);
    for (size_t i = 0; i < facts->header.citizenship_count; i++)
        if (!(citizenships[i].flags & (FACTS_NATIONALITY_LOST | FACTS_NATIONALITY_CONFLICT)) &&
            facts_qualifies(citizenships[i].proof, citizenships[i].source, (enum proof)node->mask))
            return outcome_known(true);
    return outcome_unknown(facts->header.us_status_count + facts->header.citizenship_count > 0
                               ? MISSING_PROOF
                               : MISSING_VERIFICATION);
}

/* What was not submitted may exist: never FALSE. */
static struct outcome evaluate_evidence_class(struct inquiry *inquiry,
                                              const struct directive_node *node)
{
    if (inquiry->question->facts->header.evidence_classes & node->mask)
        return outcome_known(true);
    return outcome_unknown(MISSING_VERIFICATION);
}

static struct outcome evaluate_location(struct inquiry *inquiry, const struct directive_node *node)
{
    const struct directive_context *context;
    country_id country;

    if (!node->countries)
        return outcome_known(true);
    context = inquiry_context(inquiry, node->key);
    country = context ? country_from_iso(context->value) : COUNTRY_NONE;
    if (country == COUNTRY_NONE)
        return outcome_unknown(MISSING_CONTEXT);
    return outcome_known(country_set_has(node->countries, country));
}

static struct outcome evaluate_context(struct inquiry *inquiry, const struct directive_node *node)
{
    const struct directive_context *context = inquiry_context(inquiry, node->key);

    if (!context)
        return outcome_unknown(MISSING_CONTEXT);
    for (size_t i = 0; i < node->count; i++)
        if (span_equal(context->value, node->values[i]))
            return outcome_known(true);
    return outcome_known(false);
}

static struct outcome (*const evaluators[])(struct inquiry *, const struct directive_node *) = {
    [TEST_ALL] = evaluate_operands,
    [TEST_ANY] = evaluate_operands,
    [TEST_NOT] = evaluate_not,
    [TEST_FOREIGN_PERSON] = evaluate_foreign_person,
    [TEST_US_PERSON] = evaluate_us_person,
    [TEST_US_STATUS] = evaluate_us_status,
    [TEST_CITIZEN_OF] = evaluate_nationality,
    [TEST_DEEMED_COUNTRY] = evaluate_nationality,
    [TEST_PERMANENT_RESIDENT_OF] = evaluate_nationality,
    [TEST_BORN_IN] = evaluate_nationality,
    [TEST_AFFILIATED_WITH] = evaluate_affiliated_with,
    [TEST_ORGANIZED_IN] = evaluate_organized_in,
    [TEST_SUBJECT_KIND] = evaluate_subject_kind,
    [TEST_ASSURANCE] = evaluate_assurance,
    [TEST_PROOF] = evaluate_proof,
    [TEST_EVIDENCE_CLASS] = evaluate_evidence_class,
    [TEST_LOCATION] = evaluate_location,
    [TEST_CONTEXT] = evaluate_context,
};
_Static_assert(ARRAY_LEN(evaluators) == TEST_COUNT, "one evaluator per test");

struct outcome test_evaluate(struct inquiry *inquiry, const struct directive_node *node)
{
    struct outcome outcome = evaluators[node->test](inquiry, node);

    if (inquiry->trace)
        inquiry->trace[node - inquiry->traced] = outcome;
    return outcome;
}
