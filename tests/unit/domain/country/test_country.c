/* SPDX-License-Identifier: Apache-2.0 */
/* Countries: every code through every door. */
#include "domain/country/country.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static country_id mrz(const char *code)
{
    return country_from_mrz(span_text(code));
}

static country_id iso(const char *code)
{
    return country_from_iso(span_text(code));
}

static country_id alpha3(const char *code)
{
    return country_from_alpha3(span_text(code));
}

static void assert_set_is(struct country_set set, const char *const *codes)
{
    size_t count = 0;

    for (; codes[count]; count++)
        assert_true(country_set_has(&set, alpha3(codes[count])));
    assert_int_equal(country_set_count(&set), count);
}

static void the_249_codes_of_iso_3166_1_round_trip(void **state)
{
    size_t count = 0;

    (void)state;
    for (country_id id = 1; id < country_count(); id++) {
        const struct country *country = country_get(id);

        if (country->numeric == 0)
            continue;
        count++;
        assert_int_equal(strlen(country->alpha2), 2);
        assert_int_equal(strlen(country->alpha3), 3);
        assert_true(country->name[0] != '\0');
        assert_int_equal(iso(country->alpha2), id);
        assert_int_equal(iso(country->alpha3), id);
        assert_int_equal(mrz(country->alpha3), id);
        assert_int_equal(alpha3(country->alpha3), id);
        assert_true(country->kind == COUNTRY_KIND_STATE || country->kind == COUNTRY_KIND_TERRITORY);
    }
    assert_int_equal(count, 249);
}

static void well_known_rows_are_right(void **state)
{
    static const struct {
        const char *alpha2, *alpha3, *name;
        uint16_t numeric;
    } rows[] = {
        {"DE", "DEU", "Germany", 276},       {"US", "USA", "United States", 840},
        {"AX", "ALA", "Åland Islands", 248}, {"CI", "CIV", "Côte d'Ivoire", 384},
        {"AF", "AFG", "Afghanistan", 4},     {"TW", "TWN", "Taiwan", 158},
        {"ZW", "ZWE", "Zimbabwe", 716},      {"GB", "GBR", "United Kingdom", 826},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct country *country = country_get(iso(rows[i].alpha2));

        assert_string_equal(country->alpha3, rows[i].alpha3);
        assert_string_equal(country->alpha2, rows[i].alpha2);
        assert_string_equal(country->name, rows[i].name);
        assert_int_equal(country->numeric, rows[i].numeric);
    }
}

