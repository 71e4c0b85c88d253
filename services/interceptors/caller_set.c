/* SPDX-License-Identifier: Apache-2.0 */
/* The callers of a configuration. */
#include "interceptors/caller_set.h"

#include "base/memory.h"
#include "base/secret.h"
#include "domain/field/pattern.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { ARENA_BYTES = 16 * 1024 };

/* A budget, and whose: of a binding, or of a person. */
struct account {
    struct budget budget;
    bool is_person;
    struct span id;
    struct account *next;
};

/* A caller of a person with a budget. */
struct member {
    struct span caller;
    const struct budget *budget;
};

/* One that opens. */
struct api_key {
    uint8_t hash[SHA256_BYTES];
    int64_t expires_at_ms;
    const struct caller *caller;
};

struct caller_set {
    atomic_uint reference_count;
    struct arena arena;
    struct caller *exact; /* sorted by id */
    size_t exact_count;
    struct caller *patterns; /* the most exact first */
    size_t pattern_count;
    struct caller *by_api_key;
    size_t by_api_key_count;
    struct api_key *api_keys; /* sorted by hash */
    size_t api_key_count;
    struct span *denied;
    size_t denied_count;
    struct member *members; /* sorted by the id of the caller */
    size_t member_count;
    struct account *accounts; /* newest first */
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

static int compare_members(const void *a, const void *b)
{
    return compare(((const struct member *)a)->caller, ((const struct member *)b)->caller);
}

static int compare_api_keys(const void *a, const void *b)
{
    return memcmp(((const struct api_key *)a)->hash, ((const struct api_key *)b)->hash,
                  SHA256_BYTES);
}

static struct usage *find_usage(const struct caller_set *before, const struct account *account)
{
    const struct account *old = before ? before->accounts : NULL;

