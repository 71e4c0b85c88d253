/* SPDX-License-Identifier: Apache-2.0 */
/* How directives come together: time, several of them, exemptions, what is asked for. */
#include "unit/domain/directive/fixture.h"

enum { HOUR_MS = 3600 * 1000 };

/* 2026-06-01T00:00:00Z */
static const int64_t june_ms = INT64_C(1780272000000);

static const struct directive_context in_usa[] = {
    {{(const uint8_t *)"location", 8}, {(const uint8_t *)"USA", 3}}};
static const struct directive_context in_germany[] = {
    {{(const uint8_t *)"location", 8}, {(const uint8_t *)"DEU", 3}}};

static const struct facts *person(struct fixture *fixture, uint8_t possible)
{
    struct facts_content content = {.header = {.subject_kind = SUBJECT_USER, .us_status_count = 1}};

    content.us_statuses[0] =
        (struct facts_us_status){.possible = possible, .source = FACT_SOURCE_REVIEWER};
    return facts_pack(&content, &fixture->arena);
}

static struct directive_question about(const char *id, const struct facts *facts, int64_t now_ms)
{
    return (struct directive_question){
        .facts = facts,
        .resource_type = span_text("model"),
        .resource_id = span_text(id),
        .action = span_text("use"),
        .context = in_usa,
        .context_count = 1,
        .now_ms = now_ms,
    };
}

#define DIRECTIVE(id, rest) \
    "directive: " id "\nlanguage: 1\ntitle: A rule\nauthority: {text: letter of " id "}\n" rest

#define NOT_FOREIGN                                             \
    "{all: [{foreign_person: {regime: ear_772_1, is: false}}, " \
    "{location: any, location_authority: {text: x}}]}"

/* Persons only, from 1 to 2 June, lifted at 12:00 on the first. */
static const char timed[] =
    DIRECTIVE("timed", "effective: {from: 2026-06-01T00:00:00Z, until: 2026-06-02T00:00:00Z}\n"
                       "lifted: {at: 2026-06-01T12:00:00Z, authority: {text: enough}}\n"
                       "resources: [model/a]\nrequire: " NOT_FOREIGN "\n");

/* The resources and these directives; `second` may be NULL. */
static struct directive_set *set_of(struct fixture *fixture, const char *first, const char *second)
{
    const char *texts[] = {fixture_resources, first, second, NULL};
    struct directive_set *set = fixture_compile(fixture, texts);

    assert_non_null(set);
    return set;
}

static void directives_begin_and_end_at_their_instants(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, timed, NULL);
    const struct facts *foreign = person(fixture, US_STATUS_NONE);
    static const struct {
        int64_t offset_ms;
        enum truth truth;
        int64_t until_ms; /* from june_ms on */
    } rows[] = {
        {-1, TRUTH_TRUE, 0},
        {0, TRUTH_FALSE, 12 * (int64_t)HOUR_MS},
        {12 * (int64_t)HOUR_MS - 1, TRUTH_FALSE, 12 * (int64_t)HOUR_MS},
        {12 * (int64_t)HOUR_MS, TRUTH_TRUE, 24 * (int64_t)HOUR_MS},
        {24 * (int64_t)HOUR_MS, TRUTH_TRUE, -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct directive_question question = about("a", foreign, june_ms + rows[i].offset_ms);
        struct directive_answer answer;

        directive_evaluate(set, &question, &answer);
        assert_int_equal(answer.truth, rows[i].truth);
        assert_int_equal(answer.valid_until_ms,
                         rows[i].until_ms < 0 ? TIMESTAMP_NEVER_MS : june_ms + rows[i].until_ms);
    }
    directive_set_unref(set);
}

static const char persons_only[] =
    DIRECTIVE("b-persons", "effective: {from: 2026-01-01T00:00:00Z}\nresources: [\"model/*\"]\n"
                           "require: " NOT_FOREIGN "\n");
