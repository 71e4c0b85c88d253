/* SPDX-License-Identifier: Apache-2.0 */
/* The access log. */
#include "interceptors/access_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "interceptors/caller.h"
#include "interceptors/trace.h"

static void after(struct rpc_call *call, void *context, const struct err *outcome)
{
    enum err_level level = err_log_level(outcome->code);
    const struct caller *caller;
    const struct trace *trace;

    (void)context;
    if (!log_is_on(level))
        return;
    caller = caller_of(call);
    trace = trace_of(call);
    log_write(level, "rpc.call", outcome->code == ERR_OK ? "answered" : "refused",
              (const struct log_field[]){
                  log_text("method", rpc_call_path(call)),
                  log_span("caller", caller ? caller->id : span_text("")),
                  log_text("status", err_status_name(err_grpc_status(outcome->code))),
                  log_text("reason", err_reason(outcome->code)),
                  log_text("field", outcome->field),
                  log_text("detail", outcome->detail),
                  log_text("trace", trace ? trace->id : ""),
                  log_text("span", trace ? trace->span : ""),
                  log_number("us", (clock_now_ns() - rpc_call_started_ns(call)) / 1000),
                  {0},
              });
}

const struct rpc_interceptor access_log_interceptor = {.name = "access_log", .after = after};
