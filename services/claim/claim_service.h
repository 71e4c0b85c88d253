/* SPDX-License-Identifier: Apache-2.0 */
/* ClaimService: claims are issued, examined, and the keys to verify them given out. */
#ifndef CLAIM_CLAIM_SERVICE_H
#define CLAIM_CLAIM_SERVICE_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "domain/claim/claim.h"
#include "rpc/method.h"
#include "storage/names.h"
#include "telemetry/audit.h"

enum { CLAIM_JWKS_MAX_AGE_MS = 300 * 1000 };

struct claim_options {
    struct store *store;
    const struct names *names;
    struct snapshot *keys; /* of struct key_ring */
    struct audit_log *audit;
    struct metrics *metrics;
    const struct clock *clock;
    struct span issuer;
    bool needs_synchronized_clock;           /* else nothing is issued */
    int64_t lifetime_ms;                     /* the longest, and the default */
    const struct country_group *const *sets; /* that predicates answer about */
    size_t set_count;
    int64_t read_timeout_ms;
    int64_t write_timeout_ms;
    /* Of the directive set in force, for revisions. */
    uint64_t (*directive_set_number)(void *context);
    void *context;
};

/* `options` must outlive the server. */
struct rpc_service claim_service(const struct claim_options *options);

/* The handlers of its methods, one file each. */
rpc_handler_fn issue_claim;      /* issue_claim.c */
rpc_handler_fn introspect_claim; /* introspect_claim.c */
rpc_handler_fn get_jwks;         /* claim_service.c */

#endif
