/* SPDX-License-Identifier: Apache-2.0 */
/* CheckEntitlement: one question. */
#include "base/failpoint.h"
#include "entitlement/check_receipt.h"
#include "entitlement/door.h"
#include "entitlement/message.h"
#include "entitlement/service.h"

static void reply(struct rpc_call *call, const struct check_order *order, const void *detail,
                  struct arena *arena)
{
    const Passgate__V1__CheckEntitlementRequest *request = detail;
    enum disclose disclose = caller_of(call)->disclose;
    Passgate__V1__CheckEntitlementResponse response;
    struct err err;

    (void)FAILPOINT("before_reply");
    check_response_write(order, &order->results[0], disclose, request->want_reasons, arena,
                         &response);
    if (request->want_receipt &&
        !check_receipt_sign(order, disclose, arena, &response.receipt, &err))
        rpc_call_fail(call, &err);
    else
        rpc_call_reply(call, &response.base);
}

void check_entitlement(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__CheckEntitlementRequest *request =
        (const Passgate__V1__CheckEntitlementRequest *)message;
    struct arena *arena = rpc_call_arena(call);
    struct check_input *input = arena_new(arena, struct check_input);
    struct check_order order = door_order(call, context);
    struct err err;

    order.inputs = input;
    order.count = 1;
    order.min_revision = span_text(request->min_revision);
    if (check_input_read(request, arena, input, &err))
        door_run(call, &order, reply, request);
    else
        rpc_call_fail(call, &err);
}
