/* SPDX-License-Identifier: Apache-2.0 */
/* The JWK Set (RFC 7517) as a ring that can only verify. */
#include "base/encoding.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "keys/key_ring_internal.h"

static struct span member_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

/* Absent, or exactly this text. */
static bool member_agrees(const json_t *object, const char *name, const char *text)
{
    return !json_object_get(object, name) || span_is(member_text(object, name), text);
}

/* 0 for kinds that are none of ours: a newer issuer may publish more. */
static enum key_algorithm jwk_algorithm(const json_t *jwk)
{
    for (enum key_algorithm algorithm = KEY_ES256; algorithm <= KEY_EDDSA; algorithm++)
        if (span_is(member_text(jwk, "kty"), key_algorithm_type(algorithm)) &&
            span_is(member_text(jwk, "crv"), key_algorithm_curve(algorithm)))
            return algorithm;
    return 0;
}

static bool read_coordinate(const json_t *jwk, const char *name,
                            uint8_t buffer[static KEY_COORDINATE_BYTES], struct span *ret_bytes)
{
    struct span text = member_text(jwk, name);
    size_t length;

    if (text.length != base64url_length(KEY_COORDINATE_BYTES) ||
        !base64url_decode(text, buffer, &length))
        return false;
    *ret_bytes = span_of(buffer, length);
    return true;
}

static bool read_jwk(const json_t *jwk, enum key_algorithm algorithm, struct key **ret_key,
                     struct err *err)
{
    uint8_t x_bytes[KEY_COORDINATE_BYTES], y_bytes[KEY_COORDINATE_BYTES];
    struct span x, y = {NULL, 0};
    struct key *key;

    if (json_object_get(jwk, "d"))
        return err_set(err, ERR_TOKEN_INVALID, "it is a private key");
    if (!member_agrees(jwk, "use", "sig"))
        return err_set(err, ERR_TOKEN_INVALID, "it is not for signatures");
    if (!member_agrees(jwk, "alg", key_algorithm_name(algorithm)))
        return err_set(err, ERR_TOKEN_INVALID, "its alg is not that of its curve");
    if (!read_coordinate(jwk, "x", x_bytes, &x) ||
        (algorithm == KEY_ES256 && !read_coordinate(jwk, "y", y_bytes, &y)))
        return err_set(err, ERR_TOKEN_INVALID, "a coordinate is missing or malformed");
    if (!key_from_public(algorithm, x, y, &key, err))
        return false;
    if (!member_agrees(jwk, "kid", key_id(key))) {
        key_free(key);
        return err_set(err, ERR_TOKEN_INVALID, "its kid is not its thumbprint");
    }
    *ret_key = key;
    return true;
}

static bool add_jwk(struct key_ring *ring, const json_t *jwk, struct err *err)
{
    struct key_ring_entry *entry = &ring->entries[ring->count];
    enum key_algorithm algorithm = jwk_algorithm(jwk);

    if (!json_is_object(jwk))
        return err_set(err, ERR_TOKEN_INVALID, "it is no object");
    if (!algorithm)
        return true;
    if (!read_jwk(jwk, algorithm, &entry->key, err))
        return false;
    if (key_ring_entry_of(ring, span_text(key_id(entry->key)))) {
        key_free(entry->key);
        return err_set(err, ERR_TOKEN_INVALID, "it stands there twice");
    }
    entry->published_until_ms = TIMESTAMP_NEVER_MS;
    ring->count++;
    return true;
}

static bool fill_ring(struct key_ring *ring, const json_t *set, struct err *err)
{
    const json_t *keys = json_object_get(set, "keys");

    if (!json_is_array(keys))
        return err_set(err, ERR_TOKEN_INVALID, "the JWK Set has no array of keys");
    if (json_array_size(keys) > KEY_RING_KEYS_MAX)
        return err_set(err, ERR_TOKEN_INVALID, "the JWK Set has more than %d keys",
                       KEY_RING_KEYS_MAX);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (!add_jwk(ring, json_array_get(keys, i), err)) {
            struct err inner = *err;

            return err_set(err, inner.code, "key %zu of the JWK Set: %s", i, inner.detail);
        }
    }
    if (ring->count == 0)
        return err_set(err, ERR_TOKEN_INVALID, "the JWK Set has no key of a kind that is known");
    return true;
}

bool key_ring_from_jwks(struct span json, struct key_ring **ret_ring, struct err *err)
{
    struct key_ring *ring;
    json_t *set;
    bool is_read;

    if (json.length > KEY_RING_JWKS_BYTES_MAX)
        return err_set(err, ERR_TOKEN_INVALID, "the JWK Set is too long");
    if (!json_read(json, &set, err)) {
        err->code = ERR_TOKEN_INVALID;
        return false;
    }
    ring = key_ring_new();
    is_read = fill_ring(ring, set, err);
    json_decref(set);
    if (is_read)
        *ret_ring = ring;
    else
        key_ring_unref(ring);
    return is_read;
}
