/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: what the unary methods of EntitlementService have in common.  An order comes from a
 * call, and is answered at once when everything is at hand, later when something had to be waited
 * for.
 */
#ifndef ENTITLEMENT_DOOR_H
#define ENTITLEMENT_DOOR_H

#include "entitlement/check.h"
#include "rpc/call.h"

/* Answer the call with the results.  `detail` is the method's own. */
typedef void door_reply_fn(struct rpc_call *call, const struct check_order *order,
                           const void *detail, struct arena *arena);

/* An order of this caller, without questions yet.  For items of a stream too. */
struct check_order door_order(struct rpc_call *call, struct entitlement *entitlement);

/* Carry out the order, then `reply`, or fail the call.  The inputs and `detail` live in the call's
 * arena. */
void door_run(struct rpc_call *call, struct check_order *order, door_reply_fn *reply,
              const void *detail);

#endif
