/* SPDX-License-Identifier: Apache-2.0 */
/* AuditService: its methods. */
#include "audit/audit_service.h"

#include "interceptors/caller.h"
#include "passgate/v1/audit.pb-c.h"

static const struct rpc_method methods[] = {
    {
        .name = "ListDecisions",
        .kind = RPC_SERVER_STREAM,
        .handle = list_decisions,
        .roles = ROLE_AUDITOR,
        .request_bytes_max = 8 * 1024,
        .flags = RPC_IDEMPOTENT,
    },
    {
        .name = "GetTreeHead",
        .kind = RPC_UNARY,
        .handle = get_tree_head, /* which submits a job when there is something to wait for */
        .roles = ROLE_AUDITOR,
        .deadline_cap_ms = 30000,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT,
    },
    {
        .name = "GetInclusionProof",
        .kind = RPC_UNARY,
        .runs = RPC_RUNS_ON_EXECUTOR,
        .handle = get_inclusion_proof,
        .roles = ROLE_AUDITOR,
        .deadline_cap_ms = 30000,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED,
    },
};

struct rpc_service audit_service(struct audit_service_options *options)
{
    return (struct rpc_service){
        .descriptor = &passgate__v1__audit_service__descriptor,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
        .context = options,
    };
}
