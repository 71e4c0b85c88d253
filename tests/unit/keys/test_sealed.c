/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed documents: the known answer, what opens, and what does not. */
#include "base/encoding.h"
#include "base/memory.h"
#include "keys/seal_internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#define TYPE "passgate-facts+jwe"

struct fixture {
    struct arena arena;
    struct seal_key *public_key;
    struct seal_key *private_key;
    struct seal_key *other_key;
    char *public_pem;
    char *private_pem;
};

/* -- Keys -- */

static char *pem_of(struct arena *arena, EVP_PKEY *handle, bool is_private)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes, *text;
    long length;

    assert_int_equal(is_private
                         ? PEM_write_bio_PKCS8PrivateKey(bio, handle, NULL, NULL, 0, NULL, NULL)
                         : PEM_write_bio_PUBKEY(bio, handle),
                     1);
    length = BIO_get_mem_data(bio, &bytes);
    text = arena_text(arena, span_of(bytes, (size_t)length));
    BIO_free(bio);
    return text;
}

static struct seal_key *key_of(const char *pem, enum seal_half half)
{
    struct seal_key *key = NULL;
    struct err err = ERR_NONE;

    if (!seal_key_from_pem(span_text(pem), half, &key, &err))
        fail_msg("%s", err.detail);
    return key;
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);
    EVP_PKEY *one = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");

    arena_init(&fixture->arena, 64 * 1024);
    fixture->public_pem = pem_of(&fixture->arena, one, false);
    fixture->private_pem = pem_of(&fixture->arena, one, true);
    fixture->public_key = key_of(fixture->public_pem, SEAL_PUBLIC);
    fixture->private_key = key_of(fixture->private_pem, SEAL_PRIVATE);
    fixture->other_key = key_of(pem_of(&fixture->arena, other, true), SEAL_PRIVATE);
    EVP_PKEY_free(one);
    EVP_PKEY_free(other);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    seal_key_unref(fixture->public_key);
    seal_key_unref(fixture->private_key);
    seal_key_unref(fixture->other_key);
    arena_release(&fixture->arena);
    memory_free(fixture);
    return 0;
}

static struct span sealed(struct fixture *fixture, struct span content)
{
    struct err err = ERR_NONE;
    struct span text;

    if (!sealed_make(fixture->public_key, TYPE, content, &fixture->arena, &text, &err))
        fail_msg("%s", err.detail);
    return text;
}

static enum sealed_refusal opened_with(struct fixture *fixture, const struct seal_key *key,
                                       struct span text, struct span *ret_content)
{
    enum sealed_refusal refusal = SEALED_REFUSAL_COUNT;
    struct err err = ERR_NONE;
    bool is_open = sealed_open(key, TYPE, text, &fixture->arena, ret_content, &refusal, &err);

    assert_int_equal(is_open, refusal == SEALED_REFUSED_NONE);
    assert_int_equal(err.code, is_open ? ERR_OK : ERR_TOKEN_INVALID);
    return refusal;
}

#define assert_refused(fixture, text, name)                                                    \
    do {                                                                                       \
        struct span content_;                                                                  \
        assert_string_equal(sealed_refusal_name(opened_with((fixture), (fixture)->private_key, \
                                                            (text), &content_)),               \
                            #name);                                                            \
    } while (0)

/* -- The standard -- */

static struct span decoded(struct arena *arena, const char *text)
{
    uint8_t *bytes = arena_alloc(arena, strlen(text));
    size_t length;

    assert_true(base64url_decode(span_text(text), bytes, &length));
    return span_of(bytes, length);
}

static EVP_PKEY *key_pair(struct arena *arena, const char *x, const char *y, const char *d)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    struct span x_bytes = decoded(arena, x), y_bytes = decoded(arena, y),
                d_bytes = decoded(arena, d);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    BIGNUM *secret = BN_bin2bn(d_bytes.data, (int)d_bytes.length, NULL);
    uint8_t point[1 + 2 * KEY_COORDINATE_BYTES] = {4};
    EVP_PKEY *handle = NULL;
    OSSL_PARAM *parameters;

    memcpy(point + 1, x_bytes.data, KEY_COORDINATE_BYTES);
    memcpy(point + 1 + KEY_COORDINATE_BYTES, y_bytes.data, KEY_COORDINATE_BYTES);
    assert_true(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0));
    assert_true(
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)));
    assert_true(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret));
    parameters = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &handle, EVP_PKEY_KEYPAIR, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    BN_free(secret);
    EVP_PKEY_CTX_free(context);
    return handle;
}

