/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: libyaml's events turned into a tree with positions. */
#include "base/yaml.h"

#include "base/memory.h"

#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct span content;
    const char *file;
    struct arena *arena;
    struct diagnostics *diagnostics;
    size_t node_count;
};

static void complain(struct reader *reader, const yaml_mark_t *mark, const char *message)
{
    diagnostics_add(reader->diagnostics, DIAGNOSTIC_ERROR, reader->file, (int)mark->line + 1,
                    (int)mark->column + 1, "%s", message);
}

static struct yaml_node *fail(struct reader *reader, const yaml_mark_t *mark, const char *message)
{
    complain(reader, mark, message);
    return NULL;
}

/* Where libyaml stopped.  For bytes that are no text it knows the offset and not the line. */
static yaml_mark_t problem_mark(const struct reader *reader)
{
    yaml_mark_t mark = {0};

    if (reader->parser.error != YAML_READER_ERROR)
        return reader->parser.problem_mark;
    for (size_t i = 0; i < reader->parser.problem_offset && i < reader->content.length; i++) {
        bool is_end = reader->content.data[i] == '\n';

        mark.line += is_end;
        mark.column = is_end ? 0 : mark.column + 1;
    }
    return mark;
}

/* On false the finding is already noted. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
    yaml_mark_t mark;

    if (yaml_parser_parse(&reader->parser, event))
        return true;
    mark = problem_mark(reader);
    fail(reader, &mark, reader->parser.problem ? reader->parser.problem : "not YAML");
    return false;
}

static struct yaml_node *read_node(struct reader *reader, const yaml_event_t *event, int depth);

static struct yaml_node *node_new(struct reader *reader, const yaml_event_t *event,
                                  enum yaml_kind kind)
{
    struct yaml_node *node = arena_new(reader->arena, struct yaml_node);

    node->kind = kind;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    return node;
}

/* Stands where something was that is not read. */
static struct yaml_node *refused_node(struct reader *reader, const yaml_event_t *event)
{
    struct yaml_node *node = node_new(reader, event, YAML_SCALAR);

    node->is_refused = true;
    node->text = arena_copy(reader->arena, span_text("*"));
    return node;
}

static struct yaml_node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct yaml_node *node;

    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length)) {
        complain(reader, &event->start_mark, "text must not contain a NUL byte");
        return refused_node(reader, event);
    }
    node = node_new(reader, event, YAML_SCALAR);
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text =
        arena_copy(reader->arena, span_of(event->data.scalar.value, event->data.scalar.length));
    return node;
}

/* Items until the closing event, as an array that grows in a list first: libyaml does not count
 * ahead. */
struct item_list {
    struct yaml_node **items;
    size_t count;
    size_t capacity;
};

static void item_list_add(struct item_list *list, struct yaml_node *node)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        list->items = memory_grow(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] = node;
}

static bool read_items(struct reader *reader, yaml_event_type_t end, int depth,
                       struct item_list *list)
{
    for (;;) {
        yaml_event_t event;
        struct yaml_node *node;

        if (!next_event(reader, &event))
            return false;
        if (event.type == end) {
            yaml_event_delete(&event);
            return true;
        }
        node = read_node(reader, &event, depth + 1);
        yaml_event_delete(&event);
        if (!node)
            return false;
        item_list_add(list, node);
    }
}

static struct yaml_node *sequence_of(struct reader *reader, struct yaml_node *node,
                                     const struct item_list *list)
{
    node->count = list->count;
    node->items = arena_new_array(reader->arena, struct yaml_node *, list->count);
    if (list->count > 0)
        memcpy(node->items, list->items, list->count * sizeof(*node->items));
    return node;
}

/* May the key stand there?  Where it may not, the pair is left out. */
static bool check_key(struct reader *reader, const struct yaml_node *mapping,
                      const struct yaml_node *key)
{
    if (key->is_refused)
        return false;
    if (key->kind != YAML_SCALAR)
        diagnostics_add(reader->diagnostics, DIAGNOSTIC_ERROR, reader->file, key->line, key->column,
                        "a key must be plain text");
    else if (yaml_get(mapping, (const char *)key->text.data))
        diagnostics_add(reader->diagnostics, DIAGNOSTIC_ERROR, reader->file, key->line, key->column,
                        "key `%s` stands here a second time", (const char *)key->text.data);
    else
        return true;
    return false;
}

