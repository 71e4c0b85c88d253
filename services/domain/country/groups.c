/* SPDX-License-Identifier: Apache-2.0 */
/* Country groups: a YAML file turned into named sets, with every finding noted at its place. */
#include "domain/country/groups.h"

#include "base/digest.h"
#include "base/timestamp.h"
#include "base/yaml.h"
#include "country_groups_ear.h"

struct loader {
    const char *file;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct country_groups *groups;
};

/* The keys that a mapping may have, as they are told when another one stands there. */
struct keys {
    const char *names[4];
    const char *told;
};

static const struct keys file_keys = {{"source", "as_of", "sets"}, "source, as_of, sets"};
static const struct keys set_keys = {{"name", "title", "countries"}, "name, title, countries"};

#define COMPLAIN(loader, node, ...)                                                        \
    diagnostics_add((loader)->diagnostics, DIAGNOSTIC_ERROR, (loader)->file, (node)->line, \
                    (node)->column, __VA_ARGS__)

/* For messages: of a text from the file its first 64 bytes. */
#define SHOWN(node) (int)((node)->text.length < 64 ? (node)->text.length : 64), (node)->text.data

static bool is_known_key(const struct keys *keys, struct span key)
{
    for (size_t i = 0; i < ARRAY_LEN(keys->names) && keys->names[i]; i++)
        if (span_is(key, keys->names[i]))
            return true;
    return false;
}

static void check_keys(struct loader *loader, const struct yaml_node *mapping,
                       const struct keys *keys)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct yaml_node *key = mapping->pairs[i].key;

        if (!is_known_key(keys, key->text))
            COMPLAIN(loader, key, "unknown key `%.*s`; the keys here are: %s", SHOWN(key),
                     keys->told);
    }
}

/* The value of `key`; NULL, with the finding noted, when there is none. */
static const struct yaml_node *required(struct loader *loader, const struct yaml_node *mapping,
                                        const char *key)
{
    const struct yaml_node *value = yaml_get(mapping, key);

    if (value && !yaml_is_null(value))
        return value;
    COMPLAIN(loader, mapping, "`%s` is missing", key);
    return NULL;
}

/* The text of `node`; NULL, with the finding noted, when it is none. */
static const char *text_of(struct loader *loader, const struct yaml_node *node, const char *key)
{
    if (node->kind != YAML_SCALAR || node->text.length == 0 ||
        node->text.length > COUNTRY_GROUP_TEXT_MAX) {
        COMPLAIN(loader, node, "`%s` is a text of 1 to %d bytes", key, COUNTRY_GROUP_TEXT_MAX);
        return NULL;
    }
    return (const char *)node->text.data;
}

static void read_source(struct loader *loader, const struct yaml_node *root)
{
    const struct yaml_node *node = required(loader, root, "source");

    if (node)
        loader->groups->source = text_of(loader, node, "source");
}

static void read_as_of(struct loader *loader, const struct yaml_node *root)
{
    const struct yaml_node *node = required(loader, root, "as_of");

    if (node && (node->kind != YAML_SCALAR || !day_parse(node->text, &loader->groups->as_of_day)))
        COMPLAIN(loader, node, "`as_of` is a date such as 2026-07-08");
}

static bool is_name(struct span text)
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:._-";

    if (text.length == 0 || text.length > COUNTRY_GROUP_NAME_MAX)
        return false;
    return strspn((const char *)text.data, characters) == text.length;
}

static void read_name(struct loader *loader, const struct yaml_node *set,
                      struct country_group *group)
{
    const struct yaml_node *node = required(loader, set, "name");

    if (!node)
        return;
    if (node->kind != YAML_SCALAR || !is_name(node->text)) {
        COMPLAIN(loader, node, "a name is 1 to %d characters of letters, digits and `: . _ -`",
                 COUNTRY_GROUP_NAME_MAX);
        return;
    }
    if (country_groups_find(loader->groups, node->text))
        COMPLAIN(loader, node, "a set `%.*s` stands further up", SHOWN(node));
    group->name = (const char *)node->text.data;
}

static void read_title(struct loader *loader, const struct yaml_node *set,
                       struct country_group *group)
{
    const struct yaml_node *node = yaml_get(set, "title");
    const char *title = node ? text_of(loader, node, "title") : NULL;

    group->title = title ? title : "";
}

