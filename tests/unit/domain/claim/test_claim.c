/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: what each depth of disclosure tells of whom, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "domain/claim/claim.h"
#include "unit/domain/claim/people.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct country_group set_of(const char *name, const char *const *codes, size_t count)
{
    struct country_group group = {.name = name, .title = ""};

    for (size_t i = 0; i < count; i++)
        country_set_add(&group.countries, country_from_iso(span_text(codes[i])));
    return group;
}

static void release_json(void *value)
{
    json_decref(value);
}

/* The payload as a tree that ends with the arena. */
static const json_t *build(const struct claim_request *request)
{
    struct err err = ERR_NONE;
    struct claim claim;
    json_t *payload;

    if (!claim_build(request, &arena, &claim, &err))
        fail_msg("%s: %s", err_reason(err.code), err.detail);
    if (!json_read(claim.payload, &payload, &err))
        fail_msg("%s: %.*s", err.detail, SPAN_FORMAT(claim.payload));
    arena_defer(&arena, release_json, payload);
    return payload;
}

static const json_t *claims_of(const char *name, enum claim_disclosure disclosure)
{
    static const char *const e1[] = {"CUB", "IRN", "PRK", "SYR"}, *const d5[] = {"CHN", "IRN"};
    struct country_group groups[] = {set_of("EAR:E:1", e1, ARRAY_LEN(e1)),
                                     set_of("EAR:D:5", d5, ARRAY_LEN(d5))};
    const struct country_group *sets[] = {&groups[0], &groups[1]};
    struct claim_request request = person_request(person_find(name), disclosure, &arena);

    request.sets = sets;
    request.set_count = ARRAY_LEN(sets);
    return json_object_get(json_object_get(build(&request), "verified_claims"), "claims");
}

/* JSON in one line, names sorted; "-" for what is not there. */
static const char *text_of(const json_t *value)
{
    char *text, *copy;

    if (!value)
        return "-";
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    copy = arena_text(&arena, span_text(text));
    free(text);
    return copy;
}

