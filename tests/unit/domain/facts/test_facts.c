/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: the packed block, the fold of US statuses, capacity, words and sentences. */
#include "base/attributes.h"
#include "domain/facts/facts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static country_id country(const char *code)
{
    return country_from_alpha3(span_text(code));
}

static void the_packed_block_has_every_list_in_its_place(void **state)
{
    struct facts_content content = {.header = {.affiliation_count = FACTS_AFFILIATIONS_MAX,
                                               .citizenship_count = 3,
                                               .residency_count = 2,
                                               .us_status_count = 5,
                                               .flags = FACTS_MINOR}};
    struct facts *facts;

    (void)state;
    for (size_t i = 0; i < FACTS_AFFILIATIONS_MAX; i++)
        content.affiliations[i].organization = 100 + i;
    for (size_t i = 0; i < 3; i++)
        content.citizenships[i].acquired_day = (int32_t)(200 + i);
    for (size_t i = 0; i < 2; i++)
        content.residencies[i].acquired_day = (int32_t)(300 + i);
    for (size_t i = 0; i < 5; i++)
        content.us_statuses[i].possible = (uint8_t)(10 + i);
    facts = facts_pack(&content, &arena);
    assert_int_equal(facts_size(&facts->header),
                     sizeof(struct facts_header) + 16 * FACTS_AFFILIATIONS_MAX + 16 * 5 + 4 * 5);
    assert_int_equal(facts->header.flags, FACTS_MINOR);
    assert_int_equal(facts_affiliations(facts)[15].organization, 115);
    assert_int_equal(facts_citizenships(facts)[2].acquired_day, 202);
    assert_int_equal(facts_residencies(facts)[1].acquired_day, 301);
    assert_int_equal(facts_us_statuses(facts)[4].possible, 14);
}

static void of_an_unknown_subject_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(facts_size(&facts_unknown.header), sizeof(struct facts_header));
    assert_int_equal(facts_unknown.header.valid_until_ms, TIMESTAMP_NEVER_MS);
    assert_int_equal(facts_unknown.header.flags, 0);
    assert_int_equal(facts_possible_us_status(&facts_unknown, PROOF_UNSPECIFIED), US_STATUS_ANY);
}

