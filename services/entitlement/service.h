/* SPDX-License-Identifier: Apache-2.0 */
/* EntitlementService: the gRPC door to the check. */
#ifndef ENTITLEMENT_SERVICE_H
#define ENTITLEMENT_SERVICE_H

#include "entitlement/check.h"
#include "rpc/method.h"

/* `entitlement` must outlive the server. */
struct rpc_service entitlement_service(struct entitlement *entitlement);

/* The handlers of its methods, one file each. */
rpc_handler_fn check_entitlement;        /* check_entitlement.c */
rpc_handler_fn batch_check_entitlements; /* batch_check_entitlements.c */
rpc_item_fn stream_check_entitlements;   /* stream_check_entitlements.c */
rpc_handler_fn list_entitlements;        /* list_entitlements.c */
rpc_handler_fn explain_entitlement;      /* explain_entitlement.c */
rpc_handler_fn watch_revisions;          /* watch_revisions.c */

#endif
