/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: all parties must pass; what the answer rests on bounds how long it may be reused.
 */
#include "domain/directive/explain.h"
#include "entitlement/decide.h"
#include "unit/domain/directive/fixture.h"
#include "unit/entitlement/persons.h"

enum { MAX_AGE_MS = 5000, LEASE_MS = 10000, PARTIES_MAX = 4 };

#define ANYWHERE    "{location: any, location_authority: {text: x}}"
#define NOT_FOREIGN "{all: [{foreign_person: {regime: ear_772_1, is: false}}, " ANYWHERE "]}"

static struct check_input input_of(const char *id)
{
    return (struct check_input){
        .subject = span_text("alice"),
        .resource_type = span_text("model"),
        .resource_id = span_text(id),
        .action = span_text("use"),
    };
}

static struct check_party party_of(struct fixture *fixture, const struct record *record)
{
    return (struct check_party){
        .role = PARTY_SUBJECT,
        .subject = record->hash,
        .facts = person_facts(&fixture->arena, record),
        .read_at_ms = PERSONS_NOW_MS,
    };
}

static struct check_party american(struct fixture *fixture)
{
    struct record record = person_american(&fixture->arena, "alice");

    return party_of(fixture, &record);
}

static struct check_party foreigner(struct fixture *fixture)
{
    struct record record = person_foreigner(&fixture->arena, "ivan", "RUS");

    return party_of(fixture, &record);
}

static struct check_party stranger(void)
{
    return (struct check_party){.facts = &facts_unknown, .read_at_ms = PERSONS_NOW_MS};
}

static struct check_result decide_after_silence(const struct directive_set *set,
                                                const struct check_input *input,
                                                const struct check_party *parties, size_t count,
                                                int64_t feed_age_ms)
{
    const struct lease lease = {.longest_ms = LEASE_MS, .feed_age_ms = feed_age_ms};
    struct check_result result = {.is_failed = false};

    decide(set, input, parties, count, PERSONS_NOW_MS, MAX_AGE_MS, &lease, &result);
    return result;
}

static struct check_result decide_now(const struct directive_set *set,
                                      const struct check_input *input,
                                      const struct check_party *parties, size_t count)
{
    return decide_after_silence(set, input, parties, count, 0);
}

static struct check_result decide_one(const struct directive_set *set, struct check_party party)
{
    struct check_input input = input_of("a");

    return decide_now(set, &input, &party, 1);
}

/* The set of one rule on model/a. */
static struct directive_set *rule(void **state, const char *require, const char *more)
{
    struct directive_set *set = fixture_rule(*state, require, more);

    if (!set)
        diagnostics_print(&((struct fixture *)*state)->diagnostics, stderr);
    assert_non_null(set);
    return set;
}

static void all_parties_must_pass(void **state)
{
    struct directive_set *set = rule(state, NOT_FOREIGN, "");
    struct check_input input = input_of("a");
    struct check_party parties[PARTIES_MAX] = {american(*state), american(*state)};

    assert_true(decide_now(set, &input, parties, 2).is_allowed);
    parties[1] = foreigner(*state);
    assert_false(decide_now(set, &input, parties, 2).is_allowed);
    parties[0] = foreigner(*state);
    parties[1] = american(*state);
    assert_false(decide_now(set, &input, parties, 2).is_allowed);
    directive_set_unref(set);
}

static void a_refusal_outweighs_a_question(void **state)
{
    struct directive_set *set = rule(state, NOT_FOREIGN, "");
    struct check_input input = input_of("a");
    struct check_party parties[PARTIES_MAX] = {stranger(), foreigner(*state), american(*state)};
    struct check_result result = decide_now(set, &input, parties, 3);

    assert_int_equal(result.reason, DECISION_REASON_NOT_PERMITTED);
    result = decide_now(set, &input, parties, 1);
    assert_int_equal(result.reason, DECISION_REASON_VERIFICATION_REQUIRED);
    assert_false(result.is_allowed);
    directive_set_unref(set);
}