static void a_stronger_status_supersedes_and_a_weaker_proof_does_not_count(void **state)
{
    enum { C = US_STATUS_CITIZEN, N = US_STATUS_NATIONAL, L = US_STATUS_LPR, ANY = US_STATUS_ANY };
    enum { R = US_STATUS_REFUGEE, A = US_STATUS_ASYLEE, NONE = US_STATUS_NONE };
    static const struct {
        struct facts_us_status rows[3];
        size_t count;
        uint16_t flags;
        enum proof least;
        uint8_t possible;
    } cases[] = {
        {{{C | N, PROOF_MRZ, 1, 0}}, 1, 0, PROOF_MRZ, C | N},
        {{{C | N, PROOF_MRZ, 1, 0}}, 1, 0, PROOF_CHIP, ANY},
        {{{C, PROOF_VISUAL, 1, 0}, {C | N, PROOF_CHIP, 1, 0}}, 2, 0, PROOF_VISUAL, C},
        {{{C, PROOF_VISUAL, 1, 0}, {C | N, PROOF_CHIP, 1, 0}}, 2, 0, PROOF_CHIP, C | N},
        {{{C, PROOF_MRZ, 1, 0}, {L, PROOF_CHIP, 1, 0}}, 2, 0, PROOF_MRZ, C},
        {{{C, PROOF_MRZ, 1, 0}, {L, PROOF_CHIP, 1, 0}}, 2, 0, PROOF_CHIP, L},
        {{{L, PROOF_MRZ, 1, 0}, {R | A | L, PROOF_MRZ, 1, 0}}, 2, 0, PROOF_MRZ, L},
        {{{R, PROOF_MRZ, 1, 0}, {A, PROOF_MRZ, 1, 0}}, 2, 0, PROOF_MRZ, R | A},
        {{{L, PROOF_MRZ, 1, 0}, {R, PROOF_MRZ, 1, 0}, {A, PROOF_MRZ, 1, 0}}, 3, 0, PROOF_MRZ, L},
        {{{C, PROOF_CHIP, 1, 0}}, 1, FACTS_ACCREDITED, PROOF_MRZ, ANY},
        {{{C, PROOF_CHIP, 1, 0}}, 1, FACTS_US_CONFLICT, PROOF_MRZ, ANY},
        {{{L, 0, FACT_SOURCE_REVIEWER, 0}}, 1, 0, PROOF_CHIP, L},
        {{{L, 0, FACT_SOURCE_REGISTER, 0}}, 1, 0, PROOF_CHIP, L},
        {{{L, 0, FACT_SOURCE_DECLARATION, 0}}, 1, 0, PROOF_INFERRED, ANY},
        {{{NONE, 0, FACT_SOURCE_DECLARATION, 0}}, 1, 0, PROOF_CHIP, NONE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct facts_content content = {
            .header = {.us_status_count = (uint8_t)cases[i].count, .flags = cases[i].flags}};

        memcpy(content.us_statuses, cases[i].rows, sizeof(cases[i].rows));
        if (facts_possible_us_status(facts_pack(&content, &arena), cases[i].least) !=
            cases[i].possible)
            fail_msg("case %zu", i);
    }
}

static void the_words_of_the_lists_are_found_and_others_are_not(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= EVIDENCE_STATEMENT; i++)
        assert_int_equal(evidence_class_from_word(span_text(evidence_class_word(i))), i);
    for (unsigned i = 1; i <= PROOF_CHIP; i++)
        assert_int_equal(proof_from_word(span_text(proof_word(i))), i);
    for (unsigned i = 1; i <= STATEMENT_ACCREDITATION_ENDED; i++)
        assert_int_equal(statement_kind_from_word(span_text(statement_kind_word(i))), i);
    assert_int_equal(evidence_class_from_word(span_text("passports")), EVIDENCE_UNSPECIFIED);
    assert_int_equal(evidence_class_from_word(span_text("")), EVIDENCE_UNSPECIFIED);
    assert_int_equal(proof_from_word(span_text("CHIP")), PROOF_UNSPECIFIED);
    assert_int_equal(statement_kind_from_word(span_of("citizen_of ", 11)), STATEMENT_UNSPECIFIED);
    assert_string_equal(evidence_class_word(4711), "");
    assert_string_equal(proof_word(6), "");
    assert_string_equal(statement_kind_word(10), "");
}

static void organizations_are_found_by_id_and_kept_by_key(void **state)
{
    static const struct organization rows[] = {
        {.id = {(const uint8_t *)"org/lab", 7}, .is_self = true, .kind = ORGANIZATION_COMPANY},
        {.id = {(const uint8_t *)"org/mission", 11}, .kind = ORGANIZATION_GOVERNMENT},
    };
    struct organizations organizations = {rows, 2};
    struct facts_content content;

    (void)state;
    assert_ptr_equal(organization_find(&organizations, span_text("org/mission")), &rows[1]);
    assert_null(organization_find(&organizations, span_text("org/missio")));
    assert_ptr_equal(organization_self(&organizations), &rows[0]);
    organizations.rows = &rows[1];
    organizations.count = 1;
    assert_null(organization_self(&organizations));
    /* Kept in facts that replicas of two versions may compare: must never change. */
    assert_int_equal(organization_key(span_text("org/lab")), UINT64_C(0x155de186acadd24d));
    assert_int_not_equal(organization_key(span_text("org/lab")),
                         organization_key(span_text("org/lac")));
    assert_int_not_equal(organization_key(span_text("")), 0);
    facts_of_organization(&rows[1], &content);
    assert_int_equal(content.header.subject_kind, SUBJECT_ORGANIZATION);
    assert_int_equal(content.header.organization_kind, ORGANIZATION_GOVERNMENT);
    assert_int_equal(content.header.organized_in, COUNTRY_NONE);
    assert_int_equal(content.header.self_organization, organization_key(span_text("org/mission")));
    assert_int_equal(content.header.valid_until_ms, TIMESTAMP_NEVER_MS);
}

