/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission: a call is let in as far as the budget of its caller goes (interceptors/budget.h).
 *
 * Behind the caller's interceptor.  A caller without a budget costs a look at a pointer; methods
 * that are never shed cost nobody's budget.  Whoever is refused is told when to come back, in
 * `grpc-retry-pushback-ms`: after so many milliseconds, or, where it is negative, not by itself.
 */
#ifndef INTERCEPTORS_ADMISSION_H
#define INTERCEPTORS_ADMISSION_H

#include "interceptors/caller.h"

extern const struct rpc_interceptor admission_interceptor;

/* An item of a stream, which counts as one call of a rate: BUDGET_RATE. */
MUST_CHECK bool admission_take_item(struct rpc_call *call, struct err *err);

#endif
