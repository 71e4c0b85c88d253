/* SPDX-License-Identifier: Apache-2.0 */
/* A key: how one is read, made, named and shown. */
#include "keys/key.h"

#include "base/digest.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "base/secret.h"
#include "keys/key_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>

enum { COORDINATE_TEXT_MAX = KEY_ID_MAX };

static const struct algorithm {
    const char *name;
    const char *type;
    const char *curve;
    const char *openssl_type;
    const char *openssl_group; /* NULL when the type says it */
} algorithms[] = {
    [KEY_ES256] = {.name = "ES256",
                   .type = "EC",
                   .curve = "P-256",
                   .openssl_type = "EC",
                   .openssl_group = "prime256v1"},
    [KEY_EDDSA] = {.name = "EdDSA", .type = "OKP", .curve = "Ed25519", .openssl_type = "ED25519"},
};

const char *key_algorithm_name(enum key_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

const char *key_algorithm_curve(enum key_algorithm algorithm)
{
    return algorithms[algorithm].curve;
}

const char *key_algorithm_type(enum key_algorithm algorithm)
{
    return algorithms[algorithm].type;
}

const char *key_id(const struct key *key)
{
    return key->id;
}

enum key_algorithm key_algorithm(const struct key *key)
{
    return key->algorithm;
}

bool key_is_private(const struct key *key)
{
    return key->is_private;
}

struct span key_jwk(const struct key *key)
{
    return span_of(key->jwk, key->jwk_length);
}

void key_free(struct key *key)
{
    if (!key)
        return;
    key_shelf_free(key->sign_shelf);
    key_shelf_free(key->verify_shelf);
    EVP_PKEY_free(key->handle);
    memory_free(key);
}

/* -- The public half as text -- */

struct coordinates {
    char x[COORDINATE_TEXT_MAX];
    char y[COORDINATE_TEXT_MAX]; /* "" for Ed25519 */
};

static bool read_ec_coordinate(const EVP_PKEY *handle, const char *name,
                               char text[static COORDINATE_TEXT_MAX])
{
    uint8_t bytes[KEY_COORDINATE_BYTES];
    BIGNUM *number = NULL;
    bool is_read = EVP_PKEY_get_bn_param(handle, name, &number) == 1 &&
                   BN_bn2binpad(number, bytes, sizeof(bytes)) == sizeof(bytes);

    if (is_read)
        base64url_encode(span_of(bytes, sizeof(bytes)), text);
    BN_free(number);
    return is_read;
}

static bool read_coordinates(enum key_algorithm algorithm, const EVP_PKEY *handle,
                             struct coordinates *ret_coordinates)
{
    uint8_t raw[KEY_COORDINATE_BYTES];
    size_t length = sizeof(raw);

    *ret_coordinates = (struct coordinates){.y = ""};
    if (algorithm == KEY_ES256)
        return read_ec_coordinate(handle, OSSL_PKEY_PARAM_EC_PUB_X, ret_coordinates->x) &&
               read_ec_coordinate(handle, OSSL_PKEY_PARAM_EC_PUB_Y, ret_coordinates->y);
    if (EVP_PKEY_get_raw_public_key(handle, raw, &length) != 1 || length != sizeof(raw))
        return false;
    base64url_encode(span_of(raw, length), ret_coordinates->x);
    return true;
}

/* RFC 7638 section 3.2 and RFC 8037 section 2: the required members in order of name, no blanks. */
static void name_key(struct key *key, const struct coordinates *at)
{
    const struct algorithm *row = &algorithms[key->algorithm];
    const char *before_y = at->y[0] ? "\",\"y\":\"" : "";
    uint8_t digest[SHA256_BYTES];
    char members[256];
    int length;

    length = snprintf(members, sizeof(members), "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%s%s%s\"}",
                      row->curve, row->type, at->x, before_y, at->y);
    digest_sha256(span_of(members, (size_t)length), digest);
    base64url_encode(span_of(digest, sizeof(digest)), key->id);
    length = snprintf(key->jwk, sizeof(key->jwk),
                      "{\"alg\":\"%s\",\"crv\":\"%s\",\"kid\":\"%s\",\"kty\":\"%s\","
                      "\"use\":\"sig\",\"x\":\"%s%s%s\"}",
                      row->name, row->curve, key->id, row->type, at->x, before_y, at->y);
    key->jwk_length = (size_t)length;
}

/* Takes the handle over, also when it fails. */
static struct key *key_of_handle(enum key_algorithm algorithm, EVP_PKEY *handle, bool is_private)
{
    struct coordinates coordinates;
    struct key *key;

    if (!read_coordinates(algorithm, handle, &coordinates)) {
        EVP_PKEY_free(handle);
        return NULL;
    }
    key = memory_new(struct key);
    key->algorithm = algorithm;
    key->is_private = is_private;
    key->handle = handle;
    key->sign_shelf = memory_new(struct key_shelf);
    key->verify_shelf = memory_new(struct key_shelf);
    name_key(key, &coordinates);
    return key;
}

/* -- PEM -- */

/* What may stand in a key file; anything else is a mistake that is better told than skipped. */
static const struct pem_label {
    const char *label;
    bool is_private;
    const char *complaint;
} pem_labels[] = {
    {"PRIVATE KEY", .is_private = true},
    {"EC PRIVATE KEY", .is_private = true},
    {"EC PARAMETERS", .is_private = false}, /* `openssl ecparam -genkey` writes it in front */
    {"ENCRYPTED PRIVATE KEY", .complaint = "the key is encrypted; it must not be"},
    {"PUBLIC KEY", .complaint = "it holds a public key; a private one is needed"},
    {"RSA PRIVATE KEY", .complaint = "it is an RSA key; EC P-256 or Ed25519 is needed"},
    {"CERTIFICATE", .complaint = "it holds a certificate; only a private key belongs here"},
};

static const struct pem_label *find_label(struct span label)
{
    for (size_t i = 0; i < ARRAY_LEN(pem_labels); i++)
        if (span_is(label, pem_labels[i].label))
            return &pem_labels[i];
    return NULL;
}

static bool check_pem_blocks(struct span pem, struct err *err)
{
    static const char begin[] = "-----BEGIN ", dashes[] = "-----";
    size_t private_count = 0;

    for (;;) {
        const uint8_t *start =
            pem.length ? memmem(pem.data, pem.length, begin, sizeof(begin) - 1) : NULL;
        const struct pem_label *row;
        const uint8_t *end;

        if (!start)
            break;
        pem = span_from(pem, (size_t)(start - pem.data) + sizeof(begin) - 1);
        end = pem.length ? memmem(pem.data, pem.length, dashes, sizeof(dashes) - 1) : NULL;
        row = end ? find_label(span_of(pem.data, (size_t)(end - pem.data))) : NULL;
        if (!row)
            return err_set(err, ERR_CONFIG_INVALID, "it holds a PEM block of an unknown kind");
        if (row->complaint)
            return err_set(err, ERR_CONFIG_INVALID, "%s", row->complaint);
        private_count += row->is_private;
    }
    if (private_count != 1)
        return err_set(err, ERR_CONFIG_INVALID, "%s",
                       private_count ? "it holds more than one private key"
                                     : "it holds no private key in PEM");
    return true;
}

int key_no_passphrase(char *buffer, int size, int is_writing, void *unused)
{
    (void)buffer, (void)size, (void)is_writing, (void)unused;
    return -1;
}

static bool algorithm_of_handle(const EVP_PKEY *handle, enum key_algorithm *ret_algorithm)
{
    char group[64];

    for (size_t i = KEY_ES256; i < ARRAY_LEN(algorithms); i++) {
        if (!EVP_PKEY_is_a(handle, algorithms[i].openssl_type))
            continue;
        if (algorithms[i].openssl_group &&
            (EVP_PKEY_get_group_name(handle, group, sizeof(group), NULL) != 1 ||
             strcmp(group, algorithms[i].openssl_group) != 0))
            continue;
        *ret_algorithm = (enum key_algorithm)i;
        return true;
    }
    return false;
}

/* SEC1 and PKCS#8 may carry a public half that is not that of the private one: a JWKS with it would
 * make every token unverifiable. */
static bool proves_itself(const struct key *key)
{
    static const char probe[] = "passgate key check";
    struct span message = span_of(probe, sizeof(probe) - 1);
    uint8_t signature[KEY_SIGNATURE_BYTES];
    BIO *pem = BIO_new(BIO_s_mem());
    struct err ignored;
    char *text = NULL;
    long length;
    bool is_good;

    is_good = key_sign(key, message, signature, &ignored) &&
              key_verify(key, message, signature) == KEY_SIGNATURE_GOOD;
    if (is_good) {
        is_good = pem && PEM_write_bio_PUBKEY(pem, key->handle) == 1 &&
                  (length = BIO_get_mem_data(pem, &text)) > 0 &&
                  key_is_read_by_libjwt(key, span_of(text, (size_t)length));
    }
    BIO_free(pem);
    return is_good;
}

bool key_from_pem(struct span pem, struct key **ret_key, struct err *err)
{
    enum key_algorithm algorithm;
    struct key *key;
    EVP_PKEY *handle;
    BIO *bio;

    if (pem.length > KEY_PEM_BYTES_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "it is too long for a key");
    if (!check_pem_blocks(pem, err))
        return false;
    bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    handle = bio ? PEM_read_bio_PrivateKey(bio, NULL, key_no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!handle)
        return err_set(err, ERR_CONFIG_INVALID, "its private key cannot be parsed");
    if (!algorithm_of_handle(handle, &algorithm)) {
        EVP_PKEY_free(handle);
        return err_set(err, ERR_CONFIG_INVALID, "its key is neither EC P-256 nor Ed25519");
    }
    key = key_of_handle(algorithm, handle, true);
    if (!key || !proves_itself(key)) {
        ERR_clear_error();
        key_free(key);
        return err_set(err, ERR_CONFIG_INVALID,
                       "the private and the public half of its key do not belong together");
    }
    *ret_key = key;
    return true;
}

/* -- Coordinates -- */

static EVP_PKEY *ec_from_coordinates(struct span x, struct span y)
{
    uint8_t point[1 + 2 * KEY_COORDINATE_BYTES] = {4}; /* uncompressed, SEC1 section 2.3.3 */
    char group[] = "prime256v1";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *check = NULL;
    EVP_PKEY *handle = NULL;

    memcpy(point + 1, x.data, KEY_COORDINATE_BYTES);
    memcpy(point + 1 + KEY_COORDINATE_BYTES, y.data, KEY_COORDINATE_BYTES);
    if (context && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &handle, EVP_PKEY_PUBLIC_KEY, parameters) == 1) {
        check = EVP_PKEY_CTX_new_from_pkey(NULL, handle, NULL);
        if (!check || EVP_PKEY_public_check(check) != 1) {
            EVP_PKEY_free(handle);
            handle = NULL;
        }
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(context);
    return handle;
}

bool key_from_public(enum key_algorithm algorithm, struct span x, struct span y,
                     struct key **ret_key, struct err *err)
{
    size_t y_length = algorithm == KEY_ES256 ? KEY_COORDINATE_BYTES : 0;
    EVP_PKEY *handle;
    struct key *key;

    if (x.length != KEY_COORDINATE_BYTES || y.length != y_length)
        return err_set(err, ERR_TOKEN_INVALID, "a coordinate of the key has a wrong length");
    handle = algorithm == KEY_ES256
                 ? ec_from_coordinates(x, y)
                 : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.data, x.length);
    key = handle ? key_of_handle(algorithm, handle, false) : NULL;
    ERR_clear_error();
    if (!key)
        return err_set(err, ERR_TOKEN_INVALID, "the key is not a point of its curve");
    *ret_key = key;
    return true;
}

bool key_generate_pem(enum key_algorithm algorithm, struct arena *arena, struct span *ret_pem,
                      struct err *err)
{
    EVP_PKEY *handle =
        algorithm == KEY_ES256 ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = 0;
    bool is_made = handle && bio &&
                   PEM_write_bio_PKCS8PrivateKey(bio, handle, NULL, NULL, 0, NULL, NULL) == 1 &&
                   (length = BIO_get_mem_data(bio, &text)) > 0;

    if (is_made) {
        *ret_pem = arena_copy(arena, span_of(text, (size_t)length));
        secret_wipe(text, (size_t)length);
    }
    BIO_free(bio);
    EVP_PKEY_free(handle);
    ERR_clear_error();
    return is_made || err_set(err, ERR_INTERNAL, "OpenSSL makes no key");
}
