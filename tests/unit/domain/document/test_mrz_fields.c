/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a machine-readable zone: empty fields, dates, centuries, long numbers. */
#include "unit/domain/document/specimens.h"

static char digit_of(const char *text, size_t from, size_t to)
{
    return (char)('0' + mrz_check_digit(span_of(text + from - 1, to - from + 1)));
}

/* A passport with the given fields and every check digit computed. */
static void make_td3(char text[static TEXT_MAX], const char *birth, const char *expiry,
                     const char *optional)
{
    char composite[TEXT_MAX];

    joined(specimens[0].text, text);
    memcpy(text + 57, birth, 6);
    text[63] = digit_of(text, 58, 63);
    memcpy(text + 65, expiry, 6);
    text[71] = digit_of(text, 66, 71);
    memcpy(text + 72, optional, 14);
    text[86] = digit_of(text, 73, 86);
    snprintf(composite, sizeof(composite), "%.10s%.7s%.22s", text + 44, text + 57, text + 65);
    text[87] = digit_of(composite, 1, 39);
}

static void an_empty_field_may_have_filler_for_its_check_digit(void **state)
{
    static const struct {
        const char *birth, *expiry, *optional;
        size_t digit; /* from 1: the one that may be filler */
        bool is_good;
    } rows[] = {
        {"740812", "120415", "<<<<<<<<<<<<<<", 87, true},
        {"740812", "120415", "<<<<<<<<<<<<<0", 87, false},
        {"<<<<<<", "120415", "<<<<<<<<<<<<<<", 64, true},
        {"000000", "120415", "<<<<<<<<<<<<<<", 64, false},
        {"740812", "<<<<<<", "<<<<<<<<<<<<<<", 72, true},
        {"740812", "120415", "ZE184226B<<<<<", 88, false},
        {"740812", "120415", "ZE184226B<<<<<", 54, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TEXT_MAX];

        make_td3(text, rows[i].birth, rows[i].expiry, rows[i].optional);
        if (rows[i].is_good)
            assert_int_equal(outcome_of(text), ERR_OK);
        text[rows[i].digit - 1] = '<';
        assert_int_equal(outcome_of(text), rows[i].is_good ? ERR_OK : ERR_MRZ_CHECK_DIGIT);
    }
}

static void dates_are_read_with_their_unknown_parts(void **state)
{
    static const struct {
        const char *birth, *expiry;
        const char *birth_read, *expiry_read; /* NULL: refused; "": no day */
    } rows[] = {
        {"740812", "300101", "1974-08-12", "2030-01-01"},
        {"<<<<<<", "300101", "", "2030-01-01"},
        {"74<<<<", "300101", "", "2030-01-01"},
        {"7408<<", "300101", "", "2030-01-01"},
        {"<<0812", "300101", "", "2030-01-01"},
        {"74<<12", "300101", "", "2030-01-01"},
        {"<<0229", "300101", "", "2030-01-01"},
        {"740812", "<<<<<<", "1974-08-12", ""},
        {"7<0812", "300101", NULL, NULL},
        {"<40812", "300101", NULL, NULL},
        {"740<12", "300101", NULL, NULL},
        {"74081<", "300101", NULL, NULL},
        {"741312", "300101", NULL, NULL},
        {"740012", "300101", NULL, NULL},
        {"740800", "300101", NULL, NULL},
        {"740832", "300101", NULL, NULL},
        {"740431", "300101", NULL, NULL},
        {"740229", "300101", NULL, NULL},
        {"<<0230", "300101", NULL, NULL},
        {"<<0431", "300101", NULL, NULL},
        {"<<<<32", "300101", NULL, NULL},
        {"<<13<<", "300101", NULL, NULL},
        {"000000", "300101", NULL, NULL},
        {"720229", "280229", "1972-02-29", "2028-02-29"},
        {"740812", "30<<<<", NULL, NULL},
        {"740812", "3001<<", NULL, NULL},
        {"740812", "<<0101", NULL, NULL},
        {"740812", "270229", NULL, NULL},
        {"740812", "999999", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TEXT_MAX];
        struct err err = ERR_NONE;
        struct mrz mrz;

        make_td3(text, rows[i].birth, rows[i].expiry, "<<<<<<<<<<<<<<");
        assert_int_equal(parse_on(text, "2026-06-12", &mrz, &err), rows[i].birth_read != NULL);
        if (rows[i].birth_read) {
            assert_int_equal(mrz.birth_day, day_of(rows[i].birth_read));
            assert_int_equal(mrz.expiry_day, day_of(rows[i].expiry_read));
        } else {
            assert_int_equal(err.code, ERR_MRZ_DATE);
        }
    }
}

