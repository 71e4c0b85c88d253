/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key: one pair (or only its public half), parsed once, that does one algorithm and nothing else.
 *
 * EC P-256 does ES256, Ed25519 does EdDSA; there are no other kinds (RFC 8725 section 3.1).  A key
 * is immutable and may be used by any number of threads at once: prepared OpenSSL contexts wait on
 * a shelf inside it, so that no call pays for parsing, fetching or initialising.
 */
#ifndef KEYS_KEY_H
#define KEYS_KEY_H

#include "base/arena.h"
#include "base/err.h"

enum key_algorithm {
    KEY_ES256 = 1, /* ECDSA over P-256 with SHA-256, RFC 7518 section 3.4 */
    KEY_EDDSA = 2, /* Ed25519, RFC 8037 */
};

enum {
    KEY_ID_LENGTH = 43, /* SHA-256 in base64url */
    KEY_ID_MAX = KEY_ID_LENGTH + 1,
    KEY_COORDINATE_BYTES = 32,
    KEY_SIGNATURE_BYTES = 64, /* r and s of ES256, R and S of Ed25519 */
    KEY_PEM_BYTES_MAX = 8 * 1024,
};

struct key;

/*
 * Read a private key: one PEM block, PKCS#8 or SEC1, not encrypted.  The key has to prove itself:
 * what it signs must verify with its own public half, and ES256 with libjwt as well.
 * CONFIG_INVALID says what is wrong with the text and never quotes it.
 */
MUST_CHECK bool key_from_pem(struct span pem, struct key **ret_key, struct err *err);

/* From coordinates; `y` is empty for Ed25519.  TOKEN_INVALID when they are no point of the curve.
 */
MUST_CHECK bool key_from_public(enum key_algorithm algorithm, struct span x, struct span y,
                                struct key **ret_key, struct err *err);

void key_free(struct key *key);

/* A new private key as PKCS#8 PEM.  The caller wipes it. */
MUST_CHECK bool key_generate_pem(enum key_algorithm algorithm, struct arena *arena,
                                 struct span *ret_pem, struct err *err);

/* RFC 7638 thumbprint, which is the `kid`. */
const char *key_id(const struct key *key);
enum key_algorithm key_algorithm(const struct key *key);
bool key_is_private(const struct key *key);
/* The public members as a JWK: alg, crv, kid, kty, use, x, y. */
struct span key_jwk(const struct key *key);

/* "ES256", "EdDSA". */
const char *key_algorithm_name(enum key_algorithm algorithm);
/* "P-256", "Ed25519". */
const char *key_algorithm_curve(enum key_algorithm algorithm);
/* The JWK's `kty`: "EC", "OKP". */
const char *key_algorithm_type(enum key_algorithm algorithm);

MUST_CHECK bool key_sign(const struct key *key, struct span message,
                         uint8_t ret_signature[static KEY_SIGNATURE_BYTES], struct err *err);

enum key_verdict {
    KEY_SIGNATURE_GOOD,
    KEY_SIGNATURE_BAD,
    /* A good ES256 signature has a twin with n - s; only the smaller s counts, so that nobody can
     * make a second text of a token. */
    KEY_SIGNATURE_NOT_LOW,
};

enum key_verdict key_verify(const struct key *key, struct span message,
                            const uint8_t signature[static KEY_SIGNATURE_BYTES]);

/* libjwt, another reader of tokens, accepts what an ES256 key signs; TRUE for EdDSA, which libjwt
 * 1.10 does not know. */
MUST_CHECK bool key_is_read_by_libjwt(const struct key *key, struct span public_pem);

#endif
