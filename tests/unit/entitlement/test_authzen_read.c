/* SPDX-License-Identifier: Apache-2.0 */
/* What an AuthZEN request asks: the examples of the specification, and what is refused with the
 * name of its field. */
#include "entitlement/authzen_read.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SUBJECT  "\"subject\": {\"type\": \"user\", \"id\": \"alice@acmecorp.com\"}"
#define ACTION   "\"action\": {\"name\": \"can_read\"}"
#define RESOURCE "\"resource\": {\"type\": \"document\", \"id\": \"boxcarring.md\"}"
#define WHOLE    SUBJECT ", " ACTION ", " RESOURCE

static int set_up(void **state)
{
    static struct arena arena;

    arena_init(&arena, 4096);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    return 0;
}

static struct authzen_questions read_list(struct arena *arena, const char *body)
{
    struct authzen_questions questions;
    struct err err;

    if (!authzen_read_evaluations(span_text(body), arena, &questions, &err))
        fail_msg("%s %s %s", err_reason(err.code), err.field, err.detail);
    return questions;
}

static void one_question_is_read_whole(void **state)
{
    static const char body[] =
        "{\"subject\": {\"type\": \"user\", \"id\": \"alice@acmecorp.com\", "
        "\"properties\": {\"department\": \"Sales\", \"nested\": [{}]}},"
        "\"resource\": {\"type\": \"book\", \"id\": \"123\", \"properties\": {}},"
        "\"action\": {\"name\": \"can_read\", \"properties\": {\"method\": \"GET\"}},"
        "\"context\": {\"location\": \"USA\", \"attempt\": -3, \"mfa\": true, \"vpn\": false},"
        "\"evaluations\": 7, \"something\": {\"else\": []}}";
    static const struct {
        const char *key, *value;
    } context[] = {{"location", "USA"}, {"attempt", "-3"}, {"mfa", "true"}, {"vpn", "false"}};
    struct authzen_questions questions;
    const struct check_input *input;
    struct err err;

    assert_true(authzen_read_evaluation(span_text(body), *state, &questions, &err));
    assert_int_equal(questions.count, 1);
    assert_false(questions.is_batch);
    input = questions.inputs;
    assert_true(span_is(input->subject, "alice@acmecorp.com"));
    assert_true(span_is(input->resource_type, "book"));
    assert_true(span_is(input->resource_id, "123"));
    assert_true(span_is(input->action, "can_read"));
    assert_int_equal(input->context_count, ARRAY_LEN(context));
    for (size_t i = 0; i < ARRAY_LEN(context); i++) {
        assert_true(span_is(input->context[i].key, context[i].key));
        assert_true(span_is(input->context[i].value, context[i].value));
    }
}

/* 7.1.1: what an item says itself takes the place of the whole object, not of a part of it. */
static void what_an_item_does_not_say_the_top_says(void **state)
{
    struct authzen_questions questions = read_list(
        *state, "{" WHOLE ", \"context\": {\"a\": \"1\", \"b\": \"2\"}, \"evaluations\": ["
                "{}, {\"action\": {\"name\": \"can_edit\"}, \"context\": {\"b\": \"3\"}},"
                "{\"subject\": {\"type\": \"user\", \"id\": \"bob\"}, \"resource\": "
                "{\"type\": \"document\", \"id\": \"x\"}, \"context\": {}}]}");

    assert_int_equal(questions.count, 3);
    assert_true(questions.is_batch);
    assert_int_equal(questions.ends, CHECK_END_NEVER);
    assert_true(span_is(questions.inputs[0].subject, "alice@acmecorp.com"));
    assert_int_equal(questions.inputs[0].context_count, 2);
    assert_true(span_is(questions.inputs[1].action, "can_edit"));
    assert_true(span_is(questions.inputs[1].resource_id, "boxcarring.md"));
    assert_int_equal(questions.inputs[1].context_count, 1);
    assert_true(span_is(questions.inputs[1].context[0].value, "3"));
    assert_true(span_is(questions.inputs[2].subject, "bob"));
    assert_true(span_is(questions.inputs[2].action, "can_read"));
    assert_int_equal(questions.inputs[2].context_count, 0);
}

