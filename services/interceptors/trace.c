/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context, level 1. */
#include "interceptors/trace.h"

#include "base/encoding.h"
#include "base/random.h"

#include <stdio.h>

static const char attachment;

/* Are there `length` lower-case hex digits at `at`? */
static bool is_hex(struct span text, size_t at, size_t length)
{
    for (size_t i = at; i < at + length; i++) {
        uint8_t c = text.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static bool is_id(struct span text, size_t at, size_t length)
{
    static const char zero[] = "00000000000000000000000000000000";

    return is_hex(text, at, length) && memcmp(text.data + at, zero, length) != 0;
}

bool trace_parse(struct span text, struct trace *ret_trace)
{
    struct trace trace = {.id = ""};
    uint64_t span;

    if (text.length != TRACEPARENT_LENGTH || memcmp(text.data, "00-", 3) != 0 ||
        text.data[35] != '-' || text.data[52] != '-' || !is_id(text, 3, TRACE_ID_LENGTH) ||
        !is_id(text, 36, TRACE_SPAN_LENGTH) || !is_hex(text, 53, 2))
        return false;
    span = random_u64();
    memcpy(trace.id, text.data + 3, TRACE_ID_LENGTH);
    memcpy(trace.parent, text.data + 36, TRACE_SPAN_LENGTH);
    hex_encode(span_of(&span, sizeof(span)), trace.span);
    snprintf(trace.parent_for_others, sizeof(trace.parent_for_others), "00-%s-%s-%.2s", trace.id,
             trace.span, (const char *)text.data + 53);
    *ret_trace = trace;
    return true;
}

static bool before(struct rpc_call *call, void *context, struct err *err)
{
    struct span traceparent;
    struct trace trace, *kept;

    (void)context;
    (void)err;
    if (!rpc_call_metadata(call, "traceparent", &traceparent) || !trace_parse(traceparent, &trace))
        return true;
    kept = arena_new(rpc_call_arena(call), struct trace);
    *kept = trace;
    rpc_call_attach(call, &attachment, kept);
    rpc_call_add_trailer(call, "traceparent", span_text(kept->parent_for_others));
    return true;
}

const struct rpc_interceptor trace_interceptor = {.name = "trace", .before = before};

const struct trace *trace_of(const struct rpc_call *call)
{
    return rpc_call_attached(call, &attachment);
}