/* Why a code of this kind is in no set; NULL for those that may be. */
static const char *refusal_of(enum country_kind kind)
{
    static const char *const refusals[] = {
        [COUNTRY_KIND_BRITISH] = "the code of a status, it shows the citizenship of no country",
        [COUNTRY_KIND_ORGANIZATION] = "the code of an organization and no country",
        [COUNTRY_KIND_STATELESS] = "the code of stateless persons and no country",
        [COUNTRY_KIND_REFUGEE] = "the code of refugees and no country",
        [COUNTRY_KIND_UNSPECIFIED] = "the code of an unspecified nationality and no country",
        [COUNTRY_KIND_SPECIMEN] = "the code of specimens and no country",
        [COUNTRY_KIND_FORMER] = "the code of a state that is gone: name its successors",
    };

    return (size_t)kind < ARRAY_LEN(refusals) ? refusals[kind] : NULL;
}

static void read_country(struct loader *loader, const struct yaml_node *node,
                         struct country_group *group)
{
    const char *refusal;
    country_id id, meant;

    if (node->kind != YAML_SCALAR) {
        COMPLAIN(loader, node, "a country is an ISO 3166-1 alpha-3 code such as DEU");
        return;
    }
    id = country_from_alpha3(node->text);
    meant = country_from_iso(node->text);
    if (id == COUNTRY_NONE && meant != COUNTRY_NONE)
        COMPLAIN(loader, node, "`%.*s` is written %s here", SHOWN(node),
                 country_get(meant)->alpha3);
    else if (id == COUNTRY_NONE)
        COMPLAIN(loader, node, "`%.*s` is not an ISO 3166-1 alpha-3 code such as DEU", SHOWN(node));
    else if ((refusal = refusal_of(country_get(id)->kind)))
        COMPLAIN(loader, node, "`%s` is %s", country_get(id)->alpha3, refusal);
    else if (country_set_has(&group->countries, id))
        COMPLAIN(loader, node, "`%s` stands twice in this set", country_get(id)->alpha3);
    else
        country_set_add(&group->countries, id);
}

static void read_countries(struct loader *loader, const struct yaml_node *set,
                           struct country_group *group)
{
    const struct yaml_node *node = required(loader, set, "countries");

    if (!node)
        return;
    if (node->kind != YAML_SEQUENCE || node->count == 0) {
        COMPLAIN(loader, node, "`countries` is a list of at least one code");
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        read_country(loader, node->items[i], group);
}

/* The group is counted when it has a name, so that a later set of that name is found. */
static void read_set(struct loader *loader, const struct yaml_node *set)
{
    struct country_group *group = &loader->groups->groups[loader->groups->count];

    if (set->kind != YAML_MAPPING) {
        COMPLAIN(loader, set, "a set is a mapping with the keys %s", set_keys.told);
        return;
    }
    *group = (struct country_group){0};
    check_keys(loader, set, &set_keys);
    read_name(loader, set, group);
    read_title(loader, set, group);
    read_countries(loader, set, group);
    if (group->name)
        loader->groups->count++;
}

static void read_sets(struct loader *loader, const struct yaml_node *root)
{
    const struct yaml_node *node = required(loader, root, "sets");

    if (!node)
        return;
    if (node->kind != YAML_SEQUENCE || node->count == 0 || node->count > COUNTRY_GROUPS_MAX) {
        COMPLAIN(loader, node, "`sets` is a list of 1 to %d sets", COUNTRY_GROUPS_MAX);
        return;
    }
    loader->groups->groups = arena_new_array(loader->arena, struct country_group, node->count);
    for (size_t i = 0; i < node->count; i++)
        read_set(loader, node->items[i]);
}

struct country_groups *country_groups_load(struct span content, const char *file,
                                           struct arena *arena, struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics->error_count;
    struct yaml_node *root = yaml_parse(content, file, arena, diagnostics);
    struct loader loader = {.file = file, .arena = arena, .diagnostics = diagnostics};

    if (!root)
        return NULL;
    if (root->kind != YAML_MAPPING) {
        COMPLAIN(&loader, root, "the file is a mapping with the keys %s", file_keys.told);
        return NULL;
    }
    loader.groups = arena_new(arena, struct country_groups);
    check_keys(&loader, root, &file_keys);
    read_source(&loader, root);
    read_as_of(&loader, root);
    read_sets(&loader, root);
    digest_sha256_hex(content, loader.groups->digest);
    return diagnostics->error_count == errors_before ? loader.groups : NULL;
}

struct span country_groups_default(void)
{
    return span_of(country_groups_ear, country_groups_ear_length);
}

const struct country_group *country_groups_find(const struct country_groups *groups,
                                                struct span name)
{
    for (size_t i = 0; i < groups->count; i++)
        if (span_is(name, groups->groups[i].name))
            return &groups->groups[i];
    return NULL;
}
