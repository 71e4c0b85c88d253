/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of a replica that hears of no changes: what is restricted is refused once the lease is over.
 */
#include "unit/entitlement/runs.h"

static bool is_counted(struct runs *runs, unsigned refusals)
{
    struct span text = metrics_render(runs->metrics, &runs->arena);

    return strstr(arena_text(&runs->arena, text),
                  arena_printf(&runs->arena, "\npassgate_lease_refusals_total %u\n", refusals));
}

static void what_is_restricted_is_refused_when_the_lease_has_lapsed(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    fake_store_set_feed_age(runs->fake, RUNS_LEASE_MS - 1);
    runs_ask(runs, &input, 1, &asked); /* of the store itself: the cache is passed by */
    assert_true(asked.is_ok && asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].max_age_ms, 1);
    assert_true(is_counted(runs, 0));
    fake_store_set_feed_age(runs->fake, RUNS_LEASE_MS);
    runs_ask(runs, &input, 1, &asked);
    assert_false(asked.is_ok);
    assert_int_equal(asked.err.code, ERR_LEASE_LAPSED);
    assert_int_equal(fake_store_submitted(runs->fake), 1); /* nothing to ask it for */
    assert_true(is_counted(runs, 1));
    fake_store_set_feed_age(runs->fake, 0);
    runs_ask(runs, &input, 1, &asked);
    assert_true(asked.is_ok && asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].max_age_ms, RUNS_MAX_AGE_MS);
}

static void a_directive_may_ask_for_a_shorter_lease(void **state)
{
    static const struct {
        const char *more;
        int64_t end_ms;
    } rows[] = {{"lease: 4s\n", 4000}, {"lease: 0\n", FACTS_CACHE_FEED_SILENT_MS}};
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct asked asked;

    runs_keep(runs, person_american(&runs->arena, "alice"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        runs_enforce(runs, RUNS_NOT_FOREIGN, rows[i].more);
        fake_store_set_feed_age(runs->fake, rows[i].end_ms - 1);
        runs_ask(runs, &input, 1, &asked);
        assert_true(asked.is_ok && asked.results[0].is_allowed);
        fake_store_set_feed_age(runs->fake, rows[i].end_ms);
        runs_ask(runs, &input, 1, &asked);
        assert_int_equal(asked.err.code, ERR_LEASE_LAPSED);
    }
}

static void what_no_directive_names_is_answered_without_a_lease(void **state)
{
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("alice"), runs_about("alice"), runs_about("alice")};
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    inputs[1].resource_id = span_text("b");
    inputs[2].resource_id = span_text("unheard-of");
    fake_store_set_feed_age(runs->fake, INT64_MAX / 2);
    runs_ask(runs, inputs, ARRAY_LEN(inputs), &asked);
    assert_true(asked.is_ok);
    assert_true(asked.results[0].is_failed);
    assert_int_equal(asked.results[0].err.code, ERR_LEASE_LAPSED);
    assert_false(asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].max_age_ms, 0);
    assert_true(asked.results[1].is_allowed);
    assert_int_equal(asked.results[1].max_age_ms, RUNS_MAX_AGE_MS);
    assert_int_equal(asked.results[2].reason, DECISION_REASON_RESOURCE_UNKNOWN);
    assert_true(is_counted(runs, 1)); /* once, however often it was tried */
}

/* Neither may be told as a refusal that is a decision. */
static void a_lapsed_lease_comes_before_everything_else(void **state)
{
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("nobody"), runs_about("alice")};
    struct check_order order = runs_order(runs, inputs, ARRAY_LEN(inputs));
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    inputs[1].on_behalf_of = span_text("org/unheard-of");
    order.is_terse = true;
    fake_store_set_feed_age(runs->fake, RUNS_LEASE_MS);
    runs_begin(runs, &order, &asked);
    assert_int_equal(asked.answers, 1);
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        assert_int_equal(asked.results[i].err.code, ERR_LEASE_LAPSED);
    assert_int_equal(fake_store_submitted(runs->fake), 0);
}

static void a_lease_that_lapses_while_facts_are_read_is_noticed(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    fake_store_set_feed_age(runs->fake, RUNS_LEASE_MS - 1);
    runs_begin(runs, &order, &asked);
    assert_int_equal(asked.answers, 0);
    fake_store_set_feed_age(runs->fake, RUNS_LEASE_MS);
    runs_let_the_store_answer(runs);
    assert_int_equal(asked.answers, 1);
    assert_int_equal(asked.err.code, ERR_LEASE_LAPSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, runs_set_up, runs_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_restricted_is_refused_when_the_lease_has_lapsed),
        TEST(a_directive_may_ask_for_a_shorter_lease),
        TEST(what_no_directive_names_is_answered_without_a_lease),
        TEST(a_lapsed_lease_comes_before_everything_else),
        TEST(a_lease_that_lapses_while_facts_are_read_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
