/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: every method of every service, by its path. */
#ifndef RPC_REGISTRY_H
#define RPC_REGISTRY_H

#include "rpc/method.h"

struct rpc_entry {
    const struct rpc_method *method;
    const struct rpc_service *service;
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    const char *path; /* "/package.Service/Method" */
    size_t path_length;
    size_t index;
};

struct rpc_registry;

/* Checks every service; keeps no pointer to the array, but to the rows.  Immutable afterwards. */
MUST_CHECK bool rpc_registry_new(const struct rpc_service *services, size_t count,
                                 struct rpc_registry **ret_registry, struct err *err);
void rpc_registry_free(struct rpc_registry *registry);

size_t rpc_registry_count(const struct rpc_registry *registry);
const struct rpc_entry *rpc_registry_get(const struct rpc_registry *registry, size_t index);
/* NULL: no such method. */
const struct rpc_entry *rpc_registry_find(const struct rpc_registry *registry, struct span path);

#endif
