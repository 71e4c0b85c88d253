/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: facts that are at hand and facts that are not, reads that are slow, fail and come too late.
 * Every run is answered once, and nothing of it is left.
 */
#include "unit/entitlement/runs.h"

static void what_is_not_at_hand_is_read_once_and_then_is(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    struct asked asked;
    struct err err;
    bool is_ok;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    assert_false(check_try(&order, &runs->arena, &is_ok, &err));
    assert_null(order.set);
    runs_ask(runs, &input, 1, &asked);
    assert_true(asked.is_ok && asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_ALLOWED);
    assert_int_equal(fake_store_submitted(runs->fake), 1);
    assert_true(check_try(&order, &runs->arena, &is_ok, &err));
    assert_true(is_ok && order.results[0].is_allowed);
    assert_int_equal(order.revision.directive_set, 7);
    assert_int_equal(order.revision.number, asked.revision.number);
    check_order_release(&order);
    assert_int_equal(fake_store_submitted(runs->fake), 1);
}

static void somebody_unknown_is_asked_to_verify(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("nobody");
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_ask(runs, &input, 1, &asked);
    assert_true(asked.is_ok);
    assert_false(asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_VERIFICATION_REQUIRED);
    assert_int_equal(asked.results[0].max_age_ms, 0);
}

static void one_read_serves_everyone_who_asks_about_one_subject(void **state)
{
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("alice"), runs_about("alice"), runs_about("alice")};
    struct check_order order = runs_order(runs, inputs, ARRAY_LEN(inputs));
    struct asked first, second;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_begin(runs, &order, &first);
    runs_begin(runs, &order, &second);
    assert_int_equal(fake_store_submitted(runs->fake), 1);
    runs_let_the_store_answer(runs);
    assert_int_equal(first.answers, 1);
    assert_int_equal(second.answers, 1);
    assert_true(first.results[2].is_allowed && second.results[0].is_allowed);
}

static void no_answer_of_the_store_is_no_decision(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    struct asked asked;

    runs_begin(runs, &order, &asked);
    assert_int_equal(asked.answers, 0);
    runs_let_the_store_fail(runs, ERR_STORE_UNAVAILABLE);
    assert_int_equal(asked.answers, 1);
    assert_false(asked.is_ok);
    assert_int_equal(asked.err.code, ERR_STORE_UNAVAILABLE);
}

static void in_a_batch_a_failed_read_fails_its_own_question(void **state)
{
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("alice"), runs_about("bob")};
    struct check_order order = runs_order(runs, inputs, ARRAY_LEN(inputs));
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_ask(runs, &inputs[0], 1, &asked);
    runs_begin(runs, &order, &asked);
    runs_let_the_store_fail(runs, ERR_STORE_UNAVAILABLE);
    assert_true(asked.is_ok);
    assert_true(asked.results[0].is_allowed);
    assert_true(asked.results[1].is_failed);
    assert_int_equal(asked.results[1].err.code, ERR_STORE_UNAVAILABLE);
    assert_false(asked.results[1].is_allowed);
}

/* Alice may; of bob nothing is known. */
static void a_batch_ends_with_the_answer_that_it_is_to_end_with(void **state)
{
    static const struct {
        enum check_end ends;
        const char *subjects[3];
        size_t count;
    } rows[] = {
        {CHECK_END_NEVER, {"alice", "bob", "alice"}, 3},
        {CHECK_END_REFUSED, {"alice", "bob", "alice"}, 2},
        {CHECK_END_REFUSED, {"alice", "alice", "alice"}, 3},
        {CHECK_END_ALLOWED, {"bob", "alice", "bob"}, 2},
        {CHECK_END_ALLOWED, {"bob", "bob", "bob"}, 3},
    };
    struct runs *runs = *state;
    struct audit_state before, after;
    struct asked asked;
    struct err err;
    bool is_ok;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        struct check_input inputs[3];
        struct check_order order = runs_order(runs, inputs, ARRAY_LEN(inputs));

        for (size_t k = 0; k < ARRAY_LEN(inputs); k++)
            inputs[k] = runs_about(rows[i / 2].subjects[k]);
        order.ends = rows[i / 2].ends;
        audit_get_state(runs->audit, &before);
        if (check_try(&order, &runs->arena, &is_ok, &err)) {
            assert_true(is_ok);
            assert_int_equal(order.count, rows[i / 2].count);
            check_order_release(&order);
        } else { /* the first time of all */
            runs_begin(runs, &order, &asked);
            runs_let_the_store_answer(runs);
            assert_true(asked.is_ok);
        }
        audit_get_state(runs->audit, &after);
        assert_int_equal(after.next_sequence, before.next_sequence + 1);
    }
}

