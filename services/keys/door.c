/* SPDX-License-Identifier: Apache-2.0 */
/* The door: every rule that a token from outside has to keep, in the order in which they are
 * cheapest to ask. */
#include "base/encoding.h"
#include "keys/token.h"

enum { PART_HEADER, PART_PAYLOAD, PART_SIGNATURE, PART_COUNT };

/* RFC 7519 says NumericDate, a double in most readers: beyond 2^53 they disagree. */
static const json_int_t integer_max = INT64_C(1) << 53;

/* -- The text -- */

struct parts {
    struct span signed_text; /* header, dot, payload */
    struct span bytes[PART_COUNT];
};

static enum token_refusal split(struct span text, struct span ret_parts[static PART_COUNT])
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        const uint8_t *dot = text.length ? memchr(text.data, '.', text.length) : NULL;

        if ((dot == NULL) != (i == PART_COUNT - 1))
            return TOKEN_REFUSED_PARTS;
        ret_parts[i] = span_of(text.data, dot ? (size_t)(dot - text.data) : text.length);
        if (dot)
            text = span_from(text, ret_parts[i].length + 1);
    }
    return TOKEN_REFUSED_NONE;
}

static enum token_refusal decode(struct span text, struct arena *arena, struct parts *ret_parts)
{
    struct span encoded[PART_COUNT];
    enum token_refusal refusal;

    if (text.length == 0 || text.length > TOKEN_BYTES_MAX)
        return TOKEN_REFUSED_LENGTH;
    refusal = split(text, encoded);
    if (refusal != TOKEN_REFUSED_NONE)
        return refusal;
    ret_parts->signed_text =
        span_of(text.data, encoded[PART_HEADER].length + 1 + encoded[PART_PAYLOAD].length);
    for (size_t i = 0; i < PART_COUNT; i++) {
        uint8_t *buffer = arena_alloc(arena, encoded[i].length);
        size_t length;

        if (!base64url_decode(encoded[i], buffer, &length))
            return TOKEN_REFUSED_ENCODING;
        ret_parts->bytes[i] = span_of(buffer, length);
    }
    return TOKEN_REFUSED_NONE;
}

static void release_json(void *value)
{
    json_decref(value);
}

/* NULL when it is no object. */
static json_t *read_object(struct span text, struct arena *arena)
{
    struct err ignored;
    json_t *value;

    if (!json_read(text, &value, &ignored))
        return NULL;
    arena_defer(arena, release_json, value);
    return json_is_object(value) ? value : NULL;
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

/* -- The header -- */

/* Members that a header may not have (RFC 7515 section 4.1, RFC 7797, RFC 8725 section 3.10).  What
 * is neither here nor ours is refused as HEADER_MEMBER. */
static const struct header_member {
    const char *name;
    enum token_refusal refusal;
} header_members[] = {
    {"alg", TOKEN_REFUSED_NONE},
    {"kid", TOKEN_REFUSED_NONE},
    {"typ", TOKEN_REFUSED_NONE},
    {"crit", TOKEN_REFUSED_HEADER_CRITICAL},
    {"b64", TOKEN_REFUSED_HEADER_UNENCODED},
    {"jku", TOKEN_REFUSED_HEADER_KEY_SOURCE},
    {"jwk", TOKEN_REFUSED_HEADER_KEY_SOURCE},
    {"x5u", TOKEN_REFUSED_HEADER_KEY_SOURCE},
    {"x5c", TOKEN_REFUSED_HEADER_KEY_SOURCE},
    {"x5t", TOKEN_REFUSED_HEADER_KEY_SOURCE},
    {"x5t#S256", TOKEN_REFUSED_HEADER_KEY_SOURCE},
};

static enum token_refusal check_member(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(header_members); i++)
        if (strcmp(name, header_members[i].name) == 0)
            return header_members[i].refusal;
    return TOKEN_REFUSED_HEADER_MEMBER;
}

static enum token_refusal choose_key(const struct key_ring *ring, const json_t *header,
                                     int64_t now_ms, const struct key **ret_key)
{
    const json_t *kid = json_object_get(header, "kid");
    const char *algorithm;

    if (!json_is_string(kid))
        return TOKEN_REFUSED_KEY_ID;
    switch (key_ring_find(ring, text_of(kid), now_ms, ret_key)) {
    case KEY_RING_UNKNOWN: return TOKEN_REFUSED_KEY_UNKNOWN;
    case KEY_RING_RETIRED: return TOKEN_REFUSED_KEY_RETIRED;
    case KEY_RING_FOUND: break;
    }
    algorithm = key_algorithm_name(key_algorithm(*ret_key));
    return span_is(text_of(json_object_get(header, "alg")), algorithm) ? TOKEN_REFUSED_NONE
                                                                       : TOKEN_REFUSED_ALGORITHM;
}

