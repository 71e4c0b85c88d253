/* SPDX-License-Identifier: Apache-2.0 */
/* Mutants of one good token: not one is let in. */
#include "unit/keys/fixture.h"

#include "base/encoding.h"

#include <openssl/ecdsa.h>
#include <openssl/hmac.h>

enum { MUTANTS_AT_LEAST = 60 };

struct brood {
    struct fixture *fixture;
    struct span token;
    size_t payload_at; /* where the parts begin */
    size_t signature_at;
    size_t count;
};

static void brood_init(struct brood *brood, struct fixture *fixture)
{
    const char *text;

    brood->fixture = fixture;
    brood->token = fixture_forge_json(fixture, fixture_payload());
    text = arena_text(&fixture->arena, brood->token);
    brood->payload_at = (size_t)(strchr(text, '.') - text) + 1;
    brood->signature_at = (size_t)(strrchr(text, '.') - text) + 1;
    brood->count = 0;
    assert_int_equal(fixture_open(fixture, brood->token), TOKEN_REFUSED_NONE);
}

static void try(struct brood *brood, struct span mutant, const char *what)
{
    if (span_equal(mutant, brood->token))
        fail_msg("%s changes nothing", what);
    if (fixture_open(brood->fixture, mutant) == TOKEN_REFUSED_NONE)
        fail_msg("%s is let in: %.*s", what, SPAN_FORMAT(mutant));
    brood->count++;
}

static struct span part(const struct brood *brood, size_t from, size_t to)
{
    return span_of(brood->token.data + from, to - from);
}

static struct span header_of(const struct brood *brood)
{
    return part(brood, 0, brood->payload_at - 1);
}

static struct span payload_of(const struct brood *brood)
{
    return part(brood, brood->payload_at, brood->signature_at - 1);
}

static struct span signature_of(const struct brood *brood)
{
    return part(brood, brood->signature_at, brood->token.length);
}

static void try_parts(struct brood *brood, struct span header, struct span payload,
                      struct span signature, const char *what)
{
    try(brood,
        span_text(arena_printf(&brood->fixture->arena, "%.*s.%.*s.%.*s", SPAN_FORMAT(header),
                               SPAN_FORMAT(payload), SPAN_FORMAT(signature))),
        what);
}

static struct span encoded(struct brood *brood, struct span bytes)
{
    char *text = arena_alloc(&brood->fixture->arena, base64url_length(bytes.length) + 1);

    return span_of(text, base64url_encode(bytes, text));
}

static struct span encoded_text(struct brood *brood, const char *text)
{
    return encoded(brood, span_text(text));
}

static void no_single_changed_character_is_let_in(void **state)
{
    static const char characters[] = "Ab9-_";
    struct brood brood;

    brood_init(&brood, *state);
    for (size_t i = 0; i < brood.token.length; i++) {
        char *text = arena_text(&brood.fixture->arena, brood.token);

        text[i] = characters[i % (sizeof(characters) - 1)];
        if (text[i] != (char)brood.token.data[i])
            try(&brood, span_of(text, brood.token.length), "a changed character");
    }
    assert_true(brood.count >= MUTANTS_AT_LEAST);
}

static void no_single_flipped_bit_of_the_signature_is_let_in(void **state)
{
    struct brood brood;
    uint8_t bytes[KEY_SIGNATURE_BYTES];
    size_t length;

    brood_init(&brood, *state);
    for (size_t bit = 0; bit < 8 * KEY_SIGNATURE_BYTES; bit += 5) {
        assert_true(base64url_decode(signature_of(&brood), bytes, &length));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        try_parts(&brood, header_of(&brood), payload_of(&brood),
                  encoded(&brood, span_of(bytes, sizeof(bytes))), "a flipped bit");
    }
    assert_true(brood.count >= MUTANTS_AT_LEAST);
}

static void no_shortened_or_lengthened_token_is_let_in(void **state)
{
    static const char *const tails[] = {"A", "=", "==", ".", "..", ".e30", "\n", " ", "~", "\xFF"};
    struct brood brood;

    brood_init(&brood, *state);
    for (size_t length = 0; length < brood.token.length; length += 7)
        try(&brood, span_of(brood.token.data, length), "a shortened token");
    for (size_t from = 1; from < brood.token.length; from += 7)
        try(&brood, span_from(brood.token, from), "a token without its beginning");
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        try(&brood,
            span_text(
                arena_printf(&brood.fixture->arena, "%.*s%s", SPAN_FORMAT(brood.token), tails[i])),
            "a tail");
        try(&brood,
            span_text(
                arena_printf(&brood.fixture->arena, "%s%.*s", tails[i], SPAN_FORMAT(brood.token))),
            "a head");
    }
    try(&brood, span_of(arena_text(&brood.fixture->arena, brood.token), brood.token.length + 1),
        "a NUL behind");
}

static void no_rearranged_parts_are_let_in(void **state)
{
    struct brood brood;
    struct span parts[3];

    brood_init(&brood, *state);
    parts[0] = header_of(&brood);
    parts[1] = payload_of(&brood);
    parts[2] = signature_of(&brood);
    for (int i = 0; i < 27; i++)
        if (i != 5) /* 0, 1, 2 */
            try_parts(&brood, parts[i / 9], parts[i / 3 % 3], parts[i % 3], "rearranged parts");
    for (int i = 0; i < 3; i++) {
        struct span kept = parts[i];

        parts[i] = span_of(NULL, 0);
        try_parts(&brood, parts[0], parts[1], parts[2], "an empty part");
        parts[i] = kept;
    }
}

