/* SPDX-License-Identifier: Apache-2.0 */
/* Persons of the cases, read from YAML. */
#include "directive_cases/persons.h"

#include <stdlib.h>

void cases_fail(const struct yaml_node *node, const char *what)
{
    fprintf(stderr, "line %d, column %d: %s\n", node->line, node->column, what);
    exit(2);
}

struct word {
    const char *word;
    unsigned value;
};

static unsigned word_value(const struct yaml_node *node, const struct word *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(node->text, words[i].word))
            return words[i].value;
    cases_fail(node, "unknown word");
}

static unsigned words_value(const struct yaml_node *list, const struct word *words, size_t count)
{
    unsigned value = 0;

    for (size_t i = 0; list && i < list->count; i++)
        value |= word_value(list->items[i], words, count);
    return value;
}

static const struct word statuses[] = {
    {"citizen", US_STATUS_CITIZEN}, {"national", US_STATUS_NATIONAL},
    {"lpr", US_STATUS_LPR},         {"refugee", US_STATUS_REFUGEE},
    {"asylee", US_STATUS_ASYLEE},   {"temporary", US_STATUS_TEMPORARY},
    {"none", US_STATUS_NONE},
};
static const struct word sources[] = {
    {"document", FACT_SOURCE_DOCUMENT}, {"declaration", FACT_SOURCE_DECLARATION},
    {"register", FACT_SOURCE_REGISTER}, {"reviewer", FACT_SOURCE_REVIEWER},
    {"employer", FACT_SOURCE_EMPLOYER},
};
static const struct word kinds[] = {
    {"user", SUBJECT_USER},
    {"employee", SUBJECT_EMPLOYEE},
    {"service", SUBJECT_SERVICE},
    {"unspecified", SUBJECT_KIND_UNSPECIFIED},
};
static const struct word flags[] = {
    {"us_conflict", FACTS_US_CONFLICT}, {"citizenship_conflict", FACTS_CITIZENSHIP_CONFLICT},
    {"us_expired", FACTS_US_EXPIRED},   {"accredited", FACTS_ACCREDITED},
    {"stateless", FACTS_STATELESS},     {"birth_conflict", FACTS_BIRTH_CONFLICT},
};
static const struct word affiliations[] = {
    {"employee", AFFILIATION_EMPLOYEE},
    {"contractor", AFFILIATION_CONTRACTOR},
    {"agent", AFFILIATION_AGENT},
};
static const struct word organization_kinds[] = {
    {"company", ORGANIZATION_COMPANY},
    {"government", ORGANIZATION_GOVERNMENT},
    {"international", ORGANIZATION_INTERNATIONAL},
};
static const struct word levels[] = {
    {"ial1", ASSURANCE_IAL1}, {"ial2", ASSURANCE_IAL2}, {"ial3", ASSURANCE_IAL3}};

static bool is_true(const struct yaml_node *node)
{
    return node && span_is(node->text, "true");
}

static uint8_t proof_of(const struct yaml_node *row)
{
    const struct yaml_node *node = yaml_get(row, "proof");

    return (uint8_t)(node ? proof_from_word(node->text) : PROOF_DOCUMENT_AUTHENTICATED);
}

static uint8_t source_of(const struct yaml_node *row)
{
    const struct yaml_node *node = yaml_get(row, "source");

    return (uint8_t)(node ? word_value(node, sources, ARRAY_LEN(sources)) : FACT_SOURCE_DOCUMENT);
}

static country_id country_of(const struct yaml_node *node)
{
    country_id country = node ? country_from_alpha3(node->text) : COUNTRY_NONE;

    if (node && country == COUNTRY_NONE)
        cases_fail(node, "unknown country");
    return country;
}

/* `1990-01-01`, `before 1990-01-01`, or nothing. */
static void read_acquired(const struct yaml_node *node, struct facts_nationality *row)
{
    struct span text = node ? node->text : span_of(NULL, 0);
    bool is_before = span_starts_with(text, span_text("before "));

    row->acquired_day = DAY_NONE;
    if (!node)
        return;
    if (!day_parse(is_before ? span_from(text, 7) : text, &row->acquired_day))
        cases_fail(node, "not a day");
    row->acquired_precision = is_before ? DATE_BEFORE : DATE_EXACT;
}

static uint8_t read_nationalities(const struct yaml_node *list, struct facts_nationality *rows)
{
    size_t count = list ? list->count : 0;

    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *item = list->items[i];

        rows[i] = (struct facts_nationality){
            .country = country_of(yaml_get(item, "country")),
            .proof = proof_of(item),
            .source = source_of(item),
            .lost_day = DAY_NONE,
        };
        read_acquired(yaml_get(item, "acquired"), &rows[i]);
        if (is_true(yaml_get(item, "lost")))
            rows[i].flags |= FACTS_NATIONALITY_LOST;
        if (is_true(yaml_get(item, "conflict")))
            rows[i].flags |= FACTS_NATIONALITY_CONFLICT;
    }
    return (uint8_t)count;
}