static const char place[] =
    DIRECTIVE("a-place", "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a, model/b]\n"
                         "actions: [use, export]\nrequire: {location: {in: [USA]}}\n"
                         "record: durable\nstale: allow\n");

static void one_directive_that_refuses_is_enough(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, persons_only, place);
    struct directive_question question = about("a", person(fixture, US_STATUS_CITIZEN), june_ms);
    struct directive_answer answer;

    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.truth, TRUTH_TRUE);
    assert_int_equal(answer.reason, DECISION_REASON_ALLOWED);
    assert_int_equal(answer.finding_count, 2);
    assert_string_equal(answer.decisive->id, "a-place");
    assert_true(answer.is_record_durable);
    assert_int_equal(answer.vary_context, 1);
    assert_null(answer.obligation);

    question.context = in_germany;
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.truth, TRUTH_FALSE);
    assert_string_equal(answer.decisive->id, "a-place");
    assert_int_equal(answer.findings[0].truth, TRUTH_FALSE);
    assert_int_equal(answer.findings[1].truth, TRUTH_TRUE);

    question.facts = &facts_unknown;
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_NOT_PERMITTED);
    assert_null(answer.obligation);
    directive_set_unref(set);
}

/* Of the matching directives in force, and known before anything is known of the subject. */
static void the_shortest_lease_binds(void **state)
{
    static const char any[] = "require: {location: {in: [USA]}}\n";
    static const struct {
        const char *id, *action;
        int64_t offset_ms;
        bool is_restricted;
        int64_t lease_ms;
    } rows[] = {
        {"a", "use", 0, true, 20000},
        {"a", "export", 0, true, 5000}, /* of another action */
        {"a", "use", HOUR_MS, true, 0}, /* from then on */
        {"b", "use", 0, true, DIRECTIVE_LEASE_UNSAID},
        {"b", "export", 0, false, DIRECTIVE_LEASE_UNSAID},
        {"closed", "use", 0, false, DIRECTIVE_LEASE_UNSAID},
        {"unheard-of", "use", 0, false, DIRECTIVE_LEASE_UNSAID},
    };
    struct fixture *fixture = *state;
    const char *texts[] = {
        fixture_resources,
        DIRECTIVE("unsaid", "effective: {from: 2026-01-01T00:00:00Z}\nactions: [use]\n"
                            "resources: [model/a, model/b]\n"),
        DIRECTIVE("long", "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a]\n"
                          "lease: 20s\n"),
        DIRECTIVE("other", "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a]\n"
                           "actions: [export]\nlease: 5s\n"),
        DIRECTIVE("later", "effective: {from: 2026-06-01T01:00:00Z}\nresources: [model/a]\n"
                           "actions: [use]\nlease: 0\n"),
        NULL,
    };
    const char *whole[ARRAY_LEN(texts)] = {texts[0]};
    struct directive_set *set;

    for (size_t i = 1; texts[i]; i++)
        whole[i] = arena_printf(&fixture->arena, "%s%s", texts[i], any);
    set = fixture_compile(fixture, whole);
    assert_non_null(set);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct directive_question question =
            about(rows[i].id, &facts_unknown, june_ms + rows[i].offset_ms);
        struct directive_answer answer;
        int64_t lease_ms;

        question.action = span_text(rows[i].action);
        directive_evaluate(set, &question, &answer);
        assert_int_equal(answer.finding_count > 0, rows[i].is_restricted);
        assert_int_equal(answer.lease_ms, rows[i].lease_ms);
        question.facts = NULL;
        assert_int_equal(directive_is_restricted(set, &question, &lease_ms), rows[i].is_restricted);
        assert_int_equal(lease_ms, rows[i].lease_ms);
    }
    directive_set_unref(set);
}

