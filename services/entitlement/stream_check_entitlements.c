/* SPDX-License-Identifier: Apache-2.0 */
/* StreamCheckEntitlements: questions as they come, answers as they are ready. */
#include "entitlement/check_receipt.h"
#include "entitlement/door.h"
#include "entitlement/message.h"
#include "entitlement/service.h"
#include "interceptors/admission.h"
#include "rpc/stream.h"

struct waiting {
    struct rpc_item *item;
    const Passgate__V1__StreamCheckEntitlementsRequest *request;
};

/* What is wrong with one question does not end the stream. */
static void reply_error(struct rpc_item *item, uint64_t id, const struct err *err)
{
    Passgate__V1__StreamCheckEntitlementsResponse response =
        PASSGATE__V1__STREAM_CHECK_ENTITLEMENTS_RESPONSE__INIT;

    caller_note_item(rpc_item_call(item), err);
    response.id = id;
    response.error = check_error_message(err, rpc_item_arena(item));
    rpc_item_reply(item, &response.base);
}

static void reply(struct rpc_item *item,
                  const Passgate__V1__StreamCheckEntitlementsRequest *request,
                  const struct check_order *order, struct arena *arena)
{
    enum disclose disclose = caller_of(rpc_item_call(item))->disclose;
    Passgate__V1__StreamCheckEntitlementsResponse response =
        PASSGATE__V1__STREAM_CHECK_ENTITLEMENTS_RESPONSE__INIT;
    Passgate__V1__CheckEntitlementResponse decision;
    struct err err;

    check_response_write(order, &order->results[0], disclose, request->check->want_reasons, arena,
                         &decision);
    if (request->check->want_receipt &&
        !check_receipt_sign(order, disclose, arena, &decision.receipt, &err)) {
        reply_error(item, request->id, &err);
        return;
    }
    response.id = request->id;
    response.decision = &decision;
    rpc_item_reply(item, &response.base);
}

static void on_done(struct check_run *run)
{
    struct waiting *waiting = run->owner;

    if (waiting && run->is_ok)
        reply(waiting->item, waiting->request, &run->order, &run->arena);
    else if (waiting)
        reply_error(waiting->item, waiting->request->id, &run->err);
    check_run_free(run);
}

static void wait(struct rpc_item *item, const struct check_order *order,
                 const Passgate__V1__StreamCheckEntitlementsRequest *request)
{
    struct arena arena = rpc_item_take_arena(item);
    struct waiting *waiting = arena_new(&arena, struct waiting);
    struct check_run *run =
        check_run_new(order, arena, rpc_call_inbox(rpc_item_call(item)), on_done, waiting);

    *waiting = (struct waiting){item, request};
    rpc_item_park(item, check_run_abandon, run);
    check_run_go(run);
}

void stream_check_entitlements(struct rpc_item *item, const ProtobufCMessage *message,
                               void *context)
{
    const Passgate__V1__StreamCheckEntitlementsRequest *request =
        (const Passgate__V1__StreamCheckEntitlementsRequest *)message;
    struct arena *arena = rpc_item_arena(item);
    struct check_input *input = arena_new(arena, struct check_input);
    struct check_order order = door_order(rpc_item_call(item), context);
    struct err err;
    bool is_ok;

    if (!admission_take_item(rpc_item_call(item), &err)) {
        reply_error(item, request->id, &err);
        return;
    }
    if (!request->check) {
        err_field(&err, ERR_FIELD_REQUIRED, "check", "missing");
        reply_error(item, request->id, &err);
        return;
    }
    order.inputs = input;
    order.count = 1;
    order.min_revision = span_text(request->check->min_revision);
    order.started_ns = clock_now_ns();
    if (!check_input_read(request->check, arena, input, &err)) {
        reply_error(item, request->id, &err);
        return;
    }
    if (!check_try(&order, arena, &is_ok, &err)) {
        wait(item, &order, request);
        return;
    }
    if (is_ok)
        reply(item, request, &order, arena);
    else
        reply_error(item, request->id, &err);
    check_order_release(&order);
}
