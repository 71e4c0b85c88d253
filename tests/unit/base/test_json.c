/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, read the strict way. */
#include "base/json.h"
#include "unit/base/vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ARENA_BYTES = 64 * 1024 };

static int set_up(void **state)
{
    static struct arena arena;

    arena_init(&arena, ARENA_BYTES);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    return 0;
}

/* ERR_OK, or why not. */
static enum err_code outcome_of(struct span text)
{
    struct err err = ERR_NONE;
    json_t *value;

    if (!json_read(text, &value, &err))
        return err.code;
    json_decref(value);
    return ERR_OK;
}

static void what_is_stricter_than_the_grammar_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err_code code;
    } rows[] = {
        {"{\"a\":1}", ERR_OK},
        {" [1, 2]\n", ERR_OK},
        {"\"a scalar\"", ERR_OK},
        {"", ERR_MESSAGE_MALFORMED},
        {" ", ERR_MESSAGE_MALFORMED},
        {"{\"a\":1,\"a\":1}", ERR_MESSAGE_MALFORMED},
        {"{\"a\":1,\"\\u0061\":1}", ERR_MESSAGE_MALFORMED}, /* the same name in another spelling */
        {"{} {}", ERR_MESSAGE_MALFORMED},
        {"[1] x", ERR_MESSAGE_MALFORMED},
        {"[\"\\u0000\"]", ERR_MESSAGE_MALFORMED},
        {"[\"\\ud800\"]", ERR_MESSAGE_MALFORMED},
        {"[\"\xff\"]", ERR_MESSAGE_MALFORMED},
        {"[\"\xc0\x80\"]", ERR_MESSAGE_MALFORMED},
        {"[1e400]", ERR_MESSAGE_MALFORMED},
        {"[NaN]", ERR_MESSAGE_MALFORMED},
        {"[1,]", ERR_MESSAGE_MALFORMED},
        {"[01]", ERR_MESSAGE_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (outcome_of(span_text(rows[i].text)) != rows[i].code)
            fail_msg("%s is %s", rows[i].text, err_reason(outcome_of(span_text(rows[i].text))));
    assert_int_equal(outcome_of(span_of("1\0", 2)), ERR_MESSAGE_MALFORMED);
    assert_int_equal(outcome_of(span_of(NULL, 0)), ERR_MESSAGE_MALFORMED);
}

static enum err_code nested(struct arena *arena, size_t depth)
{
    char *text = arena_alloc(arena, 2 * depth);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return outcome_of(span_of(text, 2 * depth));
}

static void depth_is_bounded_before_anything_recurses(void **state)
{
    assert_int_equal(nested(*state, JSON_DEPTH_MAX), ERR_OK);
    assert_int_equal(nested(*state, JSON_DEPTH_MAX + 1), ERR_FIELD_TOO_DEEP);
    assert_int_equal(nested(*state, 1000000), ERR_FIELD_TOO_DEEP);
}

static enum err_code outcome_within(const char *text, size_t depth, size_t containers)
{
    const struct json_limits limits = {.depth = depth, .containers = containers};
    struct err err = ERR_NONE;
    json_t *value;

    if (!json_read_within(span_text(text), &limits, &value, &err))
        return err.code;
    json_decref(value);
    return ERR_OK;
}

static void what_takes_memory_is_counted_before_it_is_taken(void **state)
{
    (void)state;
    assert_int_equal(outcome_within("[{}, {\"a\": []}, \"[[{{\"]", 3, 4), ERR_OK);
    assert_int_equal(outcome_within("[{}, {\"a\": []}, \"[[{{\"]", 3, 3), ERR_FIELD_TOO_MANY);
    assert_int_equal(outcome_within("[{}, {\"a\": []}, \"[[{{\"]", 2, 4), ERR_FIELD_TOO_DEEP);
    assert_int_equal(outcome_within("]]]{{{}}}", 2, 4), ERR_FIELD_TOO_DEEP);
}

static void brackets_in_strings_are_no_depth(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 8] = "[\"\\\"", *at = text + 4;

    (void)state;
    for (size_t i = 0; i < JSON_DEPTH_MAX + 1; i++)
        *at++ = '[';
    memcpy(at, "\"]", 3);
    assert_int_equal(outcome_of(span_text(text)), ERR_OK);
}

static void an_error_tells_the_place_and_no_content(void **state)
{
    struct err err;
    json_t *value;

    (void)state;
    assert_false(json_read(span_text("{\n \"secret\": tru}"), &value, &err));
    assert_non_null(strstr(err.detail, "line 2"));
    assert_null(strstr(err.detail, "secret"));
    assert_null(strstr(err.detail, "tru"));
}

static void text_is_compact_and_in_the_order_of_insertion(void **state)
{
    json_t *value = json_pack("{s:i, s:[s, b, n]}", "z", 1, "a", "\xc3\xa9", 1);
    struct span text = json_text(value, *state);

    assert_string_equal((const char *)text.data, "{\"z\":1,\"a\":[\"\xc3\xa9\",true,null]}");
    assert_int_equal(text.length, strlen((const char *)text.data));
    json_decref(value);
}

/* Right by the grammar, and refused here on purpose: a NUL in a string, a name that stands twice.
 */
static bool is_refused_on_purpose(const char *name)
{
    static const char *const names[] = {
        "y_object_duplicated_key.json",
        "y_object_duplicated_key_and_value.json",
        "y_object_escaped_null_in_key.json",
        "y_string_null_escape.json",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void the_json_test_suite_is_read_as_it_says(void **state)
{
    const char *folder, *const *names;
    size_t count, wrong = 0;

    if (!vectors_find("jsontestsuite", ".json", *state, &folder, &names, &count))
        skip();
    for (size_t i = 0; i < count; i++) {
        bool is_read = outcome_of(vectors_read(folder, names[i], *state)) == ERR_OK;
        bool is_wanted = names[i][0] == 'y' && !is_refused_on_purpose(names[i]);

        if (names[i][0] == 'i' || is_read == is_wanted)
            continue;
        print_error("%s is %s\n", names[i], is_read ? "accepted" : "refused");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stricter_than_the_grammar_is_refused),
        cmocka_unit_test_setup_teardown(depth_is_bounded_before_anything_recurses, set_up,
                                        tear_down),
        cmocka_unit_test(what_takes_memory_is_counted_before_it_is_taken),
        cmocka_unit_test(brackets_in_strings_are_no_depth),
        cmocka_unit_test(an_error_tells_the_place_and_no_content),
        cmocka_unit_test_setup_teardown(text_is_compact_and_in_the_order_of_insertion, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_json_test_suite_is_read_as_it_says, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