static void unknown_asks_for_what_is_missing_first(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, persons_only, place);
    struct directive_question question = about("a", &facts_unknown, june_ms);
    struct directive_answer answer;

    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_VERIFICATION_REQUIRED);
    assert_string_equal(answer.decisive->id, "b-persons");
    assert_string_equal(answer.obligation->type, "verify");
    assert_string_equal(answer.obligation->properties[0].name, "accept");
    assert_string_equal(answer.obligation->properties[0].value, "any");

    question.context_count = 0;
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_CONTEXT_REQUIRED);
    assert_string_equal(answer.decisive->id, "a-place");
    assert_int_equal(answer.obligation_count, 1);
    assert_string_equal(answer.obligation->type, "provide_context");
    assert_string_equal(answer.obligation->properties[0].value, "location");
    directive_set_unref(set);
}

static void only_what_matches_is_looked_at(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, persons_only, place);
    struct directive_question question = about("a", person(fixture, US_STATUS_CITIZEN), june_ms);
    struct directive_answer answer;

    question.action = span_text("read");
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.finding_count, 1);
    assert_false(answer.is_record_durable);
    assert_int_equal(answer.vary_context, 0);

    question = about("closed", person(fixture, US_STATUS_CITIZEN), june_ms);
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_NOT_PERMITTED);
    assert_null(answer.decisive);
    assert_int_equal(answer.finding_count, 1);

    question = about("c", person(fixture, US_STATUS_CITIZEN), june_ms);
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_RESOURCE_UNKNOWN);
    /* The same bytes, split elsewhere, are another resource. */
    question.resource_type = span_text("model/a");
    question.resource_id = span_text("");
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_RESOURCE_UNKNOWN);
    question.resource_type = span_text("");
    question.resource_id = span_text("model/a");
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_RESOURCE_UNKNOWN);
    directive_set_unref(set);
}

static void stale_facts_allow_only_where_they_may(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, persons_only, place);
    struct directive_question question = about("a", person(fixture, US_STATUS_CITIZEN), june_ms);
    struct directive_answer answer;

    question.is_stale = true;
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.truth, TRUTH_UNKNOWN);
    assert_int_equal(answer.reason, DECISION_REASON_EVIDENCE_EXPIRED);
    assert_string_equal(answer.decisive->id, "b-persons");
    assert_null(answer.obligation);
    assert_int_equal(answer.findings[0].truth, TRUTH_TRUE); /* `stale: allow` */
    directive_set_unref(set);
}

static const char exempted[] = DIRECTIVE(
    "exempted", "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a, model/b]\n"
                "require: " NOT_FOREIGN "\n"
                "exempt:\n"
                "  - when: {affiliated_with: {organizations: [org/partner-a], as: [employee]}}\n"
                "    resources: [model/a]\n    until: 2026-06-02T00:00:00Z\n"
                "    authority: {text: annex A}\n    waives: [require]\n"
                "  - when: {affiliated_with: {organizations: [self], as: [employee, agent]}}\n"
                "    from: 2026-05-01T00:00:00Z\n"
                "    authority: {text: annex B}\n    waives: [require]\n"
                "  - when: {citizen_of: {any: [GBR]}}\n"
                "    resources: [model/b]\n    until: 2026-06-02T00:00:00Z\n"
                "    authority: {text: annex C}\n    waives: [require]\n");

static void an_exemption_lifts_its_own_directive_only(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, exempted, place);
    struct facts_content content = {
        .header = {.subject_kind = SUBJECT_USER, .us_status_count = 1, .affiliation_count = 1}};
    struct directive_question question = about("a", NULL, june_ms);
    struct directive_answer answer;

    content.us_statuses[0] =
        (struct facts_us_status){.possible = US_STATUS_NONE, .source = FACT_SOURCE_REVIEWER};
    content.affiliations[0] = (struct facts_affiliation){
        .organization = organization_key(span_text("org/lab")), .as = AFFILIATION_AGENT};
    question.facts = facts_pack(&content, &fixture->arena);
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.truth, TRUTH_TRUE);
    assert_string_equal(answer.findings[1].exemption->authority.text, "annex B");
    question.context = in_germany;
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_NOT_PERMITTED);
    assert_string_equal(answer.decisive->id, "a-place");
    directive_set_unref(set);
}

