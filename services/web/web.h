/* SPDX-License-Identifier: Apache-2.0 */
/* What is served over HTTP: the keys on `http`, liveness, readiness and metrics on `ops`. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "http/http.h"
#include "telemetry/metrics.h"
#include "telemetry/readiness.h"

struct web_options {
    struct snapshot *keys; /* of struct key_ring */
    struct metrics *metrics;
    struct readiness *readiness;
    const struct clock *clock;
};

/* `options` must outlive the servers. */
struct http_group web_public_group(const struct web_options *options);
struct http_group web_ops_group(const struct web_options *options);

#endif
