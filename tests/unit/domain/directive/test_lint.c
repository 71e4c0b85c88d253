/* SPDX-License-Identifier: Apache-2.0 */
/* What a directive may say, and is warned about. */
#include "unit/domain/directive/fixture.h"

#define PLACE "{location: {in: [USA]}}"

#define EXEMPT(time)                                                                    \
    "exempt: [{when: {location: {in: [DEU]}}, " time ", authority: {text: x}, waives: " \
    "[require]}]\n"

static const struct {
    const char *require;
    const char *more;
    const char *words; /* NULL: no warning at all */
} rows[] = {
    {"{all: [{foreign_person: {regime: ear_772_1, is: false}}, " PLACE "]}", "", NULL},
    {PLACE, "", NULL},
    {"{location: any, location_authority: {text: a letter}}", "", NULL},
    {"{subject_kind: {any: [user]}}", "", "without a word about the place"},
    {"{any: [{subject_kind: {any: [user]}}, " PLACE "]}", "", "without a word about the place"},
    {"{not: {all: [{subject_kind: {any: [user]}}, " PLACE "]}}", "",
     "without a word about the place"},
    {"{not: {any: [{subject_kind: {any: [user]}}, " PLACE "]}}", "", NULL},
    {"{any: [" PLACE ", {all: [{subject_kind: {any: [user]}}, {not: " PLACE "}]}]}", "", NULL},
    {"{all: [{us_status: {any: [citizen]}}, " PLACE "]}", "", "asks for citizens"},
    {"{all: [{us_status: {any: [citizen, national, lpr]}}, " PLACE "]}", "", "asks for citizens"},
    {"{all: [{us_status: {any: [citizen, national, lpr, refugee, asylee, temporary]}}, " PLACE "]}",
     "", NULL},
    {"{all: [{us_status: {any: [lpr]}}, " PLACE "]}", "", NULL},
    {"{all: [{citizen_of: {any: [USA]}}, " PLACE "]}", "", "asks for citizens"},
    {"{all: [{born_in: {any: [IRN]}}, " PLACE "]}", "", "`born_in` outside an ITAR regime"},
    {"{all: [{born_in: {any: [IRN]}}, {foreign_person: {regime: itar_120_63, is: false}}, " PLACE
     "]}",
     "", NULL},
    {"{all: [{evidence_class: {any: [passport]}}, " PLACE "]}", "", "one single kind of document"},
    {"{all: [{evidence_class: {any: [passport, passport_card]}}, " PLACE "]}", "", NULL},
    {PLACE, "exempt: [{when: {location: {in: [DEU]}}, authority: {text: x}, waives: [require]}]\n",
     "without an end"},
    {PLACE,
     "exempt: [{when: {location: {in: [DEU]}}, until: 2027-01-01T00:00:00Z, authority: {text: x}, "
     "waives: [require]}]\n",
     NULL},
    {PLACE,
     "exempt: [{when: {affiliated_with: {organizations: [self], as: [employee]}}, "
     "until: 2027-01-01T00:00:00Z, authority: {text: x}, waives: [require]}]\n",
     "waives the location"},
    {"{location: any, location_authority: {text: a letter}}",
     "exempt: [{when: {affiliated_with: {organizations: [self], as: [employee]}}, "
     "until: 2027-01-01T00:00:00Z, authority: {text: x}, waives: [require]}]\n",
     NULL},
    {PLACE,
     "exempt: [{when: {any: [{subject_kind: {any: [user]}}, {location: {in: [DEU]}}]}, "
     "until: 2027-01-01T00:00:00Z, authority: {text: x}, waives: [require]}]\n",
     "waives the location"},
    {"{all: [{foreign_person: {regime: ear_772_1, is: false}}, " PLACE "]}",
     "unverified: {obligation: verify, accept: [passport, passport_card]}\n",
     "can show that somebody is a lawful permanent resident"},
    {"{all: [{foreign_person: {regime: ear_772_1, is: false}}, " PLACE "]}",
     "unverified: {obligation: verify, accept: [permanent_resident_card, arrival_record]}\n",
     "can show that somebody is a citizen or national"},
    {"{all: [{foreign_person: {regime: ear_772_1, is: false}}, " PLACE "]}",
     "unverified: {obligation: verify, accept: [passport, permanent_resident_card, "
     "arrival_record]}\n",
     NULL},
    {"{all: [{foreign_person: {regime: ear_772_1, is: false}}, " PLACE "]}", "proof: chip\n",
     "as `proof: chip` asks, that somebody is a lawful permanent resident"},
    {"{all: [{foreign_person: {regime: ear_772_1, is: false}}, " PLACE "]}", "proof: chip\n",
     "as `proof: chip` asks, that somebody is an asylee"},
    {"{all: [{foreign_person: {regime: ear_772_1, is: false}}, " PLACE "]}", "proof: mrz\n", NULL},
    {"{all: [{citizen_of: {any: [DEU]}}, " PLACE "]}", "proof: chip\n", NULL},
    {PLACE, EXEMPT("from: 2025-01-01T00:00:00Z, until: 2026-01-01T00:00:00Z"), "it exempts nobody"},
    {PLACE,
     EXEMPT("from: 2026-03-01T00:00:00Z, until: 2027-01-01T00:00:00Z") "lifted: {at: "
                                                                       "2026-03-01T00:00:00Z, "
                                                                       "authority: {text: x}}\n",
     "it exempts nobody"},
    {PLACE, EXEMPT("from: 2025-01-01T00:00:00Z, until: 2026-01-01T00:00:01Z"), NULL},
    {PLACE, "lease: 1999ms\n", "a lease below 2 s counts as one of 2 s"},
    {PLACE, "lease: 2s\n", NULL},
    {PLACE, "lease: 0\n", NULL},
    {PLACE, "lifted: {at: 2025-01-01T00:00:00Z, authority: {text: x}}\n", "never in force"},
};

