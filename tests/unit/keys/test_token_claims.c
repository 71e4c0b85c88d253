/* SPDX-License-Identifier: Apache-2.0 */
/* The door for tokens: the rules about the payload, what it claims and how long. */
#include "unit/keys/fixture.h"

static struct span with_payload(struct fixture *fixture, const char *payload)
{
    return fixture_forge(fixture, fixture_header(fixture), span_text(payload));
}

/* Times relative to now, in seconds. */
static struct span with_times(struct fixture *fixture, int issued, int not_before, int expires)
{
    json_t *payload = fixture_payload();
    json_int_t now = fixture_now_ms / 1000;

    json_object_set_new(payload, "iat", json_integer(now + issued));
    json_object_set_new(payload, "nbf", json_integer(now + not_before));
    json_object_set_new(payload, "exp", json_integer(now + expires));
    return fixture_forge_json(fixture, payload);
}

static void a_payload_is_an_object_with_distinct_names(void **state)
{
    static const char *const payloads[] = {
        "",
        "[]",
        "null",
        "1",
        "\"a\"",
        "{",
        "{}{}",
        "{} x",
        "{\"sub\":\"a\",\"sub\":\"admin\"}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\xC3\"}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "\xEF\xBB\xBF{}",
    };
    struct fixture *fixture = *state;
    char deep[201];

    for (size_t i = 0; i < ARRAY_LEN(payloads); i++)
        assert_refused(fixture, with_payload(fixture, payloads[i]), PAYLOAD_JSON);
    assert_refused(fixture, fixture_forge(fixture, fixture_header(fixture), span_of("{}\0{}", 5)),
                   PAYLOAD_JSON);
    memset(deep, '[', 200);
    deep[200] = '\0';
    assert_refused(fixture, with_payload(fixture, deep), PAYLOAD_JSON);
}

static const char *const text_claims[] = {"iss", "sub", "aud", "azp", "jti"};
static const char *const time_claims[] = {"exp", "iat", "nbf"};

static void every_registered_claim_is_required(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(text_claims); i++)
        assert_refused(fixture, fixture_forge_claim(fixture, text_claims[i], NULL), CLAIM_MISSING);
    for (size_t i = 0; i < ARRAY_LEN(time_claims); i++)
        assert_refused(fixture, fixture_forge_claim(fixture, time_claims[i], NULL), CLAIM_MISSING);
    assert_refused(fixture, with_payload(fixture, "{}"), CLAIM_MISSING);
}

static void texts_are_strings_and_times_are_integers(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(text_claims); i++) {
        assert_refused(fixture, fixture_forge_claim(fixture, text_claims[i], json_integer(1)),
                       CLAIM_TYPE);
        assert_refused(fixture, fixture_forge_claim(fixture, text_claims[i], json_null()),
                       CLAIM_TYPE);
        assert_refused(fixture, fixture_forge_claim(fixture, text_claims[i], json_object()),
                       CLAIM_TYPE);
    }
    for (size_t i = 0; i < ARRAY_LEN(time_claims); i++) {
        assert_refused(fixture,
                       fixture_forge_claim(fixture, time_claims[i], json_string("1781299300")),
                       CLAIM_TYPE);
        assert_refused(fixture,
                       fixture_forge_claim(fixture, time_claims[i], json_real(1781299300.0)),
                       CLAIM_TYPE);
        assert_refused(fixture, fixture_forge_claim(fixture, time_claims[i], json_true()),
                       CLAIM_TYPE);
    }
}

static void texts_are_1_to_512_bytes_and_times_up_to_2_to_the_53(void **state)
{
    struct fixture *fixture = *state;
    char text[TOKEN_TEXT_MAX + 2];

    memset(text, 'a', sizeof(text));
    text[TOKEN_TEXT_MAX + 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(text_claims); i++) {
        assert_refused(fixture, fixture_forge_claim(fixture, text_claims[i], json_string("")),
                       CLAIM_RANGE);
        assert_refused(fixture, fixture_forge_claim(fixture, text_claims[i], json_string(text)),
                       CLAIM_RANGE);
    }
    assert_refused(fixture, fixture_forge_claim(fixture, "sub", json_string(text + 1)), NONE);
    for (size_t i = 0; i < ARRAY_LEN(time_claims); i++) {
        assert_refused(fixture, fixture_forge_claim(fixture, time_claims[i], json_integer(-1)),
                       CLAIM_RANGE);
        assert_refused(
            fixture,
            fixture_forge_claim(fixture, time_claims[i], json_integer((INT64_C(1) << 53) + 1)),
            CLAIM_RANGE);
        assert_refused(fixture,
                       fixture_forge_claim(fixture, time_claims[i], json_integer(INT64_MAX)),
                       CLAIM_RANGE);
    }
    /* More digits than an integer has are no JSON number that can be read. */
    assert_refused(fixture, with_payload(fixture, "{\"exp\":18446744073709551616}"), PAYLOAD_JSON);
}