static void without_a_list_it_is_one_question(void **state)
{
    static const char *const bodies[] = {"{" WHOLE "}", "{" WHOLE ", \"evaluations\": []}"};

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct authzen_questions questions = read_list(*state, bodies[i]);

        assert_int_equal(questions.count, 1);
        assert_false(questions.is_batch);
    }
}

static void the_semantic_says_with_what_a_list_ends(void **state)
{
    static const struct {
        const char *options;
        enum check_end ends;
    } rows[] = {
        {"{}", CHECK_END_NEVER},
        {"{\"another_option\": [1]}", CHECK_END_NEVER},
        {"{\"evaluations_semantic\": \"execute_all\"}", CHECK_END_NEVER},
        {"{\"evaluations_semantic\": \"deny_on_first_deny\"}", CHECK_END_REFUSED},
        {"{\"evaluations_semantic\": \"permit_on_first_permit\"}", CHECK_END_ALLOWED},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *body = arena_printf(
            *state, "{" WHOLE ", \"evaluations\": [{}], \"options\": %s}", rows[i].options);

        assert_int_equal(read_list(*state, body).ends, rows[i].ends);
    }
}

#define LIST(options, items) "{" WHOLE ", \"options\": " options ", \"evaluations\": [" items "]}"

static const struct {
    const char *body;
    enum err_code code;
    const char *field;
} wrong[] = {
    {"", ERR_MESSAGE_MALFORMED, ""},
    {"subject=alice", ERR_MESSAGE_MALFORMED, ""},
    {"{" WHOLE ",}", ERR_MESSAGE_MALFORMED, ""},
    {"{" WHOLE ", " SUBJECT "}", ERR_MESSAGE_MALFORMED, ""},
    {"{" WHOLE "} {}", ERR_MESSAGE_MALFORMED, ""},
    {"[]", ERR_MESSAGE_MALFORMED, ""},
    {"\"alice\"", ERR_MESSAGE_MALFORMED, ""},
    {"{}", ERR_FIELD_REQUIRED, "subject"},
    {"{" SUBJECT ", " RESOURCE "}", ERR_FIELD_REQUIRED, "action"},
    {"{" SUBJECT ", " ACTION "}", ERR_FIELD_REQUIRED, "resource"},
    {"{\"subject\": null, " ACTION ", " RESOURCE "}", ERR_MESSAGE_MALFORMED, "subject"},
    {"{\"subject\": \"alice\", " ACTION ", " RESOURCE "}", ERR_MESSAGE_MALFORMED, "subject"},
    {"{\"subject\": {\"id\": \"a\"}, " ACTION ", " RESOURCE "}", ERR_FIELD_REQUIRED,
     "subject.type"},
    {"{\"subject\": {\"type\": \"\", \"id\": \"a\"}, " ACTION ", " RESOURCE "}", ERR_FIELD_REQUIRED,
     "subject.type"},
    {"{\"subject\": {\"type\": \"user\"}, " ACTION ", " RESOURCE "}", ERR_FIELD_REQUIRED,
     "subject.id"},
    {"{\"subject\": {\"type\": \"user\", \"id\": \"\"}, " ACTION ", " RESOURCE "}",
     ERR_FIELD_REQUIRED, "subject.id"},
    {"{\"subject\": {\"type\": \"user\", \"id\": 7}, " ACTION ", " RESOURCE "}",
     ERR_MESSAGE_MALFORMED, "subject.id"},
    {"{\"subject\": {\"type\": \"user\", \"id\": \"a b\"}, " ACTION ", " RESOURCE "}",
     ERR_FIELD_CHARACTERS, "subject.id"},
    {"{\"subject\": {\"type\": \"user\", \"id\": \"a\\u0000\"}, " ACTION ", " RESOURCE "}",
     ERR_MESSAGE_MALFORMED, ""},
    {"{\"subject\": {\"type\": \"user\", \"id\": \"\xff\"}, " ACTION ", " RESOURCE "}",
     ERR_MESSAGE_MALFORMED, ""},
    {"{\"subject\": {\"type\": \"user\", \"id\": \"a\", \"properties\": 1}, " ACTION ", " RESOURCE
     "}",
     ERR_MESSAGE_MALFORMED, "subject.properties"},
    {"{" SUBJECT ", \"action\": {}, " RESOURCE "}", ERR_FIELD_REQUIRED, "action.name"},
    {"{" SUBJECT ", \"action\": {\"name\": \"use it\"}, " RESOURCE "}", ERR_FIELD_CHARACTERS,
     "action.name"},
    {"{" SUBJECT ", " ACTION ", \"resource\": {\"type\": \"document\"}}", ERR_FIELD_REQUIRED,
     "resource.id"},
    {"{" SUBJECT ", " ACTION ", \"resource\": {\"type\": \"a/b\", \"id\": \"x\"}}",
     ERR_FIELD_CHARACTERS, "resource.type"},
    {"{" WHOLE ", \"context\": []}", ERR_MESSAGE_MALFORMED, "context"},
    {"{" WHOLE ", \"context\": {\"location\": \"USA\", \"device\": {\"os\": \"linux\"}}}",
     ERR_MESSAGE_MALFORMED, "context[1].value"},
    {"{" WHOLE ", \"context\": {\"a\": \"1\", \"location\": \"US\"}}", ERR_FIELD_COUNTRY,
     "context[1].value"},
    {"{" WHOLE ", \"context\": {\"a\": 1.5}}", ERR_MESSAGE_MALFORMED, "context[0].value"},
    {"{" WHOLE ", \"context\": {\"a\": null}}", ERR_MESSAGE_MALFORMED, "context[0].value"},
    {"{" WHOLE ", \"context\": {\"a\": [\"USA\"]}}", ERR_MESSAGE_MALFORMED, "context[0].value"},
    {"{" WHOLE ", \"context\": {\"Location\": \"USA\"}}", ERR_FIELD_CHARACTERS, "context[0].key"},
    {"{" WHOLE ", \"context\": {\"a\": \"\\n\"}}", ERR_FIELD_CHARACTERS, "context[0].value"},
};