static void of_several_questions_the_first_reason_is_told(void **state)
{
    struct directive_set *set =
        rule(state,
             "{all: [{any: [" NOT_FOREIGN ", {context: {key: purpose, in: [research]}}]}, " ANYWHERE
             "]}",
             "");
    struct check_input input = input_of("a");
    /* One is asked for the context alone, the other for verification as well. */
    struct check_party parties[PARTIES_MAX] = {stranger(), foreigner(*state)};
    enum decision_reason both[2];

    both[0] = decide_now(set, &input, parties, 2).reason;
    parties[0] = foreigner(*state);
    parties[1] = stranger();
    both[1] = decide_now(set, &input, parties, 2).reason;
    assert_int_equal(both[0], DECISION_REASON_CONTEXT_REQUIRED);
    assert_int_equal(both[1], both[0]);
    directive_set_unref(set);
}

static void a_definite_answer_may_be_reused_and_a_question_may_not(void **state)
{
    struct directive_set *set = rule(state, NOT_FOREIGN, "");

    assert_int_equal(decide_one(set, american(*state)).max_age_ms, MAX_AGE_MS);
    assert_int_equal(decide_one(set, foreigner(*state)).max_age_ms, MAX_AGE_MS);
    assert_int_equal(decide_one(set, stranger()).max_age_ms, 0);
    directive_set_unref(set);
}

static void stale_facts_make_an_answer_for_once(void **state)
{
    struct directive_set *set = rule(state, NOT_FOREIGN, "stale: allow\n");
    struct check_party party = american(*state);
    struct check_result result;

    party.is_stale = true;
    party.read_at_ms = PERSONS_NOW_MS - 12000;
    result = decide_one(set, party);
    assert_true(result.is_allowed);
    assert_true(result.is_stale);
    assert_int_equal(result.max_age_ms, 0);
    assert_int_equal(result.facts_age_ms, 12000);
    directive_set_unref(set);
}

static void what_has_to_be_on_record_every_time_is_not_reused(void **state)
{
    struct directive_set *set = rule(state, NOT_FOREIGN, "record: durable\n");
    struct check_result result = decide_one(set, american(*state));

    assert_true(result.is_allowed);
    assert_true(result.answer.is_record_durable);
    assert_int_equal(result.max_age_ms, 0);
    directive_set_unref(set);
}

static void reuse_ends_when_a_directive_an_exemption_or_a_fact_changes(void **state)
{
    static const struct {
        const char *more;
        int64_t max_age_ms;
    } rows[] = {
        {"", MAX_AGE_MS},
        {"exempt: [{when: {subject_kind: {any: [employee]}}, until: 2026-06-12T21:21:02Z, "
         "authority: "
         "{text: x}, waives: [require]}]\n",
         2000},
        {"exempt: [{when: {subject_kind: {any: [employee]}}, from: 2026-06-12T21:21:03Z, "
         "authority: "
         "{text: x}, waives: [require]}]\n",
         3000},
        {"lifted: {at: 2026-06-12T21:21:04Z, authority: {text: x}}\n", 4000},
    };
    struct check_party party = american(*state);
    struct directive_set *set;
    struct facts *facts;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        set = rule(state, NOT_FOREIGN, rows[i].more);
        assert_int_equal(decide_one(set, party).max_age_ms, rows[i].max_age_ms);
        directive_set_unref(set);
    }
    set = rule(state, NOT_FOREIGN, "");
    facts = (struct facts *)(uintptr_t)party.facts;
    facts->header.valid_until_ms = PERSONS_NOW_MS + 1;
    assert_int_equal(decide_one(set, party).max_age_ms, 1);
    facts->header.valid_until_ms = PERSONS_NOW_MS;
    assert_int_equal(decide_one(set, party).max_age_ms, 0);
    directive_set_unref(set);
}

