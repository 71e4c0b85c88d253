/* SPDX-License-Identifier: Apache-2.0 */
/* Admission. */
#include "interceptors/admission.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static const char held; /* the budget that the call has to give back to */

static bool before(struct rpc_call *call, void *context, struct err *err)
{
    const struct budget *budget = caller_of(call)->budget;

    (void)context;
    if (!budget || (rpc_call_method(call)->flags & RPC_NEVER_SHED))
        return true;
    if (!budget_take_call(budget, rpc_call_started_ns(call), err))
        return false;
    rpc_call_attach(call, &held, (void *)budget);
    return true;
}

/* A bucket fills by itself; for the others nobody knows when. */
static void tell_when(struct rpc_call *call, const struct budget *budget, enum err_code code)
{
    int64_t wait_ms = code == ERR_BUDGET_RATE ? budget_wait_ms(budget, clock_now_ns()) : -1;
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, wait_ms);
    rpc_call_add_trailer(call, RPC_PUSHBACK, span_text(text));
}

static void after(struct rpc_call *call, void *context, const struct err *outcome)
{
    const struct budget *budget = caller_of(call)->budget;

    (void)context;
    if (!budget)
        return;
    if (rpc_call_attached(call, &held))
        budget_give_call(budget);
    if (outcome->code == ERR_BUDGET_RATE || outcome->code == ERR_BUDGET_IN_FLIGHT ||
        outcome->code == ERR_BUDGET_SUBJECTS)
        tell_when(call, budget, outcome->code);
}

const struct rpc_interceptor admission_interceptor = {
    .name = "admission", .before = before, .after = after};

bool admission_take_item(struct rpc_call *call, struct err *err)
{
    const struct budget *budget = caller_of(call)->budget;

    return !budget || budget_take_item(budget, clock_now_ns(), err);
}