static void the_issuer_is_the_one_expected(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, fixture_forge_claim(fixture, "iss", json_string(FIXTURE_ISSUER "/")),
                   ISSUER);
    assert_refused(
        fixture, fixture_forge_claim(fixture, "iss", json_string("https://passgate.tes")), ISSUER);
}

static void the_audience_is_one_string_and_this_one(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture,
                   fixture_forge_claim(fixture, "aud", json_string("https://realm.test.evil")),
                   AUDIENCE);
    assert_refused(fixture, fixture_forge_claim(fixture, "aud", json_string("HTTPS://REALM.TEST")),
                   AUDIENCE);
    assert_refused(fixture, fixture_forge_claim(fixture, "aud", json_pack("[s]", FIXTURE_AUDIENCE)),
                   CLAIM_TYPE);
}

static void the_authorized_party_is_the_caller_if_it_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct span token = fixture_forge_claim(fixture, "azp", json_string("spiffe://test/other"));

    assert_refused(fixture, token, PARTY);
    fixture->expectation.authorized_party = span_of(NULL, 0);
    assert_refused(fixture, token, NONE);
    assert_true(span_is(fixture->token.authorized_party, "spiffe://test/other"));
}

static void a_token_lives_as_long_as_its_kind_allows(void **state)
{
    struct fixture *fixture = *state;
    int longest = (int)(token_kind_claim.lifetime_max_ms / 1000);

    assert_refused(fixture, with_times(fixture, 0, 0, longest), NONE);
    assert_refused(fixture, with_times(fixture, 0, 0, longest + 1), LIFETIME);
    assert_refused(fixture, with_times(fixture, 0, 0, 0), LIFETIME);
    assert_refused(fixture, with_times(fixture, 0, 0, -1), LIFETIME);
    assert_refused(fixture, with_times(fixture, -longest, -longest, 1), LIFETIME);
}

static void a_token_is_good_from_its_nbf_until_before_its_exp(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, with_times(fixture, -300, -300, 1), NONE);
    assert_refused(fixture, with_times(fixture, -300, -300, 0), EXPIRED);
    assert_refused(fixture, with_times(fixture, 1, 0, 300), ISSUED_AHEAD);
    assert_refused(fixture, with_times(fixture, 0, 1, 300), NOT_YET);
    assert_refused(fixture, fixture_forge_claim(fixture, "exp", json_integer(1)), LIFETIME);
}

static void clocks_may_differ_by_the_leeway_and_no_more(void **state)
{
    struct fixture *fixture = *state;

    fixture->expectation.leeway_ms = 60 * 1000;
    assert_refused(fixture, with_times(fixture, 60, 60, 300), NONE);
    assert_refused(fixture, with_times(fixture, 61, 0, 300), ISSUED_AHEAD);
    assert_refused(fixture, with_times(fixture, 0, 61, 300), NOT_YET);
    assert_refused(fixture, with_times(fixture, -300, -300, -59), NONE);
    assert_refused(fixture, with_times(fixture, -300, -300, -60), EXPIRED);
    /* More than a minute is not believed. */
    fixture->expectation.leeway_ms = INT64_C(3600) * 1000;
    assert_refused(fixture, with_times(fixture, 61, 0, 300), ISSUED_AHEAD);
    assert_refused(fixture, with_times(fixture, -300, -300, -60), EXPIRED);
}

static void the_leeway_lengthens_no_life(void **state)
{
    struct fixture *fixture = *state;
    int longest = (int)(token_kind_claim.lifetime_max_ms / 1000);

    fixture->expectation.leeway_ms = 60 * 1000;
    assert_refused(fixture, with_times(fixture, 1 - longest, 1 - longest, 1), NONE);
    assert_refused(fixture, with_times(fixture, -longest, -longest, 0), EXPIRED);
    assert_refused(fixture, with_times(fixture, -longest, -longest, -10), EXPIRED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_payload_is_an_object_with_distinct_names),
        TEST(every_registered_claim_is_required),
        TEST(texts_are_strings_and_times_are_integers),
        TEST(texts_are_1_to_512_bytes_and_times_up_to_2_to_the_53),
        TEST(the_issuer_is_the_one_expected),
        TEST(the_audience_is_one_string_and_this_one),
        TEST(the_authorized_party_is_the_caller_if_it_is_asked_for),
        TEST(a_token_lives_as_long_as_its_kind_allows),
        TEST(a_token_is_good_from_its_nbf_until_before_its_exp),
        TEST(clocks_may_differ_by_the_leeway_and_no_more),
        TEST(the_leeway_lengthens_no_life),
    };

    return cmocka_run_group_tests_name("token claims", tests, NULL, NULL);
}
