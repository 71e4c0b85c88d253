/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling a set: all files read, every name resolved, then laid out for evaluation. */
#include "base/digest.h"
#include "base/memory.h"
#include "domain/directive/build.h"

#include <stdlib.h>

enum { SCRATCH_BYTES = 64 * 1024 };

/* A directive and one of its resources. */
struct match {
    uint32_t row;
    uint32_t directive;
};

struct compilation {
    struct builder builder;
    struct diagnostics *diagnostics;
    const struct directive_environment *environment;
    bool is_reading_shadow;
    struct match *matches;
    size_t match_count;
    size_t match_capacity;
    uint32_t *stamps; /* per row: 1 + the directive that named it last */
    uint32_t *taken;  /* per row: the exemption that named it last, counted from 1 */
    uint32_t exemption_count;
    uint32_t *rows; /* of one exemption */
    size_t row_capacity;
};

static struct reader reader_of(struct compilation *compilation, const char *file)
{
    return (struct reader){
        .file = file,
        .arena = &compilation->builder.set->arena,
        .diagnostics = compilation->diagnostics,
        .environment = compilation->environment,
        .builder = &compilation->builder,
    };
}

/* What makes a file a directive although its `directive` is missing. */
static bool is_directive(const struct yaml_node *root)
{
    return yaml_get(root, "directive") || yaml_get(root, "require") ||
           yaml_get(root, "authority") || yaml_get(root, "effective");
}

static void read_file(struct compilation *compilation, const struct directive_file *file)
{
    struct builder *builder = &compilation->builder;
    struct reader reader = reader_of(compilation, file->name);
    const struct yaml_node *root =
        yaml_parse(file->content, file->name, &builder->scratch, compilation->diagnostics);
    size_t drafts_before = builder->draft_count;
    size_t declarations_before = builder->declaration_count;

    if (!root)
        return;
    if (is_directive(root))
        parse_directive(&reader, root);
    else if (yaml_get(root, "resources"))
        parse_resources(&reader, root);
    else
        read_error(&reader, root,
                   "neither a directive (`directive: …`) nor a list of resources "
                   "(`resources: …`)");
    if (builder->draft_count > drafts_before) {
        struct directive *directive = &builder->drafts[drafts_before].directive;

        digest_sha256_hex(file->content, directive->digest);
        directive->is_shadow = compilation->is_reading_shadow;
    }
    for (size_t i = declarations_before; i < builder->declaration_count; i++)
        builder->declarations[i].is_shadow = compilation->is_reading_shadow;
}

static void read_files(struct compilation *compilation, const struct directive_file *files,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        read_file(compilation, &files[i]);
}

/* They were compiled before: their findings have been told. */
static void read_base(struct compilation *compilation, const struct directive_set *base)
{
    struct diagnostics *diagnostics = compilation->diagnostics, told;

    diagnostics_init(&told, &compilation->builder.scratch);
    compilation->diagnostics = &told;
    read_files(compilation, base->files, base->file_count);
    compilation->diagnostics = diagnostics;
    diagnostics->error_count += told.error_count;
}

static void keep_files(struct directive_set *set, const struct directive_file *files, size_t count)
{
    set->files = arena_new_array(&set->arena, struct directive_file, count);
    set->file_count = count;
    for (size_t i = 0; i < count; i++)
        set->files[i] = (struct directive_file){arena_text(&set->arena, span_text(files[i].name)),
                                                arena_copy(&set->arena, files[i].content)};
}

static int compare_declarations(const void *a, const void *b)
{
    const struct declaration *x = a;
    const struct declaration *y = b;
    int order = name_compare(x->name, y->name);

    return order != 0 ? order : (int)x->is_shadow - (int)y->is_shadow;
}

static int compare_drafts(const void *a, const void *b)
{
    const struct draft *x = a;
    const struct draft *y = b;
    int order = name_compare(span_text(x->directive.id), span_text(y->directive.id));

    return order != 0 ? order : (int)x->directive.is_shadow - (int)y->directive.is_shadow;
}