static void both_sides_of_rfc7518_appendix_c_derive_its_key(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    EVP_PKEY *alice = key_pair(arena, "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                               "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
                               "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
    EVP_PKEY *bob = key_pair(arena, "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
                             "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
                             "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
    uint8_t one[16], other[16];
    char text[32];

    assert_true(seal_agree(alice, bob, span_text("A128GCM"), span_text("Alice"), span_text("Bob"),
                           one, sizeof(one)));
    assert_true(seal_agree(bob, alice, span_text("A128GCM"), span_text("Alice"), span_text("Bob"),
                           other, sizeof(other)));
    base64url_encode(span_of(one, sizeof(one)), text);
    assert_string_equal(text, "VqqN6vgjbSBcIijNcacQGg");
    assert_memory_equal(one, other, sizeof(one));
    EVP_PKEY_free(alice);
    EVP_PKEY_free(bob);
}

static void the_key_is_named_by_its_thumbprint(void **state)
{
    /* What test_public_pem.c reads as a key for signatures: a thumbprint knows no use. */
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEp830HMdITkMFOeiPzcFBRrVI0oc3\n"
                              "T6gdIBRSKoudjxn0bZE43wbvIbrAWEeh4mNrGtAszilhD17qbNgNxZQk7Q==\n"
                              "-----END PUBLIC KEY-----\n";
    struct seal_key *key = key_of(pem, SEAL_PUBLIC);

    (void)state;
    assert_string_equal(seal_key_id(key), "ak2Ivq2KkJWHdttjFqBR4vFrq_lsytFPSMDX0oYyFMA");
    seal_key_unref(key);
}

/* -- What opens -- */

static void what_is_sealed_opens_with_the_private_half(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = arena_zalloc(&fixture->arena, SEALED_CONTENT_BYTES_MAX);
    const struct span contents[] = {span_text("{\"subject\":\"alice\"}"), span_of("", 0),
                                    span_of(bytes, SEALED_CONTENT_BYTES_MAX)};

    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        struct span text = sealed(fixture, contents[i]), content, key_id;
        struct err err = ERR_NONE;

        assert_true(text.length <= SEALED_BYTES_MAX);
        assert_int_equal(opened_with(fixture, fixture->private_key, text, &content),
                         SEALED_REFUSED_NONE);
        assert_true(span_equal(content, contents[i]));
        assert_true(sealed_recipient(text, &fixture->arena, &key_id, &err));
        assert_true(span_is(key_id, seal_key_id(fixture->private_key)));
    }
}

static void nothing_of_the_content_shows_and_no_two_seals_are_alike(void **state)
{
    struct fixture *fixture = *state;
    static const char content[] = "the same content";
    struct span one = sealed(fixture, span_text(content)),
                other = sealed(fixture, span_text(content));
    char *encoded = arena_alloc(&fixture->arena, base64url_length(sizeof(content)) + 1);

    base64url_encode(span_text(content), encoded);
    assert_int_equal(one.length, other.length);
    assert_false(span_equal(one, other));
    assert_null(memmem(one.data, one.length, content, sizeof(content) - 1));
    assert_null(memmem(one.data, one.length, encoded, strlen(encoded)));
}

static void more_than_the_bound_is_not_sealed(void **state)
{
    struct fixture *fixture = *state;
    size_t length = SEALED_CONTENT_BYTES_MAX + 1;
    struct err err = ERR_NONE;
    struct span text;

    assert_false(sealed_make(fixture->public_key, TYPE,
                             span_of(arena_zalloc(&fixture->arena, length), length),
                             &fixture->arena, &text, &err));
    assert_int_equal(err.code, ERR_FIELD_TOO_LONG);
}

/* -- What does not -- */

static void no_single_changed_character_opens(void **state)
{
    struct fixture *fixture = *state;
    struct span text = sealed(fixture, span_text("{\"subject\":\"alice\"}")), content;
    char *changed = arena_text(&fixture->arena, text);

    for (size_t i = 0; i < text.length; i++) {
        changed[i] = (char)(text.data[i] == 'A' ? 'B' : 'A');
        assert_int_not_equal(
            opened_with(fixture, fixture->private_key, span_of(changed, text.length), &content),
            SEALED_REFUSED_NONE);
        changed[i] = (char)text.data[i];
    }
    assert_refused(fixture, span_of(changed, text.length), NONE);
    for (size_t length = 0; length < text.length; length++)
        assert_int_not_equal(
            opened_with(fixture, fixture->private_key, span_of(changed, length), &content),
            SEALED_REFUSED_NONE);
}

static void another_private_key_opens_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct span text = sealed(fixture, span_text("x")), content;

    assert_int_equal(opened_with(fixture, fixture->other_key, text, &content),
                     SEALED_REFUSED_OTHER_KEY);
}

