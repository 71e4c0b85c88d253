/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.reflection.v1 and v1alpha: what this server serves, told to tools.
 *
 * It answers from the descriptors of the .proto files that are built into the program, and lists
 * exactly the services that it was given.
 */
#ifndef REFLECTION_REFLECTION_H
#define REFLECTION_REFLECTION_H

#include "rpc/method.h"

struct reflection;

enum { REFLECTION_SERVICES = 2 };

struct reflection *reflection_new(void);

/* What to serve: v1 and v1alpha. */
void reflection_services(struct reflection *reflection,
                         struct rpc_service ret_services[REFLECTION_SERVICES]);

/* Before the server starts: everything that it serves, reflection itself included. */
void reflection_list(struct reflection *reflection, const struct rpc_service *services,
                     size_t count);

/* After the server that served it was stopped and freed. */
void reflection_free(struct reflection *reflection);

#endif
