/* SPDX-License-Identifier: Apache-2.0 */
/* Shadow sets: what is in force, with what is tried in its place or beside it. */
#include "domain/directive/shadow.h"

#include "unit/domain/directive/fixture.h"

/* 2026-06-12T21:21:00Z */
#define AT_MS INT64_C(1781299260000)

static const char *rule(struct fixture *fixture, const char *id, const char *from,
                        const char *resources, const char *country)
{
    return arena_printf(&fixture->arena,
                        "directive: %s\nlanguage: 1\ntitle: A rule\nauthority: {text: a letter}\n"
                        "effective: {from: %s}\nresources: %s\n"
                        "require: {location: {in: [%s]}}\n",
                        id, from, resources, country);
}

#define PAST   "2026-01-01T00:00:00Z"
#define FUTURE "2027-01-01T00:00:00Z"

/* In force: number 7, `abroad` version 3 for model/a in the USA, `other` version 1 for model/b. */
static struct directive_set *in_force(struct fixture *fixture)
{
    struct directive_set *set;

    fixture->environment.keeps_files = true;
    set = fixture_compile(fixture,
                          (const char *[]){fixture_resources,
                                           rule(fixture, "abroad", PAST, "[model/a]", "USA"),
                                           rule(fixture, "other", PAST, "[model/b]", "USA"), NULL});
    assert_non_null(set);
    directive_set_assign(set, 7);
    directive_set_assign_version(set, 0, 3);
    directive_set_assign_version(set, 1, 1);
    return set;
}

static struct directive_set *try_over(struct fixture *fixture, const struct directive_set *base,
                                      const char *const *texts)
{
    struct directive_file files[8];
    size_t count = 0;

    for (; texts[count]; count++)
        files[count] = (struct directive_file){
            arena_printf(&fixture->arena, "shadow/%zu.yaml", count), span_text(texts[count])};
    diagnostics_init(&fixture->diagnostics, &fixture->arena);
    return directive_set_compile_shadow(base, files, count, &fixture->environment,
                                        &fixture->diagnostics);
}

/* What the shadow set says of `resource` asked from `location`; false: nothing is tried there. */
static bool ask(const struct directive_set *set, const char *id, const char *location,
                struct directive_answer *ret_answer)
{
    const struct directive_context context = {span_text("location"), span_text(location)};
    const struct directive_question question = {
        .resource_type = span_text("model"),
        .resource_id = span_text(id),
        .action = span_text("use"),
        .context = &context,
        .context_count = 1,
        .now_ms = AT_MS,
    };

    return directive_evaluate_shadow(set, &question, ret_answer);
}

static void assert_says(const struct directive_set *set, const char *id, const char *location,
                        enum truth truth)
{
    struct directive_answer answer;

    assert_true(ask(set, id, location, &answer));
    assert_int_equal(answer.truth, truth);
}

static void assert_says_nothing(const struct directive_set *set, const char *id)
{
    struct directive_answer answer;

    assert_false(ask(set, id, "USA", &answer));
}

