/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog: one thread that makes sure that somebody who knocks is let in.
 *
 * Every interval it probes each TCP listener of gRPC with a new connection (rpc/probe.h).  When one
 * of them is silent in so many rounds in a row, the process is of no use to anybody new, and
 * `on_deaf` is told.  It also counts descriptors: a replica that has few left says that it is not
 * ready, while those that it has still work.  And it hangs up on whoever floods the server with
 * calls that are given up (rpc/resets.h).
 */
#ifndef SERVER_WATCHDOG_H
#define SERVER_WATCHDOG_H

#include "rpc/probe.h"
#include "telemetry/metrics.h"
#include "telemetry/readiness.h"

struct watchdog;

struct watchdog_options {
    const struct rpc_probe *probes; /* outlive the watchdog */
    size_t probe_count;
    int64_t interval_ms;   /* and how long a probe waits */
    uint32_t failures_max; /* 0: it is never told */
    struct rpc_server *rpc;
    struct metrics *metrics;
    struct readiness *readiness;
    void (*on_deaf)(void *context); /* once at most, on the watchdog's thread, which then ends */
    void *context;
};

struct watchdog *watchdog_start(const struct watchdog_options *options);

/* NULL is allowed. */
void watchdog_stop(struct watchdog *watchdog);

#endif
