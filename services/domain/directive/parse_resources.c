/* SPDX-License-Identifier: Apache-2.0 */
/* Resources: how they are named, and the file that declares them. */
#include "domain/directive/build.h"

enum { PATTERN_MAX = RESOURCE_TYPE_MAX + 1 + RESOURCE_ID_MAX };

/* `type/id` with a type of letters, digits and `._-`; for patterns a star in place of the id. */
static bool read_resource(struct reader *reader, const struct yaml_node *node, bool is_pattern)
{
    const uint8_t *slash;
    size_t type_length;
    bool is_star;

    if (!read_is_text(reader, node, "a resource", PATTERN_MAX))
        return false;
    slash = memchr(node->text.data, '/', node->text.length);
    type_length = slash ? (size_t)(slash - node->text.data) : 0;
    if (type_length == 0 || type_length + 1 == node->text.length) {
        read_error(reader, node, "`%s` is not of the form type/id: write it like model/fable-5",
                   (const char *)node->text.data);
        return false;
    }
    is_star = node->text.length == type_length + 2 && slash[1] == '*';
    if (is_star && is_pattern)
        return read_is_name(reader, node, "a pattern", RESOURCE_TYPE_MAX + 2, "._:@/+=-|*");
    if (memchr(node->text.data, '*', node->text.length)) {
        read_error(reader, node, "`%s`: %s", (const char *)node->text.data,
                   is_pattern ? "a star stands for a whole type only, as in model/*"
                              : "patterns are not allowed here, name the resource");
        return false;
    }
    if (type_length > RESOURCE_TYPE_MAX || node->text.length - type_length - 1 > RESOURCE_ID_MAX) {
        read_error(reader, node, "a type has at most %d bytes and an id at most %d",
                   RESOURCE_TYPE_MAX, RESOURCE_ID_MAX);
        return false;
    }
    return read_is_name(reader, node, "a resource", PATTERN_MAX, "._:@/+=-|");
}

void parse_resource_list(struct reader *reader, const struct yaml_node *node, const char *what,
                         bool with_patterns, struct span **ret_names, size_t *ret_count)
{
    struct span *names;

    if (!read_is_list(reader, node, what))
        return;
    names = arena_new_array(reader->arena, struct span, node->count);
    for (size_t i = 0; i < node->count; i++)
        if (read_resource(reader, node->items[i], with_patterns))
            names[i] = arena_copy(reader->arena, node->items[i]->text);
    *ret_names = names;
    *ret_count = node->count;
}

static void read_declared_id(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct declaration *declaration = target;

    declaration->node = value;
    if (read_resource(reader, value, false))
        declaration->name = arena_copy(reader->arena, value->text);
}

static void read_base(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const char *const words[] = {"deny", "allow"};
    struct declaration *declaration = target;
    unsigned index;

    if (read_word(reader, value, "`base`", words, ARRAY_LEN(words), &index))
        declaration->is_base_allowed = index == 1;
}

static void read_declarations(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const struct field fields[] = {
        {"id", true, read_declared_id},
        {"base", true, read_base},
    };
    struct builder *builder = reader->builder;

    (void)target;
    if (value->kind != YAML_SEQUENCE || value->count == 0) {
        read_error(reader, value,
                   "`resources` must be a list: `- {id: model/fable-5, base: allow}`");
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        struct declaration declaration = {.file = reader->file};

        read_mapping(reader, value->items[i], "a resource", fields, ARRAY_LEN(fields),
                     &declaration);
        if (!declaration.name.data)
            continue;
        builder->declarations =
            builder_room(builder->declarations, builder->declaration_count,
                         &builder->declaration_capacity, sizeof(*builder->declarations));
        builder->declarations[builder->declaration_count++] = declaration;
    }
}

void parse_resources(struct reader *reader, const struct yaml_node *root)
{
    static const struct field fields[] = {{"resources", true, read_declarations}};

    read_mapping(reader, root, "a file of resources", fields, ARRAY_LEN(fields), NULL);
}