/* The signature stays, the header says that it means something else. */
static void no_exchanged_header_is_let_in(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\"}",
        "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\"}",
        "{\"alg\":\"es256\",\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\"}",
        "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
        "{\"typ\":\"passgate-claim+jwt\",\"kid\":\"%s\",\"alg\":\"ES256\"}",
        " {\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\"}",
        "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"passgate-claim+jwt\",\"jwk\":{}}",
    };
    struct brood brood;

    brood_init(&brood, *state);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        try_parts(&brood,
                  encoded_text(&brood, arena_printf(&brood.fixture->arena, headers[i],
                                                    key_id(brood.fixture->key))),
                  payload_of(&brood), signature_of(&brood), headers[i]);
#pragma GCC diagnostic pop
}

/* RFC 8725 section 2.1: the public key as the secret of an HMAC, in the forms in which it is known.
 */
static void no_hmac_with_the_public_key_is_let_in(void **state)
{
    struct brood brood;
    struct fixture *fixture;
    struct span secrets[3];

    brood_init(&brood, *state);
    fixture = brood.fixture;
    secrets[0] = key_jwk(fixture->key);
    secrets[1] = key_ring_jwks(fixture->ring, fixture_now_ms, &fixture->arena);
    secrets[2] = span_of(NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        struct span header =
            encoded_text(&brood, arena_printf(&fixture->arena,
                                              "{\"alg\":\"HS256\",\"kid\":\"%s\",\"typ\":\"%s\"}",
                                              key_id(fixture->key), token_kind_claim.type));
        char *text = arena_printf(&fixture->arena, "%.*s.%.*s", SPAN_FORMAT(header),
                                  SPAN_FORMAT(payload_of(&brood)));
        uint8_t mac[64] = {0};
        unsigned length = 32;

        HMAC(EVP_sha256(), secrets[i].length ? secrets[i].data : mac, (int)secrets[i].length,
             (const uint8_t *)text, strlen(text), mac, &length);
        try_parts(&brood, header, payload_of(&brood), encoded(&brood, span_of(mac, 32)), "an HMAC");
        try_parts(&brood, header, payload_of(&brood), encoded(&brood, span_of(mac, 64)),
                  "an HMAC of the length of a signature");
    }
}

/* The same numbers, written otherwise. */
static void no_other_form_of_the_signature_is_let_in(void **state)
{
    uint8_t bytes[KEY_SIGNATURE_BYTES], swapped[KEY_SIGNATURE_BYTES], padded[66] = {0}, *der = NULL;
    struct brood brood;
    ECDSA_SIG *pair;
    size_t length;
    int der_length;

    brood_init(&brood, *state);
    assert_true(base64url_decode(signature_of(&brood), bytes, &length));
    pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(bytes, 32, NULL), BN_bin2bn(bytes + 32, 32, NULL));
    der_length = i2d_ECDSA_SIG(pair, &der);
    try_parts(&brood, header_of(&brood), payload_of(&brood),
              encoded(&brood, span_of(der, (size_t)der_length)), "DER");
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    memcpy(swapped, bytes + 32, 32);
    memcpy(swapped + 32, bytes, 32);
    try_parts(&brood, header_of(&brood), payload_of(&brood),
              encoded(&brood, span_of(swapped, sizeof(swapped))), "s before r");
    memcpy(padded + 1, bytes, 32);
    memcpy(padded + 34, bytes + 32, 32);
    try_parts(&brood, header_of(&brood), payload_of(&brood),
              encoded(&brood, span_of(padded, sizeof(padded))), "leading zeros");
}

/* (r, n - s) verifies wherever (r, s) does; a table keyed by the text would take it for another
 * token. */
static void the_twin_of_the_signature_is_not_let_in(void **state)
{
    static const uint8_t order[] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
        0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    };
    uint8_t bytes[KEY_SIGNATURE_BYTES];
    BIGNUM *n = BN_bin2bn(order, sizeof(order), NULL), *s;
    struct brood brood;
    struct span twin;
    size_t length;

    brood_init(&brood, *state);
    assert_true(base64url_decode(signature_of(&brood), bytes, &length));
    s = BN_bin2bn(bytes + 32, 32, NULL);
    BN_sub(s, n, s);
    BN_bn2binpad(s, bytes + 32, 32);
    BN_free(n);
    BN_free(s);
    twin = encoded(&brood, span_of(bytes, sizeof(bytes)));
    twin = span_text(arena_printf(&brood.fixture->arena, "%.*s%.*s", (int)brood.signature_at,
                                  (const char *)brood.token.data, SPAN_FORMAT(twin)));
    assert_int_equal(fixture_open(brood.fixture, twin), TOKEN_REFUSED_SIGNATURE_TWIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_single_changed_character_is_let_in),
        TEST(no_single_flipped_bit_of_the_signature_is_let_in),
        TEST(no_shortened_or_lengthened_token_is_let_in),
        TEST(no_rearranged_parts_are_let_in),
        TEST(no_exchanged_header_is_let_in),
        TEST(no_hmac_with_the_public_key_is_let_in),
        TEST(no_other_form_of_the_signature_is_let_in),
        TEST(the_twin_of_the_signature_is_not_let_in),
    };

    return cmocka_run_group_tests_name("token_mutants", tests, NULL, NULL);
}
