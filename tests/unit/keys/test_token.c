/* SPDX-License-Identifier: Apache-2.0 */
/* The door for tokens: what is let in, and the rules about form, header, key and signature. */
#include "unit/keys/fixture.h"

#include "base/encoding.h"
#include "unit/domain/claim/people.h"

#include <stdio.h>

static struct span good_token(struct fixture *fixture)
{
    return fixture_forge_json(fixture, fixture_payload());
}

static struct span with_header(struct fixture *fixture, const char *header)
{
    json_t *payload = fixture_payload();
    struct span text = json_text(payload, &fixture->arena);

    json_decref(payload);
    return fixture_forge(fixture, header, text);
}

/* A header with one more member, before ours. */
static struct span with_member(struct fixture *fixture, const char *member)
{
    return with_header(
        fixture, arena_printf(&fixture->arena, "{%s,%s", member, fixture_header(fixture) + 1));
}

static struct span replaced(struct fixture *fixture, struct span token, size_t at, char character)
{
    char *text = arena_text(&fixture->arena, token);

    text[at] = character;
    return span_of(text, token.length);
}

static void a_good_token_is_let_in_and_read(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, good_token(fixture), NONE);
    assert_true(span_is(fixture->token.id, "one"));
    assert_true(span_is(fixture->token.subject, "somebody"));
    assert_true(span_is(fixture->token.authorized_party, FIXTURE_PARTY));
    assert_int_equal(fixture->token.issued_at_ms, fixture_now_ms);
    assert_int_equal(fixture->token.expires_at_ms, fixture_now_ms + 300000);
    assert_ptr_equal(fixture->token.key, fixture->key);
    assert_string_equal(json_string_value(json_object_get(fixture->token.payload, "iss")),
                        FIXTURE_ISSUER);
}

static void what_the_signer_makes_the_door_lets_in(void **state)
{
    struct fixture *fixture = *state;
    json_t *payload = fixture_payload();
    struct span text = json_text(payload, &fixture->arena), token;
    struct err err = ERR_NONE;

    json_decref(payload);
    assert_true(token_sign(fixture->ring, &token_kind_claim, text, fixture_now_ms, &fixture->arena,
                           &token, &err));
    assert_refused(fixture, token, NONE);
}

static void a_claim_that_the_domain_builds_is_let_in(void **state)
{
    struct fixture *fixture = *state;
    struct claim_request request =
        person_request(person_find("dual us iranian"), CLAIM_DISCLOSURE_FULL, &fixture->arena);
    struct err err = ERR_NONE;
    struct claim claim;
    struct span token;

    request.lifetime_ms = CLAIM_LIFETIME_MAX_MS;
    assert_true(claim_build(&request, &fixture->arena, &claim, &err));
    assert_true(token_sign(fixture->ring, &token_kind_claim, claim.payload, request.now_ms,
                           &fixture->arena, &token, &err));
    fixture->expectation.issuer = request.issuer;
    fixture->expectation.audience = request.audience;
    fixture->expectation.authorized_party = request.authorized_party;
    assert_refused(fixture, token, NONE);
    assert_true(span_equal(fixture->token.id, request.id));
    assert_true(span_equal(fixture->token.subject, request.subject));
    assert_true(fixture->token.expires_at_ms == claim.expires_at_ms);
}

