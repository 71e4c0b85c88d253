/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interceptors: what happens around every call, in an order that is written down in one place.
 *
 * `before` runs in the order of the chain, on the call's worker, and may refuse the call.  `after`
 * runs in reverse order, once, for every call whose `before` ran, whatever the outcome, just before
 * the outcome is sent.  Neither may wait.  Calls of methods that do not exist, and those that are
 * refused for overload, are answered before any of them runs: of these only the `after` of those
 * that ask for it (`sees_refused`) is told.
 */
#ifndef RPC_INTERCEPTOR_H
#define RPC_INTERCEPTOR_H

#include "base/err.h"

struct rpc_call;

struct rpc_interceptor {
    const char *name;
    bool (*before)(struct rpc_call *call, void *context, struct err *err);
    void (*after)(struct rpc_call *call, void *context, const struct err *outcome);
    void *context;
    bool sees_refused;
};

#endif
