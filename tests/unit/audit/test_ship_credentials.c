/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of an S3-compatible server, as its tools write them and as people do. */
#include "audit/ship_credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void credentials_are_read_as_tools_write_them(void **state)
{
    static const struct {
        const char *text, *id, *secret, *token;
    } cases[] = {
        {"[default]\naws_access_key_id = AKID\naws_secret_access_key = a/b+c=d\n", "AKID",
         "a/b+c=d", ""},
        {"aws_access_key_id=AKID\r\n\taws_secret_access_key\t=\ts \r\naws_session_token=t==\r\n",
         "AKID", "s", "t=="},
        {"# note\n\n; another\n[other]\naws_access_key_id = X\naws_secret_access_key = Y\n"
         "[default]\nregion = eu\naws_access_key_id = A\naws_secret_access_key = B",
         "A", "B", ""},
        {"aws_access_key_id = A\naws_secret_access_key = B\n[more]\naws_session_token = C\n", "A",
         "B", ""},
        {"aws_access_key_id = first\naws_access_key_id = A\naws_secret_access_key = B\n", "A", "B",
         ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ship_credentials credentials;
        struct err err;

        if (!ship_credentials_parse(span_text(cases[i].text), &credentials, &err))
            fail_msg("%zu: %s", i, err.detail);
        assert_string_equal(credentials.access_key_id, cases[i].id);
        assert_string_equal(credentials.secret_access_key, cases[i].secret);
        assert_string_equal(credentials.session_token, cases[i].token);
    }
}

static void what_is_missing_or_would_break_a_header_is_named_without_its_value(void **state)
{
    static const struct {
        const char *text, *named;
    } cases[] = {
        {"", "no aws_access_key_id"},
        {"aws_access_key_id = A\n", "no aws_secret_access_key"},
        {"[work]\naws_access_key_id = A\naws_secret_access_key = B\n", "no aws_access_key_id"},
        {"aws_access_key_id =\naws_secret_access_key = B\n", "aws_access_key_id must be"},
        {"aws_access_key_id = A\naws_secret_access_key = se cret\n",
         "aws_secret_access_key must be"},
        {"aws_access_key_id = A\naws_secret_access_key = s\001\n", "aws_secret_access_key must be"},
        {"aws_access_key_id = A\naws_secret_access_key = \303\244\n",
         "aws_secret_access_key must be"},
        {"AWS_ACCESS_KEY_ID = A\naws_secret_access_key = B\n", "no aws_access_key_id"},
    };
    char text[SHIP_KEY_ID_MAX + 64] = "aws_access_key_id = ";
    struct ship_credentials credentials = {.access_key_id = "untouched"};
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(ship_credentials_parse(span_text(cases[i].text), &credentials, &err));
        assert_int_equal(err.code, ERR_FILE_INVALID);
        if (!strstr(err.detail, cases[i].named) || strstr(err.detail, "cret ") ||
            strcmp(credentials.access_key_id, "untouched") != 0)
            fail_msg("%zu: %s", i, err.detail);
    }
    memset(text + strlen(text), 'A', SHIP_KEY_ID_MAX + 1);
    assert_false(ship_credentials_parse(span_text(text), &credentials, &err));
    assert_non_null(strstr(err.detail, "1 to 128"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_read_as_tools_write_them),
        cmocka_unit_test(what_is_missing_or_would_break_a_header_is_named_without_its_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