/* The document with another header, as text. */
static struct span with_header(struct fixture *fixture, struct span text, const char *header)
{
    const uint8_t *dot = memchr(text.data, '.', text.length);
    struct span rest = span_from(text, (size_t)(dot - text.data));
    char *encoded = arena_alloc(&fixture->arena, base64url_length(strlen(header)) + 1);

    base64url_encode(span_text(header), encoded);
    return span_text(arena_printf(&fixture->arena, "%s%.*s", encoded, SPAN_FORMAT(rest)));
}

/* A point of P-256, and the same with another y. */
#define POINT_X "\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\""
#define POINT_Y "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\""
#define OTHER_Y "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOycg\""
#define POINT   "\"crv\":\"P-256\",\"kty\":\"EC\"," POINT_X "," POINT_Y
#define ALG     "\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\""
#define KID     "\"kid\":\"%s\""
#define TYP     "\"typ\":\"" TYPE "\""

static void every_rule_about_the_header_holds(void **state)
{
    static const struct {
        const char *header; /* %s: the thumbprint */
        const char *refusal;
    } rows[] = {
        {"{" ALG ",\"epk\":{" POINT "}," KID "," TYP "}", "TAG"}, /* the ephemeral key of another */
        {"{" ALG ",\"epk\":{" POINT "}," KID "," TYP, "HEADER_JSON"},
        {"[]", "HEADER_JSON"},
        {"{" ALG ",\"epk\":{" POINT "}," KID "," TYP "," TYP "}", "HEADER_JSON"},
        {"{" ALG ",\"epk\":{" POINT "}," KID "," TYP ",\"zip\":\"DEF\"}", "HEADER_MEMBER"},
        {"{" ALG ",\"epk\":{" POINT "}," KID "," TYP ",\"crit\":[\"exp\"]}", "HEADER_MEMBER"},
        {"{" ALG ",\"epk\":{" POINT "}," KID "," TYP ",\"apu\":\"QQ\"}", "HEADER_MEMBER"},
        {"{" ALG ",\"epk\":{" POINT "}," KID "," TYP ",\"jku\":\"https://x\"}", "HEADER_MEMBER"},
        {"{" ALG ",\"epk\":{" POINT "}," KID "}", "TYPE"},
        {"{" ALG ",\"epk\":{" POINT "}," KID ",\"typ\":\"JWT\"}", "TYPE"},
        {"{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"epk\":{" POINT "}," KID "," TYP "}", "ALGORITHM"},
        {"{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{" POINT "}," KID "," TYP "}",
         "ALGORITHM"},
        {"{\"alg\":\"ECDH-ES\",\"enc\":\"A128GCM\",\"epk\":{" POINT "}," KID "," TYP "}",
         "ALGORITHM"},
        {"{\"enc\":\"A256GCM\",\"epk\":{" POINT "}," KID "," TYP "}", "ALGORITHM"},
        {"{" ALG ",\"epk\":{" POINT "}," TYP "}", "KEY_ID"},
        {"{" ALG ",\"epk\":{" POINT "},\"kid\":1," TYP "}", "KEY_ID"},
        {"{" ALG ",\"epk\":{" POINT "},\"kid\":\"x\"," TYP "}", "OTHER_KEY"},
        {"{" ALG "," KID "," TYP "}", "EPHEMERAL_KEY"},
        {"{" ALG ",\"epk\":\"x\"," KID "," TYP "}", "EPHEMERAL_KEY"},
        {"{" ALG ",\"epk\":{" POINT ",\"d\":\"AA\"}," KID "," TYP "}", "EPHEMERAL_KEY"},
        {"{" ALG ",\"epk\":{\"crv\":\"P-384\",\"kty\":\"EC\"," POINT_X "," POINT_Y "}," KID "," TYP
         "}",
         "EPHEMERAL_KEY"},
        {"{" ALG ",\"epk\":{\"crv\":\"P-256\",\"kty\":\"OKP\"," POINT_X "," POINT_Y "}," KID "," TYP
         "}",
         "EPHEMERAL_KEY"},
        {"{" ALG ",\"epk\":{\"crv\":\"P-256\",\"kty\":\"EC\"," POINT_X "}," KID "," TYP "}",
         "EPHEMERAL_KEY"},
        /* Not on the curve: the attack that asks the private key for its remainders. */
        {"{" ALG ",\"epk\":{\"crv\":\"P-256\",\"kty\":\"EC\"," POINT_X "," OTHER_Y "}," KID "," TYP
         "}",
         "EPHEMERAL_KEY"},
        {"{" ALG ",\"epk\":{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"AA\",\"y\":\"AA\"}," KID
         "," TYP "}",
         "EPHEMERAL_KEY"},
    };
    struct fixture *fixture = *state;
    struct span text = sealed(fixture, span_text("x"));

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *named = strstr(rows[i].header, "%s");
        const char *header =
            named ? arena_printf(&fixture->arena, "%.*s%s%s", (int)(named - rows[i].header),
                                 rows[i].header, seal_key_id(fixture->private_key), named + 2)
                  : rows[i].header;
        struct span content;

        assert_string_equal(
            sealed_refusal_name(opened_with(fixture, fixture->private_key,
                                            with_header(fixture, text, header), &content)),
            rows[i].refusal);
    }
}

