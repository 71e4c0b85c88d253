/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols: the .proto files of a descriptor set, found by name and by what they define.
 *
 * A file is kept as the bytes that stood in the set; names point into them or into the arena.
 */
#ifndef REFLECTION_SYMBOLS_H
#define REFLECTION_SYMBOLS_H

#include "base/arena.h"
#include "base/err.h"

struct proto_file {
    struct span name;
    struct span bytes; /* a FileDescriptorProto */
    const struct proto_file **dependencies;
    size_t dependency_count;
};

struct symbol {
    struct span name; /* "passgate.v1.EntitlementService.CheckEntitlement", without a leading dot */
    const struct proto_file *file;
    bool is_message;
};

struct symbols {
    struct proto_file *files;
    size_t file_count;
    struct symbol *symbols; /* sorted by name */
    size_t symbol_count;
};

/* `set` (a FileDescriptorSet) lives as long as the arena. */
MUST_CHECK bool symbols_load(struct span set, struct arena *arena, struct symbols *ret_symbols,
                             struct err *err);

/* NULL: not there. */
const struct proto_file *symbols_find_file(const struct symbols *symbols, struct span name);
const struct symbol *symbols_find(const struct symbols *symbols, struct span name);

#endif
