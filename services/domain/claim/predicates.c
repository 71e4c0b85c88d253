/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates: the tests of directives, asked without a directive, so that a claim and a check that
 * ask the same on the same proof cannot answer differently. */
#include "domain/claim/predicates.h"

#include "domain/directive/test.h"

enum truth predicate_us_person(const struct facts *facts, enum proof least)
{
    return outcome_not(test_foreign_person(facts, least)).truth;
}

enum truth predicate_citizen_of(const struct facts *facts, const struct country_set *countries,
                                enum proof least)
{
    const struct directive_node node = {
        .test = TEST_CITIZEN_OF,
        .quantifier = QUANTIFIER_ANY,
        .scope = SCOPE_EVERYBODY,
        .proof = (uint8_t)least,
        .length = 1,
        .countries = countries,
    };

    return test_nationality(facts, &node).truth;
}