static void every_rule_about_the_parts_holds(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    struct span text = sealed(fixture, span_text("x"));
    const uint8_t *dot = memchr(text.data, '.', text.length);
    struct span header = span_of(text.data, (size_t)(dot - text.data));

    assert_refused(fixture, span_of(NULL, 0), LENGTH);
    assert_refused(
        fixture, span_of(arena_zalloc(arena, SEALED_BYTES_MAX + 1), SEALED_BYTES_MAX + 1), LENGTH);
    assert_refused(fixture, header, PARTS);
    assert_refused(fixture, span_text(arena_printf(arena, "%.*s.", SPAN_FORMAT(text))), PARTS);
    assert_refused(fixture, span_text(arena_printf(arena, "%.*s.AA.AA.AA.AA", SPAN_FORMAT(header))),
                   PARTS); /* an encrypted key */
    assert_refused(fixture, span_text(arena_printf(arena, "%.*s=..A.A.A", SPAN_FORMAT(header))),
                   ENCODING);
    assert_refused(fixture, span_text(arena_printf(arena, "%.*s..AB.AA.AA", SPAN_FORMAT(header))),
                   ENCODING);
    assert_refused(fixture, span_text(arena_printf(arena, "%.*s..AA.AA.AA", SPAN_FORMAT(header))),
                   VECTOR_LENGTH);
    assert_refused(
        fixture,
        span_text(arena_printf(arena, "%.*s..AAAAAAAAAAAAAAAA.AA.AA", SPAN_FORMAT(header))),
        TAG_LENGTH);
    assert_refused(fixture,
                   span_text(arena_printf(arena, "%.*s..AAAAAAAAAAAAAAAA.AA.%s",
                                          SPAN_FORMAT(header), "AAAAAAAAAAAAAAAAAAAAAA")),
                   TAG);
}

