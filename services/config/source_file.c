/* SPDX-License-Identifier: Apache-2.0 */
/* The file: YAML, a mapping of sections, each a mapping of options or a list of rows. */
#include "base/file.h"
#include "config/nearest.h"
#include "config/section.h"
#include "config/source.h"
#include "config/value.h"

/* The text of `key` as C text of bounded length, for messages. */
static const char *quote(struct loader *loader, const struct yaml_node *key)
{
    return loader_quote(loader, key->text);
}

/* Options are nested: `store.url:` in one word is a mistake that deserves its own answer. */
static void complain_section(struct loader *loader, const struct yaml_node *key)
{
    struct nearest nearest = nearest_to(key->text);
    const struct option *option = option_find(key->text);
    const char *dot;

    if (option) {
        dot = strchr(option->name, '.');
        loader_error(loader, section_place(loader, key),
                     "write `%s` as `%.*s:` and, indented below it, `%s:`", option->name,
                     (int)(dot - option->name), option->name, dot + 1);
        return;
    }
    for (size_t i = 0; i < option_section_count; i++)
        nearest_offer(&nearest, option_sections[i].name);
    for (size_t i = 0; i < section_count; i++)
        nearest_offer(&nearest, sections[i]->name);
    /* A key that stands one level too high. */
    for (size_t i = 0; i < option_count && !nearest.best; i++)
        if (span_is(key->text, strchr(options[i].name, '.') + 1))
            nearest.best = options[i].name;
    loader_error(loader, section_place(loader, key), "no section %s%s", quote(loader, key),
                 loader_suggest(loader, nearest.best));
}

static void complain_option(struct loader *loader, const struct option_section *section,
                            const struct yaml_node *key, struct span name)
{
    struct nearest nearest = nearest_to(name);

    for (size_t i = 0; i < option_count; i++)
        nearest_offer(&nearest, options[i].name);
    loader_error(loader, section_place(loader, key), "%s has no option %s%s", section->name,
                 quote(loader, key), loader_suggest(loader, nearest.best));
}

static void read_list(struct loader *loader, const struct option *option,
                      const struct yaml_node *value)
{
    struct value_text *items = arena_new_array(loader->arena, struct value_text, value->count);

    for (size_t i = 0; i < value->count; i++) {
        const struct yaml_node *item = value->items[i];

        items[i] = (struct value_text){item->text, section_place(loader, item)};
        if (item->kind != YAML_SCALAR || yaml_is_null(item)) {
            loader_error(loader, items[i].place, "an item of %s must be text", option->name);
            loader_setting(loader, option)->is_wrong = true;
            return;
        }
    }
    loader_set_items(loader, option, SETTING_FILE, section_place(loader, value), items,
                     value->count);
}

static void read_option(struct loader *loader, const struct option *option,
                        const struct yaml_node *value)
{
    char expectation[VALUE_EXPECTATION_MAX];

    if (value->kind == YAML_SEQUENCE && value_is_list(option)) {
        read_list(loader, option, value);
        return;
    }
    if (value->kind == YAML_SCALAR && !yaml_is_null(value)) {
        loader_set(loader, option, SETTING_FILE, section_place(loader, value), value->text);
        return;
    }
    loader_setting(loader, option)->is_wrong = true;
    value_expectation(option, expectation);
    if (value->kind != YAML_SCALAR)
        loader_error(loader, section_place(loader, value), "%s must be %s, not a %s", option->name,
                     expectation, value->kind == YAML_SEQUENCE ? "list" : "mapping");
    else if (option->flags & OPTION_MAY_BE_EMPTY)
        loader_error(loader, section_place(loader, value),
                     "%s has no value: write \"\" for none, or remove the line for the default",
                     option->name);
    else
        loader_error(loader, section_place(loader, value),
                     "%s has no value: it must be %s; or remove the line for the default",
                     option->name, expectation);
}

static void read_section(struct loader *loader, const struct option_section *section,
                         const struct yaml_node *value)
{
    if (value->kind != YAML_MAPPING) {
        loader_error(loader, section_place(loader, value),
                     "%s is a section: options stand below it, indented; remove it when there are "
                     "none",
                     section->name);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        const struct yaml_node *key = value->pairs[i].key;
        struct span name = span_text(
            arena_printf(loader->arena, "%s.%s", section->name, (const char *)key->text.data));
        const struct option *option = option_find(name);

        if (option)
            read_option(loader, option, value->pairs[i].value);
        else
            complain_option(loader, section, key, name);
    }
}

static void read_root(struct loader *loader, const struct yaml_node *root)
{
    if (root->kind != YAML_MAPPING) {
        loader_error(loader, section_place(loader, root),
                     "a configuration is a mapping of sections, such as `listen:`");
        return;
    }
    for (size_t i = 0; i < root->count; i++) {
        const struct yaml_node *key = root->pairs[i].key;
        const struct option_section *options_below = option_section_find(key->text);
        const struct section *rows_below = section_find(key->text);

        if (options_below)
            read_section(loader, options_below, root->pairs[i].value);
        else if (rows_below)
            section_read(loader, rows_below, root->pairs[i].value);
        else
            complain_section(loader, key);
    }
}

void source_file(struct loader *loader, const char *path, const char *named_by)
{
    const struct yaml_node *root;
    struct span content;
    struct err err;

    if (!file_read(path, YAML_FILE_BYTES_MAX, loader->arena, &content, &err)) {
        loader_error(loader, (struct config_place){.file = named_by}, "%s", err.detail);
        return;
    }
    loader->config->file = arena_text(loader->arena, span_text(path));
    root = yaml_parse(content, loader->config->file, loader->arena, loader->diagnostics);
    if (root)
        read_root(loader, root);
}
