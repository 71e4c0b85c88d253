/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: JWS in compact form (RFC 7515), made with a key ring and let in through one strict door.
 *
 * token_open() is the only way from a text to something that may be believed.  It follows RFC 8725
 * and its successor: characters, canonical base64url, no duplicate members, no header member that
 * we do not write, the exact `typ`, the key by exact `kid`, the algorithm of that key and no other,
 * and every claim that the kind requires with its type.  A token that passes has exactly one text.
 *
 * Whether it was revoked is for the caller to ask, by `id`.
 */
#ifndef KEYS_TOKEN_H
#define KEYS_TOKEN_H

#include "base/json.h"
#include "keys/key_ring.h"

enum {
    TOKEN_BYTES_MAX = 8 * 1024,
    TOKEN_TEXT_MAX = 512, /* of a claim that is a string */
    TOKEN_LEEWAY_MAX_MS = 60 * 1000,
};

/* The registered claims (RFC 7519 section 4.1, and azp), as bits of `struct token_kind`. */
enum token_claim {
    TOKEN_ISS = 1 << 0,
    TOKEN_SUB = 1 << 1,
    TOKEN_AUD = 1 << 2,
    TOKEN_AZP = 1 << 3,
    TOKEN_JTI = 1 << 4,
    TOKEN_EXP = 1 << 5,
    TOKEN_IAT = 1 << 6,
    TOKEN_NBF = 1 << 7,
};

/* What one kind of token looks like.  Kinds are told apart by `typ` alone, and no two share it
 * (RFC 8725 section 3.12). */
struct token_kind {
    const char *type;        /* `typ`, without "application/" */
    unsigned required;       /* enum token_claim bits; one that is there must be right anyway */
    int64_t lifetime_max_ms; /* exp - iat at most; 0: it has no exp */
};

/* `passgate-claim+jwt`: every registered claim. */
extern const struct token_kind token_kind_claim;
/* `passgate-tree-head+jwt`: the head of an audit log (domain/audit/head.h), which never expires. */
extern const struct token_kind token_kind_tree_head;

/* `passgate-receipt+jwt`: proves and permits nothing, so that it has neither audience nor end; one
 * that has is refused. */
extern const struct token_kind token_kind_receipt;

/*
 * Why the door refused.  For metrics, logs and tests; callers of ours learn TOKEN_INVALID and
 * nothing else.
 *
 *   X(name, what is wrong)
 */
#define TOKEN_REFUSAL_LIST(X)                                                             \
    X(NONE, "nothing is wrong")                                                           \
    X(LENGTH, "it is empty or longer than 8 KiB")                                         \
    X(PARTS, "it has not exactly three parts")                                            \
    X(ENCODING, "a part is not canonical base64url")                                      \
    X(HEADER_JSON, "the header is no JSON object with distinct names")                    \
    X(HEADER_CRITICAL, "the header has crit")                                             \
    X(HEADER_UNENCODED, "the header has b64")                                             \
    X(HEADER_KEY_SOURCE, "the header brings or points to a key: jku, jwk, x5u, x5c, x5t") \
    X(HEADER_MEMBER, "the header has a member that is none of ours")                      \
    X(TYPE, "typ is missing or not the one expected")                                     \
    X(KEY_ID, "kid is missing or no string")                                              \
    X(KEY_UNKNOWN, "no key has this kid")                                                 \
    X(KEY_RETIRED, "the key is no longer published")                                      \
    X(ALGORITHM, "alg is missing or not that of the key")                                 \
    X(SIGNATURE_LENGTH, "the signature has not 64 bytes")                                 \
    X(SIGNATURE_TWIN, "the signature is the twin with n - s of one that was made")        \
    X(SIGNATURE, "the signature is wrong")                                                \
    X(PAYLOAD_JSON, "the payload is no JSON object with distinct names")                  \
    X(CLAIM_MISSING, "a required claim is missing")                                       \
    X(CLAIM_TYPE, "a claim has the wrong type")                                           \
    X(CLAIM_RANGE, "a claim is empty, too long or out of range")                          \
    X(ISSUER, "iss is not the one expected")                                              \
    X(AUDIENCE, "aud is not the one expected")                                            \
    X(PARTY, "azp is not the one expected")                                               \
    X(LIFETIME, "exp is not after iat, or too long after it")                             \
    X(ISSUED_AHEAD, "iat lies in the future")                                             \
    X(NOT_YET, "nbf lies in the future")                                                  \
    X(EXPIRED, "exp has passed")

enum token_refusal {
#define X(name, text) TOKEN_REFUSED_##name,
    TOKEN_REFUSAL_LIST(X)
#undef X
        TOKEN_REFUSAL_COUNT
};

/* "EXPIRED", and the sentence. */
const char *token_refusal_name(enum token_refusal refusal);
const char *token_refusal_text(enum token_refusal refusal);

/* What a token must be to be let in. */
struct token_expectation {
    const struct token_kind *kind;
    struct span issuer;
    bool is_any_issuer; /* whoever has these keys */
    struct span audience;
    bool is_any_audience; /* only for the issuer that examines tokens of its own (RFC 7662) */
    struct span authorized_party; /* data NULL: anybody's */
    int64_t now_ms;
    /* For clocks that differ, TOKEN_LEEWAY_MAX_MS at most.  It never lets a token live longer than
     * the kind allows, counted from iat. */
    int64_t leeway_ms;
};

/* A token that was let in.  Everything lives in the arena. */
struct token {
    struct span id; /* jti: what revocation goes by */
    struct span subject;
    struct span audience;
    struct span authorized_party;
    int64_t issued_at_ms;
    int64_t expires_at_ms;
    const struct key *key; /* as long as the ring */
    const json_t *payload; /* all of it */
};

/*
 * Let a token in, or refuse it: false, TOKEN_INVALID, the sentence in `detail` (never a byte of the
 * token) and the reason in `ret_refusal`, which is set in either case.  Any thread.
 */
MUST_CHECK bool token_open(const struct key_ring *ring, struct span text,
                           const struct token_expectation *expectation, struct arena *arena,
                           struct token *ret_token, enum token_refusal *ret_refusal,
                           struct err *err);

/*
 * Sign a payload, which is JSON text, with the key that signs now.  INTERNAL when there is none or
 * when the token would be longer than what the door lets in.  Any thread.
 */
MUST_CHECK bool token_sign(const struct key_ring *ring, const struct token_kind *kind,
                           struct span payload, int64_t now_ms, struct arena *arena,
                           struct span *ret_token, struct err *err);

#endif