static void the_facts_of_every_party_bound_the_reuse(void **state)
{
    struct directive_set *set = rule(state, NOT_FOREIGN, "");
    struct check_input input = input_of("a");
    struct check_party parties[PARTIES_MAX] = {american(*state), american(*state)};

    ((struct facts *)(uintptr_t)parties[1].facts)->header.valid_until_ms = PERSONS_NOW_MS + 700;
    assert_int_equal(decide_now(set, &input, parties, 2).max_age_ms, 700);
    directive_set_unref(set);
}

/* model/a leads to model/b, which has a rule of its own. */
static struct directive_set *two_models(void **state, const char *rule_b)
{
    const char *texts[] = {
        fixture_resources,
        "directive: a\nlanguage: 1\ntitle: A\nauthority: {text: a letter}\n"
        "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a]\n"
        "require: " NOT_FOREIGN "\ninstead: [model/closed, model/b]\n",
        rule_b,
        NULL,
    };
    struct directive_set *set = fixture_compile(*state, texts);

    if (!set)
        diagnostics_print(&((struct fixture *)*state)->diagnostics, stderr);
    assert_non_null(set);
    return set;
}

static void instead_is_the_first_that_every_party_may_use(void **state)
{
    struct directive_set *set = two_models(state, NULL);
    struct check_input input = input_of("a");
    struct check_party parties[PARTIES_MAX] = {foreigner(*state)};
    struct check_result result = decide_now(set, &input, parties, 1);

    assert_true(span_is(result.instead, "model/b"));
    parties[0] = american(*state);
    assert_int_equal(decide_now(set, &input, parties, 1).instead.length, 0);
    directive_set_unref(set);
    set = two_models(state, "directive: b\nlanguage: 1\ntitle: B\nauthority: {text: a letter}\n"
                            "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/b]\n"
                            "require: {all: [{not: {citizen_of: {any: [RUS]}}}, " ANYWHERE "]}\n");
    parties[0] = foreigner(*state);
    assert_int_equal(decide_now(set, &input, parties, 1).instead.length, 0);
    directive_set_unref(set);
}

static void what_instead_rests_on_bounds_the_answer_as_well(void **state)
{
    struct directive_set *set = two_models(
        state, "directive: b\nlanguage: 1\ntitle: B\nauthority: {text: a letter}\n"
               "effective: {from: 2026-01-01T00:00:00Z, until: 2026-06-12T21:21:02Z}\n"
               "resources: [model/b]\nrequire: {context: {key: purpose, in: [research]}}\n");
    const struct directive_context context = {span_text("purpose"), span_text("research")};
    struct check_input input = input_of("a");
    struct check_party party = foreigner(*state);
    struct check_result result;

    input.context = &context;
    input.context_count = 1;
    result = decide_now(set, &input, &party, 1);
    assert_int_equal(result.reason, DECISION_REASON_NOT_PERMITTED);
    assert_true(span_is(result.instead, "model/b"));
    assert_int_equal(result.max_age_ms, 2000);
    assert_int_equal(__builtin_popcount(result.vary_context), 1);
    directive_set_unref(set);
}

static void reuse_ends_with_the_lease(void **state)
{
    static const struct {
        const char *more;
        int64_t feed_age_ms;
        int64_t max_age_ms;
    } rows[] = {
        {"", 0, MAX_AGE_MS},
        {"", LEASE_MS - MAX_AGE_MS, MAX_AGE_MS},
        {"", LEASE_MS - MAX_AGE_MS + 1, MAX_AGE_MS - 1},
        {"lease: 4s\n", 0, 4000},
        {"lease: 4s\n", 1500, 2500},
        {"lease: 1h\n", 9000, 1000}, /* the configuration's is shorter */
        {"lease: 0\n", 0, 0},
    };
    struct check_input input = input_of("a"), unrestricted = input_of("b");
    struct check_party parties[] = {american(*state), foreigner(*state)};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct directive_set *set = rule(state, NOT_FOREIGN, rows[i].more);

        for (size_t k = 0; k < ARRAY_LEN(parties); k++)
            assert_int_equal(
                decide_after_silence(set, &input, &parties[k], 1, rows[i].feed_age_ms).max_age_ms,
                rows[i].max_age_ms);
        assert_int_equal(
            decide_after_silence(set, &unrestricted, parties, 1, rows[i].feed_age_ms).max_age_ms,
            MAX_AGE_MS);
        directive_set_unref(set);
    }
}

