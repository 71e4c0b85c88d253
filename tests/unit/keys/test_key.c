/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: the known answers of the standards, and what is no key. */
#include "unit/keys/fixture.h"

#include "base/digest.h"
#include "base/encoding.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

/* RFC 8037 appendix A: the Ed25519 key, as PKCS#8. */
static const char rfc8037_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

static struct span decoded(struct arena *arena, const char *text)
{
    uint8_t *bytes = arena_alloc(arena, strlen(text));
    size_t length;

    assert_true(base64url_decode(span_text(text), bytes, &length));
    return span_of(bytes, length);
}

static struct key *public_key(struct arena *arena, enum key_algorithm algorithm, const char *x,
                              const char *y)
{
    struct err err = ERR_NONE;
    struct key *key = NULL;

    assert_true(key_from_public(algorithm, decoded(arena, x), decoded(arena, y), &key, &err));
    return key;
}

static struct key *generated(struct arena *arena, enum key_algorithm algorithm)
{
    struct err err = ERR_NONE;
    struct key *key = NULL;
    struct span pem;

    assert_true(key_generate_pem(algorithm, arena, &pem, &err));
    if (!key_from_pem(pem, &key, &err))
        fail_msg("%s", err.detail);
    return key;
}

static int set_up(void **state)
{
    static struct arena arena;

    arena_init(&arena, 4096);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    return 0;
}

