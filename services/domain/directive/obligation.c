/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Obligations: what somebody of whom not enough is known is asked for.
 *
 * Properties are told as a map, so that a name stands once and several values are one text with
 * commas.
 */
#include "domain/directive/parse_values.h"

/* Append `value` unless it is there already. */
static const char *join(struct arena *arena, const char *list, const char *value)
{
    size_t length = strlen(value);

    for (const char *at = list; (at = strstr(at, value)); at += length)
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return list;
    return arena_printf(arena, "%s%s%s", list, list[0] ? "," : "", value);
}

static struct directive_obligation make(struct arena *arena, const char *type,
                                        const struct directive_property *properties, size_t count)
{
    struct directive_property *kept = arena_new_array(arena, struct directive_property, count);

    memcpy(kept, properties, count * sizeof(*kept));
    return (struct directive_obligation){type, kept, count};
}

struct directive_obligation obligation_to_verify(struct arena *arena, uint64_t accepted)
{
    struct directive_property accept = {"accept", accepted ? "" : "any"};

    for (unsigned class = 0; class < 64; class ++)
        if (accepted >> class & 1)
            accept.value =
                join(arena, accept.value, evidence_class_word((enum evidence_class) class));
    return make(arena, "verify", &accept, 1);
}

struct directive_obligation obligation_to_prove_affiliation(struct reader *reader, size_t begin,
                                                            size_t end)
{
    const struct builder *builder = reader->builder;
    struct arena *arena = reader->arena;
    const char *organizations = "";
    uint8_t as = 0;

    for (size_t i = begin; i < end; i++) {
        const struct directive_node *node = &builder->nodes[i];

        if (node->test != TEST_AFFILIATED_WITH || !builder->sources[i].organizations)
            continue;
        for (size_t j = 0; j < node->count; j++)
            organizations =
                join(arena, organizations, arena_text(arena, builder->sources[i].organizations[j]));
        as |= node->as;
    }
    if (organizations[0] == '\0')
        return (struct directive_obligation){0};
    return make(arena, "prove_affiliation",
                (const struct directive_property[]){{"organizations", organizations},
                                                    {"as", affiliation_words(arena, as)}},
                2);
}

static bool looks_at_context(const struct directive_node *node)
{
    return node->test == TEST_CONTEXT || (node->test == TEST_LOCATION && node->countries) ||
           (node->test == TEST_US_PERSON && node->countries);
}

struct directive_obligation obligation_to_provide_context(struct reader *reader, size_t begin,
                                                          size_t end)
{
    const struct builder *builder = reader->builder;
    struct directive_property keys = {"keys", ""};
    uint32_t wanted = 0;

    for (size_t i = begin; i < end; i++)
        if (looks_at_context(&builder->nodes[i]))
            wanted |= UINT32_C(1) << builder->nodes[i].key;
    if (wanted == 0)
        return (struct directive_obligation){0};
    for (size_t key = 0; key < builder->set->context_key_count; key++)
        if (wanted >> key & 1)
            keys.value =
                join(reader->arena, keys.value, (const char *)builder->set->context_keys[key].data);
    return make(reader->arena, "provide_context", &keys, 1);
}
