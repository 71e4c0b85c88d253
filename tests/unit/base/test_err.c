/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: the list as a whole, and how one is filled in. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What the public may see is a plain sentence: no format, nothing empty. */
static void every_row_has_a_reason_and_a_public_text(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_COUNT; code++) {
        const char *reason = err_reason((enum err_code)code);
        const char *text = err_public_text((enum err_code)code);

        assert_true(reason[0] != '\0' && strlen(reason) <= 63);
        assert_int_equal(strspn(reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"), strlen(reason));
        assert_true(text[0] != '\0');
        assert_null(strchr(text, '%'));
        for (int other = 0; other < code; other++)
            assert_string_not_equal(reason, err_reason((enum err_code)other));
    }
}

/* The HTTP status of google/rpc/code.proto, and what AIP-193 and our own rows add to it. */
static void the_two_statuses_of_a_row_agree(void **state)
{
    static const struct {
        enum err_status grpc;
        int http[3];
    } rows[] = {
        {ERR_STATUS_OK, {200}},
        {ERR_STATUS_CANCELLED, {499}},
        {ERR_STATUS_INVALID_ARGUMENT, {400}},
        {ERR_STATUS_DEADLINE_EXCEEDED, {504}},
        {ERR_STATUS_NOT_FOUND, {404}},
        {ERR_STATUS_PERMISSION_DENIED, {403}},
        {ERR_STATUS_RESOURCE_EXHAUSTED, {429, 413, 431}},
        {ERR_STATUS_FAILED_PRECONDITION, {409, 400}},
        {ERR_STATUS_ABORTED, {409}},
        {ERR_STATUS_UNIMPLEMENTED, {404, 501}},
        {ERR_STATUS_INTERNAL, {500}},
        {ERR_STATUS_UNAVAILABLE, {503}},
        {ERR_STATUS_DATA_LOSS, {500}},
        {ERR_STATUS_UNAUTHENTICATED, {401}},
    };

    (void)state;
    for (int code = 0; code < ERR_COUNT; code++) {
        int http = err_http_status((enum err_code)code);
        bool is_good = false;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            if (rows[i].grpc == err_grpc_status((enum err_code)code))
                for (size_t k = 0; k < ARRAY_LEN(rows[i].http); k++)
                    is_good |= http == rows[i].http[k];
        if (!is_good)
            fail_msg("%s: HTTP %d", err_reason((enum err_code)code), http);
    }
}

static void only_our_own_failures_are_logged_as_errors(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_COUNT; code++) {
        int http = err_http_status((enum err_code)code);

        if (http < 500)
            assert_true(err_log_level((enum err_code)code) < ERR_LEVEL_ERROR);
        if (err_grpc_status((enum err_code)code) == ERR_STATUS_INTERNAL)
            assert_int_equal(err_log_level((enum err_code)code), ERR_LEVEL_ERROR);
    }
}

static void an_impossible_code_reads_as_internal(void **state)
{
    static const int codes[] = {ERR_COUNT, ERR_COUNT + 1, -1, 1 << 30};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        assert_string_equal(err_reason((enum err_code)codes[i]), "INTERNAL");
        assert_int_equal(err_grpc_status((enum err_code)codes[i]), ERR_STATUS_INTERNAL);
    }
}

static void status_names_are_those_of_grpc(void **state)
{
    (void)state;
    assert_string_equal(err_status_name(ERR_STATUS_OK), "OK");
    assert_string_equal(err_status_name(ERR_STATUS_FAILED_PRECONDITION), "FAILED_PRECONDITION");
    assert_string_equal(err_status_name(ERR_STATUS_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(err_status_name((enum err_status)17), "UNKNOWN");
    assert_string_equal(err_status_name((enum err_status) - 1), "UNKNOWN");
}

static void setting_an_error_yields_false_and_says_where(void **state)
{
    struct err err = {.field = "stale", .detail = "stale"};
    int line = __LINE__ + 2;

    bool result = err_set(&err, ERR_STORE_CORRUPT, "value of format %d", 7);

    (void)state;
    assert_false(result);
    assert_int_equal(err.code, ERR_STORE_CORRUPT);
    assert_string_equal(err.detail, "value of format 7");
    assert_string_equal(err.field, "");
    assert_non_null(strstr(err.file, "test_err.c"));
    assert_int_equal(err.line, line);
    assert_false(err_field(&err, ERR_FIELD_TOO_LONG, "subject", "%d bytes", 129));
    assert_string_equal(err.field, "subject");
}

static void texts_that_are_too_long_are_cut(void **state)
{
    char text[1000];
    struct err err;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(err_field(&err, ERR_INTERNAL, text, "%s", text));
    assert_int_equal(strlen(err.field), ERR_FIELD_MAX - 1);
    assert_int_equal(strlen(err.detail), ERR_DETAIL_MAX - 1);
    err_prefix_field(&err, "%s", text);
    assert_int_equal(strlen(err.field), ERR_FIELD_MAX - 1);
}

static void a_prefix_goes_in_front_of_the_field(void **state)
{
    static const struct {
        const char *inner, *whole;
    } rows[] = {
        {"subject", "checks[3].subject"},
        {"[2]", "checks[3][2]"},
        {"", "checks[3]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err;

        assert_false(err_field(&err, ERR_FIELD_REQUIRED, rows[i].inner, "empty"));
        err_prefix_field(&err, "checks[%d]", 3);
        assert_string_equal(err.field, rows[i].whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_reason_and_a_public_text),
        cmocka_unit_test(the_two_statuses_of_a_row_agree),
        cmocka_unit_test(only_our_own_failures_are_logged_as_errors),
        cmocka_unit_test(an_impossible_code_reads_as_internal),
        cmocka_unit_test(status_names_are_those_of_grpc),
        cmocka_unit_test(setting_an_error_yields_false_and_says_where),
        cmocka_unit_test(texts_that_are_too_long_are_cut),
        cmocka_unit_test(a_prefix_goes_in_front_of_the_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
