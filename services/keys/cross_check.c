/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cross-check: what a key signs is shown to libjwt before the key is used.
 *
 * Passgate's own door is strict and its own; a second, independent reader at the moment a key is
 * loaded shows that tokens signed with it can be read elsewhere.  Tokens of callers never come
 * here: `jwt_decode` of libjwt 1.10 checks neither times nor types nor whether there was a key.
 */
#include "base/encoding.h"
#include "keys/key.h"

#include <jwt.h>
#include <stdio.h>

static bool reads_probe(const char *token, struct span public_pem)
{
    jwt_t *jwt = NULL;
    const char *value;
    bool is_read;

    if (jwt_decode(&jwt, token, public_pem.data, (int)public_pem.length) != 0)
        return false;
    /* libjwt reports success with an empty, unverified token when it runs out of memory: the
     * algorithm tells. */
    value = jwt_get_grant(jwt, "probe");
    is_read = jwt_get_alg(jwt) == JWT_ALG_ES256 && value && strcmp(value, "passgate") == 0;
    jwt_free(jwt);
    return is_read;
}

bool key_is_read_by_libjwt(const struct key *key, struct span public_pem)
{
    static const char header[] = "{\"alg\":\"ES256\",\"typ\":\"JWT\"}";
    static const char payload[] = "{\"probe\":\"passgate\"}";
    uint8_t signature[KEY_SIGNATURE_BYTES];
    char token[256];
    struct err ignored;
    size_t length;

    if (key_algorithm(key) != KEY_ES256)
        return true;
    length = base64url_encode(span_of(header, sizeof(header) - 1), token);
    token[length++] = '.';
    length += base64url_encode(span_of(payload, sizeof(payload) - 1), token + length);
    if (!key_sign(key, span_of(token, length), signature, &ignored))
        return false;
    token[length++] = '.';
    base64url_encode(span_of(signature, sizeof(signature)), token + length);
    return reads_probe(token, public_pem);
}
