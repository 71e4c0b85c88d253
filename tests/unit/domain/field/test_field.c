/* SPDX-License-Identifier: Apache-2.0 */
/* Fields: what each kind of text may be, at its bounds and byte by byte. */
#include "domain/field/field.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ANY = 1, LOWER = 2 };

/* The contract, said a second time. */
static const struct {
    enum field_kind kind;
    size_t least, most;
    const char *others; /* beside letters and digits */
    int flags;
} rows[] = {
    {FIELD_KIND_SUBJECT, 1, 128, "._:@/+=-|", 0}, {FIELD_KIND_REQUEST_ID, 1, 64, "._:-", 0},
    {FIELD_KIND_RESOURCE_TYPE, 1, 64, "._-", 0},  {FIELD_KIND_RESOURCE_ID, 1, 256, "._:@/+=-", 0},
    {FIELD_KIND_ACTION, 1, 64, "._:-", 0},        {FIELD_KIND_CONTEXT_KEY, 1, 64, "_.-", LOWER},
    {FIELD_KIND_CONTEXT_VALUE, 0, 256, "", ANY},  {FIELD_KIND_VENDOR, 1, 64, "_.-", LOWER},
    {FIELD_KIND_CHECK_ID, 1, 128, "", ANY},       {FIELD_KIND_ORGANIZATION, 1, 128, "._:@/+=-|", 0},
    {FIELD_KIND_AUDIENCE, 1, 256, "", ANY},       {FIELD_KIND_SHORT_TEXT, 0, 64, "", ANY},
    {FIELD_KIND_PHRASE, 0, 128, "", ANY},         {FIELD_KIND_TEXT, 0, 256, "", ANY},
    {FIELD_KIND_REASON, 1, 256, "", ANY},         {FIELD_KIND_PURPOSE, 0, 64, "_", LOWER},
    {FIELD_KIND_CATEGORY, 0, 3, "", 0},           {FIELD_KIND_EVIDENCE_ID, 1, 64, "_-", 0},
    {FIELD_KIND_CALLER, 1, 2048, "", ANY},
};

static enum err_code outcome_of(enum field_kind kind, struct span text)
{
    struct err err = ERR_NONE;

    if (field_check(kind, text, "some.field", &err))
        return ERR_OK;
    assert_string_equal(err.field, "some.field");
    return err.code;
}

static void every_kind_has_a_row_here(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(rows), FIELD_KIND_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(rows[i].kind, i);
}

static void lengths_are_held_at_both_ends(void **state)
{
    char text[4096];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum err_code empty = rows[i].least > 0 ? ERR_FIELD_REQUIRED : ERR_OK;

        assert_int_equal(outcome_of(rows[i].kind, span_of(NULL, 0)), empty);
        assert_int_equal(outcome_of(rows[i].kind, span_of(text, rows[i].most)), ERR_OK);
        assert_int_equal(outcome_of(rows[i].kind, span_of(text, rows[i].most + 1)),
                         ERR_FIELD_TOO_LONG);
    }
}

static bool is_allowed(size_t row, unsigned byte)
{
    if (rows[row].flags & ANY)
        return byte >= 0x20 && byte != 0x7F;
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z'))
        return true;
    if (byte >= 'A' && byte <= 'Z')
        return !(rows[row].flags & LOWER);
    return byte != 0 && strchr(rows[row].others, (int)byte);
}

static void every_byte_is_let_in_or_refused_by_its_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (unsigned byte = 0; byte < (rows[i].flags & ANY ? 0x80 : 256); byte++) {
            const uint8_t text[] = {'a', (uint8_t)byte, 'b'};
            enum err_code wanted = is_allowed(i, byte) ? ERR_OK : ERR_FIELD_CHARACTERS;

            if (outcome_of(rows[i].kind, span_of(text, sizeof(text))) != wanted)
                fail_msg("kind %zu, byte 0x%02x", i, byte);
        }
}

static void control_characters_of_the_second_set_are_refused_too(void **state)
{
    (void)state;
    assert_int_equal(outcome_of(FIELD_KIND_TEXT, span_text("a\xc2\x85z")), ERR_FIELD_CHARACTERS);
    assert_int_equal(outcome_of(FIELD_KIND_TEXT, span_text("a\xc2\xa0z")), ERR_OK);
    assert_int_equal(outcome_of(FIELD_KIND_TEXT, span_text("M\xc3\xbcnchen")), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_row_here),
        cmocka_unit_test(lengths_are_held_at_both_ends),
        cmocka_unit_test(every_byte_is_let_in_or_refused_by_its_kind),
        cmocka_unit_test(control_characters_of_the_second_set_are_refused_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