static struct evidence passport_of(const char *code)
{
    struct evidence evidence = EVIDENCE_EMPTY;

    evidence.class = EVIDENCE_PASSPORT;
    evidence.issuer = evidence.nationality = country(code);
    evidence.proof = PROOF_CHIP;
    return evidence;
}

static void a_ninth_citizenship_does_not_fit_and_a_second_passport_of_one_does(void **state)
{
    static const char *const codes[] = {"DEU", "FRA", "ITA", "ESP", "PRT", "GBN", "CAN", "IRN"};
    struct evidence evidence[FACTS_EVIDENCE_MAX + 1];
    struct facts_input input = {.evidence = evidence, .evidence_count = ARRAY_LEN(codes)};
    struct facts_content content;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        evidence[i] = passport_of(codes[i]);
    assert_true(facts_check_capacity(&input, &err));
    evidence[input.evidence_count++] = passport_of("DEU");
    evidence[input.evidence_count++] = passport_of("XXA");
    assert_true(facts_check_capacity(&input, &err));
    facts_derive(&input, 0, &content);
    assert_int_equal(content.header.citizenship_count, FACTS_CITIZENSHIPS_MAX);
    evidence[input.evidence_count++] = passport_of("USA");
    assert_false(facts_check_capacity(&input, &err));
    assert_int_equal(err.code, ERR_SUBJECT_FULL);
    assert_string_equal(err.field, "citizenships");
    evidence[input.evidence_count - 1].is_revoked = true;
    assert_true(facts_check_capacity(&input, &err));
}

static void more_evidence_than_a_subject_may_have_does_not_fit(void **state)
{
    struct evidence evidence[FACTS_EVIDENCE_MAX + 1];
    struct facts_input input = {.evidence = evidence, .evidence_count = FACTS_EVIDENCE_MAX};
    struct facts_content content;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(evidence); i++)
        evidence[i] = passport_of("DEU");
    assert_true(facts_check_capacity(&input, &err));
    facts_derive(&input, 0, &content);
    assert_int_equal(content.header.citizenship_count, 1);
    input.evidence_count++;
    assert_false(facts_check_capacity(&input, &err));
    assert_string_equal(err.field, "evidence");
}

static void a_ninth_residency_and_a_seventeenth_organization_do_not_fit(void **state)
{
    static const char *const codes[] = {"DEU", "FRA", "ITA", "ESP", "PRT",
                                        "GBR", "CAN", "IRN", "JPN"};
    static const char letters[] = "abcdefghijklmnopq";
    struct evidence evidence[ARRAY_LEN(codes)];
    struct affiliation affiliations[FACTS_AFFILIATIONS_MAX + 2];
    struct facts_input input = {.evidence = evidence, .evidence_count = 8};
    struct facts_content content;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        evidence[i] = EVIDENCE_EMPTY;
        evidence[i].class = EVIDENCE_STATEMENT;
        evidence[i].statement = STATEMENT_PERMANENT_RESIDENT_OF;
        evidence[i].country = country(codes[i]);
    }
    assert_true(facts_check_capacity(&input, &err));
    input.evidence_count = 9;
    assert_false(facts_check_capacity(&input, &err));
    assert_string_equal(err.field, "residencies");

    for (size_t i = 0; i < ARRAY_LEN(affiliations); i++)
        affiliations[i] = (struct affiliation){.organization = span_of(&letters[i ? i - 1 : 0], 1),
                                               .as = AFFILIATION_EMPLOYEE,
                                               .until_day = DAY_NONE,
                                               .review_by_day = DAY_NONE};
    input = (struct facts_input){.affiliations = affiliations, .affiliation_count = 17};
    assert_true(facts_check_capacity(&input, &err));
    facts_derive(&input, 0, &content);
    assert_int_equal(content.header.affiliation_count, FACTS_AFFILIATIONS_MAX);
    input.affiliation_count = 18;
    assert_false(facts_check_capacity(&input, &err));
    assert_string_equal(err.field, "affiliations");
}

