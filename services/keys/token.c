/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: the kinds, the words for refusals, and the signing. */
#include "keys/token.h"

#include "base/encoding.h"
#include "domain/audit/head.h"
#include "domain/claim/claim.h"
#include "domain/claim/receipt.h"

#include <stdio.h>

enum { HEADER_MAX = 256 };

const struct token_kind token_kind_claim = {
    .type = CLAIM_TOKEN_TYPE,
    .required = TOKEN_ISS | TOKEN_SUB | TOKEN_AUD | TOKEN_AZP | TOKEN_JTI | TOKEN_EXP | TOKEN_IAT |
                TOKEN_NBF,
    .lifetime_max_ms = CLAIM_LIFETIME_MAX_MS,
};

const struct token_kind token_kind_receipt = {
    .type = RECEIPT_TOKEN_TYPE,
    .required = TOKEN_ISS | TOKEN_SUB | TOKEN_AZP | TOKEN_JTI | TOKEN_IAT,
};

const struct token_kind token_kind_tree_head = {
    .type = AUDIT_HEAD_TYPE,
    .required = TOKEN_IAT,
};

static const struct refusal_row {
    const char *name;
    const char *text;
} refusals[] = {
#define X(name, text) [TOKEN_REFUSED_##name] = {#name, text},
    TOKEN_REFUSAL_LIST(X)
#undef X
};

const char *token_refusal_name(enum token_refusal refusal)
{
    return refusals[refusal].name;
}

const char *token_refusal_text(enum token_refusal refusal)
{
    return refusals[refusal].text;
}

bool token_sign(const struct key_ring *ring, const struct token_kind *kind, struct span payload,
                int64_t now_ms, struct arena *arena, struct span *ret_token, struct err *err)
{
    const struct key *key = key_ring_signer(ring, now_ms);
    uint8_t signature[KEY_SIGNATURE_BYTES];
    char header[HEADER_MAX], *text;
    size_t header_length, length;

    if (!key)
        return err_set(err, ERR_INTERNAL, "no key signs now");
    header_length =
        (size_t)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"%s\"}",
                         key_algorithm_name(key_algorithm(key)), key_id(key), kind->type);
    length = base64url_length(header_length) + 1 + base64url_length(payload.length) + 1 +
             base64url_length(sizeof(signature));
    if (header_length >= sizeof(header) || length > TOKEN_BYTES_MAX)
        return err_set(err, ERR_INTERNAL, "a token of %zu bytes is too long", length);
    text = arena_alloc(arena, length + 1);
    length = base64url_encode(span_of(header, header_length), text);
    text[length++] = '.';
    length += base64url_encode(payload, text + length);
    if (!key_sign(key, span_of(text, length), signature, err))
        return false;
    text[length++] = '.';
    length += base64url_encode(span_of(signature, sizeof(signature)), text + length);
    *ret_token = span_of(text, length);
    return true;
}
