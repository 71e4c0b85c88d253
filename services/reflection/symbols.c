/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols: read once, sorted, searched by halves. */
#include "reflection/symbols.h"

#include "base/memory.h"
#include "google/protobuf/descriptor.pb-c.h"

#include <stdlib.h>

/* A table that grows while the set is read. */
struct reader {
    struct arena *arena;
    struct symbol *symbols;
    size_t count, capacity;
    const struct proto_file *file;
};

static void *arena_allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void arena_keep(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

static struct span join(struct reader *reader, struct span scope, const char *name)
{
    if (scope.length == 0)
        return span_text(name);
    return span_text(arena_printf(reader->arena, "%.*s.%s", SPAN_FORMAT(scope), name));
}

static struct span add(struct reader *reader, struct span scope, const char *name, bool is_message)
{
    struct span full = join(reader, scope, name);

    if (reader->count == reader->capacity) {
        reader->capacity = reader->capacity ? 2 * reader->capacity : 256;
        reader->symbols =
            memory_grow(reader->symbols, reader->capacity, sizeof(reader->symbols[0]));
    }
    reader->symbols[reader->count++] = (struct symbol){full, reader->file, is_message};
    return full;
}

/* The values of an enum are its siblings, not its children. */
static void add_enum(struct reader *reader, struct span scope,
                     const Google__Protobuf__EnumDescriptorProto *descriptor)
{
    add(reader, scope, descriptor->name, false);
    for (size_t i = 0; i < descriptor->n_value; i++)
        add(reader, scope, descriptor->value[i]->name, false);
}

static void add_message(struct reader *reader, struct span scope,
                        const Google__Protobuf__DescriptorProto *descriptor)
{
    struct span full = add(reader, scope, descriptor->name, true);

    for (size_t i = 0; i < descriptor->n_field; i++)
        add(reader, full, descriptor->field[i]->name, false);
    for (size_t i = 0; i < descriptor->n_oneof_decl; i++)
        add(reader, full, descriptor->oneof_decl[i]->name, false);
    for (size_t i = 0; i < descriptor->n_enum_type; i++)
        add_enum(reader, full, descriptor->enum_type[i]);
    for (size_t i = 0; i < descriptor->n_nested_type; i++)
        add_message(reader, full, descriptor->nested_type[i]);
}

static void add_service(struct reader *reader, struct span scope,
                        const Google__Protobuf__ServiceDescriptorProto *descriptor)
{
    struct span full = add(reader, scope, descriptor->name, false);

    for (size_t i = 0; i < descriptor->n_method; i++)
        add(reader, full, descriptor->method[i]->name, false);
}

static void add_file(struct reader *reader, const Google__Protobuf__FileDescriptorProto *descriptor)
{
    struct span package = span_text(descriptor->package);

    for (size_t i = 0; i < descriptor->n_message_type; i++)
        add_message(reader, package, descriptor->message_type[i]);
    for (size_t i = 0; i < descriptor->n_enum_type; i++)
        add_enum(reader, package, descriptor->enum_type[i]);
    for (size_t i = 0; i < descriptor->n_service; i++)
        add_service(reader, package, descriptor->service[i]);
}

/* The next file of the set as it stands there: field 1, length-delimited. */
static bool take_file(struct span *set, struct span *ret_file)
{
    size_t length = 0, at = 1;
    unsigned shift = 0;

    if (set->length < 2 || set->data[0] != 0x0A)
        return false;
    for (; at < set->length && shift < 28; shift += 7) {
        uint8_t c = set->data[at++];

        length |= (size_t)(c & 0x7F) << shift;
        if (c < 0x80)
            break;
    }
    if (length > set->length - at)
        return false;
    *ret_file = span_of(set->data + at, length);
    *set = span_from(*set, at + length);
    return true;
}

/* A set names a file before those that import it. */
static bool link_file(struct symbols *symbols, struct proto_file *file,
                      const Google__Protobuf__FileDescriptorProto *descriptor, struct arena *arena)
{
    file->name = span_text(descriptor->name);
    file->dependencies =
        arena_new_array(arena, const struct proto_file *, descriptor->n_dependency);
    for (size_t i = 0; i < descriptor->n_dependency; i++) {
        const struct proto_file *other =
            symbols_find_file(symbols, span_text(descriptor->dependency[i]));

        if (!other)
            return false;
        file->dependencies[file->dependency_count++] = other;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    struct span left = ((const struct symbol *)a)->name, right = ((const struct symbol *)b)->name;
    size_t shorter = left.length < right.length ? left.length : right.length;
    int order = shorter > 0 ? memcmp(left.data, right.data, shorter) : 0;

    return order ? order : (left.length > right.length) - (left.length < right.length);
}

static bool read_files(struct reader *reader, struct span set, struct symbols *symbols)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_keep, reader->arena};

    while (set.length > 0) {
        struct proto_file *file = &symbols->files[symbols->file_count];
        Google__Protobuf__FileDescriptorProto *descriptor;

        if (!take_file(&set, &file->bytes))
            return false;
        descriptor = google__protobuf__file_descriptor_proto__unpack(&allocator, file->bytes.length,
                                                                     file->bytes.data);
        if (!descriptor || !link_file(symbols, file, descriptor, reader->arena))
            return false;
        reader->file = file;
        symbols->file_count++;
        add_file(reader, descriptor);
    }
    return true;
}

bool symbols_load(struct span set, struct arena *arena, struct symbols *ret_symbols,
                  struct err *err)
{
    struct reader reader = {.arena = arena};
    struct symbols symbols = {0};
    struct span rest = set, file;
    size_t file_count = 0;

    while (take_file(&rest, &file))
        file_count++;
    symbols.files = arena_new_array(arena, struct proto_file, file_count + 1);
    if (!read_files(&reader, set, &symbols)) {
        memory_free(reader.symbols);
        return err_set(err, ERR_INTERNAL, "the descriptor set is damaged");
    }
    symbols.symbols = arena_new_array(arena, struct symbol, reader.count);
    symbols.symbol_count = reader.count;
    if (reader.count > 0)
        memcpy(symbols.symbols, reader.symbols, reader.count * sizeof(reader.symbols[0]));
    memory_free(reader.symbols);
    qsort(symbols.symbols, symbols.symbol_count, sizeof(symbols.symbols[0]), by_name);
    *ret_symbols = symbols;
    return true;
}

const struct proto_file *symbols_find_file(const struct symbols *symbols, struct span name)
{
    for (size_t i = 0; i < symbols->file_count; i++)
        if (span_equal(symbols->files[i].name, name))
            return &symbols->files[i];
    return NULL;
}

const struct symbol *symbols_find(const struct symbols *symbols, struct span name)
{
    struct symbol wanted = {.name = name};

    return symbols->symbol_count > 0
               ? bsearch(&wanted, symbols->symbols, symbols->symbol_count, sizeof(wanted), by_name)
               : NULL;
}
