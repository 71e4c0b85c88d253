/* SPDX-License-Identifier: Apache-2.0 */
/* The values that tests take, looked up in the tables of countries, sets and organizations. */
#include "domain/directive/parse_values.h"

enum { WORD_MAX = 64 };

static void refuse_set(struct reader *reader, const struct yaml_node *node)
{
    const struct country_groups *groups = reader->environment->groups;
    const char *names[DIRECTIVE_LIST_MAX];
    size_t count = 0;
    unsigned ignored;

    for (; groups && count < groups->count && count < ARRAY_LEN(names); count++)
        names[count] = groups->groups[count].name;
    if (count == 0)
        read_error(reader, node, "set `%.*s` is unknown: there are no sets", WORD_MAX,
                   (const char *)node->text.data);
    else if (read_word(reader, node, "set", names, count, &ignored))
        read_error(reader, node, "set `%s` is unknown", (const char *)node->text.data);
}

static void refuse_code(struct reader *reader, const struct yaml_node *node)
{
    const char *text = (const char *)node->text.data;
    country_id country = country_from_iso(node->text);

    if (country == COUNTRY_NONE && node->text.length <= 3)
        country = country_from_mrz(span_text(arena_printf(
            reader->arena, "%.*s%s", SPAN_FORMAT(node->text), &"<<<"[node->text.length])));
    if (country_nationality(country) == country && country != COUNTRY_NONE)
        read_error(reader, node, "`%s` is not an alpha-3 code: write %s (%s)", text,
                   country_get(country)->alpha3, country_get(country)->name);
    else if (country != COUNTRY_NONE)
        read_error(reader, node, "`%s` (%s) is no country", text, country_get(country)->name);
    else
        read_error(reader, node,
                   "`%.*s` is neither an alpha-3 code of ISO 3166-1, in upper case, nor the name "
                   "of a set",
                   WORD_MAX, text);
}

/* What a code means in a test, beside itself. */
typedef bool country_check_fn(struct reader *reader, const struct yaml_node *node,
                              country_id country);

static bool check_nationality(struct reader *reader, const struct yaml_node *node,
                              country_id country)
{
    country_id state = country_nationality(country);

    if (state == country)
        return true;
    if (state != COUNTRY_NONE)
        read_error(reader, node, "`%s` has no nationality of its own: its people hold that of %s",
                   country_get(country)->alpha3, country_get(state)->alpha3);
    else
        read_error(reader, node, "`%s` has no nationality of its own",
                   country_get(country)->alpha3);
    return false;
}

static bool check_place(struct reader *reader, const struct yaml_node *node, country_id country)
{
    (void)reader;
    (void)node;
    (void)country;
    return true;
}

static const struct country_set *read_countries(struct reader *reader, const struct yaml_node *list,
                                                country_check_fn *check, const char **ret_list)
{
    struct country_set *countries;

    if (!read_is_list(reader, list, "a list of countries"))
        return NULL;
    countries = arena_new(reader->arena, struct country_set);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_node *node = list->items[i];
        const struct country_group *group;
        country_id country;

        if (!read_is_text(reader, node, "a country or set", WORD_MAX))
            continue;
        group = reader->environment->groups
                    ? country_groups_find(reader->environment->groups, node->text)
                    : NULL;
        country = country_from_iso(node->text);
        if (group) {
            for (size_t word = 0; word < COUNTRY_SET_WORDS; word++)
                countries->words[word] |= group->countries.words[word];
        } else if (memchr(node->text.data, ':', node->text.length)) {
            refuse_set(reader, node);
        } else if (node->text.length != 3 || country == COUNTRY_NONE) {
            refuse_code(reader, node);
        } else if (check(reader, node, country)) {
            country_set_add(countries, country);
        }
    }
    *ret_list = read_join(reader, list);
    return countries;
}

const struct country_set *parse_nationalities(struct reader *reader, const struct yaml_node *list,
                                              const char **ret_list)
{
    return read_countries(reader, list, check_nationality, ret_list);
}

const struct country_set *parse_birth_places(struct reader *reader, const struct yaml_node *list,
                                             const char **ret_list)
{
    return read_countries(reader, list, check_place, ret_list);
}

/* "United States" includes its territories and possessions (15 CFR 772.1, 22 CFR 120.60); Hong
 * Kong is no destination apart from China (RIN 0694-AI17, since 2020-12-23).  Other
 * territories stand for themselves. */
static void add_belongings(struct country_set *places)
{
    country_id usa = country_from_iso(span_text("USA"));
    country_id china = country_from_iso(span_text("CHN"));

    if (country_set_has(places, china))
        country_set_add(places, country_from_iso(span_text("HKG")));
    if (!country_set_has(places, usa))
        return;
    for (size_t id = 1; id < country_count(); id++)
        if (country_nationality((country_id)id) == usa)
            country_set_add(places, (country_id)id);
}

