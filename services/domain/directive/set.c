/* SPDX-License-Identifier: Apache-2.0 */
/* Directive sets: their life, their index of resources, and what may be asked about them. */
#include "domain/directive/set.h"

#include "base/memory.h"

enum { SET_ARENA_BYTES = 16 * 1024 };

struct directive_set *directive_set_new(void)
{
    struct directive_set *set = memory_new(struct directive_set);

    atomic_init(&set->reference_count, 1);
    arena_init(&set->arena, SET_ARENA_BYTES);
    return set;
}

struct directive_set *directive_set_ref(struct directive_set *set)
{
    atomic_fetch_add_explicit(&set->reference_count, 1, memory_order_relaxed);
    return set;
}

void directive_set_unref(struct directive_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->reference_count, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&set->arena);
    memory_free(set);
}

static void *ref_version(void *set)
{
    return directive_set_ref(set);
}

static void unref_version(void *set)
{
    directive_set_unref(set);
}

void directive_set_snapshot_init(struct snapshot *snapshot, struct directive_set *set)
{
    snapshot_init(snapshot, set, ref_version, unref_version);
}

/* Eight bytes a step: names are short, and this is on the path of every check. */
static uint64_t hash_bytes(uint64_t hash, struct span bytes)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word;
    size_t i = 0;

    for (; i + sizeof(word) <= bytes.length; i += sizeof(word)) {
        memcpy(&word, bytes.data + i, sizeof(word));
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    word = bytes.length - i;
    for (; i < bytes.length; i++)
        word = word << 8 | bytes.data[i];
    hash = (hash ^ word) * factor;
    return hash ^ hash >> 29;
}

static uint64_t hash_name(struct span type, struct span id)
{
    return hash_bytes(hash_bytes(UINT64_C(0x243f6a8885a308d3), type), id);
}

static struct span row_type(const struct resource_row *row)
{
    return span_of(row->name.data, row->type_length);
}

static struct span row_id(const struct resource_row *row)
{
    return span_from(row->name, row->type_length + 1);
}

void directive_set_index(struct directive_set *set)
{
    size_t slot_count = 8;

    while (slot_count < set->resource_count * 2)
        slot_count *= 2;
    set->slots = arena_new_array(&set->arena, uint32_t, slot_count);
    set->slot_mask = slot_count - 1;
    for (size_t i = 0; i < set->resource_count; i++) {
        const struct resource_row *row = &set->rows[i];
        size_t slot = hash_name(row_type(row), row_id(row)) & set->slot_mask;

        while (set->slots[slot] != 0)
            slot = (slot + 1) & set->slot_mask;
        set->slots[slot] = (uint32_t)i + 1;
    }
}

const struct resource_row *directive_set_row(const struct directive_set *set, struct span type,
                                             struct span id)
{
    size_t slot = hash_name(type, id) & set->slot_mask;

    for (; set->slots[slot] != 0; slot = (slot + 1) & set->slot_mask) {
        const struct resource_row *row = &set->rows[set->slots[slot] - 1];

        if (span_equal(row_id(row), id) && span_equal(row_type(row), type))
            return row;
    }
    return NULL;
}

/* The first row whose name is not before `name`. */
static size_t lower_bound(const struct directive_set *set, struct span name)
{
    size_t low = 0;
    size_t high = set->resource_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (name_compare(set->rows[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void directive_set_find_rows(const struct directive_set *set, struct span name, size_t *ret_first,
                             size_t *ret_count)
{
    bool is_pattern = name.length >= 2 && name.data[name.length - 1] == '*';
    struct span prefix = is_pattern ? span_of(name.data, name.length - 1) : name;
    size_t first = lower_bound(set, prefix);
    size_t end = first;

    while (end < set->resource_count &&
           (is_pattern ? span_starts_with(set->rows[end].name, prefix)
                       : end == first && span_equal(set->rows[end].name, name)))
        end++;
    *ret_first = first;
    *ret_count = end - first;
}

const struct directive_file *directive_set_files(const struct directive_set *set, size_t *ret_count)
{
    *ret_count = set->file_count;
    return set->files;
}

const char *directive_set_digest(const struct directive_set *set)
{
    return set->digest;
}

uint64_t directive_set_number(const struct directive_set *set)
{
    return set->number;
}

void directive_set_assign(struct directive_set *set, uint64_t number)
{
    set->number = number;
}

size_t directive_set_count(const struct directive_set *set)
{
    return set->directive_count;
}

const struct directive *directive_set_get(const struct directive_set *set, size_t index)
{
    return index < set->directive_count ? &set->directives[index] : NULL;
}

const struct directive *directive_set_find(const struct directive_set *set, struct span id)
{
    size_t low = 0;
    size_t high = set->directive_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = name_compare(span_text(set->directives[middle].id), id);

        if (order == 0)
            return &set->directives[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void directive_set_assign_version(struct directive_set *set, size_t index, uint32_t version)
{
    set->directives[index].version = version;
}

size_t directive_set_resource_count(const struct directive_set *set)
{
    return set->resource_count;
}

const struct directive_resource *directive_set_resource(const struct directive_set *set,
                                                        size_t index)
{
    return index < set->resource_count ? &set->resources[index] : NULL;
}

size_t directive_set_context_key_count(const struct directive_set *set)
{
    return set->context_key_count;
}

const char *directive_set_context_key(const struct directive_set *set, size_t index)
{
    return index < set->context_key_count ? (const char *)set->context_keys[index].data : NULL;
}