static void numbers_from_outside_the_enums_prove_nothing(void **state)
{
    struct evidence evidence[] = {passport_of("USA"), passport_of("DEU"), EVIDENCE_EMPTY,
                                  EVIDENCE_EMPTY};
    struct facts_input input = {.evidence = evidence, .evidence_count = ARRAY_LEN(evidence)};
    struct facts_content content;

    (void)state;
    evidence[0].us_endorsement = 7;
    evidence[1].class = 31;
    evidence[2].class = EVIDENCE_ARRIVAL_RECORD;
    evidence[2].i94_class = 99;
    evidence[3].class = EVIDENCE_STATEMENT;
    evidence[3].statement = 99;
    facts_derive(&input, 0, &content);
    assert_int_equal(content.header.us_status_count, 0);
    assert_int_equal(content.header.citizenship_count, 0);
}

static void facts_read_as_short_lines(void **state)
{
    static const char *const expected[] = {
        "US status: citizen or national, read from the machine-readable zone",
        "citizen of Germany (DEU), proven by chip, acquired on an unknown date",
        "formerly citizen of Austria (AUT), confirmed by a reviewer, acquired on an unknown date, "
        "lost on "
        "2018-01-01",
        "contradictory, counts as unknown: citizen of France (FRA), inferred by the vendor, "
        "acquired on "
        "or before 1970-01-01",
        "nationality British National (Overseas) (GBN), proven by chip, acquired on 1970-01-02; "
        "shows no "
        "citizenship by itself",
        "permanent resident of Canada (CAN), stated by a register, acquired on 1970-01-02",
        "born in Italy (ITA)",
        "employee and agent of an organization that is not registered (0000000000000abc), and "
        "nothing else there",
        "not employee, contractor or agent of an organization that is not registered "
        "(0000000000000def)",
        "no other citizenships or permanent residencies",
        "due for review",
    };
    struct facts_content content = {
        .header = {.us_status_count = 1,
                   .citizenship_count = 4,
                   .residency_count = 1,
                   .affiliation_count = 2,
                   .flags = FACTS_CITIZENSHIPS_COMPLETE | FACTS_REVIEW_DUE | FACTS_HAS_EVIDENCE,
                   .birth_country = country("ITA")},
        .us_statuses = {{US_STATUS_CITIZEN | US_STATUS_NATIONAL, PROOF_MRZ, FACT_SOURCE_DOCUMENT,
                         0}},
        .affiliations = {{0xabc, AFFILIATION_EMPLOYEE | AFFILIATION_AGENT, true, 0, 0},
                         {0xdef, 0, true, 0, 0}},
    };
    const char *const *lines;
    size_t count;

    (void)state;
    content.citizenships[0] = (struct facts_nationality){
        country("DEU"), PROOF_CHIP, FACT_SOURCE_DOCUMENT, 0, DATE_UNKNOWN, 0, DAY_NONE, DAY_NONE};
    content.citizenships[1] = (struct facts_nationality){country("AUT"),
                                                         PROOF_UNSPECIFIED,
                                                         FACT_SOURCE_REVIEWER,
                                                         FACTS_NATIONALITY_LOST,
                                                         DATE_UNKNOWN,
                                                         0,
                                                         DAY_NONE,
                                                         17532};
    content.citizenships[2] = (struct facts_nationality){country("FRA"),
                                                         PROOF_INFERRED,
                                                         FACT_SOURCE_DOCUMENT,
                                                         FACTS_NATIONALITY_CONFLICT,
                                                         DATE_BEFORE,
                                                         0,
                                                         0,
                                                         DAY_NONE};
    content.citizenships[3] = (struct facts_nationality){
        country("GBN"), PROOF_CHIP, FACT_SOURCE_DOCUMENT, 0, DATE_EXACT, 0, 1, DAY_NONE};
    content.residencies[0] = (struct facts_nationality){
        country("CAN"), PROOF_UNSPECIFIED, FACT_SOURCE_REGISTER, 0, DATE_EXACT, 0, 1, DAY_NONE};
    count = facts_describe(facts_pack(&content, &arena), NULL, &arena, &lines);
    for (size_t i = 0; i < count && i < ARRAY_LEN(expected); i++)
        assert_string_equal(lines[i], expected[i]);
    assert_int_equal(count, ARRAY_LEN(expected));
}

