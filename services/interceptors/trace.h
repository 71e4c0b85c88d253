/* SPDX-License-Identifier: Apache-2.0 */
/*
 * W3C Trace Context: the `traceparent` header is taken in, logged with the call, and passed on with
 * our own span as parent; one that is malformed is dropped, as the recommendation says.
 */
#ifndef INTERCEPTORS_TRACE_H
#define INTERCEPTORS_TRACE_H

#include "rpc/call.h"
#include "rpc/interceptor.h"

enum { TRACE_ID_LENGTH = 32, TRACE_SPAN_LENGTH = 16, TRACEPARENT_LENGTH = 55 };

struct trace {
    char id[TRACE_ID_LENGTH + 1];
    char parent[TRACE_SPAN_LENGTH + 1];
    char span[TRACE_SPAN_LENGTH + 1]; /* ours */
    char parent_for_others[TRACEPARENT_LENGTH +
                           1]; /* what is sent on: the trace's id with our span */
};

extern const struct rpc_interceptor trace_interceptor;

/* NULL when the call carries none. */
const struct trace *trace_of(const struct rpc_call *call);

/* Version 00 of the header, lower case, ids not all zero.  False: to be ignored. */
bool trace_parse(struct span traceparent, struct trace *ret_trace);

#endif
