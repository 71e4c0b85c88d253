/* SPDX-License-Identifier: Apache-2.0 */
/* VerificationService: its methods. */
#include "interceptors/caller.h"
#include "passgate/v1/verification.pb-c.h"
#include "verification/verification.h"

#define WRITE(method, handler, who)                                               \
    {                                                                             \
        .name = (method), .kind = RPC_UNARY, .handle = (handler), .roles = (who), \
        .deadline_cap_ms = 30000, .request_bytes_max = 32 * 1024,                 \
        .flags = RPC_IDEMPOTENT | RPC_AUDITED,                                    \
    }

static const struct rpc_method methods[] = {
    WRITE("SubmitVerification", submit_verification, ROLE_SUBMITTER),
    WRITE("RevokeEvidence", revoke_evidence, ROLE_SUBMITTER),
    WRITE("SetAffiliations", set_affiliations, ROLE_ATTESTER),
    WRITE("SetPrincipals", set_principals, ROLE_SUBMITTER),
    {
        .name = "GetSubject",
        .kind = RPC_UNARY,
        .handle = get_subject,
        .roles = ROLE_AUDITOR | ROLE_OPERATOR,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 4 * 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED,
    },
};

struct rpc_service verification_service(const struct verification_options *options)
{
    return (struct rpc_service){
        .descriptor = &passgate__v1__verification_service__descriptor,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
        .context = (void *)options,
    };
}
