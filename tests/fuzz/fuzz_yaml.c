/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as YAML: either a finding, or a tree within its bounds. */
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void walk(const struct yaml_node *node, int depth)
{
    expect(depth <= YAML_DEPTH_MAX && node->line >= 1 && node->column >= 1);
    if (node->kind == YAML_SCALAR)
        expect(strlen((const char *)node->text.data) == node->text.length);
    for (size_t i = 0; node->kind == YAML_SEQUENCE && i < node->count; i++)
        walk(node->items[i], depth + 1);
    for (size_t i = 0; node->kind == YAML_MAPPING && i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];

        expect(yaml_get(node, (const char *)pair->key->text.data) == pair->value);
        walk(pair->value, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostics diagnostics;
    struct yaml_node *root;
    struct arena arena;

    arena_init(&arena, 16384);
    diagnostics_init(&diagnostics, &arena);
    root = yaml_parse(span_of(data, size), "fuzz", &arena, &diagnostics);
    expect(root || diagnostics.error_count > 0);
    if (root)
        walk(root, 0);
    arena_release(&arena);
    return 0;
}
