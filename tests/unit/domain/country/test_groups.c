/* SPDX-License-Identifier: Apache-2.0 */
/* Country groups: the file that ships, and what is said about a bad one. */
#include "base/timestamp.h"
#include "domain/country/groups.h"
#include "unit/base/diagnosed.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct country_groups *load(struct diagnosed *diagnosed, struct span content)
{
    return country_groups_load(content, "groups.yaml", &diagnosed->arena, &diagnosed->diagnostics);
}

static bool has(const struct country_groups *groups, const char *name, const char *code)
{
    const struct country_group *group = country_groups_find(groups, span_text(name));

    assert_non_null(group);
    return country_set_has(&group->countries, country_from_alpha3(span_text(code)));
}

static void the_groups_that_ship_have_the_sizes_of_the_regulation(void **state)
{
    /* Without Hong Kong, which stands wherever China does and is counted apart. */
    static const struct {
        const char *name;
        size_t count;
    } rows[] = {
        {"EAR:A:1", 40}, {"EAR:A:5", 37}, {"EAR:A:6", 8},  {"EAR:D:1", 24}, {"EAR:D:2", 10},
        {"EAR:D:3", 37}, {"EAR:D:4", 22}, {"EAR:D:5", 22}, {"EAR:E:1", 3},  {"EAR:E:2", 1},
    };
    struct diagnosed *diagnosed = *state;
    struct country_groups *groups = load(diagnosed, country_groups_default());
    char day[TIMESTAMP_TEXT_MAX];

    assert_non_null(groups);
    assert_int_equal(diagnosed->diagnostics.error_count + diagnosed->diagnostics.warning_count, 0);
    assert_string_equal(groups->source, "15 CFR part 740, supplement no. 1");
    assert_string_equal(day_format(groups->as_of_day, day), "2026-07-08");
    assert_int_equal(strlen(groups->digest), 64);
    assert_int_equal(groups->count, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct country_group *group = country_groups_find(groups, span_text(rows[i].name));

        assert_non_null(group);
        assert_true(group->title[0] != '\0');
        assert_int_equal(has(groups, rows[i].name, "CHN"), has(groups, rows[i].name, "HKG"));
        assert_int_equal(country_set_count(&group->countries) - has(groups, rows[i].name, "HKG"),
                         rows[i].count);
    }
}

static void the_groups_that_ship_overlap_as_the_regulation_does(void **state)
{
    static const struct {
        const char *code, *inside[6], *outside[4];
    } rows[] = {
        {"ISR", {"EAR:A:6", "EAR:D:2", "EAR:D:3", "EAR:D:4"}, {"EAR:A:1", "EAR:D:1", "EAR:D:5"}},
        {"TWN", {"EAR:A:6", "EAR:D:3"}, {"EAR:D:1", "EAR:D:5"}},
        {"IRQ", {"EAR:D:1", "EAR:D:2", "EAR:D:3", "EAR:D:4", "EAR:D:5"}, {"EAR:E:1"}},
        {"CHN", {"EAR:D:1", "EAR:D:3", "EAR:D:4", "EAR:D:5"}, {"EAR:D:2"}},
        {"MAC", {"EAR:D:1", "EAR:D:3", "EAR:D:4"}, {"EAR:D:2", "EAR:D:5"}},
        {"KHM", {"EAR:D:1"}, {"EAR:D:5"}},
        {"CUB", {"EAR:D:2", "EAR:D:3", "EAR:D:5", "EAR:E:2"}, {"EAR:E:1", "EAR:D:1"}},
        {"SYR", {"EAR:D:3", "EAR:D:4", "EAR:D:5", "EAR:E:1"}, {"EAR:D:1", "EAR:E:2"}},
        {"MEX", {"EAR:A:1", "EAR:A:6"}, {"EAR:A:5"}},
        {"USA", {"EAR:A:1"}, {"EAR:A:5"}},
        {"IND", {"EAR:A:1", "EAR:A:5"}, {"EAR:A:6"}},
        {"MLT", {"EAR:A:6"}, {"EAR:A:1", "EAR:A:5"}},
    };
    struct country_groups *groups = load(*state, country_groups_default());

    assert_non_null(groups);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(rows[i].inside) && rows[i].inside[j]; j++)
            assert_true(has(groups, rows[i].inside[j], rows[i].code));
        for (size_t j = 0; j < ARRAY_LEN(rows[i].outside) && rows[i].outside[j]; j++)
            assert_false(has(groups, rows[i].outside[j], rows[i].code));
    }
}

