/* SPDX-License-Identifier: Apache-2.0 */
/* Where gauges come from: numbers that live elsewhere and are read when metrics are rendered. */
#ifndef SERVER_SOURCES_H
#define SERVER_SOURCES_H

#include "rpc/server.h"
#include "storage/facts_cache.h"
#include "storage/read_queue.h"
#include "telemetry/audit.h"
#include "telemetry/metrics.h"
#include "telemetry/readiness.h"

struct sources {
    struct metrics *metrics;
    struct facts_cache *cache;
    struct store *store;
    struct audit_log *audit;
    struct readiness *readiness;
    struct rpc_server **rpc; /* is there once calls are served */
    int64_t lease_ms;
    struct executor *executor;
    struct read_queue *reads;
};

/* `sources` is copied into the arena. */
void sources_connect(const struct sources *sources, struct arena *arena);

#endif
