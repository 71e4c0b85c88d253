/* SPDX-License-Identifier: Apache-2.0 */
/* AuditService: what was decided, read from this replica's own log, and that it was not changed. */
#ifndef AUDIT_AUDIT_SERVICE_H
#define AUDIT_AUDIT_SERVICE_H

#include "base/clock.h"
#include "base/executor.h"
#include "base/snapshot.h"
#include "passgate/v1/audit.pb-c.h"
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
rpc_handler_fn list_decisions;      /* list_decisions.c */
rpc_handler_fn get_tree_head;       /* get_tree_head.c */
rpc_handler_fn get_inclusion_proof; /* get_inclusion_proof.c */

/* head_message.c: what the last two share. */

/* The number in a decision id of this log: FIELD_* names `field`; RECORD_OF_OTHER_LOG. */
MUST_CHECK bool audit_service_number(const struct audit_service_options *options, const char *field,
                                     const char *decision_id, uint64_t *ret_sequence,
                                     struct err *err);
/* The newest head: TREE_HEAD_BEHIND while there is none. */
MUST_CHECK bool audit_service_head(const struct audit_service_options *options, struct arena *arena,
                                   struct audit_head *ret_head,
                                   Passgate__V1__TreeHead **ret_message, struct err *err);
/* The hashes of a proof as a repeated field, in the arena. */
ProtobufCBinaryData *audit_service_hashes(const struct tree_proof *proof, struct arena *arena);

#endif