/* Only where a list may be. */
static const struct {
    const char *body;
    enum err_code code;
    const char *field;
} wrong_lists[] = {
    {"{" WHOLE ", \"evaluations\": {}}", ERR_MESSAGE_MALFORMED, "evaluations"},
    {"{" WHOLE ", \"evaluations\": null}", ERR_MESSAGE_MALFORMED, "evaluations"},
    {LIST("[]", "{}"), ERR_MESSAGE_MALFORMED, "options"},
    {LIST("{\"evaluations_semantic\": \"any\"}", "{}"), ERR_FIELD_ENUM,
     "options.evaluations_semantic"},
    {LIST("{\"evaluations_semantic\": 1}", "{}"), ERR_FIELD_ENUM, "options.evaluations_semantic"},
    {LIST("{}", "{}, 1"), ERR_MESSAGE_MALFORMED, "evaluations[1]"},
    {LIST("{}", "{}, {}, {\"resource\": {\"type\": \"document\"}}"), ERR_FIELD_REQUIRED,
     "evaluations[2].resource.id"},
    {LIST("{}", "{\"context\": {\"a\": {}}}"), ERR_MESSAGE_MALFORMED,
     "evaluations[0].context[0].value"},
    {"{\"evaluations\": [{" SUBJECT ", " ACTION "}]}", ERR_FIELD_REQUIRED,
     "evaluations[0].resource"},
};

