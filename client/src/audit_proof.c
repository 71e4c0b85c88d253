/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and proofs of an audit log: checked with the realm's keys and nothing else. */
#include "base/clock.h"
#include "client/src/failure.h"
#include "client/src/method.h"
#include "domain/audit/files.h"
#include "domain/audit/head.h"
#include "keys/token.h"

#include <endian.h>

enum { ARENA_BYTES = 4096, LEAF_HEAD_BYTES = 2 * sizeof(uint64_t) };

static bool fail(struct passgate_error *error, const char *reason, const char *field,
                 const char *sentence)
{
    failure_set(error, PASSGATE_INVALID_ARGUMENT, reason, field, "%s", sentence);
    return false;
}

static bool open_keys(const char *keys, struct key_ring **ret_ring, struct passgate_error *error)
{
    struct span text = span_text(keys ? keys : "");
    struct err err;

    if (span_starts_with(text, span_text("-----BEGIN")) ? key_ring_from_pem(text, ret_ring, &err)
                                                        : key_ring_from_jwks(text, ret_ring, &err))
        return true;
    return fail(error, "JWKS", "jwks", err.detail);
}

/* What was signed. */
static bool open_head(const char *jws, const char *keys, struct audit_head *ret_head,
                      struct passgate_error *error)
{
    const struct token_expectation expectation = {
        .kind = &token_kind_tree_head,
        .now_ms = clock_wall_ms(&clock_system),
        .leeway_ms = TOKEN_LEEWAY_MAX_MS,
    };
    enum token_refusal refusal = TOKEN_REFUSED_NONE;
    struct key_ring *ring;
    struct token token;
    struct arena arena;
    struct err err;
    bool is_good;

    if (!open_keys(keys, &ring, error))
        return false;
    arena_init(&arena, ARENA_BYTES);
    if (!token_open(ring, span_text(jws ? jws : ""), &expectation, &arena, &token, &refusal, &err))
        is_good = fail(error, token_refusal_name(refusal), "head", token_refusal_text(refusal));
    else
        is_good = audit_head_parse(token.payload, ret_head, &err) ||
                  fail(error, "CONTENT", "head", err.detail);
    arena_release(&arena);
    key_ring_unref(ring);
    return is_good;
}

/* As it is in the public struct; false when the log id is none. */
static bool take_head(const struct passgate_tree_head *head, struct audit_head *ret_head)
{
    ret_head->size = head->size;
    memcpy(ret_head->root.bytes, head->root, sizeof(ret_head->root.bytes));
    return audit_log_id_decode(span_text(head->log_id), &ret_head->log_id);
}

struct passgate_tree_head *passgate_tree_head_read(const char *jws, const char *jwks_json,
                                                   struct passgate_error *error)
{
    struct passgate_tree_head *result;
    struct audit_head head;
    struct arena *arena;
    char *log_id;

    if (!open_head(jws, jwks_json, &head, error))
        return NULL;
    result = result_new(sizeof(*result), NULL, &arena);
    log_id = arena_alloc(arena, AUDIT_LOG_ID_LENGTH + 1);
    audit_log_id_encode(head.log_id, log_id);
    *result = (struct passgate_tree_head){
        .log_id = log_id,
        .size = head.size,
        .signed_at_ms = head.time_ms,
        .root = arena_copy(arena, span_of(&head.root, sizeof(head.root))).data,
        .jws = arena_text(arena, span_text(jws)),
    };
    return result;
}

bool passgate_tree_head_verify(const struct passgate_tree_head *head, const char *jwks_json,
                               struct passgate_error *error)
{
    struct audit_head said, was_signed;

    if (!open_head(head->jws, jwks_json, &was_signed, error))
        return false;
    if (!take_head(head, &said) || said.log_id != was_signed.log_id ||
        said.size != was_signed.size || !tree_hash_equal(&said.root, &was_signed.root))
        return fail(error, "HEAD_DIFFERS", "head", "what was signed is another head");
    return true;
}

bool passgate_tree_head_extends(const struct passgate_tree_head *head,
                                const struct passgate_tree_head *older,
                                struct passgate_error *error)
{
    struct audit_head now, then;

    if (!take_head(head, &now) || !take_head(older, &then) || now.log_id != then.log_id)
        return fail(error, "OTHER_LOG", "head", "the older head is of another log");
    if (now.size < then.size)
        return fail(error, "LOG_SHORTER", "head", "the log is shorter than the older head");
    if (!tree_consistency_is_proved(then.size, now.size, &then.root, &now.root,
                                    (const struct tree_hash *)(const void *)head->consistency,
                                    head->consistency_count))
        return fail(error, "PROOF", "proof", "the older head is no prefix of the newer one");
    return true;
}

/* The leaf is that of the number in the id. */
static bool is_leaf_of(const struct passgate_inclusion *inclusion, uint64_t sequence)
{
    uint64_t number;

    if (inclusion->leaf_length < LEAF_HEAD_BYTES)
        return false;
    memcpy(&number, inclusion->leaf, sizeof(number));
    return le64toh(number) == sequence;
}

bool passgate_inclusion_verify(const struct passgate_inclusion *inclusion, const char *decision_id,
                               const char *jwks_json, struct passgate_error *error)
{
    struct audit_head head;
    struct tree_hash leaf;
    uint64_t log_id, sequence;

    if (!passgate_tree_head_verify(inclusion->head, jwks_json, error))
        return false;
    if (!audit_decision_id_parse(span_text(decision_id ? decision_id : ""), &log_id, &sequence) ||
        !take_head(inclusion->head, &head) || head.log_id != log_id)
        return fail(error, "OTHER_LOG", "head", "the head is of another log than the decision");
    leaf = tree_leaf(span_of(NULL, 0), span_of(inclusion->leaf, inclusion->leaf_length));
    if (!is_leaf_of(inclusion, sequence) ||
        !tree_inclusion_is_proved(&leaf, inclusion->leaf_index, head.size, &head.root,
                                  (const struct tree_hash *)(const void *)inclusion->path,
                                  inclusion->path_count))
        return fail(error, "PROOF", "proof", "the record is not proved to be in the log");
    return true;
}
