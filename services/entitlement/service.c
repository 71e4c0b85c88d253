/* SPDX-License-Identifier: Apache-2.0 */
/* EntitlementService: its methods. */
#include "entitlement/service.h"

#include "interceptors/caller.h"
#include "passgate/v1/entitlement.pb-c.h"

static const struct rpc_method methods[] = {
    {
        .name = "CheckEntitlement",
        .kind = RPC_UNARY,
        .handle = check_entitlement,
        .roles = ROLE_CHECKER,
        .deadline_cap_ms = 5000,
        .request_bytes_max = 32 * 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED | RPC_HOT,
    },
    {
        .name = "BatchCheckEntitlements",
        .kind = RPC_UNARY,
        .handle = batch_check_entitlements,
        .roles = ROLE_CHECKER,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 512 * 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED,
    },
    {
        .name = "StreamCheckEntitlements",
        .kind = RPC_BIDI_STREAM,
        .take_item = stream_check_entitlements,
        .roles = ROLE_CHECKER,
        .request_bytes_max = 32 * 1024,
        .flags = RPC_AUDITED,
    },
    {
        .name = "ListEntitlements",
        .kind = RPC_UNARY,
        .handle = list_entitlements,
        .roles = ROLE_CHECKER,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 32 * 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED,
    },
    {
        .name = "ExplainEntitlement",
        .kind = RPC_UNARY,
        .handle = explain_entitlement,
        .roles = ROLE_CHECKER,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 32 * 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED,
    },
    {
        .name = "WatchRevisions",
        .kind = RPC_SERVER_STREAM,
        .handle = watch_revisions,
        .roles = ROLE_CHECKER,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT,
    },
};

struct rpc_service entitlement_service(struct entitlement *entitlement)
{
    return (struct rpc_service){
        .descriptor = &passgate__v1__entitlement_service__descriptor,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
        .context = entitlement,
    };
}
