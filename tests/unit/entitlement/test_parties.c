/* SPDX-License-Identifier: Apache-2.0 */
/* The parties of a question: who is asked about, who stands behind whom, and whose facts count. */
#include "unit/entitlement/runs.h"

static void a_service_stands_for_the_persons_behind_it(void **state)
{
    static const char *const good[] = {"alice", "adam"}, *const mixed[] = {"alice", "ivan"};
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("bot"), runs_about("other-bot"),
                                   runs_about("lonely-bot")};
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_keep(runs, person_american(&runs->arena, "adam"));
    runs_keep(runs, person_foreigner(&runs->arena, "ivan", "RUS"));
    runs_keep(runs, person_service(&runs->arena, "bot", good, 2));
    runs_keep(runs, person_service(&runs->arena, "other-bot", mixed, 2));
    runs_keep(runs, person_service(&runs->arena, "lonely-bot", NULL, 0));
    runs_ask(runs, inputs, ARRAY_LEN(inputs), &asked);
    assert_true(asked.results[0].is_allowed);
    assert_int_equal(asked.results[1].reason, DECISION_REASON_NOT_PERMITTED);
    assert_int_equal(asked.results[2].reason, DECISION_REASON_VERIFICATION_REQUIRED);
}

static void papers_of_a_service_let_nobody_in(void **state)
{
    struct runs *runs = *state;
    struct record record = person_american(&runs->arena, "bot");
    struct check_input input = runs_about("bot");
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    record.kind = SUBJECT_SERVICE;
    runs_keep(runs, record);
    runs_ask(runs, &input, 1, &asked);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_VERIFICATION_REQUIRED);
}

/* Something was stored under its id, before it was registered. */
static void an_organization_is_judged_as_one_wherever_it_is_named(void **state)
{
    static const char *const behind[] = {"org/lab"};
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("org/lab"), runs_about("alice"), runs_about("bot")};
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "org/lab"));
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_keep(runs, person_service(&runs->arena, "bot", behind, ARRAY_LEN(behind)));
    inputs[1].also_subjects[inputs[1].also_subject_count++] = span_text("org/lab");
    runs_ask(runs, inputs, ARRAY_LEN(inputs), &asked);
    assert_true(asked.is_ok);
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        assert_int_equal(asked.results[i].reason, DECISION_REASON_VERIFICATION_REQUIRED);
    runs_enforce(runs, "{subject_kind: {any: [organization]}}", "");
    runs_ask(runs, inputs, 1, &asked);
    assert_true(asked.results[0].is_allowed);
}

static void whoever_is_named_behind_a_person_that_person_counts(void **state)
{
    static const char *const alice[] = {"alice"}, *const ivan[] = {"ivan"};
    struct runs *runs = *state;
    struct record foreign = person_foreigner(&runs->arena, "boris", "RUS"),
                  american = person_american(&runs->arena, "adam");
    struct check_input inputs[] = {runs_about("boris"), runs_about("adam")};
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_keep(runs, person_foreigner(&runs->arena, "ivan", "RUS"));
    foreign.principals = person_service(&runs->arena, "", alice, 1).principals;
    american.principals = person_service(&runs->arena, "", ivan, 1).principals;
    foreign.principal_count = american.principal_count = 1;
    runs_keep(runs, foreign);
    runs_keep(runs, american);
    runs_ask(runs, inputs, ARRAY_LEN(inputs), &asked);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_NOT_PERMITTED);
    assert_int_equal(asked.results[1].reason, DECISION_REASON_NOT_PERMITTED);
}

static void as_many_persons_as_can_stand_behind_a_question_are_asked_about(void **state)
{
    struct runs *runs = *state;
    const char *principals[RECORD_PRINCIPALS_MAX];
    struct check_input input = runs_about("bot-0");
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    for (size_t bot = 0; bot <= CHECK_ALSO_SUBJECTS_MAX; bot++) {
        const char *id = arena_printf(&runs->arena, "bot-%zu", bot);

        for (size_t i = 0; i < RECORD_PRINCIPALS_MAX; i++) {
            principals[i] = arena_printf(&runs->arena, "person-%zu-%zu", bot, i);
            runs_keep(runs, person_american(&runs->arena, principals[i]));
        }
        runs_keep(runs, person_service(&runs->arena, id, principals, RECORD_PRINCIPALS_MAX));
        if (bot > 0)
            input.also_subjects[input.also_subject_count++] = span_text(id);
    }
    input.on_behalf_of = span_text("org/lab");
    runs_ask(runs, &input, 1, &asked);
    assert_true(asked.is_ok);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_VERIFICATION_REQUIRED);
    input.on_behalf_of = span_of(NULL, 0);
    runs_ask(runs, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
}

static void all_subjects_of_a_question_must_pass(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_keep(runs, person_foreigner(&runs->arena, "ivan", "RUS"));
    input.also_subjects[input.also_subject_count++] = span_text("ivan");
    runs_ask(runs, &input, 1, &asked);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_NOT_PERMITTED);
}

static void an_unregistered_organization_is_an_error_that_only_some_are_told(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    struct asked asked;

    runs_keep(runs, person_american(&runs->arena, "alice"));
    input.on_behalf_of = span_text("org/unheard-of");
    runs_ask(runs, &input, 1, &asked);
    assert_false(asked.is_ok);
    assert_int_equal(asked.err.code, ERR_ORGANIZATION_UNKNOWN);
    assert_string_equal(asked.err.field, "on_behalf_of");
    order.is_terse = true;
    runs_begin(runs, &order, &asked);
    runs_let_the_store_answer(runs);
    assert_true(asked.is_ok);
    assert_false(asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_NOT_PERMITTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, runs_set_up, runs_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_stands_for_the_persons_behind_it),
        TEST(papers_of_a_service_let_nobody_in),
        TEST(an_organization_is_judged_as_one_wherever_it_is_named),
        TEST(whoever_is_named_behind_a_person_that_person_counts),
        TEST(as_many_persons_as_can_stand_behind_a_question_are_asked_about),
        TEST(all_subjects_of_a_question_must_pass),
        TEST(an_unregistered_organization_is_an_error_that_only_some_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
