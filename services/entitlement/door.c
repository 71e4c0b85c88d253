/* SPDX-License-Identifier: Apache-2.0 */
/* The door. */
#include "entitlement/door.h"

#include "interceptors/caller.h"

/* What is kept of the call while its run waits. */
struct waiting {
    struct rpc_call *call;
    door_reply_fn *reply;
    const void *detail;
};

struct check_order door_order(struct rpc_call *call, struct entitlement *entitlement)
{
    const struct caller *caller = caller_of(call);

    return (struct check_order){
        .entitlement = entitlement,
        .caller = caller->id,
        .method = span_text(rpc_call_method(call)->name),
        .limits = caller->limits,
        .budget = caller->budget,
        .is_terse = caller->disclose == DISCLOSE_DECISION,
        .worker_index = rpc_call_worker_index(call),
        .started_ns = rpc_call_started_ns(call),
    };
}

static void on_done(struct check_run *run)
{
    const struct waiting *waiting = run->owner;

    if (waiting && run->is_ok)
        waiting->reply(waiting->call, &run->order, waiting->detail, &run->arena);
    else if (waiting)
        rpc_call_fail(waiting->call, &run->err);
    check_run_free(run);
}

static void wait(struct rpc_call *call, const struct check_order *order, door_reply_fn *reply,
                 const void *detail)
{
    struct arena arena = rpc_call_take_arena(call);
    struct waiting *waiting = arena_new(&arena, struct waiting);
    struct check_run *run = check_run_new(order, arena, rpc_call_inbox(call), on_done, waiting);

    *waiting = (struct waiting){call, reply, detail};
    rpc_call_park(call, check_run_abandon, run);
    check_run_go(run);
}

void door_run(struct rpc_call *call, struct check_order *order, door_reply_fn *reply,
              const void *detail)
{
    struct err err;
    bool is_ok;

    if (!check_try(order, rpc_call_arena(call), &is_ok, &err)) {
        wait(call, order, reply, detail);
        return;
    }
    if (is_ok)
        reply(call, order, detail, rpc_call_arena(call));
    else
        rpc_call_fail(call, &err);
    check_order_release(order);
}