static void lint_warns_of_what_is_probably_not_meant(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct directive_set *set = fixture_rule(fixture, rows[i].require, rows[i].more);
        bool is_good = rows[i].words ? fixture_says(fixture, rows[i].words)
                                     : fixture->diagnostics.warning_count == 0;

        if (!set || !is_good) {
            diagnostics_print(&fixture->diagnostics, stdout);
            fail_msg("%s %s: %s", rows[i].require, rows[i].more,
                     rows[i].words ? rows[i].words : "no warning was due");
        }
        directive_set_unref(set);
    }
}

static void a_warning_about_an_exemption_names_its_place(void **state)
{
    struct fixture *fixture = *state;

    directive_set_unref(fixture_rule(fixture, PLACE,
                                     "exempt:\n"
                                     "  - when: {location: {in: [DEU]}}\n"
                                     "    authority: {text: x}\n    waives: [require]\n"));
    assert_true(
        fixture_found(fixture, "1.yaml", 9, 5, DIAGNOSTIC_WARNING, "an exemption without an end"));
}

static void single_files_can_be_looked_at_alone(void **state)
{
    struct fixture *fixture = *state;
    const char *texts[] = {fixture_full, NULL};
    struct directive_set *set;

    assert_null(fixture_compile(fixture, texts));
    assert_true(fixture_says(fixture, "`model/a` is not declared"));
    fixture->environment.is_partial = true;
    fixture->environment.organizations = NULL;
    set = fixture_compile(fixture, texts);
    fixture->environment.is_partial = false;
    fixture->environment.organizations = &fixture_organizations;
    assert_non_null(set);
    directive_set_unref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lint_warns_of_what_is_probably_not_meant),
        cmocka_unit_test(a_warning_about_an_exemption_names_its_place),
        cmocka_unit_test(single_files_can_be_looked_at_alone),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