/* What is decided again, because the record has to be waited for, is decided whole. */
static void a_batch_that_ended_is_whole_when_it_is_tried_again(void **state)
{
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("bob"), runs_about("alice"), runs_about("alice")};
    struct check_order order = runs_order(runs, inputs, ARRAY_LEN(inputs));
    struct asked asked;
    struct err err;
    bool is_ok;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_ask(runs, inputs, ARRAY_LEN(inputs), &asked);
    runs_enforce(runs, RUNS_NOT_FOREIGN, "record: durable\n");
    order.ends = CHECK_END_REFUSED;
    assert_false(check_try(&order, &runs->arena, &is_ok, &err));
    assert_int_equal(order.count, 1);
    order.ends = CHECK_END_NEVER; /* as if bob's facts had come meanwhile */
    runs_begin(runs, &order, &asked);
    while (asked.answers == 0)
        mailbox_wait(&runs->mailbox, 1000);
    assert_true(asked.is_ok);
    assert_true(asked.results[2].is_allowed);
}

static void a_damaged_record_is_no_decision(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct asked asked;

    fake_store_write_bytes(runs->fake, names_subject_hash(&fake_names, span_text("alice")),
                           span_text("\1garbage"));
    runs_ask(runs, &input, 1, &asked);
    assert_int_equal(asked.err.code, ERR_STORE_CORRUPT);
}

static void a_run_that_nobody_waits_for_is_freed_when_its_reads_are_back(void **state)
{
    static const char *const principals[] = {"alice", "adam"};
    struct runs *runs = *state;
    struct check_input inputs[] = {runs_about("bot"), runs_about("ivan")};
    struct check_order order = runs_order(runs, inputs, ARRAY_LEN(inputs));
    struct asked asked;

    runs_keep(runs, person_service(&runs->arena, "bot", principals, 2));
    runs_begin(runs, &order, &asked);
    check_run_abandon(asked.run);
    runs_let_the_store_answer(runs);
    assert_int_equal(asked.answers, 0);
    runs_begin(runs, &order,
               &asked); /* this one's principals are on their way when it is abandoned */
    while (fake_store_read(runs->fake) && fake_store_answer(runs->fake))
        inbox_run(&runs->mailbox.inbox);
    if (asked.run) {
        check_run_abandon(asked.run);
        runs_let_the_store_answer(runs);
    }
    runs_begin(runs, &order, &asked); /* and this one is under way when the store closes */
    if (asked.run)
        check_run_abandon(asked.run);
}

static void a_revision_that_the_store_has_not_reached_is_refused(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    char text[REVISION_TEXT_MAX];
    struct asked asked;

    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_ask(runs, &input, 1, &asked);
    asked.revision.number++;
    order.min_revision = span_text(revision_format(&asked.revision, text));
    runs_begin(runs, &order, &asked);
    runs_let_the_store_answer(runs);
    assert_int_equal(asked.err.code, ERR_REVISION_AHEAD);
    assert_string_equal(asked.err.field, "min_revision");
    runs_keep(runs, person_american(&runs->arena, "adam"));
    runs_begin(runs, &order, &asked);
    runs_let_the_store_answer(runs);
    assert_true(asked.is_ok);
}

