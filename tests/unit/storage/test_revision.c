/* SPDX-License-Identifier: Apache-2.0 */
/* A revision: what comes back is what was given out, and nothing else is accepted. */
#include "storage/revision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void a_revision_comes_back_as_it_was_given_out(void **state)
{
    static const struct revision revisions[] = {
        {0, 0, 0},
        {1, 1, 1},
        {4711, UINT64_C(7) << 40 | 12, 63},
        {UINT64_MAX, UINT64_MAX, 0},
        {UINT64_C(0x0102030405060708), UINT64_C(0x1112131415161718), 33},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(revisions); i++) {
        char text[REVISION_TEXT_MAX];
        struct revision back;
        struct err err;

        assert_ptr_equal(revision_format(&revisions[i], text), text);
        assert_true(revision_parse(span_text(text), "min_revision", &back, &err));
        assert_int_equal(back.directive_set, revisions[i].directive_set);
        assert_int_equal(back.number, revisions[i].number);
        assert_int_equal(back.partition, revisions[i].partition);
    }
}

static void assert_refused(struct span text, enum err_code code)
{
    struct revision revision;
    struct err err;

    assert_false(revision_parse(text, "min_revision", &revision, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.field, "min_revision");
}

static void anything_else_is_refused(void **state)
{
    struct revision revision = {4711, 12, 63};
    char text[REVISION_TEXT_MAX], longer[REVISION_TEXT_MAX + 1], longest[REVISION_LENGTH_MAX + 1];
    size_t length;

    (void)state;
    length = strlen(revision_format(&revision, text));
    for (size_t i = 0; i < length; i++)
        assert_refused(span_of(text, i), ERR_FIELD_REVISION);
    snprintf(longer, sizeof(longer), "%sA", text);
    assert_refused(span_text(longer), ERR_FIELD_REVISION);
    memset(longest, 'A', sizeof(longest));
    assert_refused(span_of(longest, REVISION_LENGTH_MAX), ERR_FIELD_REVISION);
    assert_refused(span_of(longest, sizeof(longest)), ERR_FIELD_TOO_LONG);
    for (size_t i = 0; i < length; i++) {
        char broken[REVISION_TEXT_MAX];

        memcpy(broken, text, sizeof(broken));
        broken[i] = i % 2 ? '+' : '\0';
        assert_refused(span_of(broken, length), ERR_FIELD_CHARACTERS);
    }
    text[0] = 'B'; /* another format */
    assert_refused(span_text(text), ERR_FIELD_REVISION);
    revision.partition = 64;
    assert_refused(span_text(revision_format(&revision, text)), ERR_FIELD_REVISION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revision_comes_back_as_it_was_given_out),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