static struct yaml_node *mapping_of(struct reader *reader, struct yaml_node *node,
                                    const struct item_list *list)
{
    if (list->count / 2 > YAML_KEYS_MAX) {
        diagnostics_add(reader->diagnostics, DIAGNOSTIC_ERROR, reader->file, node->line,
                        node->column, "a mapping has at most %d keys", YAML_KEYS_MAX);
        return NULL;
    }
    node->pairs = arena_new_array(reader->arena, struct yaml_pair, list->count / 2);
    for (size_t i = 0; i + 1 < list->count; i += 2)
        if (check_key(reader, node, list->items[i]))
            node->pairs[node->count++] = (struct yaml_pair){list->items[i], list->items[i + 1]};
    return node;
}

static struct yaml_node *read_collection(struct reader *reader, const yaml_event_t *event,
                                         int depth)
{
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    struct yaml_node *node = node_new(reader, event, is_mapping ? YAML_MAPPING : YAML_SEQUENCE);
    struct item_list list = {0};

    if (depth >= YAML_DEPTH_MAX)
        return fail(reader, &event->start_mark, "nested too deeply");
    if (!read_items(reader, is_mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth,
                    &list))
        node = NULL;
    else
        node = is_mapping ? mapping_of(reader, node, &list) : sequence_of(reader, node, &list);
    memory_free(list.items);
    return node;
}

static bool has_anchor_or_tag(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.anchor || event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    if (event->type == YAML_MAPPING_START_EVENT)
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    return false;
}

static struct yaml_node *read_node(struct reader *reader, const yaml_event_t *event, int depth)
{
    if (++reader->node_count > YAML_NODES_MAX)
        return fail(reader, &event->start_mark, "too many values in one file");
    if (event->type == YAML_ALIAS_EVENT || has_anchor_or_tag(event))
        complain(reader, &event->start_mark,
                 "anchors, aliases and tags are not used here: write it out");
    if (event->type == YAML_ALIAS_EVENT)
        return refused_node(reader, event);
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(reader, event);
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
        return read_collection(reader, event, depth);
    return fail(reader, &event->start_mark, "a value was expected");
}

/* Step over the events that carry no content, up to the first of the document. */
static bool open_document(struct reader *reader, yaml_event_t *event)
{
    for (;;) {
        if (!next_event(reader, event))
            return false;
        if (event->type == YAML_STREAM_END_EVENT) {
            fail(reader, &event->start_mark, "the file is empty");
            yaml_event_delete(event);
            return false;
        }
        if (event->type != YAML_STREAM_START_EVENT && event->type != YAML_DOCUMENT_START_EVENT)
            return true;
        yaml_event_delete(event);
    }
}

static bool close_document(struct reader *reader)
{
    yaml_event_t event;
    bool is_done = false;

    while (!is_done) {
        if (!next_event(reader, &event))
            return false;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            fail(reader, &event.start_mark, "one document per file: a second one begins here");
            yaml_event_delete(&event);
            return false;
        }
        is_done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return true;
}

struct yaml_node *yaml_parse(struct span content, const char *file, struct arena *arena,
                             struct diagnostics *diagnostics)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct reader reader = {.file = file, .arena = arena, .diagnostics = diagnostics};
    struct yaml_node *root = NULL;
    yaml_event_t event;

    if (span_starts_with(content, span_text(byte_order_mark)))
        content = span_from(content, strlen(byte_order_mark));
    reader.content = content;
    if (content.length > YAML_FILE_BYTES_MAX) {
        diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, file, 0, 0, "longer than %d bytes",
                        YAML_FILE_BYTES_MAX);
        return NULL;
    }
    if (!yaml_parser_initialize(&reader.parser))
        memory_exhausted();
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, content.data, content.length);
    if (open_document(&reader, &event)) {
        root = read_node(&reader, &event, 0);
        yaml_event_delete(&event);
        if (root && !close_document(&reader))
            root = NULL;
    }
    yaml_parser_delete(&reader.parser);
    return root;
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (mapping->kind != YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < mapping->count; i++)
        if (span_is(mapping->pairs[i].key->text, key))
            return mapping->pairs[i].value;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || node->is_quoted)
        return false;
    return node->text.length == 0 || span_is(node->text, "~") || span_is(node->text, "null");
}