    for (; old; old = old->next)
        if (old->is_person == account->is_person && span_equal(old->id, account->id) &&
            old->budget.limits.subjects_per_hour == account->budget.limits.subjects_per_hour)
            return old->budget.usage;
    return NULL;
}

/* NULL where nothing is limited. */
static struct budget *open_account(struct caller_set *set, const struct caller_set *before,
                                   bool is_person, struct span id,
                                   const struct budget_limits *limits)
{
    struct account *account;
    struct usage *usage;

    if (budget_limits_are_none(limits))
        return NULL;
    account = arena_new(&set->arena, struct account);
    *account = (struct account){
        .budget = {.limits = *limits},
        .is_person = is_person,
        .id = arena_copy(&set->arena, id),
        .next = set->accounts,
    };
    usage = find_usage(before, account);
    account->budget.usage = usage ? usage_ref(usage) : usage_new(limits->subjects_per_hour);
    set->accounts = account;
    return &account->budget;
}

static void add_person(struct caller_set *set, const struct caller_set *before,
                       const struct caller_person *person)
{
    const struct budget *budget = open_account(set, before, true, person->id, &person->allowance);

    for (size_t i = 0; budget && i < person->caller_count; i++)
        set->members[set->member_count++] =
            (struct member){arena_copy(&set->arena, person->callers[i]), budget};
}

static void add_persons(struct caller_set *set, const struct caller_set *before,
                        const struct caller_bindings *bindings)
{
    size_t count = 0;

    for (size_t i = 0; i < bindings->person_count; i++)
        count += bindings->persons[i].caller_count;
    set->members = arena_new_array(&set->arena, struct member, count);
    for (size_t i = 0; i < bindings->person_count; i++)
        add_person(set, before, &bindings->persons[i]);
    if (set->member_count > 1)
        qsort(set->members, set->member_count, sizeof(*set->members), compare_members);
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

static struct caller *place_for(struct caller_set *set, const struct caller *row)
{
    if (row->is_by_api_key)
        return &set->by_api_key[set->by_api_key_count++];
    return pattern_is_one(row->id) ? &set->patterns[set->pattern_count++]
                                   : &set->exact[set->exact_count++];
}

static const struct caller *add_row(struct caller_set *set, const struct caller_set *before,
                                    const struct caller *row, const struct budget_limits *allowance)
{
    struct budget *budget = allowance ? open_account(set, before, false, row->id, allowance) : NULL;
    const struct budget *persons = caller_set_person_budget(set, row->id);
    struct caller *kept = place_for(set, row);

    *kept = *row;
    kept->id = arena_copy(&set->arena, row->id);
    kept->limits = copy_limits(row->limits, &set->arena);
    kept->budget = budget ? budget : persons;
    if (budget)
        budget->above = persons;
    return kept;
}

static void add_api_keys(struct caller_set *set, const struct caller_bindings *bindings, size_t row,
                         const struct caller *caller)
{
    for (size_t i = 0; i < bindings->api_key_count; i++) {
        const struct caller_api_key *key = &bindings->api_keys[i];
        struct api_key *kept;

        if (key->row != row)
            continue;
        kept = &set->api_keys[set->api_key_count++];
        memcpy(kept->hash, key->hash, SHA256_BYTES);
        kept->expires_at_ms = key->expires_at_ms;
        kept->caller = caller;
    }
}

static void add_rows(struct caller_set *set, const struct caller_set *before,
                     const struct caller_bindings *bindings)
{
    set->exact = arena_new_array(&set->arena, struct caller, bindings->count);
    set->patterns = arena_new_array(&set->arena, struct caller, bindings->count);
    set->by_api_key = arena_new_array(&set->arena, struct caller, bindings->count);
    set->api_keys = arena_new_array(&set->arena, struct api_key, bindings->api_key_count);
    for (size_t i = 0; i < bindings->count; i++) {
        const struct caller *row = &bindings->rows[i];
        const struct caller *kept =
            add_row(set, before, row, bindings->allowances ? &bindings->allowances[i] : NULL);

        if (row->is_by_api_key)
            add_api_keys(set, bindings, i, kept);
    }
    if (set->exact_count > 1)
        qsort(set->exact, set->exact_count, sizeof(*set->exact), compare_exact);
    if (set->pattern_count > 1)
        qsort(set->patterns, set->pattern_count, sizeof(*set->patterns), compare_patterns);
    if (set->api_key_count > 1)
        qsort(set->api_keys, set->api_key_count, sizeof(*set->api_keys), compare_api_keys);
}

struct caller_set *caller_set_new(const struct caller_bindings *bindings,
                                  const struct caller_set *before)
{
    struct caller_set *set = memory_new(struct caller_set);

    atomic_init(&set->reference_count, 1);
    arena_init(&set->arena, ARENA_BYTES);
    add_persons(set, before, bindings);
    add_rows(set, before, bindings);
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
    for (struct account *account = set->accounts; account; account = account->next)
        usage_unref(account->budget.usage);
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

/* Found by its first bytes, and compared as a whole. */
static bool is_before(const uint8_t *hash, const uint8_t *other)
{
    return memcmp(hash, other, sizeof(uint64_t)) < 0;
}

const struct caller *caller_set_find_api_key(const struct caller_set *set,
                                             const uint8_t hash[static SHA256_BYTES],
                                             int64_t now_ms)
{
    size_t first = 0, count = set->api_key_count;

    while (count > 0) {
        size_t half = count / 2;

        if (is_before(set->api_keys[first + half].hash, hash)) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    for (; first < set->api_key_count && !is_before(hash, set->api_keys[first].hash); first++) {
        const struct api_key *key = &set->api_keys[first];

        if (secret_equal(key->hash, hash, SHA256_BYTES))
            return now_ms < key->expires_at_ms ? key->caller : NULL;
    }
    return NULL;
}

bool caller_set_has_api_keys(const struct caller_set *set)
{
    return set->by_api_key_count > 0;
}

const struct budget *caller_set_person_budget(const struct caller_set *set, struct span id)
{
    const struct member wanted = {.caller = id};
    const struct member *found = NULL;

    if (set->member_count > 0)
        found = bsearch(&wanted, set->members, set->member_count, sizeof(*set->members),
                        compare_members);
    return found ? found->budget : NULL;
}