static void everybody_who_may_be_exempt_is_told_what_to_prove(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, exempted, NULL);
    struct directive_question question = about("a", person(fixture, US_STATUS_NONE), june_ms);
    struct directive_answer answer;

    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.reason, DECISION_REASON_VERIFICATION_REQUIRED);
    assert_int_equal(answer.obligation_count, 2);
    assert_string_equal(answer.obligations[0]->type, "prove_affiliation");
    assert_string_equal(answer.obligations[0]->properties[0].value, "org/partner-a");
    assert_string_equal(answer.obligations[0]->properties[1].value, "employee");
    assert_string_equal(answer.obligations[1]->properties[0].value, "org/lab");
    assert_string_equal(answer.obligations[1]->properties[1].value, "employee or agent");
    assert_int_equal(answer.valid_until_ms, june_ms + 24 * (int64_t)HOUR_MS);

    /* The first exemption is over. */
    question.now_ms = june_ms + 24 * (int64_t)HOUR_MS;
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.obligation_count, 1);
    assert_string_equal(answer.obligation->properties[0].value, "org/lab");
    assert_int_equal(answer.valid_until_ms, TIMESTAMP_NEVER_MS);

    /* Where a citizenship would exempt, it is to be verified. */
    question = about("b", person(fixture, US_STATUS_NONE), june_ms);
    directive_evaluate(set, &question, &answer);
    assert_string_equal(answer.obligation->type, "verify");
    directive_set_unref(set);
}

/* An exemption of a nationality exempts whom it names: not every US person with them. */
static void an_exemption_reaches_only_whom_it_names(void **state)
{
    static const char british[] =
        DIRECTIVE("british", "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a]\n"
                             "require: {location: {in: [USA]}}\n"
                             "exempt:\n  - when: {citizen_of: {any: [GBR]}}\n"
                             "    authority: {text: annex}\n    waives: [require]\n");
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, british, NULL);
    struct facts_content content = {.header = {.subject_kind = SUBJECT_USER,
                                               .us_status_count = 1,
                                               .citizenship_count = 1,
                                               .flags = FACTS_CITIZENSHIPS_COMPLETE}};
    struct directive_question question = about("a", NULL, june_ms);
    struct directive_answer answer;

    content.us_statuses[0] =
        (struct facts_us_status){.possible = US_STATUS_CITIZEN, .source = FACT_SOURCE_REVIEWER};
    content.citizenships[0] = (struct facts_nationality){
        .country = country_from_iso(span_text("DEU")), .source = FACT_SOURCE_REVIEWER};
    question.context = in_germany;
    question.facts = facts_pack(&content, &fixture->arena);
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.truth, TRUTH_FALSE);
    content.citizenships[0].country = country_from_iso(span_text("GBR"));
    question.facts = facts_pack(&content, &fixture->arena);
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.truth, TRUTH_TRUE);
    directive_set_unref(set);
}

static void more_directives_than_can_be_listed_still_count(void **state)
{
    struct fixture *fixture = *state;
    struct directive_file files[DIRECTIVE_FINDINGS_MAX + 5];
    struct directive_question question = about("a", person(fixture, US_STATUS_NONE), june_ms);
    struct directive_set *set;
    struct directive_answer answer;

    files[0] = (struct directive_file){"resources", span_text(fixture_resources)};
    for (size_t i = 1; i < ARRAY_LEN(files); i++) {
        bool is_last = i + 1 == ARRAY_LEN(files);

        files[i] = (struct directive_file){
            "many", span_text(arena_printf(
                        &fixture->arena,
                        "directive: many-%03zu\nlanguage: 1\ntitle: x\nauthority: {text: x}\n"
                        "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a]\n"
                        "require: {location: {in: [%s]}}\n",
                        i, is_last ? "DEU" : "USA"))};
    }
    set = directive_set_compile(files, ARRAY_LEN(files), &fixture->environment,
                                &fixture->diagnostics);
    assert_non_null(set);
    directive_evaluate(set, &question, &answer);
    assert_int_equal(answer.finding_count, ARRAY_LEN(files) - 1);
    assert_int_equal(answer.truth, TRUTH_FALSE);
    assert_string_equal(answer.decisive->id, "many-020");
    directive_set_unref(set);
}

