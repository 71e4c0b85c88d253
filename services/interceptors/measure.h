/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of every call: counts by method and status, and how long it took. */
#ifndef INTERCEPTORS_MEASURE_H
#define INTERCEPTORS_MEASURE_H

#include "rpc/interceptor.h"
#include "telemetry/metrics.h"

struct measure {
    struct metrics *metrics;
    size_t *
        methods; /* index of the metrics by index of the method; the last one is for unknown ones */
};

/* `measure` and its `methods` must outlive the server. */
struct rpc_interceptor measure_interceptor(struct measure *measure);

#endif