static void the_revision_is_as_new_as_anything_that_was_used(void **state)
{
    static const char *const principals[] = {"alice"};
    struct runs *runs = *state;
    struct check_input input;
    struct asked asked;
    uint64_t newest;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    input = runs_about("alice");
    runs_ask(runs, &input, 1, &asked);
    newest = asked.revision.number;
    runs_keep(runs, person_service(&runs->arena, "bot", principals, 1));
    input = runs_about("bot");
    runs_ask(runs, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
    assert_true(asked.revision.number > newest); /* of the service, not of the person behind it */
}

static void a_revision_of_another_directive_set_is_ahead(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    const struct revision ahead = {.directive_set = 8};
    char text[REVISION_TEXT_MAX];
    struct err err;
    bool is_ok;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    order.min_revision = span_text(revision_format(&ahead, text));
    assert_true(check_try(&order, &runs->arena, &is_ok, &err));
    assert_false(is_ok);
    assert_int_equal(err.code, ERR_REVISION_AHEAD);
    order.min_revision = span_text("no revision");
    assert_true(check_try(&order, &runs->arena, &is_ok, &err));
    assert_int_equal(err.code, ERR_FIELD_CHARACTERS);
    check_order_release(&order);
}

static void stale_facts_answer_within_the_grace_and_then_nothing_does(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "stale: allow\n");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_ask(runs, &input, 1, &asked);
    test_clock_advance(&runs->clock, RUNS_FRESH_MS);
    runs_begin(runs, &order, &asked);
    runs_let_the_store_fail(runs, ERR_STORE_UNAVAILABLE);
    assert_true(asked.results[0].is_allowed && asked.results[0].is_stale);
    assert_int_equal(asked.results[0].max_age_ms, 0);
    assert_int_equal(asked.results[0].facts_age_ms, RUNS_FRESH_MS);
    test_clock_advance(&runs->clock, RUNS_GRACE_MS);
    runs_begin(runs, &order, &asked);
    runs_let_the_store_fail(runs, ERR_STORE_UNAVAILABLE);
    assert_false(asked.is_ok);
}

static void an_answer_that_must_be_on_record_waits_for_it(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    struct audit_state audit;
    struct asked asked;
    struct err err;
    bool is_ok;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "record: durable\n");
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_begin(runs, &order, &asked);
    runs_let_the_store_answer(runs);
    while (asked.answers == 0)
        mailbox_wait(&runs->mailbox, 1000);
    assert_true(asked.results[0].is_allowed);
    audit_get_state(runs->audit, &audit);
    assert_int_equal(audit.durable_sequence, audit.next_sequence - 1);
    assert_false(check_try(&order, &runs->arena, &is_ok, &err));
}

static void an_answer_with_a_receipt_waits_for_its_record(void **state)
{
    struct runs *runs = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(runs, &input, 1);
    struct audit_state audit;
    struct asked asked;
    struct err err;
    bool is_ok;

    input.wants_receipt = true;
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_begin(runs, &order, &asked);
    runs_let_the_store_answer(runs);
    while (asked.answers == 0)
        mailbox_wait(&runs->mailbox, 1000);
    audit_get_state(runs->audit, &audit);
    assert_int_equal(audit.durable_sequence, audit.next_sequence - 1);
    assert_false(check_try(&order, &runs->arena, &is_ok, &err));
    input.wants_receipt = false;
    assert_true(check_try(&order, &runs->arena, &is_ok, &err));
    check_order_release(&order);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, runs_set_up, runs_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_at_hand_is_read_once_and_then_is),
        TEST(somebody_unknown_is_asked_to_verify),
        TEST(one_read_serves_everyone_who_asks_about_one_subject),
        TEST(no_answer_of_the_store_is_no_decision),
        TEST(in_a_batch_a_failed_read_fails_its_own_question),
        TEST(a_batch_ends_with_the_answer_that_it_is_to_end_with),
        TEST(a_batch_that_ended_is_whole_when_it_is_tried_again),
        TEST(a_damaged_record_is_no_decision),
        TEST(a_run_that_nobody_waits_for_is_freed_when_its_reads_are_back),
        TEST(a_revision_that_the_store_has_not_reached_is_refused),
        TEST(the_revision_is_as_new_as_anything_that_was_used),
        TEST(a_revision_of_another_directive_set_is_ahead),
        TEST(stale_facts_answer_within_the_grace_and_then_nothing_does),
        TEST(an_answer_that_must_be_on_record_waits_for_it),
        TEST(an_answer_with_a_receipt_waits_for_its_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
