/* SPDX-License-Identifier: Apache-2.0 */
/* The callers of a configuration: which binding an id gets. */
#include "interceptors/caller_set.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SPAN(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct span prefixes[] = {SPAN("employee/")};
static const struct limits limits = {.subjects = {prefixes, ARRAY_LEN(prefixes)}};
static const struct limits none;

static const struct caller rows[] = {
    {.id = SPAN("spiffe://corp/ns/*/sa/*"), .roles = 1},
    {.id = SPAN("spiffe://corp/ns/shop/sa/checkout"), .roles = 2, .limits = &limits},
    {.id = SPAN("spiffe://corp/ns/shop/sa/*"), .roles = 3, .limits = &none},
    {.id = SPAN("spiffe://corp/ns/shop/sa/c*"), .roles = 4},
    {.id = SPAN("desk.corp"), .roles = 5},
};

static const struct span denied[] = {SPAN("spiffe://corp/ns/shop/sa/cart"),
                                     SPAN("spiffe://corp/ns/old/sa/*")};

static int set_up(void **state)
{
    *state = caller_set_new(&(struct caller_bindings){.rows = rows,
                                                      .count = ARRAY_LEN(rows),
                                                      .denied = denied,
                                                      .denied_count = ARRAY_LEN(denied)},
                            NULL);
    return 0;
}

static int tear_down(void **state)
{
    caller_set_unref(*state);
    return 0;
}

static uint32_t roles_of(struct caller_set *set, const char *id)
{
    const struct caller *caller = caller_set_find(set, span_text(id));

    return caller ? caller->roles : 0;
}

static void an_exact_id_comes_before_patterns(void **state)
{
    assert_int_equal(roles_of(*state, "spiffe://corp/ns/shop/sa/checkout"), 2);
    assert_int_equal(roles_of(*state, "desk.corp"), 5);
}

static void of_patterns_the_longest_beginning_counts(void **state)
{
    assert_int_equal(roles_of(*state, "spiffe://corp/ns/shop/sa/cart"), 4);
    assert_int_equal(roles_of(*state, "spiffe://corp/ns/shop/sa/basket"), 3);
    assert_int_equal(roles_of(*state, "spiffe://corp/ns/bank/sa/basket"), 1);
}

static void who_fits_nothing_has_no_binding(void **state)
{
    assert_int_equal(roles_of(*state, "spiffe://corp/ns/shop/sa/a/b"), 0);
    assert_int_equal(roles_of(*state, "spiffe://other/ns/shop/sa/checkout"), 0);
    assert_int_equal(roles_of(*state, "desk.corp."), 0);
    assert_int_equal(roles_of(*state, ""), 0);
}

static void who_is_denied_may_have_a_binding(void **state)
{
    assert_true(caller_set_denies(*state, span_text("spiffe://corp/ns/shop/sa/cart")));
    assert_true(caller_set_denies(*state, span_text("spiffe://corp/ns/old/sa/anything")));
    assert_false(caller_set_denies(*state, span_text("spiffe://corp/ns/shop/sa/checkout")));
    assert_int_equal(roles_of(*state, "spiffe://corp/ns/shop/sa/cart"), 4);
}

static void limits_without_rows_are_no_limits(void **state)
{
    struct caller_set *set = *state;

    assert_null(caller_set_find(set, span_text("spiffe://corp/ns/shop/sa/basket"))->limits);
    assert_non_null(caller_set_find(set, span_text("spiffe://corp/ns/shop/sa/checkout"))->limits);
}

static void a_subject_out_of_reach_is_refused_without_a_word_about_it(void **state)
{
    struct caller_set *set = *state;
    const struct caller *caller =
        caller_set_find(set, span_text("spiffe://corp/ns/shop/sa/checkout"));
    struct err err = ERR_NONE;

    assert_true(caller_reaches(caller, span_text("employee/alice"), &err));
    assert_false(caller_reaches(caller, span_text("customer/alice"), &err));
    assert_int_equal(err.code, ERR_OUTSIDE_LIMITS);
    assert_string_equal(err.field, "");
    assert_null(strstr(err.detail, "alice"));
}

/* Budgets. */

static const struct span annas[] = {SPAN("desk.corp"), SPAN("spiffe://corp/ns/shop/sa/basket"),
                                    SPAN("spiffe://corp/ns/none/of/these")};
static const struct caller_person anna = {
    .id = SPAN("anna"),
    .callers = annas,
    .caller_count = ARRAY_LEN(annas),
    .allowance = {.subjects_per_hour = 3},
};
static const struct budget_limits allowances[ARRAY_LEN(rows)] = {
    [1] = {.calls_in_flight = 2}, [2] = {.calls_in_flight = 1}, [4] = {.calls_per_second = 5}};
static const struct caller_bindings with_budgets = {
    .rows = rows,
    .allowances = allowances,
    .count = ARRAY_LEN(rows),
    .persons = &anna,
    .person_count = 1,
};