/* A birth lies within the hundred years up to today, an expiry within fifty before and after. */
static void the_century_is_the_one_that_today_allows(void **state)
{
    static const struct {
        const char *today, *birth, *expiry, *birth_read, *expiry_read;
    } rows[] = {
        {"2026-06-12", "260612", "760612", "2026-06-12", "2076-06-12"},
        {"2026-06-12", "260613", "760613", "1926-06-13", "1976-06-13"},
        {"2026-06-12", "260712", "760712", "1926-07-12", "1976-07-12"},
        {"2026-06-12", "260611", "760611", "2026-06-11", "2076-06-11"},
        {"2026-06-12", "991231", "991231", "1999-12-31", "1999-12-31"},
        {"2026-06-12", "000101", "000101", "2000-01-01", "2000-01-01"},
        {"2026-06-12", "000229", "000229", "2000-02-29", "2000-02-29"},
        {"2024-02-29", "240229", "740228", "2024-02-29", "2074-02-28"},
        {"2024-02-28", "240229", "740301", "1924-02-29", "1974-03-01"},
        {"1999-12-31", "991231", "491231", "1999-12-31", "2049-12-31"},
        {"2000-01-01", "991231", "500102", "1999-12-31", "1950-01-02"},
        {"2100-02-28", "000229", "500228", "2000-02-29", "2150-02-28"},
        {"2075-01-01", "750101", "250101", "2075-01-01", "2125-01-01"},
        {"2075-01-01", "750102", "250102", "1975-01-02", "2025-01-02"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TEXT_MAX];
        struct err err = ERR_NONE;
        struct mrz mrz;

        make_td3(text, rows[i].birth, rows[i].expiry, "<<<<<<<<<<<<<<");
        assert_true(parse_on(text, rows[i].today, &mrz, &err));
        assert_int_equal(mrz.birth_day, day_of(rows[i].birth_read));
        assert_int_equal(mrz.expiry_day, day_of(rows[i].expiry_read));
    }
}

/* 29 February of 1900 and of 2100 are no days, and their other centuries are out of the window. */
static void a_leap_day_of_a_year_without_one_is_refused(void **state)
{
    static const char *const todays[] = {"2000-01-01", "2100-03-01"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(todays); i++) {
        char text[TEXT_MAX];
        struct err err = ERR_NONE;
        struct mrz mrz;

        make_td3(text, "000229", "300101", "<<<<<<<<<<<<<<");
        assert_false(parse_on(text, todays[i], &mrz, &err));
        assert_int_equal(err.code, ERR_MRZ_DATE);
        assert_string_equal(err.field, "mrz.birth_date");
    }
}

/* A card with this document number and optional field, and a composite digit that fits. */
static void make_td1(char text[static TEXT_MAX], const char *number_and_optional)
{
    char composite[TEXT_MAX];

    joined(specimens[6].text, text);
    memcpy(text + 5, number_and_optional, 25);
    snprintf(composite, sizeof(composite), "%.25s%.7s%.7s%.11s", text + 5, text + 30, text + 38,
             text + 48);
    text[59] = digit_of(composite, 1, 50);
}

static void make_td2(char text[static TEXT_MAX], const char *number, const char *optional)
{
    char composite[TEXT_MAX];

    joined(specimens[4].text, text);
    memcpy(text + 36, number, 10);
    memcpy(text + 64, optional, 7);
    snprintf(composite, sizeof(composite), "%.10s%.7s%.14s", text + 36, text + 49, text + 57);
    text[71] = digit_of(composite, 1, 31);
}