static void the_thumbprint_of_rfc_8037_is_the_kid(void **state)
{
    struct key *key =
        public_key(*state, KEY_EDDSA, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "");

    assert_string_equal(key_id(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_false(key_is_private(key));
    key_free(key);
}

/* The RSA example of RFC 7638 section 3.1: no key of ours, but the same two steps. */
static void the_thumbprint_of_rfc_7638_comes_out(void **state)
{
    static const char members[] =
        "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":"
        "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx"
        "4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W"
        "-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0z"
        "gdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB"
        "niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}";
    uint8_t digest[SHA256_BYTES];
    char text[KEY_ID_MAX];

    (void)state;
    digest_sha256(span_of(members, sizeof(members) - 1), digest);
    base64url_encode(span_of(digest, sizeof(digest)), text);
    assert_string_equal(text, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

static void the_signature_of_rfc_8037_is_made_and_verified(void **state)
{
    static const char message[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    static const char expected[] =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
        "hVsPt9g7sVvpAr_MuM0KAg";
    uint8_t signature[KEY_SIGNATURE_BYTES];
    char text[KEY_SIGNATURE_BYTES * 2];
    struct err err = ERR_NONE;
    struct key *key;

    (void)state;
    assert_true(key_from_pem(span_text(rfc8037_pem), &key, &err));
    assert_string_equal(key_id(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_true(key_is_private(key));
    assert_true(key_sign(key, span_text(message), signature, &err));
    base64url_encode(span_of(signature, sizeof(signature)), text);
    assert_string_equal(text, expected);
    assert_int_equal(key_verify(key, span_text(message), signature), KEY_SIGNATURE_GOOD);
    key_free(key);
}

static void negate_s(uint8_t *signature)
{
    static const uint8_t order[] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
        0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    };
    BIGNUM *n = BN_bin2bn(order, sizeof(order), NULL), *s = BN_bin2bn(signature + 32, 32, NULL);

    BN_sub(s, n, s);
    BN_bn2binpad(s, signature + 32, 32);
    BN_free(n);
    BN_free(s);
}

/* RFC 7515 appendix A.3: its s is the greater one, so that it is the twin that we take. */
static void the_signature_of_rfc_7515_is_good_in_one_form_only(void **state)
{
    static const char message[] = "eyJhbGciOiJFUzI1NiJ9."
                                  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                                  "cGxlLmNvbS9pc19yb290Ijp0cnV"
                                  "lfQ";
    struct key *key = public_key(*state, KEY_ES256, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                                 "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    uint8_t signature[KEY_SIGNATURE_BYTES];

    memcpy(signature,
           decoded(*state,
                   "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJ"
                   "qPP3-Kg6NU1Q")
               .data,
           sizeof(signature));
    assert_int_equal(key_verify(key, span_text(message), signature), KEY_SIGNATURE_NOT_LOW);
    negate_s(signature);
    assert_int_equal(key_verify(key, span_text(message), signature), KEY_SIGNATURE_GOOD);
    signature[0] ^= 1;
    assert_int_equal(key_verify(key, span_text(message), signature), KEY_SIGNATURE_BAD);
    key_free(key);
}

static void every_signature_is_the_low_one(void **state)
{
    struct key *key = generated(*state, KEY_ES256);
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct err err = ERR_NONE;

    for (uint32_t i = 0; i < 64; i++) {
        struct span message = span_of(&i, sizeof(i));

        assert_true(key_sign(key, message, signature, &err));
        assert_int_equal(key_verify(key, message, signature), KEY_SIGNATURE_GOOD);
        negate_s(signature);
        assert_int_equal(key_verify(key, message, signature), KEY_SIGNATURE_NOT_LOW);
    }
    key_free(key);
}

static void a_public_key_signs_nothing(void **state)
{
    struct key *key =
        public_key(*state, KEY_EDDSA, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "");
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct err err = ERR_NONE;

    assert_false(key_sign(key, span_text("x"), signature, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    key_free(key);
}

/* -- What is no key -- */

static struct span pem_of(struct arena *arena, EVP_PKEY *handle, const char *type)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char passphrase[] = "secret";
    struct span pem;
    char *text;
    long length;

    assert_non_null(handle);
    if (strcmp(type, "public") == 0)
        assert_int_equal(PEM_write_bio_PUBKEY(bio, handle), 1);
    else if (strcmp(type, "encrypted") == 0)
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, handle, EVP_aes_128_cbc(),
                                                       (char *)passphrase, 6, NULL, NULL),
                         1);
    else if (strcmp(type, "traditional") == 0)
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, handle, EVP_aes_128_cbc(),
                                                              passphrase, 6, NULL, NULL),
                         1);
    else
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, handle, NULL, NULL, 0, NULL, NULL), 1);
    length = BIO_get_mem_data(bio, &text);
    pem = arena_copy(arena, span_of(text, (size_t)length));
    BIO_free(bio);
    return pem;
}

static void assert_no_key(struct span pem, const char *complaint)
{
    struct err err = ERR_NONE;
    struct key *key = NULL;

    assert_false(key_from_pem(pem, &key, &err));
    assert_null(key);
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    if (!strstr(err.detail, complaint))
        fail_msg("\"%s\" does not say \"%s\"", err.detail, complaint);
}

static void other_curves_and_algorithms_are_no_keys(void **state)
{
    static const struct {
        const char *type, *group;
    } rows[] = {{"EC", "P-384"},  {"EC", "P-521"}, {"EC", "secp256k1"}, {"EC", "brainpoolP256r1"},
                {"X25519", NULL}, {"ED448", NULL}, {"RSA", "2048"},     {"EC", "prime192v1"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        EVP_PKEY *handle = strcmp(rows[i].type, "EC") == 0 ? EVP_EC_gen(rows[i].group)
                           : strcmp(rows[i].type, "RSA") == 0
                               ? EVP_RSA_gen(2048)
                               : EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type);

        assert_no_key(pem_of(*state, handle, "private"), "neither EC P-256 nor Ed25519");
        EVP_PKEY_free(handle);
    }
}

static void encrypted_public_and_double_files_are_no_keys(void **state)
{
    EVP_PKEY *handle = EVP_EC_gen("P-256");
    struct span pem = pem_of(*state, handle, "private");
    struct span public_pem = pem_of(*state, handle, "public");

    assert_no_key(pem_of(*state, handle, "encrypted"), "is encrypted");
    assert_no_key(pem_of(*state, handle, "traditional"), "cannot be parsed");
    assert_no_key(public_pem, "public key");
    assert_no_key(span_text(arena_printf(*state, "%.*s%.*s", SPAN_FORMAT(pem), SPAN_FORMAT(pem))),
                  "more than one");
    assert_no_key(
        span_text(arena_printf(*state, "%.*s%.*s", SPAN_FORMAT(pem), SPAN_FORMAT(public_pem))),
        "public key");
    EVP_PKEY_free(handle);
}

static void other_texts_are_no_keys(void **state)
{
    char *long_text = arena_zalloc(*state, KEY_PEM_BYTES_MAX + 1);

    assert_no_key(span_of(NULL, 0), "no private key");
    assert_no_key(span_text("hello"), "no private key");
    assert_no_key(span_text("-----BEGIN "), "unknown kind");
    assert_no_key(span_text("-----BEGIN DH PARAMETERS-----\n"), "unknown kind");
    assert_no_key(span_text("-----BEGIN CERTIFICATE-----\n"), "certificate");
    assert_no_key(span_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                  "cannot be parsed");
    assert_no_key(span_text("-----BEGIN PRIVATE KEY-----\n"), "cannot be parsed");
    assert_no_key(span_of(long_text, KEY_PEM_BYTES_MAX + 1), "too long");
}

/* SEC1 with the private number of one key and the public point of another. */
static void two_halves_of_different_keys_are_no_key(void **state)
{
    EVP_PKEY *handles[2] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-256")};
    unsigned char *der[2] = {NULL, NULL};
    BIO *bio = BIO_new(BIO_s_mem());
    int lengths[2];
    char *text;
    long length;

    for (int i = 0; i < 2; i++)
        lengths[i] = i2d_PrivateKey(handles[i], &der[i]);
    assert_int_equal(lengths[0], lengths[1]);
    assert_int_equal(lengths[0], 121);
    memcpy(der[0] + 57, der[1] + 57, 64); /* the point's x and y are the last 64 bytes */
    assert_int_equal(PEM_write_bio(bio, "EC PRIVATE KEY", "", der[0], lengths[0]) > 0, 1);
    length = BIO_get_mem_data(bio, &text);
    assert_no_key(arena_copy(*state, span_of(text, (size_t)length)), "do not belong together");
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_free(handles[i]);
        OPENSSL_free(der[i]);
    }
    BIO_free(bio);
}

static void sec1_with_parameters_in_front_is_a_key(void **state)
{
    EVP_PKEY *handle = EVP_EC_gen("P-256");
    unsigned char *der = NULL;
    int der_length = i2d_PrivateKey(handle, &der);
    BIO *bio = BIO_new(BIO_s_mem());
    struct err err = ERR_NONE;
    struct key *key;
    char *text;
    long length;

    BIO_puts(bio, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    assert_true(PEM_write_bio(bio, "EC PRIVATE KEY", "", der, der_length) > 0);
    length = BIO_get_mem_data(bio, &text);
    if (!key_from_pem(span_of(text, (size_t)length), &key, &err))
        fail_msg("%s", err.detail);
    assert_int_equal(key_algorithm(key), KEY_ES256);
    key_free(key);
    (void)state;
    OPENSSL_free(der);
    EVP_PKEY_free(handle);
    BIO_free(bio);
}

static void points_off_the_curve_are_no_keys(void **state)
{
    struct span x = decoded(*state, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    struct span y = decoded(*state, "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5b0");
    uint8_t zeros[KEY_COORDINATE_BYTES] = {0};
    struct span zero = span_of(zeros, sizeof(zeros)), none = span_of(NULL, 0);
    struct err err = ERR_NONE;
    struct key *key;

    assert_false(key_from_public(KEY_ES256, x, y, &key, &err));
    assert_false(key_from_public(KEY_ES256, zero, zero, &key, &err));
    assert_false(key_from_public(KEY_ES256, x, none, &key, &err));
    assert_false(key_from_public(KEY_ES256, span_of(x.data, 31), y, &key, &err));
    assert_false(key_from_public(KEY_EDDSA, span_of(x.data, 31), none, &key, &err));
    assert_false(key_from_public(KEY_EDDSA, x, y, &key, &err));
    assert_int_equal(err.code, ERR_TOKEN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_thumbprint_of_rfc_8037_is_the_kid),
        cmocka_unit_test(the_thumbprint_of_rfc_7638_comes_out),
        cmocka_unit_test(the_signature_of_rfc_8037_is_made_and_verified),
        cmocka_unit_test(the_signature_of_rfc_7515_is_good_in_one_form_only),
        cmocka_unit_test(every_signature_is_the_low_one),
        cmocka_unit_test(a_public_key_signs_nothing),
        cmocka_unit_test(other_curves_and_algorithms_are_no_keys),
        cmocka_unit_test(encrypted_public_and_double_files_are_no_keys),
        cmocka_unit_test(other_texts_are_no_keys),
        cmocka_unit_test(two_halves_of_different_keys_are_no_key),
        cmocka_unit_test(sec1_with_parameters_in_front_is_a_key),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
    };

    return cmocka_run_group_tests_name("key", tests, set_up, tear_down);
}
