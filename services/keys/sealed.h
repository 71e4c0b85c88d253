/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed documents: JWE in compact form (RFC 7516), which nobody but the holder of one private key
 * can read, this process included.
 *
 * There is one way to seal: ECDH-ES with P-256, direct (RFC 7518 section 4.6), and A256GCM; the
 * header names the recipient's key by its RFC 7638 thumbprint and what is inside by `typ`.  Nothing
 * is compressed: lengths would tell more, and a few bytes could open to very many.
 *
 * What is sealed is kept secret, and nothing more: anybody who has the public key can seal.  Who
 * wrote it is for the log to prove that it lies in.
 */
#ifndef KEYS_SEALED_H
#define KEYS_SEALED_H

#include "base/arena.h"
#include "base/err.h"
#include "base/snapshot.h"
#include "keys/key.h"

/* `typ` of a snapshot of facts. */
#define SEALED_FACTS_TYPE "passgate-facts+jwe"

enum {
    SEALED_CONTENT_BYTES_MAX = 64 * 1024,
    SEALED_BYTES_MAX = SEALED_CONTENT_BYTES_MAX / 3 * 4 + 1024,
};

/* A recipient's key: parsed once, immutable, counted, for any number of threads. */
struct seal_key;

enum seal_half {
    SEAL_PUBLIC, /* seals */
    SEAL_PRIVATE /* opens */
};

/*
 * Read the one key of this half, EC P-256, from PEM.  CONFIG_INVALID says what is wrong with the
 * text and never quotes it: most of all that it is a private key where the public half belongs.
 */
MUST_CHECK bool seal_key_from_pem(struct span pem, enum seal_half half, struct seal_key **ret_key,
                                  struct err *err);

struct seal_key *seal_key_ref(struct seal_key *key);
/* NULL is allowed. */
void seal_key_unref(struct seal_key *key);
/* Where the key in use is found.  Takes the caller's reference on `key` (may be NULL). */
void seal_key_snapshot_init(struct snapshot *snapshot, struct seal_key *key);

/* RFC 7638 thumbprint, which is the `kid`. */
const char *seal_key_id(const struct seal_key *key);

/* Seal, into the arena.  FIELD_TOO_LONG for more than SEALED_CONTENT_BYTES_MAX. */
MUST_CHECK bool sealed_make(const struct seal_key *key, const char *type, struct span content,
                            struct arena *arena, struct span *ret_text, struct err *err);

/*
 * Why a document was not opened.
 *
 *   X(name, what is wrong)
 */
#define SEALED_REFUSAL_LIST(X)                                                         \
    X(NONE, "nothing is wrong")                                                        \
    X(LENGTH, "it is empty or too long")                                               \
    X(PARTS, "it has not exactly five parts, of which the second is empty")            \
    X(ENCODING, "a part is not canonical base64url")                                   \
    X(HEADER_JSON, "the header is no JSON object with distinct names")                 \
    X(HEADER_MEMBER, "the header has a member that is none of ours")                   \
    X(TYPE, "typ is missing or not the one expected")                                  \
    X(ALGORITHM, "it was not sealed with ECDH-ES and A256GCM")                         \
    X(KEY_ID, "kid is missing or no string")                                           \
    X(OTHER_KEY, "it was sealed for another key")                                      \
    X(EPHEMERAL_KEY, "epk is missing, has a member too many, or is no point of P-256") \
    X(VECTOR_LENGTH, "the initialization vector has not 96 bits")                      \
    X(TAG_LENGTH, "the authentication tag has not 128 bits")                           \
    X(TAG, "it was changed after it was sealed")

enum sealed_refusal {
#define X(name, text) SEALED_REFUSED_##name,
    SEALED_REFUSAL_LIST(X)
#undef X
        SEALED_REFUSAL_COUNT
};

/* "OTHER_KEY", and the sentence. */
const char *sealed_refusal_name(enum sealed_refusal refusal);
const char *sealed_refusal_text(enum sealed_refusal refusal);

/*
 * Open with a private key: false, TOKEN_INVALID with the sentence, and the reason in `ret_refusal`,
 * which is set in either case.  What is opened has exactly one text.
 */
MUST_CHECK bool sealed_open(const struct seal_key *key, const char *type, struct span text,
                            struct arena *arena, struct span *ret_content,
                            enum sealed_refusal *ret_refusal, struct err *err);

/* For whom it was sealed, as its header says; nothing is believed by that.  TOKEN_INVALID when it
 * does not say. */
MUST_CHECK bool sealed_recipient(struct span text, struct arena *arena, struct span *ret_key_id,
                                 struct err *err);

#endif
