/* SPDX-License-Identifier: Apache-2.0 */
/* The machine-readable zone as a whole: every specimen, and everything one character can do to it.
 */
#include "unit/domain/document/specimens.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<";

static void every_specimen_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specimens); i++) {
        const struct specimen *specimen = &specimens[i];
        struct err err = ERR_NONE;
        struct mrz mrz;

        assert_true(parse_on(specimen->text, "2026-06-12", &mrz, &err));
        assert_int_equal(mrz.format, specimen->format);
        assert_string_equal(mrz.document_code, specimen->document_code);
        assert_string_equal(mrz.issuer_code, specimen->issuer);
        assert_string_equal(mrz.nationality_code, specimen->nationality);
        assert_string_equal(mrz.number, specimen->number);
        assert_int_equal(mrz.birth_day, day_of(specimen->birth));
        assert_int_equal(mrz.expiry_day, day_of(specimen->expiry));
    }
}

/* The second field of a TD1 stands behind a filler. */
static void optional_data_are_as_they_are_printed(void **state)
{
    static const struct {
        const char *text, *optional_data;
    } rows[] = {
        {P_NAME "\nL898902C36UTO7408122F1204159ZE184226B<<<<<10", "ZE184226B<<<<<"},
        {"I<UTOD23145890<XYZ5<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<0\n" I_1_NAME,
         "XYZ5<<<<<<<<<<<<<<<<<<<<<<<"},
        {V_A_NAME "\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<", "6ZE184226B<<<<<<"},
        {V_B_NAME "\nL898902C<3UTO6908061F9406236ZE184226", "ZE184226"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = ERR_NONE;
        struct mrz mrz;

        assert_true(parse_on(rows[i].text, "2026-06-12", &mrz, &err));
        assert_string_equal(mrz.optional_data, rows[i].optional_data);
    }
}

static void specimens_of_utopia_are_marked_and_germany_is_germany(void **state)
{
    static const struct {
        size_t specimen;
        enum country_kind kind;
        const char *alpha3;
    } rows[] = {
        {0, COUNTRY_KIND_SPECIMEN, "UTO"},
        {2, COUNTRY_KIND_SPECIMEN, "UTO"},
        {3, COUNTRY_KIND_STATE, "DEU"},
        {10, COUNTRY_KIND_UNSPECIFIED, "XXX"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = ERR_NONE;
        struct mrz mrz;

        assert_true(parse_on(specimens[rows[i].specimen].text, "2026-06-12", &mrz, &err));
        assert_int_equal(country_get(mrz.nationality)->kind, rows[i].kind);
        assert_string_equal(country_get(mrz.nationality)->alpha3, rows[i].alpha3);
    }
}

static void line_breaks_may_be_there_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specimens); i++) {
        char bare[TEXT_MAX], text[TEXT_MAX];
        size_t length = joined(specimens[i].text, bare);
        size_t line_count = specimens[i].format == MRZ_TD1 ? 3 : 2, width = length / line_count;

        /* Each of the places may have nothing, LF or CR LF. */
        for (unsigned choice = 0; choice < (line_count == 3 ? 27 : 9); choice++) {
            static const char *const breaks[] = {"", "\n", "\r\n"};
            unsigned rest = choice;
            size_t end = 0;

            for (size_t line = 0; line < line_count; line++, rest /= 3)
                end += (size_t)snprintf(text + end, sizeof(text) - end, "%.*s%s", (int)width,
                                        bare + line * width, breaks[rest % 3]);
            assert_int_equal(outcome_of(text), ERR_OK);
        }
    }
}

static void a_line_break_anywhere_else_is_a_wrong_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specimens); i++) {
        char bare[TEXT_MAX], text[2 * TEXT_MAX + 2];
        size_t length = joined(specimens[i].text, bare);
        size_t width = length / (specimens[i].format == MRZ_TD1 ? 3 : 2);

        for (size_t place = 0; place <= length; place++) {
            bool is_allowed = place > 0 && place % width == 0;

            snprintf(text, sizeof(text), "%.*s\n%s", (int)place, bare, bare + place);
            assert_int_equal(outcome_of(text), is_allowed ? ERR_OK : ERR_MRZ_LENGTH);
            snprintf(text, sizeof(text), "%.*s\r%s", (int)place, bare, bare + place);
            assert_int_equal(outcome_of(text), ERR_MRZ_LENGTH);
            snprintf(text, sizeof(text), "%.*s\n\n%s", (int)place, bare, bare + place);
            assert_int_equal(outcome_of(text), ERR_MRZ_LENGTH);
        }
    }
}

