/* SPDX-License-Identifier: Apache-2.0 */
/* A key: how one is named, shown and made of its public half. */
#include "keys/key.h"

#include "base/digest.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "keys/key_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
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

struct key *key_of_handle(enum key_algorithm algorithm, EVP_PKEY *handle, bool is_private)
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

bool key_algorithm_of_handle(const EVP_PKEY *handle, enum key_algorithm *ret_algorithm)
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

bool key_from_handle(EVP_PKEY *handle, struct key **ret_key, struct err *err)
{
    enum key_algorithm algorithm;
    struct key *key;

    if (!key_algorithm_of_handle(handle, &algorithm)) {
        EVP_PKEY_free(handle);
        return err_set(err, ERR_TOKEN_INVALID, "it is neither EC P-256 nor Ed25519");
    }
    key = key_of_handle(algorithm, handle, false);
    ERR_clear_error();
    if (!key)
        return err_set(err, ERR_TOKEN_INVALID, "its coordinates cannot be read");
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