/* ICAO Doc 9303-3 section 5. */
static void every_special_code_has_its_kind_and_shows_no_nationality(void **state)
{
    static const struct {
        const char *code;
        enum country_kind kind;
    } rows[] = {
        {"GBD", COUNTRY_KIND_BRITISH},      {"GBN", COUNTRY_KIND_BRITISH},
        {"GBO", COUNTRY_KIND_BRITISH},      {"GBP", COUNTRY_KIND_BRITISH},
        {"GBS", COUNTRY_KIND_BRITISH},      {"EUE", COUNTRY_KIND_ORGANIZATION},
        {"UNO", COUNTRY_KIND_ORGANIZATION}, {"UNA", COUNTRY_KIND_ORGANIZATION},
        {"UNK", COUNTRY_KIND_ORGANIZATION}, {"XBA", COUNTRY_KIND_ORGANIZATION},
        {"XIM", COUNTRY_KIND_ORGANIZATION}, {"XCC", COUNTRY_KIND_ORGANIZATION},
        {"XCE", COUNTRY_KIND_ORGANIZATION}, {"XCO", COUNTRY_KIND_ORGANIZATION},
        {"XEC", COUNTRY_KIND_ORGANIZATION}, {"XPO", COUNTRY_KIND_ORGANIZATION},
        {"XES", COUNTRY_KIND_ORGANIZATION}, {"XMP", COUNTRY_KIND_ORGANIZATION},
        {"XOM", COUNTRY_KIND_ORGANIZATION}, {"XDC", COUNTRY_KIND_ORGANIZATION},
        {"IAO", COUNTRY_KIND_ORGANIZATION}, {"XXA", COUNTRY_KIND_STATELESS},
        {"XXB", COUNTRY_KIND_REFUGEE},      {"XXC", COUNTRY_KIND_REFUGEE},
        {"XXX", COUNTRY_KIND_UNSPECIFIED},  {"UTO", COUNTRY_KIND_SPECIMEN},
        {"ANT", COUNTRY_KIND_FORMER},       {"NTZ", COUNTRY_KIND_FORMER},
        {"SCG", COUNTRY_KIND_FORMER},       {"YUG", COUNTRY_KIND_FORMER},
    };
    size_t others = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        country_id id = mrz(rows[i].code);

        assert_int_not_equal(id, COUNTRY_NONE);
        assert_int_equal(country_get(id)->kind, rows[i].kind);
        assert_string_equal(country_get(id)->alpha3, rows[i].code);
        assert_int_equal(country_get(id)->numeric, 0);
        assert_int_equal(alpha3(rows[i].code), id);
        assert_int_equal(iso(rows[i].code), COUNTRY_NONE);
        assert_int_equal(country_nationality(id), COUNTRY_NONE);
    }
    for (country_id id = 1; id < country_count(); id++)
        others += country_get(id)->kind != COUNTRY_KIND_STATE &&
                  country_get(id)->kind != COUNTRY_KIND_TERRITORY;
    assert_int_equal(others, ARRAY_LEN(rows));
}

static void germany_has_one_letter_in_a_zone_and_nowhere_else(void **state)
{
    (void)state;
    assert_int_equal(mrz("D<<"), iso("DE"));
    assert_int_equal(mrz("DEU"), iso("DE"));
    assert_int_equal(mrz("D"), COUNTRY_NONE);
    assert_int_equal(mrz("<<D"), COUNTRY_NONE);
    assert_int_equal(mrz("<D<"), COUNTRY_NONE);
    assert_int_equal(iso("D<<"), COUNTRY_NONE);
    assert_int_equal(iso("D"), COUNTRY_NONE);
    assert_int_equal(alpha3("D<<"), COUNTRY_NONE);
}

static void kosovo_is_one_state_under_three_codes(void **state)
{
    country_id kosovo = mrz("RKS");

    (void)state;
    assert_int_equal(country_get(kosovo)->kind, COUNTRY_KIND_STATE);
    assert_string_equal(country_get(kosovo)->alpha2, "XK");
    assert_int_equal(country_nationality(kosovo), kosovo);
    assert_int_equal(iso("XK"), kosovo);
    assert_int_equal(iso("XKX"), kosovo);
    assert_int_equal(iso("RKS"), kosovo);
    assert_int_equal(alpha3("RKS"), kosovo);
    assert_int_equal(alpha3("XKX"), COUNTRY_NONE);
    assert_int_equal(mrz("XKX"), COUNTRY_NONE);
}