static enum token_refusal check_header(const struct key_ring *ring, struct span bytes,
                                       const struct token_expectation *expectation,
                                       struct arena *arena, const struct key **ret_key)
{
    json_t *header = read_object(bytes, arena);
    const char *name;
    json_t *value;

    if (!header)
        return TOKEN_REFUSED_HEADER_JSON;
    json_object_foreach(header, name, value)
    {
        enum token_refusal refusal = check_member(name);

        if (refusal != TOKEN_REFUSED_NONE)
            return refusal;
    }
    if (!span_is(text_of(json_object_get(header, "typ")), expectation->kind->type))
        return TOKEN_REFUSED_TYPE;
    return choose_key(ring, header, expectation->now_ms, ret_key);
}

static enum token_refusal check_signature(const struct key *key, const struct parts *parts)
{
    if (parts->bytes[PART_SIGNATURE].length != KEY_SIGNATURE_BYTES)
        return TOKEN_REFUSED_SIGNATURE_LENGTH;
    switch (key_verify(key, parts->signed_text, parts->bytes[PART_SIGNATURE].data)) {
    case KEY_SIGNATURE_GOOD: return TOKEN_REFUSED_NONE;
    case KEY_SIGNATURE_NOT_LOW: return TOKEN_REFUSED_SIGNATURE_TWIN;
    case KEY_SIGNATURE_BAD: break;
    }
    return TOKEN_REFUSED_SIGNATURE;
}

/* -- The claims -- */

enum { CLAIM_ISS, CLAIM_SUB, CLAIM_AUD, CLAIM_AZP, CLAIM_JTI, CLAIM_EXP, CLAIM_IAT, CLAIM_NBF };

static const struct claim_row {
    const char *name;
    enum token_claim bit;
    json_type type;
} claim_rows[] = {
    [CLAIM_ISS] = {"iss", TOKEN_ISS, JSON_STRING},  [CLAIM_SUB] = {"sub", TOKEN_SUB, JSON_STRING},
    [CLAIM_AUD] = {"aud", TOKEN_AUD, JSON_STRING},  [CLAIM_AZP] = {"azp", TOKEN_AZP, JSON_STRING},
    [CLAIM_JTI] = {"jti", TOKEN_JTI, JSON_STRING},  [CLAIM_EXP] = {"exp", TOKEN_EXP, JSON_INTEGER},
    [CLAIM_IAT] = {"iat", TOKEN_IAT, JSON_INTEGER}, [CLAIM_NBF] = {"nbf", TOKEN_NBF, JSON_INTEGER},
};

/* The claims as they were found: NULL for one that is neither there nor required. */
struct claims {
    const json_t *values[ARRAY_LEN(claim_rows)];
};

static bool is_in_range(const json_t *value)
{
    json_int_t number = json_integer_value(value);

    if (json_is_string(value))
        return json_string_length(value) >= 1 && json_string_length(value) <= TOKEN_TEXT_MAX;
    return number >= 0 && number <= integer_max;
}

static enum token_refusal read_claims(const json_t *payload, unsigned required,
                                      struct claims *ret_claims)
{
    for (size_t i = 0; i < ARRAY_LEN(claim_rows); i++) {
        const json_t *value = json_object_get(payload, claim_rows[i].name);

        ret_claims->values[i] = value;
        if (!value && (required & claim_rows[i].bit))
            return TOKEN_REFUSED_CLAIM_MISSING;
        if (value && json_typeof(value) != claim_rows[i].type)
            return TOKEN_REFUSED_CLAIM_TYPE;
        if (value && !is_in_range(value))
            return TOKEN_REFUSED_CLAIM_RANGE;
    }
    return TOKEN_REFUSED_NONE;
}

static bool claim_is(const struct claims *claims, int claim, struct span expected)
{
    return !claims->values[claim] || span_equal(text_of(claims->values[claim]), expected);
}