static void only_the_lengths_of_the_formats_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specimens); i++) {
        char bare[TEXT_MAX];
        size_t length = joined(specimens[i].text, bare);

        memset(bare + length, '<', sizeof(bare) - length);
        for (size_t cut = 0; cut <= 100; cut++) {
            bool is_format = cut == 72 || cut == 88 || cut == 90;
            struct err err = ERR_NONE;
            struct mrz mrz;
            bool is_read = mrz_parse(span_of(bare, cut), "mrz", day_of("2026-06-12"), &mrz, &err);

            assert_int_equal(is_read, cut == length);
            if (!is_format)
                assert_int_equal(err.code, ERR_MRZ_LENGTH);
        }
    }
    assert_refused("", ERR_MRZ_LENGTH, "mrz");
    assert_refused("\n\n", ERR_MRZ_LENGTH, "mrz");
}

static int value_of(char character)
{
    return mrz_check_digit(span_of(&character, 1)) * 3 % 10; /* 7 and 3 are inverse modulo 10 */
}

/* Whether a check digit covers the character, or it is one: Doc 9303 parts 4 to 7. */
static bool is_covered(enum mrz_format format, size_t place)
{
    static const struct {
        size_t from, to; /* from 1, in the joined text */
    } covered[][4] = {
        [MRZ_TD1] = {{6, 30}, {31, 37}, {39, 45}, {49, 60}},
        [MRZ_TD2] = {{37, 46}, {50, 56}, {58, 72}},
        [MRZ_TD3] = {{45, 54}, {58, 64}, {66, 88}},
        [MRZ_MRV_A] = {{45, 54}, {58, 64}, {66, 72}},
        [MRZ_MRV_B] = {{37, 46}, {50, 56}, {58, 64}},
    };

    for (size_t i = 0; i < ARRAY_LEN(covered[format]); i++)
        if (place + 1 >= covered[format][i].from && place + 1 <= covered[format][i].to)
            return true;
    return false;
}

/* All weights are prime to 10, so that one wrong character shows unless its value is the same
 * modulo 10. */
static void every_single_change_of_a_covered_character_is_found_or_keeps_the_sum(void **state)
{
    size_t found = 0, hidden = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specimens); i++) {
        bool has_long_number = strlen(specimens[i].number) > 9;
        char text[TEXT_MAX];
        size_t length = joined(specimens[i].text, text);

        for (size_t place = 0; place < length; place++) {
            char right = text[place];

            for (const char *wrong = alphabet; *wrong; wrong++) {
                enum err_code code;

                if (*wrong == right || !is_covered(specimens[i].format, place))
                    continue;
                text[place] = *wrong;
                code = outcome_of(text);
                if (value_of(*wrong) != value_of(right)) {
                    assert_true(code == ERR_MRZ_CHECK_DIGIT || code == ERR_MRZ_CHARACTER);
                    found++;
                } else if (!has_long_number && *wrong != '<' && right != '<') {
                    /* Filler has the value 0, but is neither 0 as a digit nor part of a field. */
                    assert_true(code == ERR_OK || code == ERR_MRZ_CHARACTER ||
                                code == ERR_MRZ_DATE);
                    hidden += code == ERR_OK;
                }
            }
            text[place] = right;
        }
    }
    assert_true(found > 10000);
    assert_true(hidden > 0);
}