static void former_codes_with_one_successor_give_it_in_a_zone_only(void **state)
{
    static const struct {
        const char *former, *successor;
    } rows[] = {{"ZAR", "COD"}, {"ROM", "ROU"}, {"TMP", "TLS"}, {"ZIM", "ZWE"}, {"YTO", "UTO"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_not_equal(mrz(rows[i].successor), COUNTRY_NONE);
        assert_int_equal(mrz(rows[i].former), mrz(rows[i].successor));
        assert_int_equal(iso(rows[i].former), COUNTRY_NONE);
        assert_int_equal(alpha3(rows[i].former), COUNTRY_NONE);
    }
}

static void what_is_no_code_gives_none(void **state)
{
    static const char *const texts[] = {
        "",    "A",   "AA",   "AAA", "XYZ", "XXD", "<<<", "de",  "deu", "Deu",
        "DE<", "D E", "DEUT", "276", "D3U", "EU",  "UK",  "AN",  "SU",  "TP",
        "YU",  "ZR",  "KS",   "UT",  "QU",  "QS",  "@@@", "[[[", "DE",  "\xc3\x84X",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(mrz(texts[i]), COUNTRY_NONE);
        assert_int_equal(alpha3(texts[i]), COUNTRY_NONE);
        if (strcmp(texts[i], "DE") != 0)
            assert_int_equal(iso(texts[i]), COUNTRY_NONE);
    }
    assert_int_equal(country_from_iso(span_of("DE\0", 3)), COUNTRY_NONE);
    assert_int_equal(country_from_mrz(span_of(NULL, 0)), COUNTRY_NONE);
}

/* Every three bytes of which two are good: no look-up leaves the table (the sanitizers watch). */
static void any_byte_at_any_place_is_looked_up_safely(void **state)
{
    size_t found = 0;

    (void)state;
    for (size_t place = 0; place < 3; place++)
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t code[3] = {'G', 'B', 'R'};
            country_id id;

            code[place] = (uint8_t)byte;
            id = country_from_mrz(span_of(code, 3));
            if (id == COUNTRY_NONE)
                continue;
            assert_memory_equal(country_get(id)->alpha3, code, 3);
            found++;
        }
    /* GBR three times; GBD GBN GBO GBP GBS; LBR. */
    assert_int_equal(found, 3 + 5 + 1);
}

static void the_people_of_a_territory_have_the_nationality_of_its_state(void **state)
{
    static const struct {
        const char *state, *territories[13];
    } rows[] = {
        {"USA", {"PRI", "GUM", "VIR", "ASM", "MNP", "UMI"}},
        {"CHN", {"HKG", "MAC"}},
        {"FRA",
         {"REU", "GLP", "MTQ", "GUF", "MYT", "SPM", "BLM", "MAF", "NCL", "PYF", "WLF", "ATF"}},
        {"NLD", {"ABW", "CUW", "SXM", "BES"}},
        {"FIN", {"ALA"}},
        {"DNK", {"GRL", "FRO"}},
        {"NOR", {"SJM", "BVT"}},
        {"AUS", {"CXR", "CCK", "NFK", "HMD"}},
        {"NZL", {"COK", "NIU", "TKL"}},
        {"GBR", {"GGY", "JEY", "IMN"}},
    };
    size_t mapped = 0, with_state = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t j = 0; j < ARRAY_LEN(rows[i].territories) && rows[i].territories[j]; j++) {
            country_id id = iso(rows[i].territories[j]);

            assert_int_equal(country_get(id)->kind, COUNTRY_KIND_TERRITORY);
            assert_int_equal(country_nationality(id), iso(rows[i].state));
            mapped++;
        }
    for (country_id id = 1; id < country_count(); id++)
        with_state += country_get(id)->kind == COUNTRY_KIND_TERRITORY &&
                      country_nationality(id) != COUNTRY_NONE;
    assert_int_equal(mapped, with_state);
}

static void a_state_has_its_own_nationality(void **state)
{
    static const char *const disputed[] = {"TWN", "PSE", "ESH", "VAT", "RKS"};
    size_t count = 0;

    (void)state;
    for (country_id id = 1; id < country_count(); id++)
        if (country_get(id)->kind == COUNTRY_KIND_STATE) {
            assert_int_equal(country_nationality(id), id);
            count++;
        }
    /* 193 members of the United Nations and these. */
    assert_int_equal(count, 193 + ARRAY_LEN(disputed));
    for (size_t i = 0; i < ARRAY_LEN(disputed); i++)
        assert_int_equal(country_get(alpha3(disputed[i]))->kind, COUNTRY_KIND_STATE);
}

static void british_overseas_territories_are_not_gbr_but_may_be(void **state)
{
    static const char *const codes[] = {"AIA", "BMU", "CYM", "FLK", "GIB", "IOT",
                                        "MSR", "PCN", "SGS", "SHN", "TCA", "VGB"};
    static const char *const british[] = {"GBR", NULL};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        assert_int_equal(country_get(iso(codes[i]))->kind, COUNTRY_KIND_TERRITORY);
        assert_int_equal(country_nationality(iso(codes[i])), COUNTRY_NONE);
        assert_set_is(country_possible_states(iso(codes[i])), british);
    }
    assert_int_equal(country_nationality(iso("ATA")), COUNTRY_NONE);
}