static void a_file_of_ones_own_is_read_and_its_digest_is_that_of_its_bytes(void **state)
{
    struct country_groups *groups = load(*state, span_text("source: me\n"
                                                           "as_of: 2026-01-31\n"
                                                           "sets:\n"
                                                           "  - name: nordic\n"
                                                           "    countries: [NOR, SWE, RKS]\n"));

    assert_non_null(groups);
    assert_int_equal(groups->count, 1);
    assert_string_equal(groups->groups[0].title, "");
    assert_int_equal(country_set_count(&groups->groups[0].countries), 3);
    assert_true(has(groups, "nordic", "NOR"));
    assert_null(country_groups_find(groups, span_text("Nordic")));
    assert_null(country_groups_find(groups, span_text("nordi")));
    assert_null(country_groups_find(groups, span_text("")));
    assert_string_equal(groups->digest,
                        "837d9a3a5b4f2c8263dd131363c4663cdedf08133bbb565ae9639b616e0c7b57");
}

#define HEAD "source: me\nas_of: 2026-01-31\n"

/* Each file has exactly this finding, and it is told where it stands. */
static void each_mistake_is_named_at_its_place(void **state)
{
    static const struct {
        const char *content;
        int line, column;
        const char *message;
    } rows[] = {
        {"", 1, 1, "the file is empty"},
        {"- a\n", 1, 1, "the file is a mapping with the keys source, as_of, sets"},
        {"as_of: 2026-01-31\nsets: [{name: a, countries: [DEU]}]\n", 1, 1, "`source` is missing"},
        {"source: \nas_of: 2026-01-31\nsets: [{name: a, countries: [DEU]}]\n", 1, 1,
         "`source` is missing"},
        {"source: [a]\nas_of: 2026-01-31\nsets: [{name: a, countries: [DEU]}]\n", 1, 9,
         "`source` is a text of 1 to 256 bytes"},
        {"source: me\nsets: [{name: a, countries: [DEU]}]\n", 1, 1, "`as_of` is missing"},
        {"source: me\nas_of: 2026-02-30\nsets: [{name: a, countries: [DEU]}]\n", 2, 8,
         "`as_of` is a date such as 2026-07-08"},
        {"source: me\nas_of: [2026-02-20]\nsets: [{name: a, countries: [DEU]}]\n", 2, 8,
         "`as_of` is a date such as 2026-07-08"},
        {HEAD, 1, 1, "`sets` is missing"},
        {HEAD "sets: []\n", 3, 7, "`sets` is a list of 1 to 1000 sets"},
        {HEAD "sets: {}\n", 3, 7, "`sets` is a list of 1 to 1000 sets"},
        {HEAD "sets: [a]\n", 3, 8, "a set is a mapping with the keys name, title, countries"},
        {HEAD "version: 2\nsets: [{name: a, countries: [DEU]}]\n", 3, 1,
         "unknown key `version`; the keys here are: source, as_of, sets"},
        {HEAD "sets:\n  - name: a\n    country: DEU\n    countries: [DEU]\n", 5, 5,
         "unknown key `country`; the keys here are: name, title, countries"},
        {HEAD "sets:\n  - countries: [DEU]\n", 4, 5, "`name` is missing"},
        {HEAD "sets: [{name: \"a b\", countries: [DEU]}]\n", 3, 15,
         "a name is 1 to 64 characters of letters, digits and `: . _ -`"},
        {HEAD "sets: [{name: \"\", countries: [DEU]}]\n", 3, 15,
         "a name is 1 to 64 characters of letters, digits and `: . _ -`"},
        {HEAD "sets: [{name: [a], countries: [DEU]}]\n", 3, 15,
         "a name is 1 to 64 characters of letters, digits and `: . _ -`"},
        {HEAD "sets: [{name: a, countries: [DEU]}, {name: a, countries: [FRA]}]\n", 3, 44,
         "a set `a` stands further up"},
        {HEAD "sets: [{name: a, title: [], countries: [DEU]}]\n", 3, 25,
         "`title` is a text of 1 to 256 bytes"},
        {HEAD "sets: [{name: a}]\n", 3, 8, "`countries` is missing"},
        {HEAD "sets: [{name: a, countries: []}]\n", 3, 29,
         "`countries` is a list of at least one code"},
        {HEAD "sets: [{name: a, countries: DEU}]\n", 3, 29,
         "`countries` is a list of at least one code"},
        {HEAD "sets: [{name: a, countries: [[DEU]]}]\n", 3, 30,
         "a country is an ISO 3166-1 alpha-3 code such as DEU"},
        {HEAD "sets: [{name: a, countries: [DEU, FRA, DEU]}]\n", 3, 40,
         "`DEU` stands twice in this set"},
        {HEAD "sets: [{name: a, countries: [XYZ]}]\n", 3, 30,
         "`XYZ` is not an ISO 3166-1 alpha-3 code such as DEU"},
        {HEAD "sets: [{name: a, countries: [deu]}]\n", 3, 30,
         "`deu` is not an ISO 3166-1 alpha-3 code such as DEU"},
        {HEAD "sets: [{name: a, countries: [NO]}]\n", 3, 30, "`NO` is written NOR here"},
        {HEAD "sets: [{name: a, countries: [XKX]}]\n", 3, 30, "`XKX` is written RKS here"},
        {HEAD "sets: [{name: a, countries: [UTO]}]\n", 3, 30,
         "`UTO` is the code of specimens and no country"},
        {HEAD "sets: [{name: a, countries: [GBN]}]\n", 3, 30,
         "`GBN` is the code of a status, it shows the citizenship of no country"},
        {HEAD "sets: [{name: a, countries: [UNO]}]\n", 3, 30,
         "`UNO` is the code of an organization and no country"},
        {HEAD "sets: [{name: a, countries: [XXA]}]\n", 3, 30,
         "`XXA` is the code of stateless persons and no country"},
        {HEAD "sets: [{name: a, countries: [XXB]}]\n", 3, 30,
         "`XXB` is the code of refugees and no country"},
        {HEAD "sets: [{name: a, countries: [XXX]}]\n", 3, 30,
         "`XXX` is the code of an unspecified nationality and no country"},
        {HEAD "sets: [{name: a, countries: [YUG]}]\n", 3, 30,
         "`YUG` is the code of a state that is gone: name its successors"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diagnosed *diagnosed = *state;
        const struct diagnostic *entry;

        diagnostics_init(&diagnosed->diagnostics, &diagnosed->arena);
        assert_null(load(diagnosed, span_text(rows[i].content)));
        entry = diagnosed->diagnostics.first;
        assert_int_equal(diagnosed->diagnostics.error_count, 1);
        assert_string_equal(entry->message, rows[i].message);
        assert_string_equal(entry->file, "groups.yaml");
        assert_int_equal(entry->line, rows[i].line);
        assert_int_equal(entry->column, rows[i].column);
    }
}

static void all_mistakes_of_a_file_are_told_at_once(void **state)
{
    struct diagnosed *diagnosed = *state;

    assert_null(load(diagnosed, span_text("as_of: today\n"
                                          "sets:\n"
                                          "  - name: a\n"
                                          "    countries: [UTO, XYZ, DEU, DEU]\n"
                                          "  - {countries: [FRA], extra: 1}\n"
                                          "  - name: a\n"
                                          "    countries: [DEU]\n")));
    assert_int_equal(diagnosed->diagnostics.error_count, 8);
}

static void errors_of_an_earlier_file_do_not_spoil_a_good_one(void **state)
{
    struct diagnosed *diagnosed = *state;

    assert_null(load(diagnosed, span_text("nonsense")));
    assert_non_null(load(diagnosed, country_groups_default()));
}

static void a_name_may_be_as_long_as_64_characters_and_no_longer(void **state)
{
    static const char good[] = "0123456789012345678901234567890123456789012345678901234567890123";
    struct diagnosed *diagnosed = *state;
    char content[256];

    snprintf(content, sizeof(content), HEAD "sets: [{name: \"%s\", countries: [DEU]}]\n", good);
    assert_non_null(load(diagnosed, span_text(content)));
    snprintf(content, sizeof(content), HEAD "sets: [{name: \"%s4\", countries: [DEU]}]\n", good);
    assert_null(load(diagnosed, span_text(content)));
}

/* What a text editor leaves behind when it is interrupted. */
static void no_beginning_of_the_shipped_file_crashes_the_loader(void **state)
{
    struct span whole = country_groups_default();
    struct diagnosed *diagnosed = *state;

    for (size_t length = 0; length <= whole.length; length += 7) {
        diagnostics_init(&diagnosed->diagnostics, &diagnosed->arena);
        if (!load(diagnosed, span_of(whole.data, length)))
            assert_true(diagnosed->diagnostics.error_count > 0);
        arena_reset(&diagnosed->arena);
    }
    diagnostics_init(&diagnosed->diagnostics, &diagnosed->arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, diagnosed_set_up, diagnosed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_groups_that_ship_have_the_sizes_of_the_regulation),
        TEST(the_groups_that_ship_overlap_as_the_regulation_does),
        TEST(a_file_of_ones_own_is_read_and_its_digest_is_that_of_its_bytes),
        TEST(each_mistake_is_named_at_its_place),
        TEST(all_mistakes_of_a_file_are_told_at_once),
        TEST(errors_of_an_earlier_file_do_not_spoil_a_good_one),
        TEST(a_name_may_be_as_long_as_64_characters_and_no_longer),
        TEST(no_beginning_of_the_shipped_file_crashes_the_loader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
