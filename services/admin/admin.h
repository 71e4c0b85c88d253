/* SPDX-License-Identifier: Apache-2.0 */
/* AdminService: what this server is, and who is asking. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "domain/country/groups.h"
#include "rpc/method.h"
#include "storage/store.h"
#include "telemetry/audit.h"

struct admin_options {
    const char *realm;
    const char *issuer;
    int64_t started_at_ms;
    uint32_t worker_count;
    struct snapshot *directives; /* of struct directive_set */
    struct snapshot *keys;       /* of struct key_ring */
    struct store *store;
    struct audit_log *audit;
    const struct country_groups *groups;
    const struct clock *clock;
};

/* `options` must outlive the server. */
struct rpc_service admin_service(const struct admin_options *options);

#endif