static void read_lists(const struct yaml_node *person, struct facts_content *content)
{
    const struct yaml_node *us_statuses = yaml_get(person, "us_status");
    const struct yaml_node *affiliated = yaml_get(person, "affiliations");

    content->header.citizenship_count =
        read_nationalities(yaml_get(person, "citizenships"), content->citizenships);
    content->header.residency_count =
        read_nationalities(yaml_get(person, "residencies"), content->residencies);
    for (size_t i = 0; us_statuses && i < us_statuses->count; i++) {
        const struct yaml_node *item = us_statuses->items[i];

        content->us_statuses[content->header.us_status_count++] = (struct facts_us_status){
            .possible =
                (uint8_t)words_value(yaml_get(item, "possible"), statuses, ARRAY_LEN(statuses)),
            .proof = proof_of(item),
            .source = source_of(item),
        };
    }
    for (size_t i = 0; affiliated && i < affiliated->count; i++) {
        const struct yaml_node *item = affiliated->items[i];

        content->affiliations[content->header.affiliation_count++] = (struct facts_affiliation){
            .organization = organization_key(yaml_get(item, "organization")->text),
            .as = (uint8_t)words_value(yaml_get(item, "as"), affiliations, ARRAY_LEN(affiliations)),
            .is_complete = is_true(yaml_get(item, "complete")),
        };
    }
}

static const char *const person_keys[] = {
    "kind",  "us_status", "citizenships", "residencies", "affiliations", "complete",
    "flags", "born_in",   "assurance",    "evidence",    "organization", "birth_proof",
};

static void check_keys(const struct yaml_node *person)
{
    for (size_t i = 0; i < person->count; i++) {
        bool is_known = false;

        for (size_t j = 0; j < ARRAY_LEN(person_keys); j++)
            is_known = is_known || span_is(person->pairs[i].key->text, person_keys[j]);
        if (!is_known)
            cases_fail(person->pairs[i].key, "unknown key of a person");
    }
}

static void read_person(const struct yaml_node *person, struct facts_content *content)
{
    const struct yaml_node *kind = yaml_get(person, "kind");
    const struct yaml_node *level = yaml_get(person, "assurance");
    const struct yaml_node *classes = yaml_get(person, "evidence");
    const struct yaml_node *birth_proof = yaml_get(person, "birth_proof");
    struct facts_header *header = &content->header;

    header->valid_until_ms = TIMESTAMP_NEVER_MS;
    header->subject_kind =
        (uint8_t)(kind ? word_value(kind, kinds, ARRAY_LEN(kinds)) : (unsigned)SUBJECT_USER);
    header->flags = (uint16_t)words_value(yaml_get(person, "flags"), flags, ARRAY_LEN(flags));
    if (is_true(yaml_get(person, "complete")))
        header->flags |= FACTS_CITIZENSHIPS_COMPLETE;
    header->birth_country = country_of(yaml_get(person, "born_in"));
    if (header->birth_country != COUNTRY_NONE)
        header->birth_proof = (uint8_t)(birth_proof ? proof_from_word(birth_proof->text)
                                                    : PROOF_DOCUMENT_AUTHENTICATED);
    if (level)
        header->assurance = (uint8_t)word_value(level, levels, ARRAY_LEN(levels));
    for (size_t i = 0; classes && i < classes->count; i++)
        header->evidence_classes |= 1U << evidence_class_from_word(classes->items[i]->text);
    if (header->evidence_classes)
        header->flags |= FACTS_HAS_EVIDENCE;
    read_lists(person, content);
}

struct organizations organizations_read(const struct yaml_node *root, struct arena *arena)
{
    const struct yaml_node *list = yaml_get(root, "organizations");
    struct organization *rows = arena_new_array(arena, struct organization, list->count);

    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_node *item = list->items[i];

        rows[i] = (struct organization){
            .id = yaml_get(item, "id")->text,
            .is_self = is_true(yaml_get(item, "self")),
            .organized_in = country_of(yaml_get(item, "organized_in")),
            .kind = word_value(yaml_get(item, "kind"), organization_kinds,
                               ARRAY_LEN(organization_kinds)),
        };
    }
    return (struct organizations){rows, list->count};
}

struct persons persons_read(const struct yaml_node *root, const struct organizations *organizations,
                            struct arena *arena)
{
    const struct yaml_node *map = yaml_get(root, "persons");
    struct persons persons = {arena_new_array(arena, struct person, map->count), map->count};

    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *person = map->pairs[i].value;
        const struct yaml_node *organization = yaml_get(person, "organization");
        struct facts_content content = {0};

        check_keys(person);
        if (organization && !organization_find(organizations, organization->text))
            cases_fail(organization, "unknown organization");
        if (organization)
            facts_of_organization(organization_find(organizations, organization->text), &content);
        else
            read_person(person, &content);
        persons.rows[i] = (struct person){map->pairs[i].key->text, facts_pack(&content, arena)};
    }
    return persons;
}

const struct facts *persons_find(const struct persons *persons, struct span name)
{
    for (size_t i = 0; i < persons->count; i++)
        if (span_equal(persons->rows[i].name, name))
            return persons->rows[i].facts;
    return NULL;
}