static const char *member(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

static enum err_code refusal_of(const struct claim_request *request, const char *field)
{
    struct err err = ERR_NONE;
    struct claim claim;

    assert_false(claim_build(request, &arena, &claim, &err));
    assert_string_equal(err.field, field);
    return err.code;
}

static void the_registered_claims_are_all_there(void **state)
{
    struct claim_request request =
        person_request(person_find("us citizen"), CLAIM_DISCLOSURE_PREDICATES, &arena);
    const json_t *payload = build(&request);

    (void)state;
    assert_int_equal(json_object_size(payload), 9);
    assert_string_equal(member(payload, "iss"), "\"https://passgate.test\"");
    assert_string_equal(member(payload, "sub"), "\"c29tZWJvZHkgYXQgYW55IQ\"");
    assert_string_equal(member(payload, "aud"), "\"https://models.test\"");
    assert_string_equal(member(payload, "azp"), "\"spiffe://test/gateway\"");
    assert_string_equal(member(payload, "jti"), "\"AAECAwQFBgcICQoLDA0ODw\"");
    assert_string_equal(member(payload, "iat"), "1781299260");
    assert_string_equal(member(payload, "nbf"), "1781299260");
    assert_string_equal(member(payload, "exp"), "1781299560");
}

static void the_answers_about_the_person_are_those_of_the_regulations(void **state)
{
    static const struct {
        const char *name, *is_us_person, *is_foreign_person, *proof;
    } rows[] = {
        {"us citizen", "true", "false", "\"chip\""},
        {"us passport", "true", "false", "\"mrz\""}, /* citizen or national: both are */
        {"dual us iranian", "true", "false", "\"chip\""},
        {"iranian resident", "true", "false", "\"document_authenticated\""},
        {"german without us status", "false", "true", "\"chip\""},
        {"german", "\"unknown\"", "\"unknown\"", "-"}, /* a passport disproves no green card */
        /* … but not of these countries, on that proof */
        {"hong kong british national", "\"unknown\"", "\"unknown\"", "\"chip\""},
        {"german by the zone", "\"unknown\"", "\"unknown\"", "\"mrz\""},
        {"declares to be american", "\"unknown\"", "\"unknown\"", "-"}, /* says who? */
        {"driving licence only", "\"unknown\"", "\"unknown\"", "-"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *claims = claims_of(rows[i].name, CLAIM_DISCLOSURE_PREDICATES);
        const json_t *predicates = json_object_get(claims, "passgate_predicates");

        assert_string_equal(member(predicates, "us_person_itar_120_62"), rows[i].is_us_person);
        assert_string_equal(member(predicates, "foreign_person_ear_772_1"),
                            rows[i].is_foreign_person);
        assert_string_equal(member(predicates, "foreign_person_itar_120_63"),
                            rows[i].is_foreign_person);
        assert_string_equal(member(claims, "passgate_proof"), rows[i].proof);
    }
}

static void sets_of_countries_are_answered_of_foreign_persons_only(void **state)
{
    static const struct {
        const char *name, *citizen_of;
    } rows[] = {
        {"us citizen", "-"},
        {"dual us iranian", "-"},
        {"iranian resident", "-"},
        {"german", "{\"EAR:D:5\":\"unknown\",\"EAR:E:1\":\"unknown\"}"}, /* the list is open */
        {"german without us status", "{\"EAR:D:5\":false,\"EAR:E:1\":false}"},
        {"german by the zone", "{\"EAR:D:5\":false,\"EAR:E:1\":false}"},
        {"hong kong british national", "{\"EAR:D:5\":\"unknown\",\"EAR:E:1\":false}"},
        {"iranian then canadian", "{\"EAR:D:5\":\"unknown\",\"EAR:E:1\":\"unknown\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(
            member(json_object_get(claims_of(rows[i].name, CLAIM_DISCLOSURE_PREDICATES),
                                   "passgate_predicates"),
                   "citizen_of"),
            rows[i].citizen_of);
}

/* All that differs between two US persons must not differ in their tokens. */
static void predicates_tell_neither_country_nor_document(void **state)
{
    static const char *const names[] = {"us citizen", "dual us iranian"};
    const char *texts[ARRAY_LEN(names)];
    size_t person_count = people_count();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        texts[i] = text_of(claims_of(names[i], CLAIM_DISCLOSURE_PREDICATES));
    assert_string_equal(texts[0], texts[1]);
    for (size_t i = 0; i < person_count; i++) {
        struct claim_request request =
            person_request(person_get(i), CLAIM_DISCLOSURE_PREDICATES, &arena);
        struct err err = ERR_NONE;
        struct claim claim;
        const char *text;

        if (!claim_build(&request, &arena, &claim, &err))
            continue;
        text = arena_text(&arena, claim.payload);
        for (size_t id = 1; id < country_count(); id++)
            assert_null(
                strstr(text, arena_printf(&arena, "\"%s\"", country_get((country_id)id)->alpha3)));
        assert_null(strstr(text, "evidence\":"));
        assert_null(strstr(text, "document_details"));
        assert_null(strstr(text, "nationalities"));
    }
}

static void nationalities_are_states_once_each(void **state)
{
    static const struct {
        const char *name, *nationalities, *is_complete;
    } rows[] = {
        {"us citizen", "[\"USA\"]", "false"},
        {"us passport", "[\"USA\"]", "false"},
        {"dual us iranian", "[\"IRN\",\"USA\"]", "false"},
        {"iranian resident", "[\"IRN\"]", "false"},
        {"german", "[\"DEU\"]", "false"},
        {"german without us status", "[\"DEU\"]", "true"},
        {"iranian then canadian", "[\"CAN\"]", "false"},
        {"hong kong british national", "-", "true"}, /* GBN is no state, and [] no array */
        {"declares to be american", "-", "false"},
        {"driving licence only", "-", "false"}, /* an issuer is no nationality */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *claims = claims_of(rows[i].name, CLAIM_DISCLOSURE_NATIONALITIES);

        assert_string_equal(member(claims, "nationalities"), rows[i].nationalities);
        assert_string_equal(member(claims, "passgate_nationalities_complete"), rows[i].is_complete);
        assert_string_equal(member(claims, "passgate_us_status"), "-");
        assert_string_equal(member(claims, "place_of_birth"), "-");
    }
}

static void full_tells_the_rest(void **state)
{
    static const struct {
        const char *name, *member, *value;
    } rows[] = {
        {"us citizen", "passgate_us_status", "[\"citizen\"]"},
        {"us passport", "passgate_us_status", "[\"citizen\",\"national\"]"},
        {"iranian resident", "passgate_us_status", "[\"permanent_resident\"]"},
        {"iranian resident", "passgate_permanent_residencies", "[\"USA\"]"},
        {"german", "passgate_us_status", "-"},
        {"german without us status", "passgate_us_status", "[\"none\"]"},
        {"iranian then canadian", "passgate_former_nationalities", "[\"IRN\"]"},
        {"iranian then canadian", "nationalities", "[\"CAN\"]"},
        {"born in iran", "place_of_birth", "{\"country\":\"IRN\"}"},
        {"german", "place_of_birth", "-"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(member(claims_of(rows[i].name, CLAIM_DISCLOSURE_FULL), rows[i].member),
                            rows[i].value);
}

static const char *verification_of(const char *name, enum claim_disclosure disclosure)
{
    struct claim_request request = person_request(person_find(name), disclosure, &arena);

    return member(json_object_get(build(&request), "verified_claims"), "verification");
}

static void an_assurance_level_is_claimed_only_if_the_vendor_asserts_it(void **state)
{
    (void)state;
    assert_string_equal(verification_of("us citizen", CLAIM_DISCLOSURE_PREDICATES),
                        "{\"assurance_level\":\"ial2\",\"time\":\"2026-06-11T00:00:00Z\","
                        "\"trust_framework\":\"nist_800_63A\"}");
    assert_string_equal(verification_of("us passport", CLAIM_DISCLOSURE_PREDICATES),
                        "{\"time\":\"2026-06-11T00:00:00Z\","
                        "\"trust_framework\":\"passgate_evidence\"}");
}

static void evidence_is_told_by_its_class_and_by_checks_that_were_made(void **state)
{
    static const struct {
        const char *name, *evidence;
    } rows[] = {
        {"german", "[{\"check_details\":[{\"check_method\":\"vcrypt\"}],"
                   "\"document_details\":{\"type\":\"passport\"},\"type\":\"document\"}]"},
        {"us passport", "[{\"document_details\":{\"type\":\"passport\"},\"type\":\"document\"}]"},
        {"iranian resident",
         "[{\"check_details\":[{\"check_method\":\"vri\"}],"
         "\"document_details\":{\"type\":\"permanent_resident_card\"},\"type\":\"document\"}]"},
        {"driving licence only",
         "[{\"check_details\":[{\"check_method\":\"vri\"}],"
         "\"document_details\":{\"type\":\"driving_permit\"},\"type\":\"document\"}]"},
        {"declares to be american",
         "[{\"attestation\":{\"type\":\"digital_attestation\"},\"type\":\"vouch\"}]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_non_null(strstr(verification_of(rows[i].name, CLAIM_DISCLOSURE_NATIONALITIES),
                               rows[i].evidence));
    /* Two passports are one class. */
    assert_null(strstr(verification_of("dual us iranian", CLAIM_DISCLOSURE_FULL), "},{"));
}

static void where_nothing_is_known_nothing_is_claimed(void **state)
{
    static const char *const names[] = {"nobody", "revoked"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (int depth = CLAIM_DISCLOSURE_PREDICATES; depth <= CLAIM_DISCLOSURE_FULL; depth++) {
            struct claim_request request =
                person_request(person_find(names[i]), (enum claim_disclosure)depth, &arena);

            assert_int_equal(refusal_of(&request, "subject"), ERR_NOTHING_TO_CLAIM);
        }
}

static void an_organization_is_where_it_is_organized(void **state)
{
    static const struct {
        enum organization_kind kind;
        const char *country, *foreign, *place;
    } rows[] = {
        {ORGANIZATION_COMPANY, "USA", "false", "\"USA\""},
        {ORGANIZATION_COMPANY, "PRI", "false", "\"PRI\""},
        {ORGANIZATION_COMPANY, "DEU", "true", "\"DEU\""},
        {ORGANIZATION_GOVERNMENT, "DEU", "true", "\"DEU\""},
        {ORGANIZATION_INTERNATIONAL, "USA", "true", "\"USA\""},
    };

    (void)state;
    for (size_t i = 0; i <= ARRAY_LEN(rows); i++) {
        struct organization organization = {.id = span_text("org/one"),
                                            .kind = ORGANIZATION_COMPANY};
        struct claim_request request =
            person_request(person_find("nobody"), CLAIM_DISCLOSURE_NATIONALITIES, &arena);
        struct facts_content content;
        const json_t *claims;

        if (i < ARRAY_LEN(rows)) {
            organization.kind = rows[i].kind;
            organization.organized_in = country_from_iso(span_text(rows[i].country));
        }
        facts_of_organization(&organization, &content);
        request.facts = facts_pack(&content, &arena);
        if (i == ARRAY_LEN(rows)) {
            assert_int_equal(refusal_of(&request, "subject"), ERR_NOTHING_TO_CLAIM);
            break;
        }
        claims = json_object_get(json_object_get(build(&request), "verified_claims"), "claims");
        assert_string_equal(
            member(json_object_get(claims, "passgate_predicates"), "foreign_person_ear_772_1"),
            rows[i].foreign);
        assert_string_equal(member(claims, "passgate_organized_in"), rows[i].place);
        assert_string_equal(member(claims, "nationalities"), "-");
    }
}

/* -- Times -- */

static void a_claim_ends_when_the_facts_do(void **state)
{
    static const struct {
        int64_t valid_for_ms, lives_s; /* 0 = CONFLICT */
    } rows[] = {{INT64_C(3600000), 300},
                {300000, 300},
                {299999, 299},
                {1000, 1},
                {999, 0},
                {0, 0},
                {-5000, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct claim_request request =
            person_request(person_find("german"), CLAIM_DISCLOSURE_PREDICATES, &arena);
        struct facts *facts = arena_alloc(&arena, facts_size(&request.facts->header));
        struct err err = ERR_NONE;
        struct claim claim;

        memcpy(facts, request.facts, facts_size(&request.facts->header));
        facts->header.valid_until_ms = people_now_ms + rows[i].valid_for_ms;
        request.facts = facts;
        if (rows[i].lives_s == 0) {
            assert_int_equal(refusal_of(&request, ""), ERR_CONFLICT);
            continue;
        }
        assert_true(claim_build(&request, &arena, &claim, &err));
        assert_true(claim.issued_at_ms == people_now_ms);
        assert_true(claim.expires_at_ms == people_now_ms + rows[i].lives_s * 1000);
    }
}

static void times_are_whole_seconds_that_have_come(void **state)
{
    struct claim_request request =
        person_request(person_find("german"), CLAIM_DISCLOSURE_PREDICATES, &arena);
    struct err err = ERR_NONE;
    struct claim claim;

    (void)state;
    request.now_ms += 999;
    request.lifetime_ms = 1999;
    assert_true(claim_build(&request, &arena, &claim, &err));
    assert_true(claim.issued_at_ms == people_now_ms);
    assert_true(claim.expires_at_ms == people_now_ms + 1000);
}

/* -- What a request may not be -- */

static void texts_are_bounded_and_clean(void **state)
{
    struct claim_request good =
        person_request(person_find("german"), CLAIM_DISCLOSURE_PREDICATES, &arena);
    char long_text[CLAIM_TEXT_MAX + 1];
    const struct {
        struct span text;
        enum err_code code;
    } rows[] = {
        {span_of("", 0), ERR_FIELD_REQUIRED},
        {span_of(long_text, sizeof(long_text)), ERR_FIELD_TOO_LONG},
        {span_text("a\xC3"), ERR_FIELD_UTF8},
        {span_of("a\0b", 3), ERR_FIELD_CHARACTERS},
        {span_text("a\nb"), ERR_FIELD_CHARACTERS},
        {span_text("a\x7F"), ERR_FIELD_CHARACTERS},
    };

    (void)state;
    memset(long_text, 'a', sizeof(long_text));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct claim_request request = good;

        request.audience = rows[i].text;
        assert_int_equal(refusal_of(&request, "audience"), rows[i].code);
        request = good;
        request.authorized_party = rows[i].text;
        assert_int_equal(refusal_of(&request, "authorized_party"), rows[i].code);
        request = good;
        request.issuer = rows[i].text;
        assert_int_equal(refusal_of(&request, "issuer"), rows[i].code);
    }
}

static void awkward_texts_come_out_as_they_went_in(void **state)
{
    static const char audience[] = "\"quoted\" \\ </script> \xC3\xA4 \xF0\x9F\x98\x80 {}[],:";
    struct claim_request request =
        person_request(person_find("german"), CLAIM_DISCLOSURE_PREDICATES, &arena);

    (void)state;
    request.audience = span_text(audience);
    assert_string_equal(json_string_value(json_object_get(build(&request), "aud")), audience);
}

static void numbers_out_of_range_are_refused(void **state)
{
    struct claim_request good =
        person_request(person_find("german"), CLAIM_DISCLOSURE_PREDICATES, &arena);
    static const int64_t lifetimes_ms[] = {-1, 0, 999, CLAIM_LIFETIME_MAX_MS + 1, INT64_MAX};
    static const int disclosures[] = {CLAIM_DISCLOSURE_UNSPECIFIED, CLAIM_DISCLOSURE_FULL + 1, -1};
    struct claim_request request = good;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lifetimes_ms); i++) {
        request.lifetime_ms = lifetimes_ms[i];
        assert_int_equal(refusal_of(&request, "lifetime"), ERR_FIELD_RANGE);
    }
    request = good;
    for (size_t i = 0; i < ARRAY_LEN(disclosures); i++) {
        request.disclosure = (enum claim_disclosure)disclosures[i];
        assert_int_equal(refusal_of(&request, "disclosure"), ERR_FIELD_ENUM);
    }
    request = good;
    request.set_count = CLAIM_SETS_MAX + 1;
    assert_int_equal(refusal_of(&request, "sets"), ERR_FIELD_TOO_MANY);
}

static void the_words_of_disclosures_are_read_back(void **state)
{
    (void)state;
    for (int i = CLAIM_DISCLOSURE_PREDICATES; i <= CLAIM_DISCLOSURE_FULL; i++) {
        const char *word = claim_disclosure_word((enum claim_disclosure)i);

        assert_int_equal(claim_disclosure_from_word(span_text(word)), i);
    }
    assert_int_equal(claim_disclosure_from_word(span_text("everything")),
                     CLAIM_DISCLOSURE_UNSPECIFIED);
}

/* -- sub -- */

static void every_audience_gets_another_sub(void **state)
{
    struct hash_key key = {"0123456789abcde"}, other_key = {"0123456789abcdf"};
    struct hash128 alice = {1, 2}, bob = {1, 3};
    char one[CLAIM_SUBJECT_MAX], again[CLAIM_SUBJECT_MAX], other[CLAIM_SUBJECT_MAX];

    (void)state;
    claim_pairwise_subject(&key, alice, span_text("https://a.test"), one);
    claim_pairwise_subject(&key, alice, span_text("https://a.test"), again);
    assert_string_equal(one, again);
    assert_int_equal(strlen(one), CLAIM_SUBJECT_MAX - 1);
    claim_pairwise_subject(&key, alice, span_text("https://b.test"), other);
    assert_string_not_equal(one, other);
    claim_pairwise_subject(&key, bob, span_text("https://a.test"), other);
    assert_string_not_equal(one, other);
    claim_pairwise_subject(&other_key, alice, span_text("https://a.test"), other);
    assert_string_not_equal(one, other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_registered_claims_are_all_there),
        TEST(the_answers_about_the_person_are_those_of_the_regulations),
        TEST(sets_of_countries_are_answered_of_foreign_persons_only),
        TEST(predicates_tell_neither_country_nor_document),
        TEST(nationalities_are_states_once_each),
        TEST(full_tells_the_rest),
        TEST(an_assurance_level_is_claimed_only_if_the_vendor_asserts_it),
        TEST(evidence_is_told_by_its_class_and_by_checks_that_were_made),
        TEST(where_nothing_is_known_nothing_is_claimed),
        TEST(an_organization_is_where_it_is_organized),
        TEST(a_claim_ends_when_the_facts_do),
        TEST(times_are_whole_seconds_that_have_come),
        TEST(texts_are_bounded_and_clean),
        TEST(awkward_texts_come_out_as_they_went_in),
        TEST(numbers_out_of_range_are_refused),
        TEST(the_words_of_disclosures_are_read_back),
        TEST(every_audience_gets_another_sub),
    };

    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
