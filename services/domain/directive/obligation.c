/* SPDX-License-Identifier: Apache-2.0 */
/* Obligations: what somebody of whom not enough is known is asked for. */
#include "domain/directive/parse_values.h"

struct directive_obligation obligation_to_verify(struct arena *arena, uint64_t accepted)
{
    size_t count = accepted ? (size_t)__builtin_popcountll(accepted) : 1;
    struct directive_property *properties =
        arena_new_array(arena, struct directive_property, count);
    size_t used = 0;

    if (accepted == 0)
        properties[used++] = (struct directive_property){"accept", "any"};
    for (unsigned class = 0; class < 64; class ++)
        if (accepted >> class & 1)
            properties[used++] = (struct directive_property){
                "accept", evidence_class_word((enum evidence_class) class)};
    return (struct directive_obligation){"verify", properties, used};
}

struct directive_obligation obligation_to_prove_affiliation(struct reader *reader, size_t begin,
                                                            size_t end)
{
    const struct builder *builder = reader->builder;
    struct directive_property *properties;
    size_t count = 0;

    for (size_t i = begin; i < end; i++)
        if (builder->nodes[i].test == TEST_AFFILIATED_WITH)
            count += builder->nodes[i].count + 1;
    if (count == 0)
        return (struct directive_obligation){0};
    properties = arena_new_array(reader->arena, struct directive_property, count);
    count = 0;
    for (size_t i = begin; i < end; i++) {
        const struct directive_node *node = &builder->nodes[i];

        if (node->test != TEST_AFFILIATED_WITH || !builder->sources[i].organizations)
            continue;
        for (size_t j = 0; j < node->count; j++)
            properties[count++] = (struct directive_property){
                "organization", arena_text(reader->arena, builder->sources[i].organizations[j])};
        properties[count++] =
            (struct directive_property){"as", affiliation_words(reader->arena, node->as)};
    }
    return (struct directive_obligation){"prove_affiliation", properties, count};
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
    struct directive_property *properties;
    uint32_t keys = 0;
    size_t count = 0;

    for (size_t i = begin; i < end; i++)
        if (looks_at_context(&builder->nodes[i]))
            keys |= UINT32_C(1) << builder->nodes[i].key;
    if (keys == 0)
        return (struct directive_obligation){0};
    properties =
        arena_new_array(reader->arena, struct directive_property, (size_t)__builtin_popcount(keys));
    for (size_t key = 0; key < builder->set->context_key_count; key++)
        if (keys >> key & 1)
            properties[count++] = (struct directive_property){
                "key", (const char *)builder->set->context_keys[key].data};
    return (struct directive_obligation){"provide_context", properties, count};
}
