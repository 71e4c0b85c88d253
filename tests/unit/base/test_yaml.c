/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: the tree, its positions, and everything that the dialect leaves out. */
#include "base/yaml.h"

#include "base/memory.h"
#include "unit/base/diagnosed.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct yaml_node *parse(struct diagnosed *diagnosed, struct span content)
{
    diagnostics_init(&diagnosed->diagnostics, &diagnosed->arena);
    return yaml_parse(content, "file.yaml", &diagnosed->arena, &diagnosed->diagnostics);
}

static void a_file_becomes_a_tree_with_positions(void **state)
{
    struct diagnosed *diagnosed = *state;
    struct yaml_node *root = parse(diagnosed, span_text("name: x\n"
                                                        "list:\n"
                                                        "  - one\n"
                                                        "  - {a: 'two', b: }\n"));
    const struct yaml_node *list, *mapping;

    assert_non_null(root);
    assert_int_equal(diagnosed->diagnostics.error_count, 0);
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->count, 2);
    assert_true(span_is(root->pairs[0].key->text, "name"));
    assert_int_equal(root->pairs[1].key->line, 2);
    assert_int_equal(root->pairs[1].key->column, 1);
    list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_int_equal(list->count, 2);
    assert_true(span_is(list->items[0]->text, "one"));
    assert_int_equal(list->items[0]->line, 3);
    assert_int_equal(list->items[0]->column, 5);
    mapping = list->items[1];
    assert_int_equal(mapping->kind, YAML_MAPPING);
    assert_true(yaml_get(mapping, "a")->is_quoted);
    assert_true(yaml_is_null(yaml_get(mapping, "b")));
    assert_null(yaml_get(root, "a"));
    assert_null(yaml_get(list, "a"));
}

static void a_scalar_is_its_text_whatever_other_readers_make_of_it(void **state)
{
    static const char *const texts[] = {"NO", "yes", "0x10", "1e3", "2026-06-12", ".inf", "0777"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct yaml_node *root = parse(*state, span_text(texts[i]));

        assert_non_null(root);
        assert_int_equal(root->kind, YAML_SCALAR);
        assert_false(root->is_quoted);
        assert_true(span_is(root->text, texts[i]));
        assert_int_equal(root->text.data[root->text.length], '\0');
        assert_false(yaml_is_null(root));
    }
}

