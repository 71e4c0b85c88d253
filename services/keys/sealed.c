/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed documents: made, and opened through one strict door. */
#include "keys/sealed.h"

#include "base/digest.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/random.h"
#include "base/secret.h"
#include "keys/seal_internal.h"

#include <endian.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdio.h>

enum {
    POINT_BYTES = 1 + 2 * KEY_COORDINATE_BYTES, /* uncompressed, SEC1 section 2.3.3 */
    VECTOR_BYTES = 12,
    TAG_BYTES = 16,
    HEADER_MAX = 512,
    COORDINATE_TEXT_MAX = KEY_ID_MAX,
};

enum { PART_HEADER, PART_KEY, PART_VECTOR, PART_CONTENT, PART_TAG, PART_COUNT };

static const char algorithm[] = "ECDH-ES", encryption[] = "A256GCM";

static const struct refusal_row {
    const char *name;
    const char *text;
} refusals[] = {
#define X(name, text) [SEALED_REFUSED_##name] = {#name, text},
    SEALED_REFUSAL_LIST(X)
#undef X
};

const char *sealed_refusal_name(enum sealed_refusal refusal)
{
    return refusals[refusal].name;
}

const char *sealed_refusal_text(enum sealed_refusal refusal)
{
    return refusals[refusal].text;
}

/* ---- the agreement ---- */

static bool derive_shared(EVP_PKEY *own, EVP_PKEY *peer,
                          uint8_t ret_shared[static KEY_COORDINATE_BYTES])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t length = KEY_COORDINATE_BYTES;
    bool is_derived = context && EVP_PKEY_derive_init(context) == 1 &&
                      EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
                      EVP_PKEY_derive(context, ret_shared, &length) == 1 &&
                      length == KEY_COORDINATE_BYTES;

    EVP_PKEY_CTX_free(context);
    return is_derived;
}

/* NIST SP 800-56A section 5.8.2.1, the concatenation KDF, with the other information of RFC 7518:
 * lengths before texts, the length of the key behind. */
bool seal_agree(EVP_PKEY *own, EVP_PKEY *peer, struct span name, struct span party_u,
                struct span party_v, uint8_t *ret_secret, size_t secret_bytes)
{
    const struct span texts[] = {name, party_u, party_v};
    uint8_t shared[KEY_COORDINATE_BYTES], digest[SHA256_BYTES];
    uint32_t round = htobe32(1), lengths[ARRAY_LEN(texts)];
    uint32_t bits = htobe32((uint32_t)(8 * secret_bytes));
    struct span pieces[3 + 2 * ARRAY_LEN(texts)];
    size_t count = 0;

    if (secret_bytes > sizeof(digest) || !derive_shared(own, peer, shared))
        return false;
    pieces[count++] = span_of(&round, sizeof(round));
    pieces[count++] = span_of(shared, sizeof(shared));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        lengths[i] = htobe32((uint32_t)texts[i].length);
        pieces[count++] = span_of(&lengths[i], sizeof(lengths[i]));
        pieces[count++] = texts[i];
    }
    pieces[count++] = span_of(&bits, sizeof(bits));
    digest_sha256_of(pieces, count, digest);
    memcpy(ret_secret, digest, secret_bytes);
    secret_wipe(shared, sizeof(shared));
    secret_wipe(digest, sizeof(digest));
    return true;
}

static bool agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret_secret[static SEAL_SECRET_BYTES])
{
    return seal_agree(own, peer, span_text(encryption), span_of(NULL, 0), span_of(NULL, 0),
                      ret_secret, SEAL_SECRET_BYTES);
}

/* ---- sealing ---- */

/* What a document is made with: used once. */
struct envelope {
    uint8_t secret[SEAL_SECRET_BYTES];
    uint8_t vector[VECTOR_BYTES];
    uint8_t point[POINT_BYTES];
};

static bool prepare(const struct seal_key *key, struct envelope *ret_envelope)
{
    EVP_PKEY *ephemeral = EVP_EC_gen("P-256");
    uint8_t *point = NULL;
    bool is_made = ephemeral &&
                   EVP_PKEY_get1_encoded_public_key(ephemeral, &point) == POINT_BYTES &&
                   agree(ephemeral, key->key->handle, ret_envelope->secret);

    if (is_made)
        memcpy(ret_envelope->point, point, POINT_BYTES);
    random_fill(ret_envelope->vector, sizeof(ret_envelope->vector));
    OPENSSL_free(point);
    EVP_PKEY_free(ephemeral);
    return is_made;
}

