/* SPDX-License-Identifier: Apache-2.0 */
/* Kleene's logic, and what is missing where it yields UNKNOWN. */
#include "unit/domain/directive/fixture.h"

#include "domain/directive/outcome.h"

#define F TRUTH_FALSE
#define U TRUTH_UNKNOWN
#define T TRUTH_TRUE

static void missing_evidence_is_neither_yes_nor_no(void **state)
{
    static const struct {
        enum truth a, b, both, either;
    } rows[] = {
        {F, F, F, F}, {F, U, F, U}, {F, T, F, T}, {U, F, F, U}, {U, U, U, U},
        {U, T, U, T}, {T, F, F, T}, {T, U, U, T}, {T, T, T, T},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(truth_and(rows[i].a, rows[i].b), rows[i].both);
        assert_int_equal(truth_or(rows[i].a, rows[i].b), rows[i].either);
    }
    assert_int_equal(truth_not(F), T);
    assert_int_equal(truth_not(U), U);
    assert_int_equal(truth_not(T), F);
}

static void only_what_made_it_unknown_is_missing(void **state)
{
    struct outcome context = outcome_unknown(MISSING_CONTEXT);
    struct outcome proof = outcome_unknown(MISSING_PROOF);

    (void)state;
    assert_int_equal(outcome_and(context, proof).missing, MISSING_CONTEXT | MISSING_PROOF);
    assert_int_equal(outcome_or(context, proof).missing, MISSING_CONTEXT | MISSING_PROOF);
    assert_int_equal(outcome_and(context, outcome_known(true)).missing, MISSING_CONTEXT);
    assert_int_equal(outcome_or(outcome_known(false), proof).missing, MISSING_PROOF);
    assert_int_equal(outcome_and(context, outcome_known(false)).missing, 0);
    assert_int_equal(outcome_or(context, outcome_known(true)).missing, 0);
    assert_int_equal(outcome_not(context).missing, MISSING_CONTEXT);
}

static void the_first_reason_that_fits_is_told(void **state)
{
    (void)state;
    assert_int_equal(outcome_reason(MISSING_PROOF | MISSING_CONTEXT),
                     DECISION_REASON_CONTEXT_REQUIRED);
    assert_int_equal(outcome_reason(MISSING_PROOF | MISSING_AGREEMENT),
                     DECISION_REASON_EVIDENCE_CONFLICT);
    assert_int_equal(outcome_reason(MISSING_PROOF | MISSING_RENEWAL),
                     DECISION_REASON_EVIDENCE_EXPIRED);
    assert_int_equal(outcome_reason(MISSING_FRESHNESS), DECISION_REASON_EVIDENCE_EXPIRED);
    assert_int_equal(outcome_reason(MISSING_PROOF | MISSING_VERIFICATION),
                     DECISION_REASON_ASSURANCE_TOO_LOW);
    assert_int_equal(outcome_reason(MISSING_AFFILIATION), DECISION_REASON_VERIFICATION_REQUIRED);
    assert_int_equal(outcome_reason(0), DECISION_REASON_UNSPECIFIED);
}

static void reasons_have_their_public_names(void **state)
{
    (void)state;
    assert_string_equal(decision_reason_name(DECISION_REASON_ALLOWED), "ALLOWED");
    assert_string_equal(decision_reason_name(DECISION_REASON_VERIFICATION_REQUIRED),
                        "VERIFICATION_REQUIRED");
    assert_string_equal(decision_reason_name((enum decision_reason)99), "UNSPECIFIED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_evidence_is_neither_yes_nor_no),
        cmocka_unit_test(only_what_made_it_unknown_is_missing),
        cmocka_unit_test(the_first_reason_that_fits_is_told),
        cmocka_unit_test(reasons_have_their_public_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