static void what_is_refused_for_its_lease_is_not_named_instead(void **state)
{
    struct directive_set *set =
        two_models(state, "directive: b\nlanguage: 1\ntitle: B\nauthority: {text: a letter}\n"
                          "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/b]\n"
                          "require: {location: any, location_authority: {text: x}}\nlease: 3s\n");
    struct check_input input = input_of("a");
    struct check_party party = foreigner(*state);
    struct check_result result = decide_after_silence(set, &input, &party, 1, 2999);

    assert_true(span_is(result.instead, "model/b"));
    assert_int_equal(result.max_age_ms, 1);
    assert_int_equal(decide_after_silence(set, &input, &party, 1, 3000).instead.length, 0);
    directive_set_unref(set);
}

static void an_undeclared_resource_is_refused_for_everybody(void **state)
{
    struct directive_set *set = rule(state, NOT_FOREIGN, "");
    struct check_input input = input_of("unheard-of");
    struct check_party party = american(*state);
    struct check_result result = decide_now(set, &input, &party, 1);

    assert_false(result.is_allowed);
    assert_int_equal(result.reason, DECISION_REASON_RESOURCE_UNKNOWN);
    assert_int_equal(result.instead.length, 0);
    directive_set_unref(set);
}

static void a_refusal_that_may_not_be_explained_says_nothing(void **state)
{
    struct check_result result = {.is_failed = false};

    (void)state;
    decide_refused(&result);
    assert_false(result.is_allowed);
    assert_false(result.is_failed);
    assert_int_equal(result.reason, DECISION_REASON_NOT_PERMITTED);
    assert_int_equal(result.max_age_ms, 0);
    assert_null(result.answer.decisive);
}

static void an_explanation_is_of_the_decision_and_of_no_fresher_facts(void **state)
{
    struct fixture *fixture = *state;
    struct directive_set *set = rule(state, NOT_FOREIGN, "");
    struct check_input input = input_of("a");
    struct check_party party = american(fixture);

    for (int stale = 0; stale <= 1; stale++) {
        struct directive_question question;
        struct directive_answer answer;

        party.is_stale = stale;
        question = decide_question(&input, &party, PERSONS_NOW_MS);
        decide_party(set, &input, &party, PERSONS_NOW_MS, &answer);
        assert_int_equal(answer.truth, stale ? TRUTH_UNKNOWN : TRUTH_TRUE);
        assert_int_equal(directive_explain(set, &question, &fixture->arena)->answer.truth,
                         answer.truth);
    }
    directive_set_unref(set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_parties_must_pass),
        TEST(a_refusal_outweighs_a_question),
        TEST(of_several_questions_the_first_reason_is_told),
        TEST(a_definite_answer_may_be_reused_and_a_question_may_not),
        TEST(stale_facts_make_an_answer_for_once),
        TEST(what_has_to_be_on_record_every_time_is_not_reused),
        TEST(reuse_ends_when_a_directive_an_exemption_or_a_fact_changes),
        TEST(the_facts_of_every_party_bound_the_reuse),
        TEST(instead_is_the_first_that_every_party_may_use),
        TEST(what_instead_rests_on_bounds_the_answer_as_well),
        TEST(reuse_ends_with_the_lease),
        TEST(what_is_refused_for_its_lease_is_not_named_instead),
        TEST(an_undeclared_resource_is_refused_for_everybody),
        TEST(a_refusal_that_may_not_be_explained_says_nothing),
        TEST(an_explanation_is_of_the_decision_and_of_no_fresher_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