static void the_signer_makes_nothing_that_is_too_long(void **state)
{
    struct fixture *fixture = *state;
    struct span payload = span_of(arena_zalloc(&fixture->arena, TOKEN_BYTES_MAX), TOKEN_BYTES_MAX);
    struct err err = ERR_NONE;
    struct span token;

    assert_false(token_sign(fixture->ring, &token_kind_claim, payload, fixture_now_ms,
                            &fixture->arena, &token, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

static void nobody_signs_before_the_first_key(void **state)
{
    struct fixture *fixture = *state;
    struct err err = ERR_NONE;
    struct span token;

    assert_false(token_sign(fixture->ring, &token_kind_claim, span_text("{}"),
                            fixture_now_ms - 2000, &fixture->arena, &token, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

static void a_refusal_tells_the_public_one_thing_only(void **state)
{
    struct fixture *fixture = *state;
    enum token_refusal refusal;
    struct err err = ERR_NONE;
    struct token token;

    assert_false(token_open(fixture->ring, span_text("a.b.c"), &fixture->expectation,
                            &fixture->arena, &token, &refusal, &err));
    assert_string_equal(err_reason(err.code), "TOKEN_INVALID");
    assert_string_equal(err.field, "");
    assert_string_equal(err.detail, token_refusal_text(refusal));
}

static void a_token_has_one_to_8192_bytes(void **state)
{
    struct fixture *fixture = *state;
    char *text = arena_alloc(&fixture->arena, TOKEN_BYTES_MAX + 1);

    memset(text, 'A', TOKEN_BYTES_MAX + 1);
    assert_refused(fixture, span_of(NULL, 0), LENGTH);
    assert_refused(fixture, span_of(text, TOKEN_BYTES_MAX + 1), LENGTH);
    assert_refused(fixture, span_of(text, TOKEN_BYTES_MAX), PARTS);
}

static void a_token_has_exactly_two_dots(void **state)
{
    struct fixture *fixture = *state;
    struct span token = good_token(fixture);

    assert_refused(fixture, span_text("."), PARTS);
    assert_refused(fixture, span_text("AAAA"), PARTS);
    assert_refused(fixture, span_text("AAAA.AAAA"), PARTS);
    for (int dots = 1; dots <= 2; dots++) /* a fourth part, and five as a JWE has */
        assert_refused(fixture,
                       span_text(arena_printf(&fixture->arena, "%.*s%.*sAAAA", SPAN_FORMAT(token),
                                              dots, "..")),
                       PARTS);
}

static void every_part_is_canonical_base64url(void **state)
{
    static const char strangers[] = "=+/ \n\r\t!%~\"\\\x80";
    struct fixture *fixture = *state;
    struct span token = good_token(fixture);
    size_t dot = (size_t)((const uint8_t *)memchr(token.data, '.', token.length) - token.data);

    for (size_t i = 0; i < sizeof(strangers); i++) { /* the NUL as well */
        assert_refused(fixture, replaced(fixture, token, 3, strangers[i]), ENCODING);
        assert_refused(fixture, replaced(fixture, token, dot + 3, strangers[i]), ENCODING);
        assert_refused(fixture, replaced(fixture, token, token.length - 1, strangers[i]), ENCODING);
    }
    /* 64 bytes leave four unused bits in the last character: only A, Q, g and w are canonical. */
    assert_refused(fixture, replaced(fixture, token, token.length - 1, 'B'), ENCODING);
    assert_refused(fixture, span_text(arena_printf(&fixture->arena, "%.*s==", SPAN_FORMAT(token))),
                   ENCODING);
}

static void a_header_is_an_object_with_distinct_names(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, with_header(fixture, ""), HEADER_JSON);
    assert_refused(fixture, with_header(fixture, "[]"), HEADER_JSON);
    assert_refused(fixture, with_header(fixture, "\"ES256\""), HEADER_JSON);
    assert_refused(fixture, with_header(fixture, "{\"alg\":\"ES256\""), HEADER_JSON);
    assert_refused(fixture, with_member(fixture, "\"alg\":\"none\""), HEADER_JSON);
    assert_refused(fixture, with_member(fixture, "\"\\u0061lg\":\"none\""), HEADER_JSON);
    assert_refused(fixture, with_member(fixture, "\"kid\":\"other\""), HEADER_JSON);
}

static void a_header_has_no_crit(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, with_member(fixture, "\"crit\":[\"x\"]"), HEADER_CRITICAL);
    assert_refused(fixture, with_member(fixture, "\"crit\":[]"), HEADER_CRITICAL);
}

static void a_header_has_no_b64(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, with_member(fixture, "\"b64\":false"), HEADER_UNENCODED);
    assert_refused(fixture, with_member(fixture, "\"b64\":true"), HEADER_UNENCODED);
}

static void a_header_brings_no_key(void **state)
{
    static const char *const members[] = {
        "\"jku\":\"https://attacker.test/jwks\"",
        "\"jwk\":{\"kty\":\"EC\"}",
        "\"x5u\":\"https://attacker.test/chain\"",
        "\"x5c\":[\"MIIB\"]",
        "\"x5t\":\"AAAA\"",
        "\"x5t#S256\":\"AAAA\"",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_refused(fixture, with_member(fixture, members[i]), HEADER_KEY_SOURCE);
}

static void a_header_has_nothing_else(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, with_member(fixture, "\"cty\":\"JWT\""), HEADER_MEMBER);
    assert_refused(fixture, with_member(fixture, "\"zip\":\"DEF\""), HEADER_MEMBER);
    assert_refused(fixture, with_member(fixture, "\"ALG\":\"none\""), HEADER_MEMBER);
    assert_refused(fixture, with_member(fixture, "\"\":1"), HEADER_MEMBER);
}

static struct span with_typ(struct fixture *fixture, const char *typ)
{
    return with_header(fixture,
                       arena_printf(&fixture->arena, "{\"alg\":\"ES256\",\"kid\":\"%s\"%s}",
                                    key_id(fixture->key), typ));
}

static void the_typ_is_exactly_the_one_expected(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, with_typ(fixture, ",\"typ\":\"passgate-claim+jwt\""), NONE);
    assert_refused(fixture, with_typ(fixture, ""), TYPE);
    assert_refused(fixture, with_typ(fixture, ",\"typ\":\"JWT\""), TYPE);
    assert_refused(fixture, with_typ(fixture, ",\"typ\":\"at+jwt\""), TYPE);
    assert_refused(fixture, with_typ(fixture, ",\"typ\":\"Passgate-Claim+JWT\""), TYPE);
    assert_refused(fixture, with_typ(fixture, ",\"typ\":\"application/passgate-claim+jwt\""), TYPE);
    assert_refused(fixture, with_typ(fixture, ",\"typ\":\"passgate-claim+jwt \""), TYPE);
    assert_refused(fixture, with_typ(fixture, ",\"typ\":[\"passgate-claim+jwt\"]"), TYPE);
    assert_refused(fixture, with_typ(fixture, ",\"typ\":null"), TYPE);
}

static void a_token_of_one_kind_is_no_token_of_another(void **state)
{
    static const struct token_kind other = {.type = "passgate-receipt+jwt",
                                            .lifetime_max_ms = 1000};
    struct fixture *fixture = *state;
    struct span token;
    struct err err;

    assert_true(token_sign(fixture->ring, &other, span_text("{}"), fixture_now_ms, &fixture->arena,
                           &token, &err));
    assert_refused(fixture, token, TYPE);
    token = good_token(fixture);
    fixture->expectation.kind = &other;
    assert_refused(fixture, token, TYPE);
}

static struct span with_kid(struct fixture *fixture, const char *kid)
{
    return with_header(
        fixture,
        arena_printf(&fixture->arena, "{\"alg\":\"ES256\",%s\"typ\":\"passgate-claim+jwt\"}", kid));
}

static void the_key_is_found_by_exact_kid_only(void **state)
{
    static const char *const lengths[] = {"%.42s", "%sA", "%s ", "../%s", "%s.pem"};
    struct fixture *fixture = *state;
    const char *id = key_id(fixture->key);

    assert_refused(fixture, with_kid(fixture, ""), KEY_ID);
    assert_refused(fixture, with_kid(fixture, "\"kid\":null,"), KEY_ID);
    assert_refused(fixture, with_kid(fixture, "\"kid\":1,"), KEY_ID);
    assert_refused(fixture, with_kid(fixture, "\"kid\":\"\","), KEY_UNKNOWN);
    assert_refused(fixture, with_kid(fixture, "\"kid\":\"' OR 1=1 --\","), KEY_UNKNOWN);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char kid[64], member[96];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(kid, sizeof(kid), lengths[i], id);
#pragma GCC diagnostic pop
        snprintf(member, sizeof(member), "\"kid\":\"%s\",", kid);
        assert_refused(fixture, with_kid(fixture, member), KEY_UNKNOWN);
    }
}

static void a_retired_key_opens_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct span token = good_token(fixture);
    char name[KEY_FILE_NAME_MAX];
    struct key_ring *rotated;
    int64_t retired_ms;
    struct err err;

    assert_true(key_ring_make(fixture->folder, KEY_EDDSA, fixture_now_ms + 60000, name, &err));
    assert_true(key_ring_load(fixture->folder, FIXTURE_KEEP_MS, fixture_now_ms, &rotated, &err));
    retired_ms = fixture_now_ms + 60000 + FIXTURE_KEEP_MS;
    key_ring_unref(fixture->ring);
    fixture->ring = rotated;
    fixture->expectation.now_ms = retired_ms - 1;
    assert_refused(fixture, token, EXPIRED);
    fixture->expectation.now_ms = retired_ms;
    assert_refused(fixture, token, KEY_RETIRED);
}

