/* SPDX-License-Identifier: Apache-2.0 */
/* Places in JSON documents. */
#include "client/src/json_document.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_path_leads_to_line_and_column(void **state)
{
    static const char text[] = "[ {\"a\": {\"x\": \"],}\\\"\", \"b\": [1, [2], {\"c\": 3}]}},\n"
                               "  {\"é\": 1, \"a.b\": {\"k\": 2},\n"
                               "\t\"ab\":5, \"a\" : {}}\n"
                               "]\n";
    static const struct {
        const char *path;
        int line, column;
    } rows[] = {
        {"[0]", 1, 3},           {"[1]", 2, 3},
        {"[0].a.b", 1, 24},      {"[0].a.b[1][0]", 1, 34},
        {"[0].a.b[2].c", 1, 39}, {"[1].a.b.k", 2, 20},
        {"[1].ab", 3, 2},        {"[1].a", 3, 10},
        {"[1].zzz", 0, 0},       {"[2]", 0, 0},
        {"[1].a.b.z", 0, 0},     {"", 1, 1},
        {"[0].a.x.y", 0, 0},     {"x", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_position position = json_document_locate(span_text(text), rows[i].path);

        if (position.line != rows[i].line || position.column != rows[i].column)
            fail_msg("%s is at %d:%d", rows[i].path, position.line, position.column);
    }
}

static void a_syntax_error_has_a_place_and_words(void **state)
{
    struct json_position position;
    struct err err = ERR_NONE;
    json_t *value;

    (void)state;
    assert_false(json_document_read(span_text("{\n  \"a\": 1,\n}"), &value, &position, &err));
    assert_int_equal(position.line, 3);
    assert_true(err.detail[0] != '\0');
    assert_false(json_document_read(span_text(""), &value, &position, &err));
    assert_int_equal(position.line, 0);
}

static void what_is_wrong_is_told_without_what_stands_there(void **state)
{
    static const struct {
        const char *text, *words;
        int line, column;
    } rows[] = {
        {"{\"a\": \"secret\\u0000\"}", "may not hold \\u0000", 1, 0},
        {"{\"secret\": 1,\n \"secret\": 2}", "twice", 2, 0},
        {"{\"a\": secret}", "not JSON", 1, 0},
        {"[1] secret", "behind the end", 1, 0},
        {"[\"secret", "", 1, 0},
        {"{\"a\":\n [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1",
         "64 levels", 2, 65},
    };
    struct json_position position;
    struct err err;
    json_t *value;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_false(json_document_read(span_text(rows[i].text), &value, &position, &err));
        assert_int_equal(position.line, rows[i].line);
        if (rows[i].column > 0)
            assert_int_equal(position.column, rows[i].column);
        if (strstr(err.detail, "secret") || !strstr(err.detail, rows[i].words))
            fail_msg("%s", err.detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_leads_to_line_and_column),
        cmocka_unit_test(a_syntax_error_has_a_place_and_words),
        cmocka_unit_test(what_is_wrong_is_told_without_what_stands_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