/* Cannot overflow: is_in_range() was asked. */
static int64_t claim_ms(const struct claims *claims, int claim)
{
    return (int64_t)json_integer_value(claims->values[claim]) * 1000;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* RFC 7519 section 4.1.4 to 4.1.6. */
static enum token_refusal check_times(const struct claims *claims,
                                      const struct token_expectation *expectation)
{
    int64_t now_ms = expectation->now_ms;
    int64_t leeway_ms = least(expectation->leeway_ms, TOKEN_LEEWAY_MAX_MS);
    int64_t issued_ms = claim_ms(claims, CLAIM_IAT);
    int64_t expires_ms = claim_ms(claims, CLAIM_EXP);
    int64_t latest_ms = issued_ms + expectation->kind->lifetime_max_ms;

    if (claims->values[CLAIM_EXP] && (expires_ms <= issued_ms || expires_ms > latest_ms))
        return TOKEN_REFUSED_LIFETIME;
    if (claims->values[CLAIM_IAT] && issued_ms > now_ms + leeway_ms)
        return TOKEN_REFUSED_ISSUED_AHEAD;
    if (claims->values[CLAIM_NBF] && claim_ms(claims, CLAIM_NBF) > now_ms + leeway_ms)
        return TOKEN_REFUSED_NOT_YET;
    if (claims->values[CLAIM_EXP] && now_ms >= least(expires_ms + leeway_ms, latest_ms))
        return TOKEN_REFUSED_EXPIRED;
    return TOKEN_REFUSED_NONE;
}

static enum token_refusal check_claims(const json_t *payload,
                                       const struct token_expectation *expectation,
                                       struct token *ret_token)
{
    struct span party = expectation->authorized_party;
    enum token_refusal refusal;
    struct claims claims;

    refusal = read_claims(payload, expectation->kind->required, &claims);
    if (refusal != TOKEN_REFUSED_NONE)
        return refusal;
    if (!expectation->is_any_issuer && !claim_is(&claims, CLAIM_ISS, expectation->issuer))
        return TOKEN_REFUSED_ISSUER;
    if (!expectation->is_any_audience && !claim_is(&claims, CLAIM_AUD, expectation->audience))
        return TOKEN_REFUSED_AUDIENCE;
    if (party.data && !claim_is(&claims, CLAIM_AZP, party))
        return TOKEN_REFUSED_PARTY;
    refusal = check_times(&claims, expectation);
    if (refusal != TOKEN_REFUSED_NONE)
        return refusal;
    *ret_token = (struct token){
        .id = text_of(claims.values[CLAIM_JTI]),
        .subject = text_of(claims.values[CLAIM_SUB]),
        .audience = text_of(claims.values[CLAIM_AUD]),
        .authorized_party = text_of(claims.values[CLAIM_AZP]),
        .issued_at_ms = claim_ms(&claims, CLAIM_IAT),
        .expires_at_ms = claim_ms(&claims, CLAIM_EXP),
        .payload = payload,
    };
    return TOKEN_REFUSED_NONE;
}

static enum token_refusal examine(const struct key_ring *ring, struct span text,
                                  const struct token_expectation *expectation, struct arena *arena,
                                  struct token *ret_token)
{
    const struct key *key = NULL;
    enum token_refusal refusal;
    struct parts parts;
    json_t *payload;

    refusal = decode(text, arena, &parts);
    if (refusal == TOKEN_REFUSED_NONE)
        refusal = check_header(ring, parts.bytes[PART_HEADER], expectation, arena, &key);
    if (refusal == TOKEN_REFUSED_NONE)
        refusal = check_signature(key, &parts);
    if (refusal != TOKEN_REFUSED_NONE)
        return refusal;
    payload = read_object(parts.bytes[PART_PAYLOAD], arena);
    if (!payload)
        return TOKEN_REFUSED_PAYLOAD_JSON;
    refusal = check_claims(payload, expectation, ret_token);
    if (refusal == TOKEN_REFUSED_NONE)
        ret_token->key = key;
    return refusal;
}

bool token_open(const struct key_ring *ring, struct span text,
                const struct token_expectation *expectation, struct arena *arena,
                struct token *ret_token, enum token_refusal *ret_refusal, struct err *err)
{
    struct token token;

    *ret_refusal = examine(ring, text, expectation, arena, &token);
    if (*ret_refusal != TOKEN_REFUSED_NONE)
        return err_set(err, ERR_TOKEN_INVALID, "%s", token_refusal_text(*ret_refusal));
    *ret_token = token;
    return true;
}