static void what_is_tried_stands_in_the_place_of_what_is_in_force(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    struct directive_set *shadow = try_over(
        fixture, base, (const char *[]){rule(fixture, "abroad", PAST, "[model/a]", "DEU"), NULL});

    assert_non_null(shadow);
    assert_int_equal(directive_set_number(shadow), 7);
    assert_int_equal(directive_set_count(shadow), 2);
    assert_int_equal(directive_set_shadow_count(shadow), 1);
    assert_string_not_equal(directive_set_digest(shadow), directive_set_digest(base));
    assert_says(shadow, "a", "DEU", TRUTH_TRUE);
    assert_says(shadow, "a", "USA", TRUTH_FALSE);
    assert_says_nothing(shadow, "b");
    assert_says_nothing(shadow, "undeclared");
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void what_is_tried_stands_beside_what_is_in_force(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    struct directive_set *shadow = try_over(
        fixture, base, (const char *[]){rule(fixture, "more", PAST, "[model/b]", "DEU"), NULL});

    assert_non_null(shadow);
    assert_int_equal(directive_set_count(shadow), 3);
    assert_says(shadow, "b", "USA", TRUTH_FALSE); /* `more` forbids it, `other` does not */
    assert_says(shadow, "b", "DEU", TRUTH_FALSE);
    assert_says_nothing(shadow, "a");
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void a_resource_that_is_left_out_is_asked_about_as_well(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    struct directive_set *shadow =
        try_over(fixture, base,
                 (const char *[]){rule(fixture, "abroad", PAST, "[model/closed]", "USA"), NULL});

    assert_non_null(shadow);
    assert_says(shadow, "a", "DEU", TRUTH_TRUE); /* nothing binds there any more */
    assert_says(shadow, "closed", "USA", TRUTH_FALSE);
    assert_says_nothing(shadow, "b");
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void resources_can_be_declared_otherwise_and_more_of_them(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    struct directive_set *shadow = try_over(
        fixture, base,
        (const char *[]){"resources: [{id: model/b, base: deny}, {id: model/new, base: allow}]",
                         rule(fixture, "more", PAST, "[model/new]", "USA"), NULL});

    assert_non_null(shadow);
    assert_int_equal(directive_set_resource_count(shadow), 4);
    assert_says(shadow, "b", "USA", TRUTH_FALSE);
    assert_says(shadow, "new", "USA", TRUTH_TRUE);
    assert_says_nothing(shadow, "a");
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void what_is_tried_counts_as_begun(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    const char *later = rule(fixture, "abroad", FUTURE, "[model/a]", "DEU");
    struct directive_set *shadow = try_over(
        fixture, base,
        (const char *[]){arena_printf(&fixture->arena,
                                      "%sexempt: [{when: {context: {key: x, in: [y]}}, authority: "
                                      "{text: a letter}, waives: [require]}]\n",
                                      later),
                         NULL});
    struct directive_answer answer;

    assert_non_null(shadow);
    assert_true(ask(shadow, "a", "USA", &answer));
    assert_int_equal(answer.truth, TRUTH_UNKNOWN); /* the exemption has begun with it */
    assert_int_equal(answer.reason, DECISION_REASON_CONTEXT_REQUIRED);
    assert_true(ask(shadow, "a", "DEU", &answer));
    assert_int_equal(answer.truth, TRUTH_TRUE);
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void what_is_over_is_over_when_it_is_tried_too(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    struct directive_set *shadow = try_over(
        fixture, base,
        (const char *[]){
            arena_printf(&fixture->arena,
                         "%slifted: {at: 2026-02-01T00:00:00Z, authority: {text: a letter}}\n",
                         rule(fixture, "abroad", PAST, "[model/a]", "DEU")),
            NULL});

    assert_non_null(shadow);
    assert_says(shadow, "a", "USA", TRUTH_TRUE);
    assert_says(shadow, "a", "CAN", TRUTH_TRUE);
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void a_version_is_of_a_text(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    struct directive_set *shadow =
        try_over(fixture, base,
                 (const char *[]){rule(fixture, "abroad", PAST, "[model/a]", "DEU"),
                                  rule(fixture, "other", PAST, "[model/b]", "USA"), NULL});
    const struct directive *changed, *same;

    assert_non_null(shadow);
    changed = directive_set_find(shadow, span_text("abroad"));
    same = directive_set_find(shadow, span_text("other"));
    assert_int_equal(changed->version, 0);
    assert_int_equal(same->version, 1);
    assert_true(changed->is_shadow && same->is_shadow);
    assert_true(
        span_is(changed->citation, arena_printf(&fixture->arena, "abroad %s", changed->digest)));
    directive_set_unref(shadow);
    directive_set_unref(base);
}

/* The files in force were told about when they came into force. */
static void findings_are_those_of_what_is_tried(void **state)
{
    static const struct {
        const char *texts[3], *words;
    } rows[] = {
        {{"directive: [", NULL}, "shadow/0.yaml"},
        {{"resources: [{id: model/a, base: allow}]", "resources: [{id: model/a, base: deny}]",
          NULL},
         "declared twice"},
        {{"directive: x\nlanguage: 1\ntitle: T\nauthority: {text: t}\neffective: {from: " PAST "}\n"
          "resources: [model/unheard]\nrequire: {location: {in: [USA]}}\n",
          NULL},
         "not declared"},
    };
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_null(try_over(fixture, base, rows[i].texts));
        assert_true(fixture->diagnostics.error_count > 0);
        for (const struct diagnostic *one = fixture->diagnostics.first; one; one = one->next)
            assert_memory_equal(one->file, "shadow/", 7);
        if (i > 0)
            assert_true(fixture_says(fixture, rows[i].words));
    }
    directive_set_unref(base);
}

static void the_same_directive_twice_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    const char *text = rule(fixture, "abroad", PAST, "[model/a]", "DEU");

    assert_null(try_over(fixture, base, (const char *[]){text, text, NULL}));
    assert_true(fixture_says(fixture, "is also in"));
    directive_set_unref(base);
}

static void the_files_of_a_shadow_set_are_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture), *again;
    struct directive_set *shadow = try_over(
        fixture, base, (const char *[]){rule(fixture, "more", PAST, "[model/b]", "DEU"), NULL});
    const struct directive_file *files;
    size_t count;

    files = directive_set_files(shadow, &count);
    assert_int_equal(count, 1);
    assert_string_equal(files[0].name, "shadow/0.yaml");
    again = directive_set_compile_shadow(base, files, count, &fixture->environment,
                                         &fixture->diagnostics);
    assert_string_equal(directive_set_digest(again), directive_set_digest(shadow));
    directive_set_unref(again);
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void nothing_tried_is_what_is_in_force(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *base = in_force(fixture);
    struct directive_set *shadow = try_over(fixture, base, (const char *[]){NULL});

    assert_string_equal(directive_set_digest(shadow), directive_set_digest(base));
    assert_says_nothing(shadow, "a");
    directive_set_unref(shadow);
    directive_set_unref(base);
}

static void answers_compare_by_what_changes_for_who_asks(void **state)
{
    static const struct {
        enum truth truth;
        enum decision_reason reason;
        enum truth shadow_truth;
        enum decision_reason shadow_reason;
        const char *word;
    } rows[] = {
        {TRUTH_TRUE, DECISION_REASON_ALLOWED, TRUTH_TRUE, DECISION_REASON_ALLOWED, "agrees"},
        {TRUTH_TRUE, DECISION_REASON_ALLOWED, TRUTH_FALSE, DECISION_REASON_NOT_PERMITTED,
         "narrows"},
        {TRUTH_TRUE, DECISION_REASON_ALLOWED, TRUTH_UNKNOWN, DECISION_REASON_CONTEXT_REQUIRED,
         "narrows"},
        {TRUTH_FALSE, DECISION_REASON_NOT_PERMITTED, TRUTH_TRUE, DECISION_REASON_ALLOWED,
         "loosens"},
        {TRUTH_UNKNOWN, DECISION_REASON_CONTEXT_REQUIRED, TRUTH_TRUE, DECISION_REASON_ALLOWED,
         "loosens"},
        {TRUTH_FALSE, DECISION_REASON_NOT_PERMITTED, TRUTH_FALSE, DECISION_REASON_NOT_PERMITTED,
         "agrees"},
        {TRUTH_FALSE, DECISION_REASON_RESOURCE_UNKNOWN, TRUTH_FALSE, DECISION_REASON_NOT_PERMITTED,
         "differs"},
        {TRUTH_UNKNOWN, DECISION_REASON_VERIFICATION_REQUIRED, TRUTH_FALSE,
         DECISION_REASON_NOT_PERMITTED, "differs"},
        {TRUTH_UNKNOWN, DECISION_REASON_VERIFICATION_REQUIRED, TRUTH_UNKNOWN,
         DECISION_REASON_CONTEXT_REQUIRED, "differs"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(
            shadow_difference_word(shadow_compare(rows[i].truth, rows[i].reason,
                                                  rows[i].shadow_truth, rows[i].shadow_reason)),
            rows[i].word);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_tried_stands_in_the_place_of_what_is_in_force),
        TEST(what_is_tried_stands_beside_what_is_in_force),
        TEST(a_resource_that_is_left_out_is_asked_about_as_well),
        TEST(resources_can_be_declared_otherwise_and_more_of_them),
        TEST(what_is_tried_counts_as_begun),
        TEST(what_is_over_is_over_when_it_is_tried_too),
        TEST(a_version_is_of_a_text),
        TEST(findings_are_those_of_what_is_tried),
        TEST(the_same_directive_twice_is_refused),
        TEST(the_files_of_a_shadow_set_are_its_own),
        TEST(nothing_tried_is_what_is_in_force),
        TEST(answers_compare_by_what_changes_for_who_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