static void an_explanation_says_the_same_test_by_test(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, exempted, timed);
    struct directive_question question =
        about("a", person(fixture, US_STATUS_CITIZEN | US_STATUS_NATIONAL), june_ms - 1);
    const struct explanation *told;
    const struct explain_node *person_test;

    told = directive_explain(set, &question, &fixture->arena);
    assert_int_equal(told->answer.truth, TRUTH_TRUE);
    assert_int_equal(told->directive_count, 1);
    assert_string_equal(told->directives[0].directive->id, "exempted");
    person_test = &told->directives[0].require.children[0];
    assert_string_equal(person_test->test, "foreign_person");
    assert_string_equal(person_test->text, "is not a foreign person (15 CFR 772.1)");
    assert_string_equal(person_test->because, "US status: citizen or national");
    assert_int_equal(told->directives[0].exemption_count, 3);
    assert_true(told->directives[0].exemptions[0].is_in_time);
    assert_false(told->directives[0].exemptions[2].is_for_resource);
    assert_int_equal(told->directives[0].exemptions[0].when.missing,
                     DECISION_REASON_VERIFICATION_REQUIRED);
    assert_int_equal(told->out_of_force_count, 1);
    assert_string_equal(told->out_of_force[0].why, "not before 2026-06-01T00:00:00Z");
    question.now_ms = june_ms + 12 * (int64_t)HOUR_MS;
    told = directive_explain(set, &question, &fixture->arena);
    assert_string_equal(told->out_of_force[0].why, "lifted at 2026-06-01T12:00:00Z, on enough");
    question.resource_id = span_text("nothing");
    told = directive_explain(set, &question, &fixture->arena);
    assert_int_equal(told->answer.reason, DECISION_REASON_RESOURCE_UNKNOWN);
    assert_int_equal(told->directive_count, 0);
    directive_set_unref(set);
}

static void every_test_can_be_explained(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = set_of(fixture, fixture_full, NULL);
    struct directive_question question = about("a", &facts_unknown, INT64_C(1781300000000));
    const struct explanation *told;

    told = directive_explain(set, &question, &fixture->arena);
    assert_int_equal(told->directive_count, 1);
    assert_string_equal(told->directives[0].require.test, "all");
    assert_int_equal(told->directives[0].require.child_count, 12);
    assert_int_equal(told->directives[0].require.children[3].child_count, 1);
    assert_int_equal(told->directives[0].require.children[3].children[0].child_count, 6);
    for (size_t i = 0; i < told->directives[0].require.child_count; i++) {
        const struct explain_node *node = &told->directives[0].require.children[i];

        assert_true(node->text[0] != '\0');
        assert_true(node->because[0] != '\0' || node->child_count > 0 ||
                    strstr(node->text, "any place"));
    }
    directive_set_unref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directives_begin_and_end_at_their_instants),
        cmocka_unit_test(one_directive_that_refuses_is_enough),
        cmocka_unit_test(unknown_asks_for_what_is_missing_first),
        cmocka_unit_test(only_what_matches_is_looked_at),
        cmocka_unit_test(the_shortest_lease_binds),
        cmocka_unit_test(stale_facts_allow_only_where_they_may),
        cmocka_unit_test(an_exemption_lifts_its_own_directive_only),
        cmocka_unit_test(everybody_who_may_be_exempt_is_told_what_to_prove),
        cmocka_unit_test(an_exemption_reaches_only_whom_it_names),
        cmocka_unit_test(more_directives_than_can_be_listed_still_count),
        cmocka_unit_test(an_explanation_says_the_same_test_by_test),
        cmocka_unit_test(every_test_can_be_explained),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