static void each_check_digit_is_checked_under_its_own_name(void **state)
{
    static const struct {
        size_t specimen, place; /* from 1, in the joined text */
        const char *field;
    } rows[] = {
        {0, 54, "mrz.document_number"}, {0, 64, "mrz.birth_date"},
        {0, 72, "mrz.expiry_date"},     {0, 87, "mrz.optional_data"},
        {0, 88, "mrz.composite"},       {4, 46, "mrz.document_number"},
        {4, 56, "mrz.birth_date"},      {4, 64, "mrz.expiry_date"},
        {4, 72, "mrz.composite"},       {6, 15, "mrz.document_number"},
        {6, 37, "mrz.birth_date"},      {6, 45, "mrz.expiry_date"},
        {6, 60, "mrz.composite"},       {8, 19, "mrz.document_number"},
        {9, 54, "mrz.document_number"}, {9, 64, "mrz.birth_date"},
        {9, 72, "mrz.expiry_date"},     {11, 46, "mrz.document_number"},
        {11, 56, "mrz.birth_date"},     {11, 64, "mrz.expiry_date"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (char digit = '0'; digit <= '9'; digit++) {
            char text[TEXT_MAX];

            joined(specimens[rows[i].specimen].text, text);
            if (text[rows[i].place - 1] == digit)
                continue;
            text[rows[i].place - 1] = digit;
            assert_refused(text, ERR_MRZ_CHECK_DIGIT, rows[i].field);
        }
}

static void a_nationality_is_covered_by_no_check_digit(void **state)
{
    static const size_t nationality_places[] = {
        [MRZ_TD1] = 46, [MRZ_TD2] = 47, [MRZ_TD3] = 55, [MRZ_MRV_A] = 55, [MRZ_MRV_B] = 47,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specimens); i++) {
        char text[TEXT_MAX];
        struct err err = ERR_NONE;
        struct mrz mrz;

        joined(specimens[i].text, text);
        memcpy(text + nationality_places[specimens[i].format] - 1, "USA", 3);
        memcpy(text + 2, "PRK", 3);
        assert_true(parse_on(text, "2026-06-12", &mrz, &err));
        assert_string_equal(country_get(mrz.nationality)->alpha3, "USA");
        assert_string_equal(country_get(mrz.issuer)->alpha3, "PRK");
    }
}

static void unknown_codes_are_told_as_printed_and_name_no_country(void **state)
{
    static const struct {
        const char *printed, *code;
    } rows[] = {{"XYZ", "XYZ"}, {"DE<", "DE"}, {"<<<", ""}, {"E<<", "E"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TEXT_MAX];
        struct err err = ERR_NONE;
        struct mrz mrz;

        joined(specimens[0].text, text);
        memcpy(text + 54, rows[i].printed, 3);
        assert_true(parse_on(text, "2026-06-12", &mrz, &err));
        assert_int_equal(mrz.nationality, COUNTRY_NONE);
        assert_string_equal(mrz.nationality_code, rows[i].code);
    }
}

/* Also shows that every character of every format belongs to a part. */
static void a_character_outside_the_alphabet_is_refused_everywhere(void **state)
{
    static const char strangers[] = "a z-_ .,'@/:[`{\x7f\t";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specimens); i++) {
        char text[TEXT_MAX];
        size_t length = joined(specimens[i].text, text);

        for (size_t place = 0; place < length; place++) {
            char right = text[place];

            for (size_t k = 0; k < sizeof(strangers); k++) { /* the NUL among them */
                struct err err = ERR_NONE;
                struct mrz mrz;

                text[place] = strangers[k];
                assert_false(
                    mrz_parse(span_of(text, length), "mrz", day_of("2026-06-12"), &mrz, &err));
                assert_int_equal(err.code, ERR_MRZ_CHARACTER);
            }
            text[place] = right;
        }
    }
}

static void each_part_has_an_alphabet_of_its_own(void **state)
{
    static const struct {
        size_t specimen, place; /* from 1, in the joined text */
        char character;
        const char *field;
    } rows[] = {
        {0, 3, '1', "mrz.issuer"},
        {0, 4, '<', "mrz.issuer"},
        {0, 6, '0', "mrz.name"},
        {0, 44, '9', "mrz.name"},
        {0, 54, 'A', "mrz.document_number"},
        {0, 55, '0', "mrz.nationality"},
        {0, 55, '<', "mrz.nationality"},
        {0, 56, '<', "mrz.nationality"},
        {0, 58, 'A', "mrz.birth_date"},
        {0, 64, 'A', "mrz.birth_date"},
        {0, 65, 'X', "mrz.sex"},
        {0, 65, '1', "mrz.sex"},
        {0, 66, 'A', "mrz.expiry_date"},
        {0, 72, 'A', "mrz.expiry_date"},
        {0, 87, 'A', "mrz.optional_data"},
        {0, 88, 'A', "mrz.composite"},
        {6, 60, 'Z', "mrz.composite"},
        {6, 61, '1', "mrz.name"},
        {6, 46, '1', "mrz.nationality"},
        {6, 38, 'D', "mrz.sex"},
    };
    static const char sexes[] = "FM<";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TEXT_MAX];

        joined(specimens[rows[i].specimen].text, text);
        text[rows[i].place - 1] = rows[i].character;
        assert_refused(text, ERR_MRZ_CHARACTER, rows[i].field);
    }
    for (const char *sex = sexes; *sex; sex++) {
        char text[TEXT_MAX];

        joined(specimens[0].text, text);
        text[64] = *sex;
        assert_int_equal(outcome_of(text), ERR_OK);
    }
}