static size_t write_header(const struct seal_key *key, const char *type,
                           const struct envelope *envelope, char header[static HEADER_MAX])
{
    char x[COORDINATE_TEXT_MAX], y[COORDINATE_TEXT_MAX];

    base64url_encode(span_of(envelope->point + 1, KEY_COORDINATE_BYTES), x);
    base64url_encode(span_of(envelope->point + 1 + KEY_COORDINATE_BYTES, KEY_COORDINATE_BYTES), y);
    return (size_t)snprintf(header, HEADER_MAX,
                            "{\"alg\":\"%s\",\"enc\":\"%s\",\"epk\":{\"crv\":\"%s\",\"kty\":\"%s\","
                            "\"x\":\"%s\",\"y\":\"%s\"},\"kid\":\"%s\",\"typ\":\"%s\"}",
                            algorithm, encryption, key_algorithm_curve(KEY_ES256),
                            key_algorithm_type(KEY_ES256), x, y, seal_key_id(key), type);
}

static bool encrypt(const struct seal_key *key, const struct envelope *envelope, struct span header,
                    struct span content, uint8_t *ret_bytes, uint8_t ret_tag[static TAG_BYTES])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int length = 0, rest = 0;
    bool is_done =
        context &&
        EVP_EncryptInit_ex2(context, key->cipher, envelope->secret, envelope->vector, NULL) == 1 &&
        EVP_EncryptUpdate(context, NULL, &length, header.data, (int)header.length) == 1 &&
        EVP_EncryptUpdate(context, ret_bytes, &length, content.data, (int)content.length) == 1 &&
        EVP_EncryptFinal_ex(context, ret_bytes + length, &rest) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, ret_tag) == 1;

    EVP_CIPHER_CTX_free(context);
    return is_done;
}

static size_t add_part(char *text, size_t length, struct span bytes)
{
    text[length++] = '.';
    return length + base64url_encode(bytes, text + length);
}

static bool seal(const struct seal_key *key, const char *type, struct span content,
                 const struct envelope *envelope, struct arena *arena, struct span *ret_text)
{
    char header[HEADER_MAX], *text;
    size_t header_length = write_header(key, type, envelope, header), length;
    uint8_t *bytes = arena_alloc(arena, content.length + 1), tag[TAG_BYTES];

    if (header_length >= sizeof(header))
        return false;
    text = arena_alloc(arena, base64url_length(header_length) + base64url_length(VECTOR_BYTES) +
                                  base64url_length(content.length) + base64url_length(TAG_BYTES) +
                                  PART_COUNT);
    length = base64url_encode(span_of(header, header_length), text);
    if (!encrypt(key, envelope, span_of(text, length), content, bytes, tag))
        return false;
    text[length++] = '.'; /* direct agreement: there is no encrypted key */
    length = add_part(text, length, span_of(envelope->vector, VECTOR_BYTES));
    length = add_part(text, length, span_of(bytes, content.length));
    length = add_part(text, length, span_of(tag, TAG_BYTES));
    *ret_text = span_of(text, length);
    return true;
}

bool sealed_make(const struct seal_key *key, const char *type, struct span content,
                 struct arena *arena, struct span *ret_text, struct err *err)
{
    struct envelope envelope;
    bool is_sealed;

    if (content.length > SEALED_CONTENT_BYTES_MAX)
        return err_set(err, ERR_FIELD_TOO_LONG, "%zu bytes are too many to seal", content.length);
    is_sealed = prepare(key, &envelope) && seal(key, type, content, &envelope, arena, ret_text);
    secret_wipe(&envelope, sizeof(envelope));
    ERR_clear_error();
    return is_sealed || err_set(err, ERR_INTERNAL, "OpenSSL does not seal");
}

/* ---- opening ---- */