/* -- Files -- */

static const char *complaint_of(const char *pem, enum seal_half half)
{
    static struct err err;
    struct seal_key *key = NULL;

    if (seal_key_from_pem(span_text(pem), half, &key, &err))
        fail_msg("taken: %s", pem);
    assert_null(key);
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    return err.detail;
}

static void each_half_is_refused_where_the_other_belongs(void **state)
{
    struct fixture *fixture = *state;

    assert_non_null(strstr(complaint_of(fixture->private_pem, SEAL_PUBLIC),
                           "it holds a private key, and only the public half belongs here"));
    assert_non_null(
        strstr(complaint_of(fixture->public_pem, SEAL_PRIVATE), "it holds a public key"));
    assert_non_null(strstr(complaint_of(arena_printf(&fixture->arena, "%s%s", fixture->public_pem,
                                                     fixture->private_pem),
                                        SEAL_PUBLIC),
                           "it holds a private key"));
}

static void what_is_no_key_of_p256_is_refused(void **state)
{
    static const struct {
        const char *pem;
        const char *complaint;
    } rows[] = {
        {"", "no key in PEM"},
        {"-----BEGIN PUBLIC KEY-----\n", "no key in PEM"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be parsed"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a certificate"},
        {"-----BEGIN NONSENSE-----\nAAAA\n-----END NONSENSE-----\n", "an unknown kind"},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
         "a private key"},
        /* Ed25519, RFC 8037 appendix A. */
        {"-----BEGIN PUBLIC KEY-----\n"
         "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
         "-----END PUBLIC KEY-----\n",
         "not EC P-256"},
    };
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    EVP_PKEY *larger = EVP_EC_gen("P-384");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strstr(complaint_of(rows[i].pem, SEAL_PUBLIC), rows[i].complaint))
            fail_msg("%s: %s", rows[i].complaint, complaint_of(rows[i].pem, SEAL_PUBLIC));
    assert_non_null(strstr(complaint_of(pem_of(arena, larger, true), SEAL_PRIVATE), "P-256"));
    assert_non_null(
        strstr(complaint_of(arena_printf(arena, "%s%s", fixture->public_pem, fixture->public_pem),
                            SEAL_PUBLIC),
               "more than one"));
    assert_non_null(
        strstr(complaint_of(arena_printf(arena, "%*s", KEY_PEM_BYTES_MAX + 1, ""), SEAL_PUBLIC),
               "too long"));
    EVP_PKEY_free(larger);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(both_sides_of_rfc7518_appendix_c_derive_its_key),
        TEST(the_key_is_named_by_its_thumbprint),
        TEST(what_is_sealed_opens_with_the_private_half),
        TEST(nothing_of_the_content_shows_and_no_two_seals_are_alike),
        TEST(more_than_the_bound_is_not_sealed),
        TEST(no_single_changed_character_opens),
        TEST(another_private_key_opens_nothing),
        TEST(every_rule_about_the_header_holds),
        TEST(every_rule_about_the_parts_holds),
        TEST(each_half_is_refused_where_the_other_belongs),
        TEST(what_is_no_key_of_p256_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
