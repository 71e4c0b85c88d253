/* SPDX-License-Identifier: Apache-2.0 */
/* CheckEntitlement: one question. */
#include "base/failpoint.h"
#include "entitlement/message.h"
#include "entitlement/service.h"
#include "rpc/call.h"

static void reply(struct rpc_call *call, const struct check_order *order, enum disclose disclose,
                  bool wants_reasons, struct arena *arena)
{
    Passgate__V1__CheckEntitlementResponse response;

    (void)FAILPOINT("before_reply");
    check_response_write(order, &order->results[0], disclose, wants_reasons, arena, &response);
    rpc_call_reply(call, &response.base);
}

/* What is kept of the call while it waits. */
struct waiting {
    struct rpc_call *call;
    const Passgate__V1__CheckEntitlementRequest *request;
};

static void on_done(struct check_run *run)
{
    struct waiting *waiting = run->owner;

    if (waiting && run->is_ok)
        reply(waiting->call, &run->order, caller_of(waiting->call)->disclose,
              waiting->request->want_reasons, &run->arena);
    else if (waiting)
        rpc_call_fail(waiting->call, &run->err);
    check_run_free(run);
}

static void on_abandoned(void *owner)
{
    struct check_run *run = owner;

    run->owner = NULL;
}

static void wait(struct rpc_call *call, const struct check_order *order,
                 const Passgate__V1__CheckEntitlementRequest *request)
{
    struct arena arena = rpc_call_take_arena(call);
    struct waiting *waiting = arena_new(&arena, struct waiting);
    struct check_run *run = check_run_new(order, arena, rpc_call_inbox(call), on_done, waiting);

    *waiting = (struct waiting){call, request};
    rpc_call_park(call, on_abandoned, run);
    check_run_go(run);
}

void check_entitlement(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__CheckEntitlementRequest *request =
        (const Passgate__V1__CheckEntitlementRequest *)message;
    struct arena *arena = rpc_call_arena(call);
    struct check_input *input = arena_new(arena, struct check_input);
    struct check_order order = {
        .entitlement = context,
        .caller = caller_of(call)->id,
        .method = span_text(rpc_call_method(call)->name),
        .inputs = input,
        .count = 1,
        .min_revision = span_text(request->min_revision),
        .worker_index = rpc_call_worker_index(call),
        .started_ns = rpc_call_started_ns(call),
    };
    struct err err;
    bool is_ok;

    if (!check_input_read(request, arena, input, &err)) {
        rpc_call_fail(call, &err);
        return;
    }
    if (!check_try(&order, arena, &is_ok, &err)) {
        wait(call, &order, request);
        return;
    }
    if (is_ok)
        reply(call, &order, caller_of(call)->disclose, request->want_reasons, arena);
    else
        rpc_call_fail(call, &err);
    check_order_release(&order);
}