static void the_document_code_belongs_to_the_format(void **state)
{
    static const struct {
        size_t specimen;
        const char *good[8], *bad[10];
    } rows[] = {
        /* TD3 */
        {0, {"P<", "PP", "PE", "PD", "PV", "PZ"}, {"I<", "A<", "C<", "<P", "X<", "1<", "P1", "P0"}},
        /* TD2; a V makes it a visa */
        {4, {"I<", "A<", "C<", "ID", "AC", "C1", "C2"}, {"P<", "IV", "AV", "CV", "<<", "X<", "1A"}},
        /* TD1 */
        {6, {"I<", "A<", "C<", "ID", "AC", "C1", "CA"}, {"P<", "V<", "VB", "IV", "AV", "<I", "9<"}},
        {9, {"V<", "VN", "VI", "VV"}, {"V1", "V0"}},
        {11, {"V<", "VN", "VI", "VV"}, {"V1", "V0"}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TEXT_MAX];

        joined(specimens[rows[i].specimen].text, text);
        for (size_t k = 0; k < ARRAY_LEN(rows[i].good) && rows[i].good[k]; k++) {
            memcpy(text, rows[i].good[k], 2);
            assert_int_equal(outcome_of(text), ERR_OK);
        }
        for (size_t k = 0; k < ARRAY_LEN(rows[i].bad) && rows[i].bad[k]; k++) {
            memcpy(text, rows[i].bad[k], 2);
            assert_refused(text, ERR_MRZ_DOCUMENT_CODE, "mrz.document_code");
        }
    }
}

static void an_error_names_the_field_of_the_request(void **state)
{
    struct err err = ERR_NONE;
    struct mrz mrz;

    (void)state;
    assert_false(mrz_parse(span_text("P<"), "document.mrz", 0, &mrz, &err));
    assert_string_equal(err.field, "document.mrz");
}

/* Doc 9303-3 section 4.9 and appendix A. */
static void check_digits_are_those_of_the_examples(void **state)
{
    static const struct {
        const char *text;
        int digit;
    } rows[] = {
        {"520727", 3}, {"AB2134<<<", 5}, {"D23145890", 7}, {"740812", 2}, {"120415", 9},
        {"", 0},       {"<<<<", 0},      {"A", 0},         {"B", 7},      {"Z", 5},
        {"a", -1},     {"12 4", -1},     {"\xc3\x84", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(mrz_check_digit(span_text(rows[i].text)), rows[i].digit);
    assert_int_equal(mrz_check_digit(span_of("12\0", 3)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_specimen_is_read),
        cmocka_unit_test(optional_data_are_as_they_are_printed),
        cmocka_unit_test(specimens_of_utopia_are_marked_and_germany_is_germany),
        cmocka_unit_test(line_breaks_may_be_there_or_not),
        cmocka_unit_test(a_line_break_anywhere_else_is_a_wrong_length),
        cmocka_unit_test(only_the_lengths_of_the_formats_are_read),
        cmocka_unit_test(every_single_change_of_a_covered_character_is_found_or_keeps_the_sum),
        cmocka_unit_test(each_check_digit_is_checked_under_its_own_name),
        cmocka_unit_test(a_nationality_is_covered_by_no_check_digit),
        cmocka_unit_test(unknown_codes_are_told_as_printed_and_name_no_country),
        cmocka_unit_test(a_character_outside_the_alphabet_is_refused_everywhere),
        cmocka_unit_test(each_part_has_an_alphabet_of_its_own),
        cmocka_unit_test(the_document_code_belongs_to_the_format),
        cmocka_unit_test(an_error_names_the_field_of_the_request),
        cmocka_unit_test(check_digits_are_those_of_the_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