static void a_code_that_hides_a_citizenship_names_the_candidates(void **state)
{
    static const struct {
        const char *code, *states[8];
    } rows[] = {
        {"GBN", {"GBR", "CHN"}},
        {"GBD", {"GBR"}},
        {"GBO", {"GBR"}},
        {"GBP", {"GBR"}},
        {"GBS", {"GBR"}},
        {"ANT", {"NLD"}},
        {"NTZ", {"IRQ", "SAU"}},
        {"SCG", {"SRB", "MNE", "RKS"}},
        {"YUG", {"BIH", "HRV", "MKD", "MNE", "RKS", "SRB", "SVN"}},
        {"DEU", {NULL}},
        {"HKG", {NULL}},
        {"ATA", {NULL}},
        {"XXA", {NULL}},
        {"XXB", {NULL}},
        {"XXX", {NULL}},
        {"UTO", {NULL}},
        {"UNO", {NULL}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_set_is(country_possible_states(alpha3(rows[i].code)), rows[i].states);
}

static void impossible_ids_read_as_none(void **state)
{
    static const unsigned ids[] = {COUNTRY_NONE, 319, 320, 321, 65535};

    (void)state;
    assert_true(country_count() <= COUNTRY_MAX);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        country_id id = (country_id)ids[i];
        struct country_set possible = country_possible_states(id);

        assert_string_equal(country_get(id)->alpha3, "");
        assert_string_equal(country_get(id)->alpha2, "");
        assert_string_equal(country_get(id)->name, "");
        assert_int_equal(country_nationality(id), COUNTRY_NONE);
        assert_true(country_set_is_empty(&possible));
    }
}

static void a_set_holds_exactly_what_was_added(void **state)
{
    struct country_set empty = {0}, set = {0}, other = {0};

    (void)state;
    assert_true(country_set_is_empty(&empty));
    for (country_id id = 1; id < COUNTRY_MAX; id = (country_id)(id + 7))
        country_set_add(&set, id);
    assert_false(country_set_is_empty(&set));
    for (country_id id = 0; id < COUNTRY_MAX; id++)
        assert_int_equal(country_set_has(&set, id), id % 7 == 1);
    assert_false(country_set_has(&set, COUNTRY_MAX));
    assert_false(country_set_has(&set, 65535));
    assert_int_equal(country_set_count(&set), 46);
    country_set_add(&other, 2);
    assert_false(country_set_intersects(&set, &other));
    assert_false(country_set_intersects(&set, &empty));
    country_set_add(&other, 316);
    assert_true(country_set_intersects(&set, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_249_codes_of_iso_3166_1_round_trip),
        cmocka_unit_test(well_known_rows_are_right),
        cmocka_unit_test(every_special_code_has_its_kind_and_shows_no_nationality),
        cmocka_unit_test(germany_has_one_letter_in_a_zone_and_nowhere_else),
        cmocka_unit_test(kosovo_is_one_state_under_three_codes),
        cmocka_unit_test(former_codes_with_one_successor_give_it_in_a_zone_only),
        cmocka_unit_test(what_is_no_code_gives_none),
        cmocka_unit_test(any_byte_at_any_place_is_looked_up_safely),
        cmocka_unit_test(the_people_of_a_territory_have_the_nationality_of_its_state),
        cmocka_unit_test(a_state_has_its_own_nationality),
        cmocka_unit_test(british_overseas_territories_are_not_gbr_but_may_be),
        cmocka_unit_test(a_code_that_hides_a_citizenship_names_the_candidates),
        cmocka_unit_test(impossible_ids_read_as_none),
        cmocka_unit_test(a_set_holds_exactly_what_was_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
