/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: rows checked against descriptors, found by a hash of their path. */
#include "rpc/registry.h"

#include "base/memory.h"
#include "rpc/wire_scan.h"

#include <stdio.h>

enum { SLOTS_PER_ENTRY = 4 };

struct rpc_registry {
    struct rpc_service *services;
    struct rpc_entry *entries;
    size_t count;
    const struct rpc_entry **slots; /* open addressing; a power of two, at most a quarter full */
    size_t slot_count;
};

static const struct rpc_method *row_of(const struct rpc_service *service, const char *name)
{
    for (size_t i = 0; i < service->method_count; i++)
        if (strcmp(service->methods[i].name, name) == 0)
            return &service->methods[i];
    return NULL;
}

static bool check_row(const struct rpc_service *service, const struct rpc_method *row,
                      struct err *err)
{
    bool is_bidi = row->kind == RPC_BIDI_STREAM;
    const char *wrong = NULL;

    if (!protobuf_c_service_descriptor_get_method_by_name(service->descriptor, row->name))
        wrong = "has a row and is not in the .proto";
    else if (row->roles == 0)
        wrong = "has no roles";
    else if (is_bidi ? !row->take_item : !row->handle)
        wrong = "has no handler";
    else if (row->request_bytes_max == 0)
        wrong = "has no size cap";
    else if (row->kind == RPC_UNARY && row->deadline_cap_ms <= 0)
        wrong = "has no deadline cap";
    else if ((row->flags & RPC_HOT) && row->kind != RPC_UNARY)
        wrong = "is hot and not unary";
    else if (row->runs == RPC_RUNS_ON_EXECUTOR && row->kind != RPC_UNARY)
        wrong = "runs on the executor and is not unary";
    if (wrong)
        return err_set(err, ERR_INTERNAL, "%s.%s %s", service->descriptor->name, row->name, wrong);
    return true;
}

static bool check_requests(const struct rpc_service *service, struct err *err)
{
    const ProtobufCServiceDescriptor *descriptor = service->descriptor;

    for (unsigned i = 0; i < descriptor->n_methods; i++)
        if (!wire_scan_can(descriptor->methods[i].input))
            return err_set(err, ERR_INTERNAL,
                           "%s.%s takes a message that is too wide to be scanned", descriptor->name,
                           descriptor->methods[i].name);
    return true;
}

bool rpc_service_check(const struct rpc_service *service, struct err *err)
{
    const ProtobufCServiceDescriptor *descriptor = service->descriptor;

    for (unsigned i = 0; i < descriptor->n_methods; i++)
        if (!row_of(service, descriptor->methods[i].name))
            return err_set(err, ERR_INTERNAL, "%s.%s has no row", descriptor->name,
                           descriptor->methods[i].name);
    for (size_t i = 0; i < service->method_count; i++) {
        if (!check_row(service, &service->methods[i], err))
            return false;
        if (row_of(service, service->methods[i].name) != &service->methods[i])
            return err_set(err, ERR_INTERNAL, "%s.%s has two rows", descriptor->name,
                           service->methods[i].name);
    }
    return check_requests(service, err);
}

static bool check_once(const struct rpc_service *services, size_t index, struct err *err)
{
    const char *name = services[index].descriptor->name;

    for (size_t i = 0; i < index; i++)
        if (strcmp(services[i].descriptor->name, name) == 0)
            return err_set(err, ERR_INTERNAL, "%s is there twice", name);
    return true;
}

/* FNV-1a: paths are ours, and few. */
static size_t hash_of(struct span path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < path.length; i++)
        hash = (hash ^ path.data[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32);
}

static void add_entry(struct rpc_registry *registry, const struct rpc_service *service,
                      const struct rpc_method *method)
{
    const ProtobufCMethodDescriptor *descriptor =
        protobuf_c_service_descriptor_get_method_by_name(service->descriptor, method->name);
    struct rpc_entry *entry = &registry->entries[registry->count];
    size_t slot;
    char path[256];

    snprintf(path, sizeof(path), "/%s/%s", service->descriptor->name, method->name);
    *entry = (struct rpc_entry){
        .method = method,
        .service = service,
        .input = descriptor->input,
        .output = descriptor->output,
        .path = memory_text(span_text(path)),
        .path_length = strlen(path),
        .index = registry->count++,
    };
    slot = hash_of(span_text(path)) & (registry->slot_count - 1);
    while (registry->slots[slot])
        slot = (slot + 1) & (registry->slot_count - 1);
    registry->slots[slot] = entry;
}

bool rpc_registry_new(const struct rpc_service *services, size_t count,
                      struct rpc_registry **ret_registry, struct err *err)
{
    struct rpc_registry *registry;
    size_t method_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (!rpc_service_check(&services[i], err) || !check_once(services, i, err))
            return false;
        method_count += services[i].method_count;
    }
    registry = memory_new(struct rpc_registry);
    registry->services = memory_new_array(struct rpc_service, count);
    registry->entries = memory_new_array(struct rpc_entry, method_count);
    registry->slot_count = 16;
    while (registry->slot_count < method_count * SLOTS_PER_ENTRY)
        registry->slot_count *= 2;
    registry->slots = memory_new_array(const struct rpc_entry *, registry->slot_count);
    for (size_t i = 0; i < count; i++) {
        registry->services[i] = services[i];
        for (size_t k = 0; k < services[i].method_count; k++)
            add_entry(registry, &registry->services[i], &services[i].methods[k]);
    }
    *ret_registry = registry;
    return true;
}

void rpc_registry_free(struct rpc_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->count; i++)
        memory_free((char *)registry->entries[i].path);
    memory_free(registry->services);
    memory_free(registry->entries);
    memory_free(registry->slots);
    memory_free(registry);
}

size_t rpc_registry_count(const struct rpc_registry *registry)
{
    return registry->count;
}

const struct rpc_entry *rpc_registry_get(const struct rpc_registry *registry, size_t index)
{
    return &registry->entries[index];
}

const struct rpc_entry *rpc_registry_find(const struct rpc_registry *registry, struct span path)
{
    size_t slot = hash_of(path) & (registry->slot_count - 1);

    while (registry->slots[slot]) {
        const struct rpc_entry *entry = registry->slots[slot];

        if (span_equal(span_of(entry->path, entry->path_length), path))
            return entry;
        slot = (slot + 1) & (registry->slot_count - 1);
    }
    return NULL;
}