static struct span with_alg(struct fixture *fixture, const char *alg)
{
    return with_header(fixture, arena_printf(&fixture->arena,
                                             "{%s\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\"}",
                                             alg, key_id(fixture->key)));
}

static void the_alg_is_exactly_that_of_the_key(void **state)
{
    static const char *const others[] = {"none",  "None",  "HS256", "HS512", "RS256",  "PS256",
                                         "ES384", "ES512", "es256", "EdDSA", "ES256K", ""};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        char member[32];

        snprintf(member, sizeof(member), "\"alg\":\"%s\",", others[i]);
        assert_refused(fixture, with_alg(fixture, member), ALGORITHM);
    }
    assert_refused(fixture, with_alg(fixture, ""), ALGORITHM);
    assert_refused(fixture, with_alg(fixture, "\"alg\":[\"ES256\"],"), ALGORITHM);
    assert_refused(fixture, with_alg(fixture, "\"alg\":256,"), ALGORITHM);
}

static struct span with_signature(struct fixture *fixture, struct span signature)
{
    struct span token = good_token(fixture);
    size_t head = token.length - base64url_length(KEY_SIGNATURE_BYTES);
    char *text = arena_alloc(&fixture->arena, head + base64url_length(signature.length) + 1);

    memcpy(text, token.data, head);
    return span_of(text, head + base64url_encode(signature, text + head));
}