const struct country_set *parse_places(struct reader *reader, const struct yaml_node *list,
                                       const char **ret_list)
{
    const struct country_set *named = read_countries(reader, list, check_place, ret_list);
    struct country_set *places;

    if (!named)
        return NULL;
    places = arena_new(reader->arena, struct country_set);
    *places = *named;
    add_belongings(places);
    return places;
}

const struct country_set *parse_united_states(struct reader *reader)
{
    struct country_set *places = arena_new(reader->arena, struct country_set);

    country_set_add(places, country_from_iso(span_text("USA")));
    add_belongings(places);
    return places;
}

uint8_t parse_context_key(struct reader *reader, const struct yaml_node *node, struct span key)
{
    struct directive_set *set = reader->builder->set;
    size_t i = 0;

    while (i < set->context_key_count && !span_equal(set->context_keys[i], key))
        i++;
    if (i == DIRECTIVE_CONTEXT_KEYS_MAX) {
        read_error(reader, node, "the directives together look at more than %d context keys",
                   DIRECTIVE_CONTEXT_KEYS_MAX);
        return 0;
    }
    if (i == set->context_key_count)
        set->context_keys[set->context_key_count++] = arena_copy(reader->arena, key);
    return (uint8_t)i;
}

uint8_t parse_location_key(struct reader *reader, const struct yaml_node *node)
{
    return parse_context_key(reader, node, span_text("location"));
}

uint64_t parse_bits(struct reader *reader, const struct yaml_node *list, const char *what,
                    const char *const *words, size_t word_count, const char **ret_list)
{
    uint64_t bits = 0;
    unsigned index;

    if (!read_is_list(reader, list, "a list of words"))
        return 0;
    for (size_t i = 0; i < list->count; i++)
        if (read_word(reader, list->items[i], what, words, word_count, &index))
            bits |= UINT64_C(1) << index;
    *ret_list = read_join(reader, list);
    return bits;
}

uint64_t parse_evidence_classes(struct reader *reader, const struct yaml_node *list,
                                const char **ret_list)
{
    static const char *const words[] = {
#define X(name, number, word) [number] = (word),
        EVIDENCE_CLASS_LIST(X)
#undef X
    };

    return parse_bits(reader, list, "evidence class", words, ARRAY_LEN(words), ret_list);
}

bool parse_proof(struct reader *reader, const struct yaml_node *node, enum proof *ret_proof)
{
    static const char *const words[] = {
#define X(name, number, word) [number] = (word),
        PROOF_LIST(X)
#undef X
    };
    unsigned index;

    if (!read_word(reader, node, "proof", words, ARRAY_LEN(words), &index))
        return false;
    *ret_proof = (enum proof)index;
    return true;
}

/* The id of what stands in a directive: its own, or for `self` the operator's. */
static bool find_organization(struct reader *reader, const struct yaml_node *node,
                              struct span *ret_id)
{
    const struct organizations *organizations = reader->environment->organizations;
    const struct organization *found = NULL;

    if (!read_is_name(reader, node, "an organization", DIRECTIVE_ID_MAX, "._:@/+=-|"))
        return false;
    if (organizations)
        found = span_is(node->text, "self") ? organization_self(organizations)
                                            : organization_find(organizations, node->text);
    if (!found && !reader->environment->is_partial) {
        read_error(reader, node,
                   span_is(node->text, "self")
                       ? "`%s`: no organization of the configuration is the operator's own"
                       : "organization `%s` is not in the configuration's `organizations`",
                   (const char *)node->text.data);
        return false;
    }
    *ret_id = arena_copy(reader->arena, found ? found->id : node->text);
    return true;
}

const uint64_t *parse_organizations(struct reader *reader, const struct yaml_node *list,
                                    const struct span **ret_ids, const char **ret_list)
{
    uint64_t *keys;
    struct span *ids;

    if (!read_is_list(reader, list, "`organizations`"))
        return NULL;
    keys = arena_new_array(reader->arena, uint64_t, list->count);
    ids = arena_new_array(reader->arena, struct span, list->count);
    for (size_t i = 0; i < list->count; i++)
        if (find_organization(reader, list->items[i], &ids[i]))
            keys[i] = organization_key(ids[i]);
    *ret_ids = ids;
    *ret_list = read_join(reader, list);
    return keys;
}

uint8_t parse_affiliations(struct reader *reader, const struct yaml_node *list)
{
    const char *ignored;

    return (uint8_t)parse_bits(reader, list, "affiliation", affiliation_bit_words, AFFILIATION_BITS,
                               &ignored);
}