static void only_an_unquoted_nothing_is_null(void **state)
{
    static const struct {
        const char *text;
        bool is_null;
    } rows[] = {
        {"a:", true},     {"a: ~", true},    {"a: null", true},  {"a: \"\"", false},
        {"a: ''", false}, {"a: '~'", false}, {"a: Null", false}, {"a: \"null\"", false},
        {"a: []", false}, {"a: {}", false},  {"a: none", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct yaml_node *root = parse(*state, span_text(rows[i].text));

        assert_non_null(root);
        assert_int_equal(yaml_is_null(yaml_get(root, "a")), rows[i].is_null);
    }
}

static void what_the_dialect_leaves_out_is_refused_at_its_place(void **state)
{
    static const struct {
        const char *content;
        int line, column;
        const char *message;  /* NULL: libyaml's own words */
        bool is_stepped_over; /* what follows is read */
    } rows[] = {
        {"", 1, 1, "the file is empty", false},
        {"# only a comment\n", 2, 1, "the file is empty", false},
        {"a: &x 1\n", 1, 4, "anchors, aliases and tags are not used here: write it out", true},
        {"a: 1\nb: *a\n", 2, 4, "anchors, aliases and tags are not used here: write it out", true},
        {"a: !!str 1\n", 1, 4, "anchors, aliases and tags are not used here: write it out", true},
        {"a: &x [1]\n", 1, 4, "anchors, aliases and tags are not used here: write it out", true},
        {"a: !m {b: 1}\n", 1, 4, "anchors, aliases and tags are not used here: write it out", true},
        {"a: 1\n---\nb: 2\n", 2, 1, "one document per file: a second one begins here", false},
        {"a: 1\nb: 2\na: 3\n", 3, 1, "key `a` stands here a second time", true},
        {"[a]: 1\n", 1, 1, "a key must be plain text", true},
        {"a: \"x\\0y\"\n", 1, 4, "text must not contain a NUL byte", true},
        {"a: [1, 2\n", 2, 1, NULL, false},
        {"a: b: c\n", 1, 5, NULL, false},
        {"a: 1\n\tb: 2\n", 2, 1, NULL, false},
        {"a: \"open\n", 2, 1, NULL, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diagnosed *diagnosed = *state;
        const struct diagnostic *entry;

        assert_int_equal(parse(diagnosed, span_text(rows[i].content)) != NULL,
                         rows[i].is_stepped_over);
        assert_int_equal(diagnosed->diagnostics.error_count, 1);
        entry = diagnosed->diagnostics.first;
        assert_string_equal(entry->file, "file.yaml");
        assert_int_equal(entry->line, rows[i].line);
        assert_int_equal(entry->column, rows[i].column);
        if (rows[i].message)
            assert_string_equal(entry->message, rows[i].message);
        else
            assert_true(entry->message[0] != '\0');
    }
}

static void bytes_that_are_not_utf8_are_refused_at_their_line(void **state)
{
    static const char *const contents[] = {"a: 1\nb: \xff\n", "a: 1\nb: \xc3\n", "a: 1\nb: \x01\n",
                                           "a: 1\nb: \xed\xa0\x80\n"};

    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        struct diagnosed *diagnosed = *state;

        assert_null(parse(diagnosed, span_text(contents[i])));
        assert_int_equal(diagnosed->diagnostics.error_count, 1);
        assert_int_equal(diagnosed->diagnostics.first->line, 2);
    }
    assert_null(parse(*state, span_of("a: \0\n", 5)));
    assert_null(parse(*state, span_of("\xff\xfe"
                                      "a\0:\0",
                                      6)));
}

/* `count` times `text`, then `end`. */
static struct span repeated(struct arena *arena, const char *text, size_t count, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    char *content = arena_alloc(arena, count * length + end_length);

    for (size_t i = 0; i < count; i++)
        memcpy(content + i * length, text, length);
    memcpy(content + count * length, end, end_length);
    return span_of(content, count * length + end_length);
}

static void nesting_has_a_bound(void **state)
{
    struct diagnosed *diagnosed = *state;

    for (size_t depth = 1; depth <= 2 * YAML_DEPTH_MAX; depth++) {
        char closing[2 * YAML_DEPTH_MAX + 1];
        struct yaml_node *root;

        memset(closing, ']', depth);
        closing[depth] = '\0';
        root = parse(diagnosed, repeated(&diagnosed->arena, "[", depth, closing));
        assert_int_equal(root != NULL, depth <= YAML_DEPTH_MAX);
    }
    assert_null(parse(diagnosed, repeated(&diagnosed->arena, "[", 100000, "")));
    assert_null(parse(diagnosed, repeated(&diagnosed->arena, "- ", 100000, "")));
    assert_null(parse(diagnosed, repeated(&diagnosed->arena, "? ", 100000, "")));
}

static void the_number_of_values_and_the_size_have_bounds(void **state)
{
    struct diagnosed *diagnosed = *state;
    struct span many = repeated(&diagnosed->arena, "- a\n", YAML_NODES_MAX, "");
    struct span long_file =
        repeated(&diagnosed->arena, "#234567\n", YAML_FILE_BYTES_MAX / 8, "a: 1\n");

    assert_null(parse(diagnosed, many));
    assert_string_equal(diagnosed->diagnostics.first->message, "too many values in one file");
    assert_non_null(parse(diagnosed, span_of(many.data, many.length - 4)));
    assert_null(parse(diagnosed, long_file));
    assert_string_equal(diagnosed->diagnostics.first->message, "longer than 4194304 bytes");
}

static void the_number_of_keys_has_a_bound(void **state)
{
    struct diagnosed *diagnosed = *state;

    for (int count = YAML_KEYS_MAX; count <= YAML_KEYS_MAX + 1; count++) {
        size_t length = 0;
        size_t size = (size_t)count * 16;
        char *content = memory_alloc(size);

        for (int i = 0; i < count; i++)
            length += (size_t)snprintf(content + length, size - length, "k%d: v\n", i);
        assert_int_equal(parse(diagnosed, span_of(content, length)) != NULL,
                         count <= YAML_KEYS_MAX);
        memory_free(content);
    }
}

static void everything_that_is_left_out_is_told_at_once(void **state)
{
    struct diagnosed *diagnosed = *state;
    struct yaml_node *root = parse(diagnosed, span_text("a: &x 1\n"
                                                        "a: 2\n"
                                                        "b: *x\n"
                                                        "b: !!int 4\n"
                                                        "[c]: \"\\0\"\n"
                                                        "*x : d\n"
                                                        "e: \"\\0\"\n"));
    const struct diagnostic *entry = diagnosed->diagnostics.first;

    assert_non_null(root);
    assert_int_equal(diagnosed->diagnostics.error_count, 9);
    for (size_t i = 0; entry; entry = entry->next, i++)
        assert_in_range(entry->line, 1, 7);
    assert_int_equal(root->count, 3); /* each key where it stands first */
    assert_true(span_is(yaml_get(root, "a")->text, "1"));
    assert_false(yaml_get(root, "a")->is_refused);
    assert_true(yaml_get(root, "b")->is_refused);
    assert_true(yaml_get(root, "e")->is_refused);
}

static void a_byte_order_mark_is_no_part_of_the_content(void **state)
{
    struct diagnosed *diagnosed = *state;
    struct yaml_node *root = parse(diagnosed, span_text("\xef\xbb\xbf"
                                                        "a: 1\n"));

    assert_non_null(root);
    assert_int_equal(diagnosed->diagnostics.error_count, 0);
    assert_int_equal(root->pairs[0].key->column, 1);
    assert_true(span_is(root->pairs[0].key->text, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, diagnosed_set_up, diagnosed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_becomes_a_tree_with_positions),
        TEST(a_scalar_is_its_text_whatever_other_readers_make_of_it),
        TEST(only_an_unquoted_nothing_is_null),
        TEST(what_the_dialect_leaves_out_is_refused_at_its_place),
        TEST(bytes_that_are_not_utf8_are_refused_at_their_line),
        TEST(nesting_has_a_bound),
        TEST(the_number_of_values_and_the_size_have_bounds),
        TEST(the_number_of_keys_has_a_bound),
        TEST(everything_that_is_left_out_is_told_at_once),
        TEST(a_byte_order_mark_is_no_part_of_the_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
