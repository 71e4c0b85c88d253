/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of every call. */
#include "interceptors/measure.h"

#include "base/clock.h"
#include "rpc/call.h"

static void after(struct rpc_call *call, void *context, const struct err *outcome)
{
    struct measure *measure = context;
    struct metrics_shard *shard = metrics_shard(measure->metrics, rpc_call_worker_index(call));

    metrics_rpc(shard, measure->methods[rpc_call_method_index(call)],
                err_grpc_status(outcome->code), clock_now_ns() - rpc_call_started_ns(call));
}

struct rpc_interceptor measure_interceptor(struct measure *measure)
{
    return (struct rpc_interceptor){
        .name = "measure", .after = after, .context = measure, .sees_refused = true};
}