static void what_is_wrong_is_refused_with_its_field(void **state)
{
    struct authzen_questions questions;
    struct err err;

    for (size_t i = 0; i < 2 * ARRAY_LEN(wrong); i++) {
        struct span body = span_text(wrong[i / 2].body);

        if (i % 2 == 0 ? authzen_read_evaluation(body, *state, &questions, &err)
                       : authzen_read_evaluations(body, *state, &questions, &err))
            fail_msg("read: %s", wrong[i / 2].body);
        if (err.code != wrong[i / 2].code || strcmp(err.field, wrong[i / 2].field) != 0)
            fail_msg("%s: %s on `%s`", wrong[i / 2].body, err_reason(err.code), err.field);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong_lists); i++) {
        struct span body = span_text(wrong_lists[i].body);

        if (authzen_read_evaluations(body, *state, &questions, &err))
            fail_msg("read: %s", wrong_lists[i].body);
        if (err.code != wrong_lists[i].code || strcmp(err.field, wrong_lists[i].field) != 0)
            fail_msg("%s: %s on `%s`", wrong_lists[i].body, err_reason(err.code), err.field);
    }
}

/* `count` times `unit`, between two texts. */
static struct span repeated(struct arena *arena, const char *before, const char *unit, size_t count,
                            const char *after)
{
    size_t length = strlen(unit), start = strlen(before);
    char *text = arena_alloc(arena, start + count * length + strlen(after) + 1);

    memcpy(text, before, start);
    for (size_t i = 0; i < count; i++)
        memcpy(text + start + i * length, unit, length);
    memcpy(text + start + count * length, after, strlen(after) + 1);
    return span_text(text);
}

static void what_is_too_much_is_refused(void **state)
{
    const struct {
        struct span body;
        enum err_code code;
        const char *field;
    } rows[] = {
        {repeated(*state, "{\"a\": ", "[", 100000, ""), ERR_FIELD_TOO_DEEP, ""},
        {repeated(*state, "{\"a\": [", "{},", 20000, "{}]}"), ERR_FIELD_TOO_MANY, ""},
        {repeated(*state, "{" WHOLE ", \"evaluations\": [", "{},", CHECK_BATCH_MAX, "{}]}"),
         ERR_FIELD_TOO_MANY, "evaluations"},
        {repeated(*state, "{\"subject\": {\"type\": \"user\", \"id\": \"", "a", 129,
                  "\"}, " ACTION ", " RESOURCE "}"),
         ERR_FIELD_TOO_LONG, "subject.id"},
        {repeated(*state, "{\"subject\": {\"id\": \"a\", \"type\": \"", "a", 65,
                  "\"}, " ACTION ", " RESOURCE "}"),
         ERR_FIELD_TOO_LONG, "subject.type"},
        {repeated(*state, "{" WHOLE ", \"context\": {\"a\": \"", "a", 257, "\"}}"),
         ERR_FIELD_TOO_LONG, "context[0].value"},
    };
    struct authzen_questions questions;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_false(authzen_read_evaluations(rows[i].body, *state, &questions, &err));
        if (err.code != rows[i].code || strcmp(err.field, rows[i].field) != 0)
            fail_msg("%zu: %s on `%s`", i, err_reason(err.code), err.field);
    }
    assert_true(authzen_read_evaluations(
        repeated(*state, "{" WHOLE ", \"evaluations\": [", "{},", CHECK_BATCH_MAX - 1, "{}]}"),
        *state, &questions, &err));
    assert_int_equal(questions.count, CHECK_BATCH_MAX);
}

static void a_context_has_at_most_so_many_entries(void **state)
{
    char *text = arena_text(*state, span_text("{" WHOLE ", \"context\": {"));
    struct authzen_questions questions;
    struct err err;

    for (int i = 0; i <= DIRECTIVE_CONTEXT_MAX; i++)
        text = arena_printf(*state, "%s%s\"k%d\": 1", text, i > 0 ? ", " : "", i);
    text = arena_printf(*state, "%s}}", text);
    assert_false(authzen_read_evaluation(span_text(text), *state, &questions, &err));
    assert_int_equal(err.code, ERR_FIELD_TOO_MANY);
    assert_string_equal(err.field, "context");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_question_is_read_whole),
        TEST(what_an_item_does_not_say_the_top_says),
        TEST(without_a_list_it_is_one_question),
        TEST(the_semantic_says_with_what_a_list_ends),
        TEST(what_is_wrong_is_refused_with_its_field),
        TEST(what_is_too_much_is_refused),
        TEST(a_context_has_at_most_so_many_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
