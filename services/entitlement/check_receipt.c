/* SPDX-License-Identifier: Apache-2.0 */
/* The receipt of a check. */
#include "entitlement/check_receipt.h"

#include "base/digest.h"
#include "domain/claim/claim.h"
#include "domain/claim/receipt.h"
#include "entitlement/message.h"
#include "keys/token.h"

#include <stdio.h>
#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
    const struct directive_context *left = a, *right = b;
    size_t common = left->key.length < right->key.length ? left->key.length : right->key.length;
    int order = memcmp(left->key.data, right->key.data, common);

    return order != 0
               ? order
               : (left->key.length > right->key.length) - (left->key.length < right->key.length);
}

/*
 * One text for one context, whatever the order in which it came: "key=value\n" each, in order of
 * keys.  No key has an equals sign, and no value a line feed.  The values themselves stay out: they
 * are as many and as long as the caller likes, and say where somebody was.
 */
static struct span context_digest(const struct check_input *input, struct arena *arena)
{
    struct directive_context entries[DIRECTIVE_CONTEXT_MAX];
    size_t room = 1, length = 0;
    char *text, *digest;

    if (input->context_count == 0)
        return span_of(NULL, 0);
    for (size_t i = 0; i < input->context_count; i++) {
        entries[i] = input->context[i];
        room += entries[i].key.length + entries[i].value.length + 2;
    }
    qsort(entries, input->context_count, sizeof(*entries), by_key);
    text = arena_alloc(arena, room);
    for (size_t i = 0; i < input->context_count; i++)
        length += (size_t)snprintf(text + length, room - length, "%.*s=%.*s\n",
                                   SPAN_FORMAT(entries[i].key), SPAN_FORMAT(entries[i].value));
    digest = arena_alloc(arena, SHA256_HEX_MAX);
    digest_sha256_hex(span_of(text, length), digest);
    return span_text(digest);
}

/* What stands for a person in the receipts of this caller: the `sub` of claims whose audience it
 * is. */
static struct span pseudonym(const struct check_order *order, struct hash128 subject,
                             struct arena *arena)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    char *text = arena_alloc(arena, CLAIM_SUBJECT_MAX);

    claim_pairwise_subject(&options->names->key, subject, order->caller, text);
    return span_text(text);
}

static const struct span *pseudonyms(const struct check_order *order,
                                     const struct check_input *input, struct arena *arena)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    struct span *names = arena_new_array(arena, struct span, input->also_subject_count);

    for (size_t i = 0; i < input->also_subject_count; i++)
        names[i] =
            pseudonym(order, names_subject_hash(options->names, input->also_subjects[i]), arena);
    return names;
}

/* What callers are told from `next_step` on, and from `reasons` on: as in the answer itself. */
static void tell(const struct check_order *order, enum disclose disclose, struct arena *arena,
                 struct receipt *receipt)
{
    const struct check_result *result = &order->results[0];
    const struct directive *decisive = result->answer.decisive;

    if (disclose < DISCLOSE_NEXT_STEP)
        return;
    receipt->reason = span_text(decision_reason_name(result->reason));
    receipt->evaluated_at_ms = order->now_ms;
    receipt->revision = span_text(revision_message(&order->revision, arena));
    receipt->directive_set = directive_set_number(order->set);
    receipt->directive_set_digest = span_text(directive_set_digest(order->set));
    receipt->is_stale = result->is_stale;
    if (disclose < DISCLOSE_REASONS || !decisive)
        return;
    receipt->directive = span_text(decisive->id);
    receipt->directive_version = decisive->version;
    receipt->directive_digest = span_text(decisive->digest);
}

bool check_receipt_sign(const struct check_order *order, enum disclose disclose,
                        struct arena *arena, char **ret_receipt, struct err *err)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    const struct check_result *result = &order->results[0];
    const struct check_input *input = &order->inputs[0];
    struct receipt receipt = {
        .issuer = options->issuer,
        .id = span_text(decision_id_message(order, arena)),
        .caller = order->caller,
        .subject = pseudonym(order, result->subject, arena),
        .issued_at_ms = order->now_ms,
        .resource_type = input->resource_type,
        .resource_id = input->resource_id,
        .action = input->action,
        .on_behalf_of = input->on_behalf_of,
        .also_subjects = pseudonyms(order, input, arena),
        .also_subject_count = input->also_subject_count,
        .context_digest = context_digest(input, arena),
        .is_allowed = result->is_allowed,
        .max_age_ms = max_age_shown(result, disclose),
    };
    struct span payload, token;
    struct key_ring *keys;
    bool is_signed;

    tell(order, disclose, arena, &receipt);
    if (!receipt_write(&receipt, arena, &payload, err))
        return false;
    keys = snapshot_get(options->keys);
    is_signed = token_sign(keys, &token_kind_receipt, payload, order->now_ms, arena, &token, err);
    key_ring_unref(keys);
    if (is_signed)
        *ret_receipt = arena_text(arena, token);
    return is_signed;
}
