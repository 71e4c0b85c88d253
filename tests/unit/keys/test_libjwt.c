/* SPDX-License-Identifier: Apache-2.0 */
/* libjwt as an oracle: it reads what we make, we read what it makes, and what it lets in that it
 * should not, our door refuses. */
#include "unit/keys/fixture.h"

#include "base/encoding.h"
#include "base/file.h"

#include <errno.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

/* libjwt 1.10 knows no other typ. */
static const struct token_kind kind_jwt = {
    .type = "JWT",
    .required = TOKEN_ISS | TOKEN_SUB | TOKEN_AUD | TOKEN_AZP | TOKEN_JTI | TOKEN_EXP | TOKEN_IAT |
                TOKEN_NBF,
    .lifetime_max_ms = 900 * 1000,
};

static struct span private_pem(struct fixture *fixture)
{
    struct err err = ERR_NONE;
    struct span pem;

    assert_true(file_read(arena_printf(&fixture->arena, "%s/%s", fixture->folder,
                                       key_ring_describe(fixture->ring, 0, fixture_now_ms).file),
                          KEY_PEM_BYTES_MAX, &fixture->arena, &pem, &err));
    return pem;
}

static struct span public_pem(struct fixture *fixture)
{
    struct span pem = private_pem(fixture), text;
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.length), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *handle = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char *bytes;
    long length;

    assert_int_equal(PEM_write_bio_PUBKEY(out, handle), 1);
    length = BIO_get_mem_data(out, &bytes);
    text = arena_copy(&fixture->arena, span_of(bytes, (size_t)length));
    EVP_PKEY_free(handle);
    BIO_free(in);
    BIO_free(out);
    return text;
}

static int set_up(void **state)
{
    struct fixture *fixture;

    fixture_set_up(state);
    fixture = *state;
    fixture->expectation.kind = &kind_jwt;
    return 0;
}

static bool libjwt_accepts(struct fixture *fixture, struct span token, struct span key)
{
    jwt_t *jwt = NULL;
    bool accepts =
        jwt_decode(&jwt, arena_text(&fixture->arena, token), key.data, (int)key.length) == 0;

    jwt_free(jwt);
    return accepts;
}

static void libjwt_reads_what_we_make(void **state)
{
    struct fixture *fixture = *state;
    json_t *payload = fixture_payload(), *read;
    struct span text = json_text(payload, &fixture->arena), token, key = public_pem(fixture);
    struct err err = ERR_NONE;
    char *grants;
    jwt_t *jwt;

    assert_true(
        token_sign(fixture->ring, &kind_jwt, text, fixture_now_ms, &fixture->arena, &token, &err));
    assert_int_equal(fixture_open(fixture, token), TOKEN_REFUSED_NONE);
    assert_int_equal(
        jwt_decode(&jwt, arena_text(&fixture->arena, token), key.data, (int)key.length), 0);
    assert_int_equal(jwt_get_alg(jwt), JWT_ALG_ES256);
    assert_string_equal(jwt_get_header(jwt, "kid"), key_id(fixture->key));
    assert_string_equal(jwt_get_grant(jwt, "sub"), "somebody");
    assert_int_equal(jwt_get_grant_int(jwt, "exp"), fixture_now_ms / 1000 + 300);
    grants = jwt_get_grants_json(jwt, NULL);
    assert_true(json_read(span_text(grants), &read, &err));
    assert_true(json_equal(read, payload));
    assert_true(json_equal(read, fixture->token.payload));
    free(grants);
    json_decref(read);
    json_decref(payload);
    jwt_free(jwt);
}

/* libjwt takes whichever s comes: half of its tokens are the twins that we refuse. */
static void we_read_what_libjwt_makes(void **state)
{
    struct fixture *fixture = *state;
    struct span key = private_pem(fixture);
    json_t *payload = fixture_payload();
    size_t counts[TOKEN_REFUSAL_COUNT] = {0};
    jwt_t *jwt;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(
        jwt_add_grants_json(jwt, (const char *)json_text(payload, &fixture->arena).data), 0);
    assert_int_equal(jwt_set_alg(jwt, JWT_ALG_ES256, key.data, (int)key.length), 0);
    assert_int_equal(jwt_add_header(jwt, "kid", key_id(fixture->key)), 0);
    for (int i = 0; i < 64; i++) {
        char *text = jwt_encode_str(jwt);

        assert_non_null(text);
        counts[fixture_open(fixture, span_text(text))]++;
        free(text);
    }
    assert_true(counts[TOKEN_REFUSED_NONE] > 0);
    assert_int_equal(counts[TOKEN_REFUSED_NONE] + counts[TOKEN_REFUSED_SIGNATURE_TWIN], 64);
    json_decref(payload);
    jwt_free(jwt);
}

/* -- What libjwt 1.10 lets in, and why we do not -- */

static struct span signed_as(struct fixture *fixture, const char *members, const char *payload,
                             size_t payload_length)
{
    return fixture_forge(fixture,
                         arena_printf(&fixture->arena, "{%s\"kid\":\"%s\",\"typ\":\"JWT\"}",
                                      members, key_id(fixture->key)),
                         span_of(payload, payload_length));
}