static void a_us_passport_is_not_described_as_a_citizens(void **state)
{
    static const struct {
        uint8_t possible;
        uint8_t flags;
        const char *line;
    } rows[] = {
        {US_STATUS_CITIZEN | US_STATUS_NATIONAL, 0, "citizen or national of United States (USA)"},
        {US_STATUS_CITIZEN, 0, "citizen of United States (USA)"},
        {US_STATUS_NONE, FACTS_NATIONALITY_LOST, "formerly citizen of United States (USA)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct facts_content content = {
            .header = {.us_status_count = 1, .citizenship_count = 1},
            .us_statuses = {{rows[i].possible, PROOF_CHIP, FACT_SOURCE_DOCUMENT, 0}},
        };
        const char *const *lines;

        content.citizenships[0] = (struct facts_nationality){
            country("USA"), PROOF_CHIP, FACT_SOURCE_DOCUMENT, rows[i].flags, DATE_UNKNOWN, 0,
            DAY_NONE,       DAY_NONE};
        assert_int_equal(facts_describe(facts_pack(&content, &arena), NULL, &arena, &lines), 2);
        assert_int_equal(strncmp(lines[1], rows[i].line, strlen(rows[i].line)), 0);
    }
}

static void of_nobody_and_of_a_company_there_is_one_line(void **state)
{
    const struct organization company = {.organized_in = country("FRA"),
                                         .kind = ORGANIZATION_COMPANY};
    struct facts_content content;
    const char *const *lines;

    (void)state;
    assert_int_equal(facts_describe(&facts_unknown, NULL, &arena, &lines), 1);
    assert_string_equal(lines[0], "nothing is known");
    facts_of_organization(&company, &content);
    assert_int_equal(facts_describe(facts_pack(&content, &arena), NULL, &arena, &lines), 1);
    assert_string_equal(lines[0], "company, organized in France (FRA)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_packed_block_has_every_list_in_its_place),
        cmocka_unit_test(of_an_unknown_subject_nothing_is_known),
        cmocka_unit_test(a_stronger_status_supersedes_and_a_weaker_proof_does_not_count),
        cmocka_unit_test(the_words_of_the_lists_are_found_and_others_are_not),
        cmocka_unit_test(organizations_are_found_by_id_and_kept_by_key),
        cmocka_unit_test(a_ninth_citizenship_does_not_fit_and_a_second_passport_of_one_does),
        cmocka_unit_test(more_evidence_than_a_subject_may_have_does_not_fit),
        cmocka_unit_test(a_ninth_residency_and_a_seventeenth_organization_do_not_fit),
        cmocka_unit_test(numbers_from_outside_the_enums_prove_nothing),
        cmocka_unit_test(facts_read_as_short_lines),
        cmocka_unit_test(a_us_passport_is_not_described_as_a_citizens),
        cmocka_unit_test(of_nobody_and_of_a_company_there_is_one_line),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
