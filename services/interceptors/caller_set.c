/* SPDX-License-Identifier: Apache-2.0 */
/* The callers of a configuration. */
#include "interceptors/caller_set.h"

#include "base/memory.h"
#include "domain/field/pattern.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { ARENA_BYTES = 16 * 1024 };

struct caller_set {
    atomic_uint reference_count;
    struct arena arena;
    struct caller *exact; /* sorted by id */
    size_t exact_count;
    struct caller *patterns; /* the most exact first */
    size_t pattern_count;
    struct span *denied;
    size_t denied_count;
};

static int compare(struct span a, struct span b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_exact(const void *a, const void *b)
{
    return compare(((const struct caller *)a)->id, ((const struct caller *)b)->id);
}

static int compare_patterns(const void *a, const void *b)
{
    size_t length_a = pattern_literal_length(((const struct caller *)a)->id);
    size_t length_b = pattern_literal_length(((const struct caller *)b)->id);

    return (length_a < length_b) - (length_a > length_b);
}

static struct limit_list copy_list(struct limit_list list, struct arena *arena)
{
    struct span *rows = arena_new_array(arena, struct span, list.count);

    for (size_t i = 0; i < list.count; i++)
        rows[i] = arena_copy(arena, list.rows[i]);
    return (struct limit_list){rows, list.count};
}

static const struct limits *copy_limits(const struct limits *limits, struct arena *arena)
{
    struct limits *copy;

    if (!limits || limits_are_none(limits))
        return NULL;
    copy = arena_new(arena, struct limits);
    copy->subjects = copy_list(limits->subjects, arena);
    copy->resources = copy_list(limits->resources, arena);
    copy->purposes = copy_list(limits->purposes, arena);
    return copy;
}

static void add_row(struct caller_set *set, const struct caller *row)
{
    struct caller *kept = pattern_is_one(row->id) ? &set->patterns[set->pattern_count++]
                                                  : &set->exact[set->exact_count++];

    *kept = *row;
    kept->id = arena_copy(&set->arena, row->id);
    kept->limits = copy_limits(row->limits, &set->arena);
}

struct caller_set *caller_set_new(const struct caller_bindings *bindings)
{
    struct caller_set *set = memory_new(struct caller_set);

    atomic_init(&set->reference_count, 1);
    arena_init(&set->arena, ARENA_BYTES);
    set->exact = arena_new_array(&set->arena, struct caller, bindings->count);
    set->patterns = arena_new_array(&set->arena, struct caller, bindings->count);
    for (size_t i = 0; i < bindings->count; i++)
        add_row(set, &bindings->rows[i]);
    if (set->exact_count > 1)
        qsort(set->exact, set->exact_count, sizeof(*set->exact), compare_exact);
    if (set->pattern_count > 1)
        qsort(set->patterns, set->pattern_count, sizeof(*set->patterns), compare_patterns);
    set->denied = arena_new_array(&set->arena, struct span, bindings->denied_count);
    for (size_t i = 0; i < bindings->denied_count; i++)
        set->denied[set->denied_count++] = arena_copy(&set->arena, bindings->denied[i]);
    return set;
}

struct caller_set *caller_set_ref(struct caller_set *set)
{
    atomic_fetch_add_explicit(&set->reference_count, 1, memory_order_relaxed);
    return set;
}

void caller_set_unref(struct caller_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->reference_count, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&set->arena);
    memory_free(set);
}

static void *ref_version(void *set)
{
    return caller_set_ref(set);
}

static void unref_version(void *set)
{
    caller_set_unref(set);
}

void caller_set_snapshot_init(struct snapshot *snapshot, struct caller_set *set)
{
    snapshot_init(snapshot, set, ref_version, unref_version);
}

bool caller_set_denies(const struct caller_set *set, struct span id)
{
    for (size_t i = 0; i < set->denied_count; i++)
        if (pattern_matches(set->denied[i], id))
            return true;
    return false;
}

const struct caller *caller_set_find(const struct caller_set *set, struct span id)
{
    const struct caller wanted = {.id = id};
    const struct caller *found = NULL;

    if (set->exact_count > 0)
        found = bsearch(&wanted, set->exact, set->exact_count, sizeof(*set->exact), compare_exact);
    for (size_t i = 0; !found && i < set->pattern_count; i++)
        if (pattern_matches(set->patterns[i].id, id))
            found = &set->patterns[i];
    return found;
}
