/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: checked with the issuer's keys and nothing else. */
#include "domain/claim/receipt.h"
#include "base/clock.h"
#include "client/src/failure.h"
#include "client/src/method.h"
#include "domain/directive/evaluate.h"
#include "keys/token.h"

#include <ctype.h>

enum { ARENA_BYTES = 16 * 1024 };

static const char *const reason_names[] = {
#define X(name, number) [number] = #name,
    DECISION_REASON_LIST(X)
#undef X
};

static enum passgate_reason reason_of(struct span name)
{
    for (size_t i = 1; i < ARRAY_LEN(reason_names); i++)
        if (span_is(name, reason_names[i]))
            return (enum passgate_reason)i;
    return PASSGATE_REASON_UNSPECIFIED;
}

static struct span without_white_space(struct span text)
{
    while (text.length > 0 && isspace(text.data[text.length - 1]))
        text.length--;
    while (text.length > 0 && isspace(text.data[0]))
        text = span_from(text, 1);
    return text;
}

static const char *const *copy_texts(const struct span *texts, size_t count, struct arena *arena)
{
    const char **copies = arena_new_array(arena, const char *, count);

    for (size_t i = 0; i < count; i++)
        copies[i] = arena_text(arena, texts[i]);
    return copies;
}

static struct passgate_receipt *result_of(const struct token *token, const struct receipt *receipt)
{
    int64_t decided_at_ms =
        receipt->evaluated_at_ms ? receipt->evaluated_at_ms : receipt->issued_at_ms;
    struct passgate_resource *resource;
    struct passgate_receipt *result;
    struct arena *arena;

    result = result_new(sizeof(*result), json_dumps(token->payload, JSON_INDENT(2)), &arena);
    resource = arena_new(arena, struct passgate_resource);
    *resource = (struct passgate_resource){
        .type = arena_text(arena, receipt->resource_type),
        .id = arena_text(arena, receipt->resource_id),
    };
    *result = (struct passgate_receipt){
        .issuer = arena_text(arena, receipt->issuer),
        .decision_id = arena_text(arena, receipt->id),
        .caller = arena_text(arena, receipt->caller),
        .subject = arena_text(arena, receipt->subject),
        .issued_at_ms = receipt->issued_at_ms,
        .was_allowed = receipt->is_allowed,
        .resource = resource,
        .action = arena_text(arena, receipt->action),
        .on_behalf_of = arena_text(arena, receipt->on_behalf_of),
        .also_subject_count = receipt->also_subject_count,
        .also_subjects = copy_texts(receipt->also_subjects, receipt->also_subject_count, arena),
        .context_sha256 = arena_text(arena, receipt->context_digest),
        .max_age_ms = receipt->max_age_ms,
        .usable_until_ms = decided_at_ms + receipt->max_age_ms,
        .reason = reason_of(receipt->reason),
        .evaluated_at_ms = receipt->evaluated_at_ms,
        .revision = arena_text(arena, receipt->revision),
        .directive_set = receipt->directive_set,
        .directive_set_digest = arena_text(arena, receipt->directive_set_digest),
        .is_stale = receipt->is_stale,
        .directive = arena_text(arena, receipt->directive),
        .directive_version = receipt->directive_version,
        .directive_digest = arena_text(arena, receipt->directive_digest),
        .key_id = arena_text(arena, span_text(key_id(token->key))),
    };
    return result;
}

static struct passgate_receipt *verify(const struct key_ring *keys, struct span text,
                                       const char *issuer, struct arena *arena,
                                       struct passgate_error *error)
{
    const struct token_expectation expectation = {
        .kind = &token_kind_receipt,
        .issuer = span_text(issuer ? issuer : ""),
        .is_any_issuer = !issuer,
        .now_ms = clock_wall_ms(&clock_system),
        .leeway_ms = TOKEN_LEEWAY_MAX_MS,
    };
    enum token_refusal refusal;
    struct receipt receipt;
    struct token token;
    struct err err;

    if (!token_open(keys, text, &expectation, arena, &token, &refusal, &err)) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, token_refusal_name(refusal), "receipt", "%s",
                    token_refusal_text(refusal));
        return NULL;
    }
    if (!receipt_read(token.payload, arena, &receipt, &err)) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "CONTENT", "receipt", "%s", err.detail);
        return NULL;
    }
    return result_of(&token, &receipt);
}

struct passgate_receipt *passgate_receipt_verify(const char *receipt, const char *jwks_json,
                                                 const char *issuer, struct passgate_error *error)
{
    struct passgate_receipt *result;
    struct key_ring *keys;
    struct arena arena;
    struct err err;

    if (!key_ring_from_jwks(span_text(jwks_json ? jwks_json : ""), &keys, &err)) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "JWKS", "jwks", "%s", err.detail);
        return NULL;
    }
    arena_init(&arena, ARENA_BYTES);
    result =
        verify(keys, without_white_space(span_text(receipt ? receipt : "")), issuer, &arena, error);
    arena_release(&arena);
    key_ring_unref(keys);
    return result;
}