/* The digit over nine and remainder: given as `?` in the text and filled in here. */
static void fill_long_digit(char *optional, const char *number)
{
    char *mark = strchr(optional, '?');

    if (mark)
        *mark = (char)('0' + mrz_check_digit(span_text(number)));
}

static void long_numbers_go_on_in_the_optional_field_of_cards(void **state)
{
    static const struct {
        const char *optional, *number, *read; /* read NULL: refused */
    } cards[] = {
        {"X?<<<<<<<<<<<<<", "D23145890X", "D23145890X"},
        {"XYZ?<<<<<<<<<<<", "D23145890XYZ", "D23145890XYZ"},
        {"XYZ?<OPTIONAL1<", "D23145890XYZ", "D23145890XYZ"},
        {"ABCDEFGHIJKLM?<", "D23145890ABCDEFGHIJKLM", "D23145890ABCDEFGHIJKLM"},
        {"ABCDEFGHIJKLMN?", "D23145890ABCDEFGHIJKLMN", NULL}, /* no filler behind it */
        {"<<<<<<<<<<<<<<<", "", NULL},                        /* no number goes on */
        {"7<<<<<<<<<<<<<<", "", NULL},                        /* a digit and no number */
        {"XYZ4<<<<<<<<<<<", "", NULL},                        /* 5 is right */
        {"XYZA<<<<<<<<<<<", "", NULL},                        /* a letter for a digit */
        {"<XYZ5<<<<<<<<<<", "", NULL},                        /* not at the start */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cards); i++) {
        char text[TEXT_MAX], field[32];
        struct err err = ERR_NONE;
        struct mrz mrz;

        snprintf(field, sizeof(field), "D23145890<%s", cards[i].optional);
        fill_long_digit(field, cards[i].number);
        make_td1(text, field);
        assert_int_equal(parse_on(text, "2026-06-12", &mrz, &err), cards[i].read != NULL);
        if (cards[i].read) {
            assert_string_equal(mrz.number, cards[i].read);
        } else {
            assert_int_equal(err.code, ERR_MRZ_CHECK_DIGIT);
            assert_string_equal(err.field, "mrz.document_number");
        }
    }
}

static void long_numbers_of_td2_have_room_for_five_more(void **state)
{
    char text[TEXT_MAX], optional[] = "ABCDE?<";
    struct err err = ERR_NONE;
    struct mrz mrz;

    (void)state;
    fill_long_digit(optional, "D23145890ABCDE");
    make_td2(text, "D23145890<", optional);
    assert_true(parse_on(text, "2026-06-12", &mrz, &err));
    assert_string_equal(mrz.number, "D23145890ABCDE");
}

static void passports_and_visas_have_no_long_numbers(void **state)
{
    static const size_t rows[] = {0, 9, 11};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TEXT_MAX];
        size_t second_line = joined(specimens[rows[i]].text, text) / 2;

        text[second_line + 9] = '<';
        assert_refused(text, ERR_MRZ_CHECK_DIGIT, "mrz.document_number");
    }
}

static void a_zone_without_a_number_is_refused(void **state)
{
    char text[TEXT_MAX];

    (void)state;
    make_td1(text, "<<<<<<<<<0<<<<<<<<<<<<<<<");
    assert_refused(text, ERR_MRZ_CHARACTER, "mrz.document_number");
    make_td1(text, "<<<<<<<<<<<<<<<<<<<<<<<<<");
    assert_refused(text, ERR_MRZ_CHARACTER, "mrz.document_number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_field_may_have_filler_for_its_check_digit),
        cmocka_unit_test(dates_are_read_with_their_unknown_parts),
        cmocka_unit_test(the_century_is_the_one_that_today_allows),
        cmocka_unit_test(a_leap_day_of_a_year_without_one_is_refused),
        cmocka_unit_test(long_numbers_go_on_in_the_optional_field_of_cards),
        cmocka_unit_test(long_numbers_of_td2_have_room_for_five_more),
        cmocka_unit_test(passports_and_visas_have_no_long_numbers),
        cmocka_unit_test(a_zone_without_a_number_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
