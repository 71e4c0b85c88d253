/* SPDX-License-Identifier: Apache-2.0 */
/* AuditService: what was decided, read from this replica's own log. */
#ifndef AUDIT_AUDIT_SERVICE_H
#define AUDIT_AUDIT_SERVICE_H

#include "base/clock.h"
#include "base/executor.h"
#include "base/snapshot.h"
#include "rpc/method.h"
#include "storage/names.h"
#include "telemetry/audit.h"

#include <stdatomic.h>

enum { AUDIT_LISTINGS_MAX = 2 }; /* each holds a segment in memory */

struct audit_service_options {
    struct audit_log *audit;
    const char *folder; /* of the log */
    const struct names *names;
    struct snapshot *directives; /* of struct directive_set */
    struct executor *executor;
    const struct clock *clock;
    atomic_uint listings; /* the service's own: how many there are */
};

/* `options` must outlive the server. */
struct rpc_service audit_service(struct audit_service_options *options);

/* The handlers of its methods, one file each. */
rpc_handler_fn list_decisions; /* list_decisions.c */

#endif
