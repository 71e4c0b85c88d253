/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IntrospectClaim: does this claim hold now?  The meaning of RFC 7662: whatever is wrong with it,
 * the answer is the same, so that nobody learns anything from a token that is not his.
 */
#include "base/memory.h"
#include "claim/claim_service.h"
#include "interceptors/caller.h"
#include "keys/token.h"
#include "passgate/v1/claim.pb-c.h"
#include "rpc/call.h"
#include "rpc/wire_time.h"
#include "storage/claim_record.h"

struct examining {
    struct rpc_call *call; /* NULL: nobody waits any more */
    const struct claim_options *options;
    struct arena arena;    /* the call's, with the token in it */
    struct key_ring *keys; /* the token's key belongs to it */
    struct token token;
    struct store_request *request;
};

static void examining_free(struct examining *examining)
{
    store_request_free(examining->request);
    key_ring_unref(examining->keys);
    arena_release(&examining->arena);
    memory_free(examining);
}

static void reply_inactive(struct rpc_call *call)
{
    Passgate__V1__IntrospectClaimResponse response = PASSGATE__V1__INTROSPECT_CLAIM_RESPONSE__INIT;

    rpc_call_reply(call, &response.base);
}

static void reply_active(struct examining *examining)
{
    Passgate__V1__IntrospectClaimResponse response = PASSGATE__V1__INTROSPECT_CLAIM_RESPONSE__INIT;
    const struct token *token = &examining->token;
    struct arena *arena = &examining->arena;

    response.active = true;
    response.issuer = arena_text(arena, examining->options->issuer);
    response.subject = arena_text(arena, token->subject);
    response.audience = arena_text(arena, token->audience);
    response.authorized_party = arena_text(arena, token->authorized_party);
    response.jti = arena_text(arena, token->id);
    response.issued_at = wire_timestamp(token->issued_at_ms, arena);
    response.expires_at = wire_timestamp(token->expires_at_ms, arena);
    response.payload_json = arena_text(arena, json_text(token->payload, arena));
    rpc_call_reply(examining->call, &response.base);
}

static bool holds(const struct examining *examining, struct arena *arena)
{
    const struct store_value *value = &examining->request->values[0];
    struct claim_record record;
    struct err ignored;

    return value->version != 0 && claim_record_decode(value->data, arena, &record, &ignored) &&
           span_equal(record.jti, examining->token.id) && record.revoked_at_ms == 0;
}

static void on_read(struct store_request *request)
{
    struct examining *examining = request->owner;

    if (examining->call && !request->is_ok)
        rpc_call_fail(examining->call, &request->err);
    else if (examining->call && holds(examining, &examining->arena))
        reply_active(examining);
    else if (examining->call)
        reply_inactive(examining->call);
    examining_free(examining);
}

static void on_abandoned(void *owner)
{
    struct examining *examining = owner;

    examining->call = NULL;
}

/* Let in through the door, and of the caller: issued to it, or meant for it. */
static bool open_token(struct examining *examining, const struct claim_options *options,
                       const struct caller *caller, struct span text)
{
    const struct token_expectation expectation = {
        .kind = &token_kind_claim,
        .issuer = options->issuer,
        .is_any_audience = true,
        .now_ms = clock_wall_ms(options->clock),
    };
    enum token_refusal refusal;
    struct err ignored;

    if (!token_open(examining->keys, text, &expectation, &examining->arena, &examining->token,
                    &refusal, &ignored))
        return false;
    return caller->is_local || span_equal(examining->token.authorized_party, caller->id) ||
           span_equal(examining->token.audience, caller->id);
}

void introspect_claim(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__IntrospectClaimRequest *request =
        (const Passgate__V1__IntrospectClaimRequest *)message;
    const struct claim_options *options = context;
    struct examining *examining = memory_new(struct examining);
    struct store_key key;

    examining->call = call;
    examining->options = options;
    examining->arena = rpc_call_take_arena(call);
    examining->keys = snapshot_get(options->keys);
    if (!open_token(examining, options, caller_of(call), span_text(request->token))) {
        reply_inactive(call);
        examining_free(examining);
        return;
    }
    key = names_claim(options->names, examining->token.id);
    examining->request = store_request_new(STORE_READ, names_partition(options->names, key.id),
                                           rpc_call_inbox(call), on_read, examining);
    examining->request->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    examining->request->is_waited_for = true;
    store_request_key(examining->request, key);
    rpc_call_park(call, on_abandoned, examining);
    store_submit(options->store, examining->request);
}