static void a_caller_without_a_budget_has_none(void **state)
{
    struct caller_set *set = caller_set_new(&with_budgets, NULL);

    (void)state;
    assert_null(caller_set_find(set, span_text("spiffe://corp/ns/bank/sa/basket"))->budget);
    assert_null(caller_set_person_budget(set, span_text("spiffe://corp/ns/shop/sa/checkout")));
    caller_set_unref(set);
}

static void a_person_has_one_budget_over_those_of_all_callers(void **state)
{
    struct caller_set *set = caller_set_new(&with_budgets, NULL);
    const struct budget *own = caller_set_find(set, span_text("desk.corp"))->budget;
    const struct budget *persons =
        caller_set_person_budget(set, span_text("spiffe://corp/ns/shop/sa/basket"));

    (void)state;
    assert_int_equal(own->limits.calls_per_second, 5);
    assert_ptr_equal(own->above, persons);
    assert_int_equal(persons->limits.subjects_per_hour, 3);
    assert_null(persons->above);
    caller_set_unref(set);
}

static void what_was_used_up_outlives_a_reload(void **state)
{
    struct caller_set *old = caller_set_new(&with_budgets, NULL);
    struct caller_set *fresh = caller_set_new(&with_budgets, old);
    const struct span checkout = span_text("spiffe://corp/ns/shop/sa/checkout");
    const struct budget *before = caller_set_find(old, checkout)->budget;
    const struct budget *after = caller_set_find(fresh, checkout)->budget;
    struct err err;

    (void)state;
    assert_true(budget_take_call(before, 1, &err));
    assert_true(budget_take_call(before, 1, &err));
    assert_false(budget_take_call(after, 1, &err));
    budget_give_call(before);
    caller_set_unref(old);
    assert_true(budget_take_call(after, 1, &err));
    caller_set_unref(fresh);
}

static void a_set_without_rows_knows_nobody(void **state)
{
    struct caller_set *set = caller_set_new(&(struct caller_bindings){.rows = NULL}, NULL);

    (void)state;
    assert_int_equal(roles_of(set, "desk.corp"), 0);
    assert_false(caller_set_denies(set, span_text("desk.corp")));
    caller_set_unref(set);
}

/* API keys. */

static const struct caller key_rows[] = {
    {.id = SPAN("apikey:one"), .roles = 1, .is_by_api_key = true},
    {.id = SPAN("apikey:two"), .roles = 2, .is_by_api_key = true},
    {.id = SPAN("desk.corp"), .roles = 3},
};

/* Many that begin alike, in no order. */
static void a_key_is_found_by_all_of_its_hash(void **state)
{
    static struct caller_api_key keys[200];
    uint8_t other[SHA256_BYTES] = {0};
    struct caller_set *set;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        keys[i].row = i % 2;
        keys[i].expires_at_ms = 1000;
        keys[i].hash[0] = (uint8_t)(i * 7 % 5);
        keys[i].hash[SHA256_BYTES - 1] = (uint8_t)(i * 37);
        keys[i].hash[20] = (uint8_t)i;
    }
    set = caller_set_new(&(struct caller_bindings){.rows = key_rows,
                                                   .count = ARRAY_LEN(key_rows),
                                                   .api_keys = keys,
                                                   .api_key_count = ARRAY_LEN(keys)},
                         NULL);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct caller *caller = caller_set_find_api_key(set, keys[i].hash, 999);

        assert_non_null(caller);
        assert_int_equal(caller->roles, 1 + i % 2);
        assert_null(caller_set_find_api_key(set, keys[i].hash, 1000));
    }
    for (unsigned i = 0; i < 256; i++) {
        other[0] = (uint8_t)i;
        other[10] = 1;
        assert_null(caller_set_find_api_key(set, other, 0));
    }
    caller_set_unref(set);
}

/* Whatever an authority was made to sign. */
static void no_certificate_is_a_caller_of_keys(void **state)
{
    const struct caller_bindings of_keys = {.rows = key_rows, .count = ARRAY_LEN(key_rows)};
    struct caller_set *set = caller_set_new(&of_keys, NULL);

    assert_int_equal(roles_of(set, "apikey:one"), 0);
    assert_int_equal(roles_of(set, "desk.corp"), 3);
    assert_true(caller_set_has_api_keys(set)); /* of which there is none */
    assert_false(caller_set_has_api_keys(*state));
    caller_set_unref(set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_exact_id_comes_before_patterns),
        TEST(of_patterns_the_longest_beginning_counts),
        TEST(who_fits_nothing_has_no_binding),
        TEST(who_is_denied_may_have_a_binding),
        TEST(limits_without_rows_are_no_limits),
        TEST(a_subject_out_of_reach_is_refused_without_a_word_about_it),
        cmocka_unit_test(a_caller_without_a_budget_has_none),
        cmocka_unit_test(a_person_has_one_budget_over_those_of_all_callers),
        cmocka_unit_test(what_was_used_up_outlives_a_reload),
        cmocka_unit_test(a_set_without_rows_knows_nobody),
        cmocka_unit_test(a_key_is_found_by_all_of_its_hash),
        TEST(no_certificate_is_a_caller_of_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