static void refuse_doubles(struct compilation *compilation)
{
    const struct builder *builder = &compilation->builder;

    for (size_t i = 1; i < builder->declaration_count; i++) {
        const struct declaration *first = &builder->declarations[i - 1];
        const struct declaration *second = &builder->declarations[i];
        struct reader reader = reader_of(compilation, second->file);

        if (first->is_shadow == second->is_shadow && span_equal(first->name, second->name))
            read_error(&reader, second->node, "resource `%.*s` is declared twice: also in %s:%d",
                       SPAN_FORMAT(second->name), first->file, first->node->line);
    }
    for (size_t i = 1; i < builder->draft_count; i++) {
        const struct draft *first = &builder->drafts[i - 1];
        const struct draft *second = &builder->drafts[i];
        struct reader reader = reader_of(compilation, second->directive.file);

        if (first->directive.is_shadow == second->directive.is_shadow &&
            strcmp(first->directive.id, second->directive.id) == 0)
            read_error(&reader, second->id_node, "directive `%s` is also in %s",
                       second->directive.id, first->directive.file);
    }
}

static void sort_everything(struct compilation *compilation)
{
    struct builder *builder = &compilation->builder;

    if (builder->declaration_count > 0)
        qsort(builder->declarations, builder->declaration_count, sizeof(*builder->declarations),
              compare_declarations);
    if (builder->draft_count > 0)
        qsort(builder->drafts, builder->draft_count, sizeof(*builder->drafts), compare_drafts);
}

/* Rows and what callers see of them, in order of name. */
static void lay_out_resources(struct compilation *compilation)
{
    const struct builder *builder = &compilation->builder;
    struct directive_set *set = builder->set;

    set->resource_count = builder->declaration_count;
    set->rows = arena_new_array(&set->arena, struct resource_row, set->resource_count);
    set->resources = arena_new_array(&set->arena, struct directive_resource, set->resource_count);
    for (size_t i = 0; i < set->resource_count; i++) {
        struct span name = builder->declarations[i].name;
        const uint8_t *slash = memchr(name.data, '/', name.length);

        set->rows[i] = (struct resource_row){
            .name = name,
            .type_length = (size_t)(slash - name.data),
            .is_base_allowed = builder->declarations[i].is_base_allowed,
            .is_shadowed = builder->declarations[i].is_shadow,
        };
        set->resources[i] =
            (struct directive_resource){name, builder->declarations[i].is_base_allowed};
    }
    directive_set_index(set);
}

static void refuse_undeclared(struct reader *reader, const struct yaml_node *node)
{
    bool is_pattern = memchr(node->text.data, '*', node->text.length);

    if (!reader->environment->is_partial)
        read_error(reader, node,
                   is_pattern ? "`%s` matches no declared resource: declare one in a file of "
                                "`resources:`"
                              : "resource `%s` is not declared: declare it in a file of "
                                "`resources:`",
                   (const char *)node->text.data);
}

static void match_directive(struct compilation *compilation, struct reader *reader,
                            const struct draft *draft, uint32_t index)
{
    const struct directive_set *set = compilation->builder.set;

    for (size_t i = 0; i < draft->directive.resource_count; i++) {
        size_t first, count;

        if (!draft->directive.resources[i].data)
            continue;
        directive_set_find_rows(set, draft->directive.resources[i], &first, &count);
        if (count == 0)
            refuse_undeclared(reader, draft->resources_node->items[i]);
        if (count > DIRECTIVE_MATCHES_MAX - compilation->match_count) {
            read_error(reader, draft->resources_node->items[i],
                       "all directives together name more than %d resources",
                       DIRECTIVE_MATCHES_MAX);
            return;
        }
        for (size_t row = first; row < first + count; row++) {
            if (compilation->stamps[row] == index + 1)
                continue;
            compilation->stamps[row] = index + 1;
            compilation->matches =
                builder_room(compilation->matches, compilation->match_count,
                             &compilation->match_capacity, sizeof(*compilation->matches));
            compilation->matches[compilation->match_count++] = (struct match){(uint32_t)row, index};
        }
    }
}

/* The rows of this directive that one name in an exemption stands for: false when there are none.
 */
