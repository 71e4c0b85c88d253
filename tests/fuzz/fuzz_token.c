/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes at the door for tokens.  Bytes that begin with `S` are a header, a line feed and a
 * payload, which are signed first, so that the fuzzer gets past the signature; everything else is
 * the token itself.  What is let in keeps the promises of token.h, and stops doing so when it is
 * changed.
 */
#include "base/encoding.h"
#include "keys/token.h"

#include <stdlib.h>

enum { INPUT_MAX = 2 * TOKEN_BYTES_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8037 appendix A. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                          "-----END PRIVATE KEY-----\n";

static struct key *key;
static struct key_ring *ring;

static const struct token_expectation expectation = {
    .kind = &token_kind_claim,
    .issuer = {(const uint8_t *)"i", 1},
    .audience = {(const uint8_t *)"a", 1},
    .now_ms = INT64_C(1781299260000),
    .leeway_ms = TOKEN_LEEWAY_MAX_MS,
};

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void make_ring(struct arena *arena)
{
    struct err err;
    char *jwks;

    expect(key_from_pem(span_text(pem), &key, &err));
    jwks = arena_printf(arena, "{\"keys\":[%.*s]}", SPAN_FORMAT(key_jwk(key)));
    expect(key_ring_from_jwks(span_text(jwks), &ring, &err));
}

static struct span sign(struct span input, struct arena *arena)
{
    const uint8_t *feed = input.length ? memchr(input.data, '\n', input.length) : NULL;
    struct span header = span_of(input.data, feed ? (size_t)(feed - input.data) : input.length);
    struct span payload = span_from(input, header.length + 1);
    char *text = arena_alloc(arena, 2 * input.length + 128);
    uint8_t signature[KEY_SIGNATURE_BYTES];
    size_t length = base64url_encode(header, text);
    struct err err;

    text[length++] = '.';
    length += base64url_encode(payload, text + length);
    expect(key_sign(key, span_of(text, length), signature, &err));
    text[length++] = '.';
    length += base64url_encode(span_of(signature, sizeof(signature)), text + length);
    return span_of(text, length);
}

static bool is_let_in(struct span text, struct arena *arena, struct token *ret_token)
{
    enum token_refusal refusal;
    struct err err = ERR_NONE;
    bool is_open = token_open(ring, text, &expectation, arena, ret_token, &refusal, &err);

    expect(is_open == (refusal == TOKEN_REFUSED_NONE) && is_open == (err.code == ERR_OK));
    return is_open;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct token token, again;
    struct arena arena;

    if (size > INPUT_MAX)
        return 0;
    arena_init(&arena, 32 * 1024);
    if (!ring)
        make_ring(&arena);
    if (size > 0 && data[0] == 'S')
        text = sign(span_from(text, 1), &arena);
    if (is_let_in(text, &arena, &token)) {
        char *changed = arena_text(&arena, text);

        expect(token.id.length > 0 && token.subject.length > 0 && token.authorized_party.length);
        expect(token.expires_at_ms > token.issued_at_ms);
        expect(token.expires_at_ms - token.issued_at_ms <= token_kind_claim.lifetime_max_ms);
        expect(token.expires_at_ms + TOKEN_LEEWAY_MAX_MS > expectation.now_ms);
        expect(json_object_get(token.payload, "iss") && json_object_get(token.payload, "aud"));
        changed[size % text.length] ^= 1;
        expect(!is_let_in(span_of(changed, text.length), &arena, &again));
    }
    arena_release(&arena);
    return 0;
}
