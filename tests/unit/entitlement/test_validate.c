/* SPDX-License-Identifier: Apache-2.0 */
/* A question, field by field. */
#include "entitlement/check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LONG = 9000 };

static char long_text[LONG];

static struct check_input good(void)
{
    return (struct check_input){
        .subject = span_text("alice"),
        .resource_type = span_text("model"),
        .resource_id = span_text("fable-5"),
        .action = span_text("use"),
    };
}

static struct err outcome_of(const struct check_input *input)
{
    struct err err = ERR_NONE;

    if (check_validate(input, &err))
        assert_int_equal(err.code, ERR_OK);
    return err;
}

static void assert_refused(const struct check_input *input, enum err_code code, const char *field)
{
    struct err outcome = outcome_of(input);

    assert_string_equal(err_reason(outcome.code), err_reason(code));
    assert_string_equal(outcome.field, field);
}

/* A text that is a byte longer than `most`. */
static struct span longer_than(size_t most)
{
    memset(long_text, 'a', sizeof(long_text));
    return span_of(long_text, most + 1);
}

static void a_good_question_is_let_in(void **state)
{
    struct check_input input = good();

    (void)state;
    assert_int_equal(outcome_of(&input).code, ERR_OK);
}

static void every_text_has_its_bounds(void **state)
{
    static const struct {
        size_t offset;
        size_t most;
        const char *field;
        bool is_required;
    } rows[] = {
        {offsetof(struct check_input, subject), 128, "subject", true},
        {offsetof(struct check_input, on_behalf_of), 128, "on_behalf_of", false},
        {offsetof(struct check_input, resource_type), 64, "resource.type", true},
        {offsetof(struct check_input, resource_id), 256, "resource.id", true},
        {offsetof(struct check_input, action), 64, "action", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct check_input input = good();
        struct span *text = (struct span *)(void *)((char *)&input + rows[i].offset);

        *text = span_of(longer_than(rows[i].most).data, rows[i].most);
        assert_int_equal(outcome_of(&input).code, ERR_OK);
        *text = longer_than(rows[i].most);
        assert_refused(&input, ERR_FIELD_TOO_LONG, rows[i].field);
        *text = span_text("a b");
        assert_refused(&input, ERR_FIELD_CHARACTERS, rows[i].field);
        *text = span_of(NULL, 0);
        if (rows[i].is_required)
            assert_refused(&input, ERR_FIELD_REQUIRED, rows[i].field);
        else
            assert_int_equal(outcome_of(&input).code, ERR_OK);
    }
}

static void a_token_stands_for_the_subject_and_not_beside_it(void **state)
{
    struct check_input input = good();

    (void)state;
    input.claim_token = span_text("a.b.c");
    assert_refused(&input, ERR_FIELD_CONFLICT, "claim_token");
    input.subject = span_of(NULL, 0);
    assert_int_equal(outcome_of(&input).code, ERR_OK);
    input.claim_token = longer_than(CHECK_TOKEN_BYTES_MAX);
    assert_refused(&input, ERR_FIELD_TOO_LONG, "claim_token");
}

static void also_subjects_are_named_by_their_place(void **state)
{
    struct check_input input = good();

    (void)state;
    input.also_subject_count = CHECK_ALSO_SUBJECTS_MAX;
    for (size_t i = 0; i < CHECK_ALSO_SUBJECTS_MAX; i++)
        input.also_subjects[i] = span_text("bob");
    assert_int_equal(outcome_of(&input).code, ERR_OK);
    input.also_subjects[7] = span_text("b\"ob");
    assert_refused(&input, ERR_FIELD_CHARACTERS, "also_subjects[7]");
    input.also_subjects[0] = span_of(NULL, 0);
    assert_refused(&input, ERR_FIELD_REQUIRED, "also_subjects[0]");
}

static void the_context_is_bounded_entry_by_entry(void **state)
{
    struct directive_context entries[DIRECTIVE_CONTEXT_MAX];
    struct check_input input = good();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        entries[i] = (struct directive_context){span_text("key"), span_text("any value: \xc3\xa9")};
    input.context = entries;
    input.context_count = ARRAY_LEN(entries);
    assert_int_equal(outcome_of(&input).code, ERR_OK);
    entries[3].key = span_text("Key");
    assert_refused(&input, ERR_FIELD_CHARACTERS, "context[3].key");
    entries[3].key = span_of(NULL, 0);
    assert_refused(&input, ERR_FIELD_REQUIRED, "context[3].key");
    entries[3].key = span_text("key");
    entries[2].value = longer_than(256);
    assert_refused(&input, ERR_FIELD_TOO_LONG, "context[2].value");
    entries[2].value = span_of(NULL, 0);
    assert_int_equal(outcome_of(&input).code, ERR_OK);
    entries[1].value = span_text("a\nb");
    assert_refused(&input, ERR_FIELD_CHARACTERS, "context[1].value");
    input.context_count = DIRECTIVE_CONTEXT_MAX + 1;
    assert_refused(&input, ERR_FIELD_TOO_MANY, "context");
}

static void a_location_is_an_alpha_3_code_and_nothing_else(void **state)
{
    static const char *const good_ones[] = {"USA", "DEU", "HKG", "PRI", "XKX"};
    static const char *const bad_ones[] = {"",    "US",  "usa", "D",    "D<<",          "UTO",
                                           "XXA", "EUE", "ZZZ", "USA ", "United States"};
    struct directive_context entries[] = {{span_text("purpose"), span_text("us")},
                                          {span_text("location"), span_text("USA")}};
    struct check_input input = good();

    (void)state;
    input.context = entries;
    input.context_count = ARRAY_LEN(entries);
    for (size_t i = 0; i < ARRAY_LEN(good_ones); i++) {
        entries[1].value = span_text(good_ones[i]);
        assert_int_equal(outcome_of(&input).code, ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_ones); i++) {
        entries[1].value = span_text(bad_ones[i]);
        assert_refused(&input, ERR_FIELD_COUNTRY, "context[1].value");
    }
}

#define ROW(text)                                 \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct span subjects[] = {ROW("employee/")};
static const struct span resources[] = {ROW("model/*")};
static const struct span purposes[] = {ROW("export_control")};

static bool is_within(const struct limits *limits, const struct check_input *input)
{
    struct err err = ERR_NONE;
    bool is_good = check_limits(limits, input, &err);

    assert_int_equal(err.code, is_good ? ERR_OK : ERR_OUTSIDE_LIMITS);
    assert_string_equal(err.field, ""); /* which of them it was is nobody's business */
    return is_good;
}

static void a_question_stays_within_every_limit_of_who_asks(void **state)
{
    static const struct directive_context context = {ROW("purpose"), ROW("export_control")};
    static const struct limits limits = {{subjects, 1}, {resources, 1}, {purposes, 1}};
    struct check_input input = good();

    (void)state;
    assert_true(is_within(NULL, &input));
    input.subject = span_text("employee/alice");
    input.context = &context;
    input.context_count = 1;
    assert_true(is_within(&limits, &input));
    input.context_count = 0;
    assert_false(is_within(&limits, &input));
    input.context_count = 1;
    input.resource_type = span_text("dataset");
    assert_false(is_within(&limits, &input));
    input.resource_type = span_text("model");
    input.also_subjects[0] = span_text("employee/bob");
    input.also_subjects[1] = span_text("bob");
    input.also_subject_count = 1;
    assert_true(is_within(&limits, &input));
    input.also_subject_count = 2;
    assert_false(is_within(&limits, &input));
}

static void a_token_was_issued_within_the_limits(void **state)
{
    static const struct limits limits = {.subjects = {subjects, 1}};
    struct check_input input = good();

    (void)state;
    assert_false(is_within(&limits, &input));
    input.subject = span_of(NULL, 0);
    input.claim_token = span_text("a.b.c");
    assert_true(is_within(&limits, &input));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_question_is_let_in),
        cmocka_unit_test(every_text_has_its_bounds),
        cmocka_unit_test(a_token_stands_for_the_subject_and_not_beside_it),
        cmocka_unit_test(also_subjects_are_named_by_their_place),
        cmocka_unit_test(the_context_is_bounded_entry_by_entry),
        cmocka_unit_test(a_location_is_an_alpha_3_code_and_nothing_else),
        cmocka_unit_test(a_question_stays_within_every_limit_of_who_asks),
        cmocka_unit_test(a_token_was_issued_within_the_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
