/* SPDX-License-Identifier: Apache-2.0 */
/* Shadow sets: what is tried, over what is in force; and how answers of the two compare. */
#include "domain/directive/shadow.h"

#include "domain/directive/build.h"

/* Sorted as they are, what is tried stands behind what it replaces, which goes aside. */
static void replace_drafts(struct builder *builder)
{
    struct draft *drafts = builder->drafts;
    size_t kept = 0;

    builder->replaced = arena_new_array(&builder->scratch, struct draft, builder->draft_count);
    for (size_t i = 0; i < builder->draft_count; i++)
        if (i + 1 < builder->draft_count &&
            strcmp(drafts[i].directive.id, drafts[i + 1].directive.id) == 0)
            builder->replaced[builder->replaced_count++] = drafts[i];
        else
            drafts[kept++] = drafts[i];
    builder->draft_count = kept;
}

static void replace_declarations(struct builder *builder)
{
    struct declaration *declarations = builder->declarations;
    size_t kept = 0;

    for (size_t i = 0; i < builder->declaration_count; i++)
        if (i + 1 == builder->declaration_count ||
            !span_equal(declarations[i].name, declarations[i + 1].name))
            declarations[kept++] = declarations[i];
    builder->declaration_count = kept;
}

void shadow_replace(struct builder *builder)
{
    replace_drafts(builder);
    replace_declarations(builder);
}

/* What is tried may answer differently wherever it, or what it replaces, has a say. */
static void mark_shadowed(struct directive_set *set, const struct directive *directive)
{
    for (size_t i = 0; i < directive->resource_count; i++) {
        size_t first, count;

        if (!directive->resources[i].data)
            continue;
        directive_set_find_rows(set, directive->resources[i], &first, &count);
        for (size_t row = first; row < first + count; row++)
            set->rows[row].is_shadowed = true;
    }
}

void shadow_mark(struct builder *builder)
{
    for (size_t i = 0; i < builder->draft_count; i++)
        if (builder->drafts[i].directive.is_shadow)
            mark_shadowed(builder->set, &builder->drafts[i].directive);
    for (size_t i = 0; i < builder->replaced_count; i++)
        mark_shadowed(builder->set, &builder->replaced[i].directive);
}

/* A version is of a text: where that is another one, there is none yet. */
void shadow_name(struct directive_set *set, const struct directive_set *base)
{
    for (size_t i = 0; i < set->directive_count; i++) {
        struct directive *directive = &set->directives[i];
        const struct directive *same = directive_set_find(base, span_text(directive->id));

        if (same && strcmp(same->digest, directive->digest) == 0)
            directive->version = same->version;
        directive->citation =
            span_text(arena_printf(&set->arena, "%s %s", directive->id, directive->digest));
    }
    set->number = base->number;
}

size_t directive_set_shadow_count(const struct directive_set *set)
{
    size_t count = 0;

    for (size_t i = 0; i < set->directive_count; i++)
        count += set->directives[i].is_shadow;
    return count;
}

const char *shadow_difference_word(enum shadow_difference difference)
{
    static const char *const words[] = {
#define X(name, word) [SHADOW_##name] = word,
        SHADOW_DIFFERENCE_LIST(X)
#undef X
    };

    return words[difference];
}

enum shadow_difference shadow_compare(enum truth truth, unsigned reason, enum truth shadow_truth,
                                      unsigned shadow_reason)
{
    if ((truth == TRUTH_TRUE) != (shadow_truth == TRUTH_TRUE))
        return truth == TRUTH_TRUE ? SHADOW_NARROWS : SHADOW_LOOSENS;
    return truth == shadow_truth && reason == shadow_reason ? SHADOW_AGREES : SHADOW_DIFFERS;
}
