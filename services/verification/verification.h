/* SPDX-License-Identifier: Apache-2.0 */
/* VerificationService: where evidence, affiliations and principals come in. */
#ifndef VERIFICATION_VERIFICATION_H
#define VERIFICATION_VERIFICATION_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "domain/country/groups.h"
#include "domain/facts/organization.h"
#include "rpc/method.h"
#include "storage/names.h"
#include "storage/store.h"
#include "telemetry/audit.h"
#include "telemetry/metrics.h"

struct verification_options {
    struct store *store;
    const struct names *names;
    const struct organizations *organizations;
    struct audit_log *audit;
    struct metrics *metrics;
    const struct clock *clock;
    int64_t read_timeout_ms;
    int64_t write_timeout_ms;
    /* Of the directive set in force, for revisions. */
    uint64_t (*directive_set_number)(void *context);
    void *context;
    /* Of struct seal_key: for whom the document about each change is sealed into its record.  NULL,
     * or with none in it: there are no documents. */
    struct snapshot *retention_key;
    size_t change_document_bytes_max;    /* from CHANGE_DOCUMENT_BYTES_MIN */
    const struct country_groups *groups; /* in use; named in the documents */
};

/* `options` must outlive the server. */
struct rpc_service verification_service(const struct verification_options *options);

/* The handlers of its methods, one file each. */
rpc_handler_fn submit_verification; /* submit_verification.c */
rpc_handler_fn revoke_evidence;     /* revoke_evidence.c */
rpc_handler_fn set_affiliations;    /* set_affiliations.c */
rpc_handler_fn set_principals;      /* set_principals.c */
rpc_handler_fn get_subject;         /* get_subject.c */

#endif