static bool take_rows(struct compilation *compilation, size_t first, size_t count, uint32_t index,
                      size_t *row_count)
{
    bool is_covered = false;

    for (size_t row = first; row < first + count; row++) {
        if (compilation->stamps[row] != index + 1)
            continue;
        is_covered = true;
        if (compilation->taken[row] == compilation->exemption_count)
            continue;
        compilation->taken[row] = compilation->exemption_count;
        compilation->rows = builder_room(compilation->rows, *row_count, &compilation->row_capacity,
                                         sizeof(*compilation->rows));
        compilation->rows[(*row_count)++] = (uint32_t)row;
    }
    return is_covered;
}

/* An exemption is from its own directive: what that does not name, it cannot exempt from. */
static void match_exemption(struct compilation *compilation, struct reader *reader,
                            struct directive_exemption *exemption, const struct yaml_node *names,
                            uint32_t index)
{
    struct directive_set *set = compilation->builder.set;
    uint32_t *rows;
    size_t row_count = 0;

    compilation->exemption_count++;
    for (size_t i = 0; i < exemption->resource_count; i++) {
        size_t first, count;

        if (!exemption->resources[i].data)
            continue;
        directive_set_find_rows(set, exemption->resources[i], &first, &count);
        if (count == 0)
            refuse_undeclared(reader, names->items[i]);
        else if (!take_rows(compilation, first, count, index, &row_count))
            read_error(reader, names->items[i],
                       "`%s` is not among the resources of this directive, so that there is "
                       "nothing to exempt from",
                       (const char *)names->items[i]->text.data);
    }
    rows = arena_new_array(&set->arena, uint32_t, row_count);
    if (row_count > 0)
        memcpy(rows, compilation->rows, row_count * sizeof(*rows));
    exemption->rows = rows;
    exemption->row_count = row_count;
}

static void match_draft(struct compilation *compilation, struct draft *draft, uint32_t index)
{
    const struct directive_set *set = compilation->builder.set;
    struct reader reader = reader_of(compilation, draft->directive.file);

    match_directive(compilation, &reader, draft, index);
    for (size_t i = 0; i < draft->directive.exemption_count; i++)
        if (draft->directive.exemptions[i].resource_count > 0)
            match_exemption(compilation, &reader, &draft->directive.exemptions[i],
                            draft->exemption_resources[i], index);
    for (size_t i = 0; i < draft->directive.instead_count; i++) {
        size_t first, count;

        if (!draft->directive.instead[i].data)
            continue;
        directive_set_find_rows(set, draft->directive.instead[i], &first, &count);
        if (count == 0)
            refuse_undeclared(&reader, draft->instead_node->items[i]);
    }
}

/* Matches by resource: counted, then put in place, so that directives stay in order of id. */
static void lay_out_matches(struct compilation *compilation)
{
    struct directive_set *set = compilation->builder.set;
    uint32_t first = 0;

    for (size_t i = 0; i < compilation->match_count; i++)
        set->rows[compilation->matches[i].row].match_count++;
    for (size_t i = 0; i < set->resource_count; i++) {
        set->rows[i].match_first = first;
        first += set->rows[i].match_count;
        set->rows[i].match_count = 0;
    }
    set->matches = arena_new_array(&set->arena, uint32_t, compilation->match_count);
    for (size_t i = 0; i < compilation->match_count; i++) {
        struct resource_row *row = &set->rows[compilation->matches[i].row];

        set->matches[row->match_first + row->match_count++] = compilation->matches[i].directive;
    }
}

static void lay_out_directives(struct compilation *compilation)
{
    const struct builder *builder = &compilation->builder;
    struct directive_set *set = builder->set;

    set->node_count = builder->node_count;
    set->nodes = arena_new_array(&set->arena, struct directive_node, set->node_count);
    set->sources = arena_new_array(&set->arena, struct test_source, set->node_count);
    if (set->node_count > 0) {
        memcpy(set->nodes, builder->nodes, set->node_count * sizeof(*set->nodes));
        memcpy(set->sources, builder->sources, set->node_count * sizeof(*set->sources));
    }
    set->directive_count = builder->draft_count;
    set->directives = arena_new_array(&set->arena, struct directive, set->directive_count);
    for (size_t i = 0; i < set->directive_count; i++) {
        const struct draft *draft = &builder->drafts[i];
        struct directive *directive = &set->directives[i];

        *directive = draft->directive;
        directive->index = (uint32_t)i;
        directive->require = set->nodes + draft->require;
        for (size_t j = 0; j < directive->exemption_count; j++)
            directive->exemptions[j].when = set->nodes + draft->whens[j];
    }
}

