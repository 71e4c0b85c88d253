/* SPDX-License-Identifier: Apache-2.0 */
/* AdminService: what this server is, who is asking, and what the store holds. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "domain/country/groups.h"
#include "rpc/method.h"
#include "storage/names.h"
#include "telemetry/audit.h"

struct admin_options {
    const char *realm;
    const char *issuer;
    int64_t started_at_ms;
    uint32_t worker_count;
    struct snapshot *directives; /* of struct directive_set */
    struct snapshot *shadow;     /* the same: of what is tried beside it; or NULL */
    struct snapshot *keys;       /* of struct key_ring */
    struct store *store;
    const struct names *names;
    int64_t read_timeout_ms; /* of the store */
    int64_t write_timeout_ms;
    struct audit_log *audit;
    const struct country_groups *groups;
    struct snapshot *retention_key; /* of struct seal_key */
    const struct clock *clock;
};

/* `options` must outlive the server. */
struct rpc_service admin_service(const struct admin_options *options);

#endif
