/* SPDX-License-Identifier: Apache-2.0 */
/* A set in the making: what the readers of files hand to the compiler. */
#ifndef DOMAIN_DIRECTIVE_BUILD_H
#define DOMAIN_DIRECTIVE_BUILD_H

#include "domain/directive/read.h"
#include "domain/directive/set.h"

/* A directive that was read.  The YAML nodes say where the names of resources stand. */
struct draft {
    struct directive directive;
    const struct yaml_node *id_node;
    size_t require; /* in the builder's nodes */
    size_t *whens;  /* the same for each exemption */
    size_t node_begin;
    size_t node_end;
    const struct yaml_node *resources_node;
    const struct yaml_node *instead_node;
    const struct yaml_node *lease_node;           /* NULL: none */
    const struct yaml_node **exemption_resources; /* NULL where an exemption names none */
    uint64_t accepted;                            /* bits of enum evidence_class; 0 = any */
};

struct declaration {
    struct span name;
    bool is_base_allowed;
    bool is_shadow;
    const char *file;
    const struct yaml_node *node;
};

struct builder {
    struct directive_set *set;
    struct arena scratch; /* YAML trees; gone when the set is done */
    struct directive_node *nodes;
    struct test_source *sources;
    size_t node_count;
    size_t node_capacity;
    struct draft *drafts;
    size_t draft_count;
    size_t draft_capacity;
    struct draft *replaced; /* in their places stand others, which are tried */
    size_t replaced_count;
    struct declaration *declarations;
    size_t declaration_count;
    size_t declaration_capacity;
};

/* Room for one more element behind `count` elements of `size` bytes. */
void *builder_room(void *array, size_t count, size_t *capacity, size_t size);

/* In which surroundings a test stands. */
struct test_frame {
    enum proof proof;
    bool applies_to_us_persons;
    bool is_exemption;
    bool is_under_not;
    int depth;
    size_t first; /* the first node of the whole test */
};

/* The index of the node that `node` became. */
size_t parse_test(struct reader *reader, const struct yaml_node *node, struct test_frame frame);

void parse_directive(struct reader *reader, const struct yaml_node *root);
void parse_resources(struct reader *reader, const struct yaml_node *root);

/* parse_exemption.c: one entry of `exempt`. */
void parse_exemption(struct reader *reader, const struct yaml_node *node, struct draft *draft,
                     size_t index);

/* A list of resources: names, and where `with_patterns` whole types as `model/` and a star. */
void parse_resource_list(struct reader *reader, const struct yaml_node *node, const char *what,
                         bool with_patterns, struct span **ret_names, size_t *ret_count);

/* What may be asked for, from the tests at `begin` up to `end`.  Of no type when they need nothing
 * of the kind.  `accepted` are bits of enum evidence_class, 0 for any. */
struct directive_obligation obligation_to_verify(struct arena *arena, uint64_t accepted);
struct directive_obligation obligation_to_prove_affiliation(struct reader *reader, size_t begin,
                                                            size_t end);
struct directive_obligation obligation_to_provide_context(struct reader *reader, size_t begin,
                                                          size_t end);

/* shadow.c: what is tried takes the places of what is in force; the rows on which it may answer
 * differently are marked; its directives get versions and citations. */
void shadow_replace(struct builder *builder);
void shadow_mark(struct builder *builder);
void shadow_name(struct directive_set *set, const struct directive_set *base);

/* lint.c.  The place must be spoken of wherever a person's status or nationality is asked for: an
 * error, of a `require` that is otherwise in order. */
void lint_place(struct reader *reader, size_t require);
void lint_directive(struct reader *reader, const struct draft *draft);

#endif