static enum sealed_refusal split(struct span text, struct span ret_parts[static PART_COUNT])
{
    if (text.length == 0 || text.length > SEALED_BYTES_MAX)
        return SEALED_REFUSED_LENGTH;
    for (size_t i = 0; i < PART_COUNT; i++) {
        const uint8_t *dot = text.length ? memchr(text.data, '.', text.length) : NULL;

        if ((dot == NULL) != (i == PART_COUNT - 1))
            return SEALED_REFUSED_PARTS;
        ret_parts[i] = span_of(text.data, dot ? (size_t)(dot - text.data) : text.length);
        if (dot)
            text = span_from(text, ret_parts[i].length + 1);
    }
    return ret_parts[PART_KEY].length == 0 ? SEALED_REFUSED_NONE : SEALED_REFUSED_PARTS;
}

static bool decode(struct span text, struct arena *arena, struct span *ret_bytes)
{
    uint8_t *buffer = arena_alloc(arena, text.length + 1);
    size_t length;

    if (!base64url_decode(text, buffer, &length))
        return false;
    *ret_bytes = span_of(buffer, length);
    return true;
}

static void release_json(void *value)
{
    json_decref(value);
}

static enum sealed_refusal read_header(struct span part, struct arena *arena, json_t **ret_header)
{
    struct err ignored;
    struct span bytes;
    json_t *header;

    if (!decode(part, arena, &bytes))
        return SEALED_REFUSED_ENCODING;
    if (!json_read(bytes, &header, &ignored))
        return SEALED_REFUSED_HEADER_JSON;
    arena_defer(arena, release_json, header);
    *ret_header = header;
    return json_is_object(header) ? SEALED_REFUSED_NONE : SEALED_REFUSED_HEADER_JSON;
}

static struct span member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

/* `crit` and `zip` among what is not known: what they ask for is not done, so they are refused. */
static bool has_only(json_t *object, const char *const *names, size_t count)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        size_t at = 0;

        while (at < count && strcmp(names[at], name) != 0)
            at++;
        if (at == count)
            return false;
    }
    return true;
}

/* RFC 7518 section 6.2.1: exactly as long as the field, so that there is one text. */
static bool read_coordinate(const json_t *epk, const char *name, struct arena *arena,
                            struct span *ret_bytes)
{
    return decode(member(epk, name), arena, ret_bytes) && ret_bytes->length == KEY_COORDINATE_BYTES;
}

static bool read_ephemeral(json_t *epk, struct arena *arena, struct key **ret_key)
{
    static const char *const members[] = {"crv", "kty", "x", "y"};
    struct err ignored;
    struct span x, y;

    return json_is_object(epk) && has_only(epk, members, ARRAY_LEN(members)) &&
           span_is(member(epk, "crv"), key_algorithm_curve(KEY_ES256)) &&
           span_is(member(epk, "kty"), key_algorithm_type(KEY_ES256)) &&
           read_coordinate(epk, "x", arena, &x) && read_coordinate(epk, "y", arena, &y) &&
           key_from_public(KEY_ES256, x, y, ret_key, &ignored);
}

static enum sealed_refusal check_header(const struct seal_key *key, const char *type,
                                        json_t *header)
{
    static const char *const members[] = {"alg", "enc", "epk", "kid", "typ"};

    if (!has_only(header, members, ARRAY_LEN(members)))
        return SEALED_REFUSED_HEADER_MEMBER;
    if (!span_is(member(header, "typ"), type))
        return SEALED_REFUSED_TYPE;
    if (!span_is(member(header, "alg"), algorithm) || !span_is(member(header, "enc"), encryption))
        return SEALED_REFUSED_ALGORITHM;
    if (!json_is_string(json_object_get(header, "kid")))
        return SEALED_REFUSED_KEY_ID;
    return span_is(member(header, "kid"), seal_key_id(key)) ? SEALED_REFUSED_NONE
                                                            : SEALED_REFUSED_OTHER_KEY;
}

static bool decrypt(const struct seal_key *key, const uint8_t secret[static SEAL_SECRET_BYTES],
                    const struct span parts[static PART_COUNT], struct span header, uint8_t *bytes)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    struct span content = parts[PART_CONTENT];
    int length = 0, rest = 0;
    bool is_done =
        context &&
        EVP_DecryptInit_ex2(context, key->cipher, secret, parts[PART_VECTOR].data, NULL) == 1 &&
        EVP_DecryptUpdate(context, NULL, &length, header.data, (int)header.length) == 1 &&
        EVP_DecryptUpdate(context, bytes, &length, content.data, (int)content.length) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
                            (void *)(uintptr_t)parts[PART_TAG].data) == 1 &&
        EVP_DecryptFinal_ex(context, bytes + length, &rest) == 1;

    EVP_CIPHER_CTX_free(context);
    return is_done;
}