static void digest_set(struct compilation *compilation)
{
    struct directive_set *set = compilation->builder.set;
    size_t size = set->directive_count * (DIRECTIVE_ID_MAX + 80) +
                  set->resource_count * (RESOURCE_TYPE_MAX + RESOURCE_ID_MAX + 24) + 1;
    char *text = arena_alloc(&compilation->builder.scratch, size);
    size_t length = 0;

    for (size_t i = 0; i < set->directive_count; i++)
        length += (size_t)snprintf(text + length, size - length, "directive %s %s\n",
                                   set->directives[i].id, set->directives[i].digest);
    for (size_t i = 0; i < set->resource_count; i++)
        length += (size_t)snprintf(text + length, size - length, "resource %.*s %s\n",
                                   SPAN_FORMAT(set->rows[i].name),
                                   set->rows[i].is_base_allowed ? "allow" : "deny");
    digest_sha256_hex(span_of(text, length), set->digest);
}

static void compilation_release(struct compilation *compilation)
{
    struct builder *builder = &compilation->builder;

    memory_free(builder->nodes);
    memory_free(builder->sources);
    memory_free(builder->drafts);
    memory_free(builder->declarations);
    memory_free(compilation->matches);
    memory_free(compilation->rows);
    arena_release(&builder->scratch);
}

/* Everything was read: find out what refers to what, and whether it all goes together. */
static void resolve(struct compilation *compilation, bool is_shadow)
{
    struct builder *builder = &compilation->builder;

    sort_everything(compilation);
    refuse_doubles(compilation);
    if (is_shadow)
        shadow_replace(builder);
    lay_out_resources(compilation);
    compilation->stamps =
        arena_new_array(&builder->scratch, uint32_t, builder->set->resource_count);
    compilation->taken = arena_new_array(&builder->scratch, uint32_t, builder->set->resource_count);
    for (size_t i = 0; i < builder->draft_count; i++)
        match_draft(compilation, &builder->drafts[i], (uint32_t)i);
    if (is_shadow)
        shadow_mark(builder);
}

static struct directive_set *compile(const struct directive_set *base,
                                     const struct directive_file *files, size_t count,
                                     const struct directive_environment *environment,
                                     struct diagnostics *diagnostics)
{
    struct directive_set *set = directive_set_new();
    struct compilation compilation = {
        .builder = {.set = set}, .diagnostics = diagnostics, .environment = environment};
    size_t errors_before = diagnostics->error_count;

    arena_init(&compilation.builder.scratch, SCRATCH_BYTES);
    if (base)
        read_base(&compilation, base);
    compilation.is_reading_shadow = base != NULL;
    read_files(&compilation, files, count);
    resolve(&compilation, base != NULL);
    if (diagnostics->error_count == errors_before) {
        lay_out_directives(&compilation);
        lay_out_matches(&compilation);
        digest_set(&compilation);
        if (environment->keeps_files)
            keep_files(set, files, count);
        if (base)
            shadow_name(set, base);
    } else {
        directive_set_unref(set);
        set = NULL;
    }
    compilation_release(&compilation);
    return set;
}

struct directive_set *directive_set_compile(const struct directive_file *files, size_t count,
                                            const struct directive_environment *environment,
                                            struct diagnostics *diagnostics)
{
    return compile(NULL, files, count, environment, diagnostics);
}

struct directive_set *directive_set_compile_shadow(const struct directive_set *base,
                                                   const struct directive_file *files, size_t count,
                                                   const struct directive_environment *environment,
                                                   struct diagnostics *diagnostics)
{
    return compile(base, files, count, environment, diagnostics);
}

struct directive_set *directive_set_empty(void)
{
    struct directive_set *set = directive_set_new();

    directive_set_index(set);
    digest_sha256_hex(span_of(NULL, 0), set->digest);
    return set;
}