static void what_libjwt_lets_in_signed_we_refuse(void **state)
{
#define ES256 "\"alg\":\"ES256\","
#define CLAIMS                                                              \
    "\"iss\":\"https://passgate.test\",\"aud\":\"https://realm.test\","     \
    "\"azp\":\"spiffe://test/gateway\",\"jti\":\"one\",\"iat\":1781299260," \
    "\"nbf\":1781299260,"
#define TEXT(text) text, sizeof(text) - 1
    static const struct {
        const char *header, *payload;
        size_t payload_length;
        enum token_refusal refusal;
    } rows[] = {
        {ES256, TEXT("{" CLAIMS "\"sub\":\"a\",\"exp\":1}"), TOKEN_REFUSED_LIFETIME},
        {ES256, TEXT("{" CLAIMS "\"sub\":\"a\"}"), TOKEN_REFUSED_CLAIM_MISSING},
        {ES256, TEXT("{" CLAIMS "\"sub\":\"a\",\"exp\":\"1781299300\"}"), TOKEN_REFUSED_CLAIM_TYPE},
        {ES256, TEXT("{" CLAIMS "\"sub\":\"a\",\"exp\":1781299300.0}"), TOKEN_REFUSED_CLAIM_TYPE},
        {ES256, TEXT("{" CLAIMS "\"sub\":\"a\",\"sub\":\"admin\",\"exp\":1781299300}"),
         TOKEN_REFUSED_PAYLOAD_JSON},
        {ES256, TEXT("{" CLAIMS "\"sub\":\"a\",\"exp\":1781299300}\0garbage"),
         TOKEN_REFUSED_PAYLOAD_JSON},
        {ES256, TEXT("[1]"), TOKEN_REFUSED_PAYLOAD_JSON},
        {"\"alg\":\"es256\",", TEXT("{" CLAIMS "\"sub\":\"a\",\"exp\":1781299300}"),
         TOKEN_REFUSED_ALGORITHM},
        {"\"alg\":\"none\"," ES256, TEXT("{" CLAIMS "\"sub\":\"a\",\"exp\":1781299300}"),
         TOKEN_REFUSED_HEADER_JSON},
        {ES256 "\"crit\":[\"x\"],", TEXT("{" CLAIMS "\"sub\":\"a\",\"exp\":1781299300}"),
         TOKEN_REFUSED_HEADER_CRITICAL},
    };
    struct fixture *fixture = *state;
    struct span key = public_pem(fixture);
    size_t accepted = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span token =
            signed_as(fixture, rows[i].header, rows[i].payload, rows[i].payload_length);

        accepted += libjwt_accepts(fixture, token, key);
        assert_string_equal(token_refusal_name(fixture_open(fixture, token)),
                            token_refusal_name(rows[i].refusal));
    }
    /* Since 1.12 libjwt compares `alg` exactly: one row less. */
    assert_in_range(accepted, ARRAY_LEN(rows) - 1, ARRAY_LEN(rows));
}

/* A signature with characters that base64 does not have is skipped over by libjwt. */
static void spoiled_texts_that_libjwt_lets_in_we_refuse(void **state)
{
    static const char *const tails[] = {"=", "==", "!", "\n"};
    struct fixture *fixture = *state;
    struct span key = public_pem(fixture);
    size_t accepted = 0;

    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        json_t *payload = fixture_payload();
        struct span text = json_text(payload, &fixture->arena), token;

        json_decref(payload);
        token = signed_as(fixture, ES256, (const char *)text.data, text.length);
        assert_int_equal(fixture_open(fixture, token), TOKEN_REFUSED_NONE);
        token = span_text(arena_printf(&fixture->arena, "%.*s%s", SPAN_FORMAT(token), tails[i]));
        accepted += libjwt_accepts(fixture, token, key);
        assert_int_equal(fixture_open(fixture, token), TOKEN_REFUSED_ENCODING);
    }
    assert_true(accepted > 0);
}

static void a_missing_key_and_the_public_key_as_a_secret_do_not_open_our_door(void **state)
{
    struct fixture *fixture = *state;
    json_t *payload = fixture_payload();
    struct span key = public_pem(fixture), token;
    jwt_t *jwt;
    char *text;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(
        jwt_add_grants_json(jwt, (const char *)json_text(payload, &fixture->arena).data), 0);
    assert_int_equal(jwt_add_header(jwt, "kid", key_id(fixture->key)), 0);
    assert_int_equal(jwt_set_alg(jwt, JWT_ALG_HS256, key.data, (int)key.length), 0);
    text = jwt_encode_str(jwt);
    assert_true(libjwt_accepts(fixture, span_text(text), key));
    assert_int_equal(fixture_open(fixture, span_text(text)), TOKEN_REFUSED_ALGORITHM);
    free(text);
    assert_int_equal(jwt_set_alg(jwt, JWT_ALG_NONE, NULL, 0), 0);
    text = jwt_encode_str(jwt);
    token = span_text(text);
    assert_true(libjwt_accepts(fixture, token, span_of(NULL, 0)));
    assert_int_not_equal(fixture_open(fixture, token), TOKEN_REFUSED_NONE);
    free(text);
    json_decref(payload);
    jwt_free(jwt);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(libjwt_reads_what_we_make),
        TEST(we_read_what_libjwt_makes),
        TEST(what_libjwt_lets_in_signed_we_refuse),
        TEST(spoiled_texts_that_libjwt_lets_in_we_refuse),
        TEST(a_missing_key_and_the_public_key_as_a_secret_do_not_open_our_door),
    };

    return cmocka_run_group_tests_name("libjwt", tests, NULL, NULL);
}
