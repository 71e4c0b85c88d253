/* SPDX-License-Identifier: Apache-2.0 */
/* How tests read: one sentence each, with the clause that defines its words. */
#include "domain/directive/test.h"

const char *const affiliation_bit_words[AFFILIATION_BITS] = {"employee", "contractor", "agent",
                                                             "itself"};

const char *affiliation_words(struct arena *arena, uint8_t as)
{
    const char *text = "";

    for (size_t i = 0; i < AFFILIATION_BITS; i++)
        if (as >> i & 1)
            text = arena_printf(arena, "%s%s%s", text, text[0] ? " or " : "",
                                affiliation_bit_words[i]);
    return text;
}

/* Whom a nationality test reaches; see enum test_scope. */
static const char *const scope_texts[] = {
    [SCOPE_EVERYBODY] = "",
    [SCOPE_OR_NOT_FOREIGN] = ", or is not a foreign person",
    [SCOPE_AND_FOREIGN] = ", and is a foreign person",
};

static const char *const citizen_texts[] = {
    [QUANTIFIER_ANY] = "is a citizen of one of",
    [QUANTIFIER_EVERY] = "is a citizen of no country but",
    [QUANTIFIER_EVER] = "is or was a citizen of one of",
};

static const char *deemed_text(const struct directive_node *node)
{
    if (node->regime == REGIME_EAR_734_13B)
        return "the most recent country of citizenship or permanent residency is one of";
    if (node->quantifier == QUANTIFIER_EVERY)
        return "every country of citizenship, held or once held, or permanent residency is one of";
    return "a country of citizenship, held or once held, or permanent residency is one of";
}

/* The rest of the sentence is the list. */
static const char *const lead_texts[TEST_COUNT] = {
    [TEST_US_STATUS] = "has a US status that is one of",
    [TEST_PERMANENT_RESIDENT_OF] = "is a permanent resident of one of",
    [TEST_BORN_IN] = "was born in one of",
    [TEST_ORGANIZED_IN] = "is organized in one of",
    [TEST_SUBJECT_KIND] = "is one of",
    [TEST_ASSURANCE] = "has an identity assurance (NIST SP 800-63A) of at least",
    [TEST_PROOF] = "has a US status or citizenship with a proof of at least",
    [TEST_EVIDENCE_CLASS] = "has evidence of one of",
    [TEST_LOCATION] = "is in one of",
    [TEST_CONTEXT] = "context",
};

const char *test_text(struct arena *arena, const struct directive_node *node, const char *list)
{
    const char *scope = scope_texts[node->scope];
    const char *clause = regime_clause(node->regime);

    if (node->test == TEST_FOREIGN_PERSON)
        return arena_printf(arena, "is %sa foreign person (%s)", node->is_negated ? "not " : "",
                            clause);
    if (node->test == TEST_US_PERSON)
        return arena_printf(arena, "is %sa US person (%s)", node->is_negated ? "not " : "", clause);
    if (node->test == TEST_CITIZEN_OF)
        return arena_printf(arena, "%s %s%s", citizen_texts[node->quantifier], list, scope);
    if (node->test == TEST_DEEMED_COUNTRY)
        return arena_printf(arena, "%s %s%s (%s)", deemed_text(node), list, scope, clause);
    if (node->test == TEST_AFFILIATED_WITH)
        return arena_printf(arena, "is %s of one of %s", affiliation_words(arena, node->as), list);
    return arena_printf(arena, "%s %s%s", lead_texts[node->test], list, scope);
}
