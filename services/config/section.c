/* SPDX-License-Identifier: Apache-2.0 */
/* Structured sections: one reader for every table of fields. */
#include "config/section.h"

#include "config/nearest.h"

const struct section *const sections[] = {&callers_section, &denied_section, &legal_holds_section,
                                          &organizations_section, &persons_section};
const size_t section_count = ARRAY_LEN(sections);

const struct section *section_find(struct span name)
{
    for (size_t i = 0; i < section_count; i++)
        if (span_is(name, sections[i]->name))
            return sections[i];
    return NULL;
}

struct config_place section_place(const struct loader *loader, const struct yaml_node *node)
{
    return (struct config_place){loader->config->file, node->line, node->column};
}

void section_complain(struct loader *loader, const struct field *field,
                      const struct yaml_node *value, const char *best)
{
    static const char *const nouns[] = {
        [YAML_SCALAR] = NULL, [YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping"};
    const char *found = nouns[value->kind];

    loader_error(loader, section_place(loader, value), "%s must be %s, not %s%s", field->name,
                 field->expectation, found ? found : loader_quote(loader, value->text),
                 loader_suggest(loader, best));
}

bool section_read_text(struct loader *loader, const struct field *field,
                       const struct yaml_node *value, size_t max, struct span *ret_text)
{
    bool is_good = value->kind == YAML_SCALAR && !yaml_is_null(value) && value->text.length > 0 &&
                   value->text.length <= max;

    for (size_t i = 0; is_good && i < value->text.length; i++)
        is_good = value->text.data[i] >= 0x20 && value->text.data[i] != 0x7f;
    if (!is_good) {
        section_complain(loader, field, value, NULL);
        return false;
    }
    *ret_text = arena_copy(loader->arena, value->text);
    return true;
}

bool section_read_word(struct loader *loader, const struct field *field,
                       const struct yaml_node *value, const char *const *words, unsigned *ret_word)
{
    struct nearest nearest = nearest_to(value->text);

    for (unsigned i = 0; value->kind == YAML_SCALAR && words[i]; i++) {
        if (span_is(value->text, words[i])) {
            *ret_word = i;
            return true;
        }
        nearest_offer(&nearest, words[i]);
    }
    section_complain(loader, field, value, nearest.best);
    return false;
}

static const struct field *find_field(struct loader *loader, const struct section *section,
                                      const struct yaml_node *key)
{
    struct nearest nearest = nearest_to(key->text);

    for (size_t i = 0; i < section->field_count; i++) {
        if (span_is(key->text, section->fields[i].name))
            return &section->fields[i];
        nearest_offer(&nearest, section->fields[i].name);
    }
    loader_error(loader, section_place(loader, key), "%s has no key %s%s", section->name,
                 loader_quote(loader, key->text), loader_suggest(loader, nearest.best));
    return NULL;
}

static void read_row(struct loader *loader, const struct section *section,
                     const struct yaml_node *item, void *row)
{
    if (item->kind != YAML_MAPPING) {
        loader_error(loader, section_place(loader, item),
                     "an item of %s must be a mapping, such as {id: …}", section->name);
        return;
    }
    for (size_t i = 0; i < item->count; i++) {
        const struct field *field = find_field(loader, section, item->pairs[i].key);

        if (field)
            field->read(loader, field, item->pairs[i].value, row);
    }
    for (size_t i = 0; i < section->field_count; i++)
        if (section->fields[i].is_required && !yaml_get(item, section->fields[i].name))
            loader_error(loader, section_place(loader, item), "an item of %s needs %s: %s",
                         section->name, section->fields[i].name, section->fields[i].expectation);
}

void section_read(struct loader *loader, const struct section *section,
                  const struct yaml_node *value)
{
    struct config_place *places;
    char *rows;

    if (value->kind != YAML_SEQUENCE) {
        loader_error(loader, section_place(loader, value),
                     "%s must be a list; write [] for an empty one", section->name);
        return;
    }
    if (value->count > SECTION_ROWS_MAX) {
        loader_error(loader, section_place(loader, value), "%s has at most %d items, not %zu",
                     section->name, SECTION_ROWS_MAX, value->count);
        return;
    }
    rows = arena_zarray(loader->arena, value->count, section->row_size);
    places = arena_new_array(loader->arena, struct config_place, value->count);
    for (size_t i = 0; i < value->count; i++) {
        places[i] = section_place(loader, value->items[i]);
        read_row(loader, section, value->items[i], rows + i * section->row_size);
    }
    section->keep(loader, rows, places, value->count);
}