/* The parts behind the header, in their own bytes. */
static enum sealed_refusal read_parts(const struct span texts[static PART_COUNT],
                                      struct arena *arena, struct span ret_parts[static PART_COUNT])
{
    for (size_t i = PART_VECTOR; i < PART_COUNT; i++)
        if (!decode(texts[i], arena, &ret_parts[i]))
            return SEALED_REFUSED_ENCODING;
    if (ret_parts[PART_VECTOR].length != VECTOR_BYTES)
        return SEALED_REFUSED_VECTOR_LENGTH;
    return ret_parts[PART_TAG].length == TAG_BYTES ? SEALED_REFUSED_NONE
                                                   : SEALED_REFUSED_TAG_LENGTH;
}

static enum sealed_refusal unseal(const struct seal_key *key, const json_t *header,
                                  struct span header_text,
                                  const struct span parts[static PART_COUNT], struct arena *arena,
                                  struct span *ret_content)
{
    uint8_t *bytes = arena_alloc(arena, parts[PART_CONTENT].length + 1);
    uint8_t secret[SEAL_SECRET_BYTES];
    struct key *ephemeral;
    bool is_open;

    if (!read_ephemeral(json_object_get(header, "epk"), arena, &ephemeral))
        return SEALED_REFUSED_EPHEMERAL_KEY;
    is_open = agree(key->key->handle, ephemeral->handle, secret) &&
              decrypt(key, secret, parts, header_text, bytes);
    secret_wipe(secret, sizeof(secret));
    key_free(ephemeral);
    if (!is_open) {
        secret_wipe(bytes, parts[PART_CONTENT].length);
        return SEALED_REFUSED_TAG;
    }
    *ret_content = span_of(bytes, parts[PART_CONTENT].length);
    return SEALED_REFUSED_NONE;
}

static enum sealed_refusal examine(const struct seal_key *key, const char *type, struct span text,
                                   struct arena *arena, struct span *ret_content)
{
    struct span texts[PART_COUNT], parts[PART_COUNT];
    enum sealed_refusal refusal = split(text, texts);
    json_t *header;

    if (refusal == SEALED_REFUSED_NONE)
        refusal = read_header(texts[PART_HEADER], arena, &header);
    if (refusal == SEALED_REFUSED_NONE)
        refusal = check_header(key, type, header);
    if (refusal == SEALED_REFUSED_NONE)
        refusal = read_parts(texts, arena, parts);
    if (refusal != SEALED_REFUSED_NONE)
        return refusal;
    return unseal(key, header, texts[PART_HEADER], parts, arena, ret_content);
}

bool sealed_open(const struct seal_key *key, const char *type, struct span text,
                 struct arena *arena, struct span *ret_content, enum sealed_refusal *ret_refusal,
                 struct err *err)
{
    struct span content;

    *ret_refusal = examine(key, type, text, arena, &content);
    ERR_clear_error();
    if (*ret_refusal != SEALED_REFUSED_NONE)
        return err_set(err, ERR_TOKEN_INVALID, "%s", sealed_refusal_text(*ret_refusal));
    *ret_content = content;
    return true;
}

bool sealed_recipient(struct span text, struct arena *arena, struct span *ret_key_id,
                      struct err *err)
{
    struct span texts[PART_COUNT];
    enum sealed_refusal refusal = split(text, texts);
    json_t *header;

    if (refusal == SEALED_REFUSED_NONE)
        refusal = read_header(texts[PART_HEADER], arena, &header);
    if (refusal == SEALED_REFUSED_NONE && !json_is_string(json_object_get(header, "kid")))
        refusal = SEALED_REFUSED_KEY_ID;
    if (refusal != SEALED_REFUSED_NONE)
        return err_set(err, ERR_TOKEN_INVALID, "%s", sealed_refusal_text(refusal));
    *ret_key_id = member(header, "kid");
    return true;
}
