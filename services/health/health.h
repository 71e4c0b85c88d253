/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.health.v1.Health: what this server says of its own services.
 *
 * The lifecycle says how a service is; Check answers with it, and every Watch stream is pushed the
 * newest status through its worker's inbox.  Updates that a slow reader has not taken fall
 * together: it gets the last one.
 */
#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include "rpc/method.h"

struct health;

enum health_status {
    HEALTH_SERVING,
    HEALTH_NOT_SERVING,
};

enum { HEALTH_WATCHES_MAX = 4096 }; /* of the whole server; above it: OVERLOADED */

struct health *health_new(void);

/* After the server that served it was stopped and freed. */
void health_free(struct health *health);

/* Any thread.  `service` is a full name, "" the server as a whole; the name is copied.  A service
 * that was never set is unknown. */
void health_set(struct health *health, const char *service, enum health_status status);
/* Every service that was ever set, at once: the beginning of a drain. */
void health_set_all(struct health *health, enum health_status status);

/* What to serve. */
struct rpc_service health_service(struct health *health);

#endif