static void a_signature_has_64_bytes(void **state)
{
    uint8_t zeros[96] = {0};
    struct fixture *fixture = *state;

    for (size_t length = 0; length < sizeof(zeros); length++)
        if (length != KEY_SIGNATURE_BYTES)
            assert_refused(fixture, with_signature(fixture, span_of(zeros, length)),
                           SIGNATURE_LENGTH);
}

static void a_signature_is_over_this_text_by_this_key(void **state)
{
    uint8_t signature[KEY_SIGNATURE_BYTES] = {0};
    struct fixture *fixture = *state;
    struct span good = good_token(fixture), other;

    assert_refused(fixture, with_signature(fixture, span_of(signature, sizeof(signature))),
                   SIGNATURE); /* r = s = 0, CVE-2022-21449 */
    memset(signature, 0xFF, sizeof(signature));
    assert_refused(fixture, with_signature(fixture, span_of(signature, sizeof(signature))),
                   SIGNATURE);
    /* Another token's signature. */
    other = fixture_forge_claim(fixture, "jti", json_string("two"));
    other = span_from(other, other.length - base64url_length(sizeof(signature)));
    assert_refused(
        fixture,
        span_text(arena_printf(&fixture->arena, "%.*s%.*s", (int)(good.length - other.length),
                               (const char *)good.data, SPAN_FORMAT(other))),
        SIGNATURE);
}

static void every_refusal_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOKEN_REFUSAL_COUNT; i++) {
        assert_true(strlen(token_refusal_name((enum token_refusal)i)) > 3);
        assert_true(strlen(token_refusal_text((enum token_refusal)i)) > 10);
        assert_null(strchr(token_refusal_text((enum token_refusal)i), '%'));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_token_is_let_in_and_read),
        TEST(what_the_signer_makes_the_door_lets_in),
        TEST(a_claim_that_the_domain_builds_is_let_in),
        TEST(the_signer_makes_nothing_that_is_too_long),
        TEST(nobody_signs_before_the_first_key),
        TEST(a_refusal_tells_the_public_one_thing_only),
        TEST(a_token_has_one_to_8192_bytes),
        TEST(a_token_has_exactly_two_dots),
        TEST(every_part_is_canonical_base64url),
        TEST(a_header_is_an_object_with_distinct_names),
        TEST(a_header_has_no_crit),
        TEST(a_header_has_no_b64),
        TEST(a_header_brings_no_key),
        TEST(a_header_has_nothing_else),
        TEST(the_typ_is_exactly_the_one_expected),
        TEST(a_token_of_one_kind_is_no_token_of_another),
        TEST(the_key_is_found_by_exact_kid_only),
        TEST(a_retired_key_opens_nothing),
        TEST(the_alg_is_exactly_that_of_the_key),
        TEST(a_signature_has_64_bytes),
        TEST(a_signature_is_over_this_text_by_this_key),
        cmocka_unit_test(every_refusal_has_a_name_and_a_sentence),
    };

    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
