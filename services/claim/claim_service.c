/* SPDX-License-Identifier: Apache-2.0 */
/* ClaimService: its methods, and the smallest of them. */
#include "claim/claim_service.h"

#include "interceptors/caller.h"
#include "keys/key_ring.h"
#include "passgate/v1/claim.pb-c.h"
#include "rpc/call.h"
#include "rpc/wire_time.h"

void get_jwks(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const struct claim_options *options = context;
    Passgate__V1__GetJwksResponse response = PASSGATE__V1__GET_JWKS_RESPONSE__INIT;
    struct key_ring *keys = snapshot_get(options->keys);
    struct span jwks = key_ring_jwks(keys, clock_wall_ms(options->clock), rpc_call_arena(call));

    (void)message;
    key_ring_unref(keys);
    response.jwks_json = arena_text(rpc_call_arena(call), jwks);
    response.max_age = wire_duration(CLAIM_JWKS_MAX_AGE_MS, rpc_call_arena(call));
    rpc_call_reply(call, &response.base);
}

static const struct rpc_method methods[] = {
    {
        .name = "IssueClaim",
        .kind = RPC_UNARY,
        .handle = issue_claim,
        .roles = ROLE_ISSUER,
        .deadline_cap_ms = 30000,
        .request_bytes_max = 8 * 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED,
    },
    {
        .name = "IntrospectClaim",
        .kind = RPC_UNARY,
        .handle = introspect_claim,
        .roles = ROLE_CHECKER | ROLE_ISSUER,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 16 * 1024,
        .flags = RPC_IDEMPOTENT,
    },
    {
        .name = "GetJwks",
        .kind = RPC_UNARY,
        .handle = get_jwks,
        .roles = ROLE_BOUND,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT,
    },
};

struct rpc_service claim_service(const struct claim_options *options)
{
    return (struct rpc_service){
        .descriptor = &passgate__v1__claim_service__descriptor,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
        .context = (void *)options,
    };
}
