/* SPDX-License-Identifier: Apache-2.0 */
/* BatchCheckEntitlements: up to a thousand questions at one moment. */
#include "base/failpoint.h"
#include "entitlement/door.h"
#include "entitlement/message.h"
#include "entitlement/service.h"
#include "rpc/wire_time.h"

static void reply(struct rpc_call *call, const struct check_order *order, const void *detail,
                  struct arena *arena)
{
    enum disclose disclose = caller_of(call)->disclose;
    Passgate__V1__BatchCheckEntitlementsResponse response =
        PASSGATE__V1__BATCH_CHECK_ENTITLEMENTS_RESPONSE__INIT;
    Passgate__V1__BatchDecision *decisions =
        arena_new_array(arena, Passgate__V1__BatchDecision, order->count);

    (void)detail;
    (void)FAILPOINT("before_reply");
    response.n_decisions = order->count;
    response.decisions = arena_new_array(arena, Passgate__V1__BatchDecision *, order->count);
    for (size_t i = 0; i < order->count; i++) {
        batch_decision_write(order, &order->results[i], disclose, arena, &decisions[i]);
        response.decisions[i] = &decisions[i];
    }
    response.decision_id = decision_id_message(order, arena);
    if (disclose > DISCLOSE_DECISION) {
        response.revision = revision_message(&order->revision, arena);
        response.directive_set = directive_set_number(order->set);
        response.evaluated_at = wire_timestamp(order->now_ms, arena);
    }
    rpc_call_reply(call, &response.base);
}

static bool read_one(const Passgate__V1__CheckEntitlementRequest *request, size_t index,
                     struct arena *arena, struct check_input *ret_input, struct err *err)
{
    bool is_read;

    if (request->min_revision[0] != '\0')
        is_read = err_field(err, ERR_FIELD_CONFLICT, "min_revision", "belongs to the batch");
    else if (request->want_reasons)
        is_read = err_field(err, ERR_FIELD_CONFLICT, "want_reasons", "not in a batch");
    else if (request->want_receipt)
        is_read = err_field(err, ERR_FIELD_CONFLICT, "want_receipt", "not in a batch");
    else
        is_read = check_input_read(request, arena, ret_input, err);
    if (!is_read)
        err_prefix_field(err, "checks[%zu]", index);
    return is_read;
}

static bool read_all(const Passgate__V1__BatchCheckEntitlementsRequest *request,
                     struct arena *arena, struct check_order *order, struct err *err)
{
    struct check_input *inputs;

    if (request->n_checks == 0)
        return err_field(err, ERR_FIELD_REQUIRED, "checks", "empty");
    if (request->n_checks > CHECK_BATCH_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "checks", "%zu of them", request->n_checks);
    inputs = arena_new_array(arena, struct check_input, request->n_checks);
    for (size_t i = 0; i < request->n_checks; i++)
        if (!read_one(request->checks[i], i, arena, &inputs[i], err))
            return false;
    order->inputs = inputs;
    order->count = request->n_checks;
    return true;
}

void batch_check_entitlements(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__BatchCheckEntitlementsRequest *request =
        (const Passgate__V1__BatchCheckEntitlementsRequest *)message;
    struct check_order order = door_order(call, context);
    struct err err;

    order.is_batch = true;
    order.min_revision = span_text(request->min_revision);
    if (read_all(request, rpc_call_arena(call), &order, &err))
        door_run(call, &order, reply, NULL);
    else
        rpc_call_fail(call, &err);
}
