/* SPDX-License-Identifier: Apache-2.0 */
/* What a compiled set is inside: for the files of this folder only. */
#ifndef DOMAIN_DIRECTIVE_SET_H
#define DOMAIN_DIRECTIVE_SET_H

#include "domain/directive/test.h"

#include <stdatomic.h>

/* A declared resource and the directives that name it. */
struct resource_row {
    struct span name; /* "model/fable-5" */
    size_t type_length;
    bool is_base_allowed;
    bool is_shadowed; /* of a shadow set: something that is tried names it, or something in whose
                         place that stands */
    uint32_t match_first; /* in `matches` */
    uint32_t match_count;
};

struct directive_set {
    atomic_uint reference_count;
    struct arena arena; /* everything below, and the set itself does not live in it */
    char digest[65];
    uint64_t number;

    struct directive *directives; /* in order of id */
    size_t directive_count;

    struct directive_node *nodes;
    struct test_source *sources; /* beside `nodes` */
    size_t node_count;

    struct resource_row *rows;            /* in order of name */
    struct directive_resource *resources; /* the same for callers */
    size_t resource_count;
    uint32_t *matches; /* indexes of directives, ascending within each resource */

    uint32_t *slots; /* open addressing over the rows: index + 1, 0 = free */
    size_t slot_mask;

    struct span context_keys[DIRECTIVE_CONTEXT_KEYS_MAX];
    size_t context_key_count;

    struct directive_file *files; /* where the environment keeps them */
    size_t file_count;
};

/* By bytes, the shorter first: the order of ids and of names. */
static inline int name_compare(struct span a, struct span b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* NULL when the resource is not declared. */
const struct resource_row *directive_set_row(const struct directive_set *set, struct span type,
                                             struct span id);

/* The rows that `name` stands for: itself, or for `type/` and a star all of the type. */
void directive_set_find_rows(const struct directive_set *set, struct span name, size_t *ret_first,
                             size_t *ret_count);

/* Build the hash over the rows, which are there and sorted. */
void directive_set_index(struct directive_set *set);

struct directive_set *directive_set_new(void);

/* The moment that a directive is asked about: one that is tried counts as begun. */
static inline int64_t directive_moment(const struct directive *directive, int64_t now_ms)
{
    return directive->is_shadow && now_ms < directive->from_ms ? directive->from_ms : now_ms;
}

/* Is the directive in force at that moment? */
static inline bool directive_is_in_force(const struct directive *directive, int64_t now_ms)
{
    const int64_t at_ms = directive_moment(directive, now_ms);

    return at_ms >= directive->from_ms && at_ms < directive->until_ms &&
           at_ms < directive->lifted_ms;
}

static inline bool exemption_is_in_time(const struct directive_exemption *exemption, int64_t now_ms)
{
    return now_ms >= exemption->from_ms && now_ms < exemption->until_ms;
}

bool exemption_is_for(const struct directive_exemption *exemption, size_t row);
bool directive_has_action(const struct directive *directive, struct span action);

/* What one directive came to.  `asked` are the exemptions that made it UNKNOWN. */
struct directive_result {
    struct outcome outcome;
    const struct directive_exemption *exemption; /* the one that made it TRUE, or NULL */
    const struct directive_exemption *asked[DIRECTIVE_OBLIGATIONS_MAX];
    size_t asked_count;
};

/* `require` OR the exemptions in force for the resource at `row`; then `stale: deny`. */
void directive_inquire(struct inquiry *inquiry, const struct directive *directive, size_t row,
                       struct directive_result *ret_result);

#endif
