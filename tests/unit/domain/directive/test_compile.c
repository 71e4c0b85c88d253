/* SPDX-License-Identifier: Apache-2.0 */
/* Sets: whole or not at all, the same whatever the order of the files. */
#include "unit/domain/directive/fixture.h"

static const char *rule(struct fixture *fixture, const char *id, const char *resources)
{
    return arena_printf(&fixture->arena,
                        "directive: %s\nlanguage: 1\ntitle: A rule\nauthority: {text: a letter}\n"
                        "effective: {from: 2026-01-01T00:00:00Z}\nresources: %s\n"
                        "require: {location: {in: [USA]}}\n",
                        id, resources);
}

static void the_order_of_files_does_not_matter(void **state)
{
    struct fixture *fixture = *state;
    const char *a = rule(fixture, "a", "[model/a]");
    const char *b = rule(fixture, "b", "[model/b]");
    struct directive_set *one =
        fixture_compile(fixture, (const char *[]){fixture_resources, a, b, NULL});
    struct directive_set *two =
        fixture_compile(fixture, (const char *[]){b, a, fixture_resources, NULL});
    struct directive_set *other =
        fixture_compile(fixture, (const char *[]){a, fixture_resources, NULL});

    assert_non_null(one);
    assert_non_null(two);
    assert_non_null(other);
    assert_int_equal(strlen(directive_set_digest(one)), 64);
    assert_string_equal(directive_set_digest(one), directive_set_digest(two));
    assert_string_not_equal(directive_set_digest(one), directive_set_digest(other));
    assert_string_equal(directive_set_get(two, 0)->id, "a");
    assert_string_equal(directive_set_get(two, 1)->id, "b");
    assert_int_equal(directive_set_get(two, 1)->index, 1);
    assert_null(directive_set_get(two, 2));
    assert_string_equal(directive_set_get(one, 0)->digest, directive_set_get(two, 0)->digest);
    directive_set_unref(one);
    directive_set_unref(two);
    directive_set_unref(other);
}

static void directives_and_resources_are_found_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = fixture_compile(
        fixture, (const char *[]){fixture_resources, rule(fixture, "ab", "[model/a]"),
                                  rule(fixture, "a", "[\"model/*\"]"), NULL});

    assert_non_null(set);
    assert_int_equal(directive_set_count(set), 2);
    assert_string_equal(directive_set_find(set, span_text("a"))->id, "a");
    assert_string_equal(directive_set_find(set, span_text("ab"))->id, "ab");
    assert_null(directive_set_find(set, span_text("b")));
    assert_null(directive_set_find(set, span_text("")));
    assert_int_equal(directive_set_resource_count(set), 3);
    assert_true(span_is(directive_set_resource(set, 0)->name, "model/a"));
    assert_false(directive_set_resource(set, 2)->is_base_allowed);
    assert_null(directive_set_resource(set, 3));
    assert_int_equal(directive_set_context_key_count(set), 1);
    assert_string_equal(directive_set_context_key(set, 0), "location");
    assert_null(directive_set_context_key(set, 1));
    directive_set_assign(set, 4711);
    directive_set_assign_version(set, 1, 3);
    assert_int_equal(directive_set_number(set), 4711);
    assert_int_equal(directive_set_get(set, 1)->version, 3);
    directive_set_unref(directive_set_ref(set));
    directive_set_unref(set);
}

static void two_of_the_same_name_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_null(fixture_compile(fixture,
                                (const char *[]){fixture_resources, rule(fixture, "a", "[model/a]"),
                                                 rule(fixture, "a", "[model/b]"), NULL}));
    assert_true(fixture_says(fixture, "directive `a` is also in"));
    assert_null(fixture_compile(
        fixture,
        (const char *[]){fixture_resources, "resources: [{id: model/a, base: deny}]\n", NULL}));
    assert_true(fixture_says(fixture, "resource `model/a` is declared twice"));
}

static void what_is_not_declared_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_null(fixture_compile(
        fixture, (const char *[]){fixture_resources, rule(fixture, "a", "[\"dataset/*\"]"), NULL}));
    assert_true(fixture_found(fixture, "1.yaml", 6, 13, DIAGNOSTIC_ERROR,
                              "`dataset/*` matches no declared resource"));
    assert_null(fixture_compile(
        fixture, (const char *[]){fixture_resources, rule(fixture, "a", "[\"*\"]"), NULL}));
    assert_true(fixture_says(fixture, "not of the form type/id"));
    assert_null(fixture_compile(
        fixture, (const char *[]){fixture_resources, rule(fixture, "a", "[\"model/a*\"]"), NULL}));
    assert_true(fixture_says(fixture, "a star stands for a whole type only"));
}

static void files_of_no_kind_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_null(fixture_compile(fixture, (const char *[]){"hello: world\n", NULL}));
    assert_true(fixture_says(fixture, "neither a directive"));
    assert_null(fixture_compile(fixture, (const char *[]){"", NULL}));
    assert_null(fixture_compile(fixture, (const char *[]){"- a\n", NULL}));
    assert_null(fixture_compile(fixture, (const char *[]){"resources: []\n", NULL}));
    assert_null(fixture_compile(fixture,
                                (const char *[]){"resources: [{id: model, base: allow}]\n", NULL}));
    assert_null(fixture_compile(
        fixture, (const char *[]){"resources: [{id: model/x, base: maybe}]\n", NULL}));
    assert_null(fixture_compile(fixture, (const char *[]){"resources: [{id: model/x}]\n", NULL}));
}

static void a_set_of_nothing_knows_no_resource(void **state)
{
    struct directive_set *set = directive_set_empty();
    struct directive_question question = {.facts = &facts_unknown,
                                          .resource_type = span_text("model"),
                                          .resource_id = span_text("a"),
                                          .action = span_text("use")};
    struct directive_answer answer;

    (void)state;
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.truth, TRUTH_FALSE);
    assert_int_equal(answer.reason, DECISION_REASON_RESOURCE_UNKNOWN);
    assert_int_equal(directive_set_count(set), 0);
    directive_set_unref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_files_does_not_matter),
        cmocka_unit_test(directives_and_resources_are_found_by_name),
        cmocka_unit_test(two_of_the_same_name_are_refused),
        cmocka_unit_test(what_is_not_declared_is_refused),
        cmocka_unit_test(files_of_no_kind_are_refused),
        cmocka_unit_test(a_set_of_nothing_knows_no_resource),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
