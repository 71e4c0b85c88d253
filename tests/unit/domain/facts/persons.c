/* SPDX-License-Identifier: Apache-2.0 */
/* Reading persons.yaml. */
#include "persons.h"

#include "base/attributes.h"

#include <stdlib.h>

struct word {
    const char *text;
    unsigned number;
};

static const struct word sources[] = {
    {"declaration", FACT_SOURCE_DECLARATION},
    {"register", FACT_SOURCE_REGISTER},
    {"reviewer", FACT_SOURCE_REVIEWER},
    {"employer", FACT_SOURCE_EMPLOYER},
};
static const struct word endorsements[] = {
    {"absent", US_ENDORSEMENT_ABSENT},
    {"national", US_ENDORSEMENT_NATIONAL},
};
static const struct word i94_classes[] = {
    {"refugee", I94_REFUGEE},
    {"asylee", I94_ASYLEE},
    {"other", I94_OTHER},
};
static const struct word i797_types[] = {
    {"i751_receipt", I797_I751_RECEIPT},   {"i829_receipt", I797_I829_RECEIPT},
    {"i90_receipt", I797_I90_RECEIPT},     {"asylum_grant", I797_ASYLUM_GRANT},
    {"i485_approval", I797_I485_APPROVAL}, {"other", I797_OTHER},
};
static const struct word affiliations[] = {
    {"employee", AFFILIATION_EMPLOYEE},
    {"contractor", AFFILIATION_CONTRACTOR},
    {"agent", AFFILIATION_AGENT},
};

static _Noreturn void refuse(const struct yaml_node *node, const char *why)
{
    fprintf(stderr, "persons.yaml:%d: %s: %.*s\n", node->line, why, SPAN_FORMAT(node->text));
    exit(2);
}

static unsigned number_of(const struct yaml_node *node, const struct word *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(node->text, words[i].text))
            return words[i].number;
    refuse(node, "unknown word");
}

static country_id country_of(const struct yaml_node *node)
{
    country_id id = country_from_alpha3(node->text);

    if (id == COUNTRY_NONE)
        refuse(node, "unknown country");
    return id;
}

static int32_t day_of(const struct yaml_node *node)
{
    int32_t day;

    if (!day_parse(node->text, &day))
        refuse(node, "not a day");
    return day;
}

/* A day is its first moment. */
static int64_t moment_of(const struct yaml_node *node)
{
    int64_t ms;

    return timestamp_parse(node->text, &ms) ? ms : day_start_ms(day_of(node));
}

static struct evidence_date acquired_of(const struct yaml_node *node)
{
    struct evidence_date date = {node->text.data[0] == '=' ? DATE_EXACT : DATE_BEFORE, DAY_NONE};

    if (!day_parse(span_from(node->text, 1), &date.day))
        refuse(node, "not a date");
    return date;
}

/* What a field of a piece of evidence holds, and where. */
enum field_kind { COUNTRY, DAY, MOMENT, DATE, CATEGORY, DIGIT, TEXT, FLAG, WORD, NAME };

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    const struct word *words; /* WORD */
    size_t word_count;
    unsigned (*number)(struct span); /* NAME */
} fields[] = {
#define FIELD(name, kind, member)                                  \
    {                                                              \
        (name), (kind), offsetof(struct evidence, member), 0, 0, 0 \
    }
#define WORDS(name, member, words)                                                    \
    {                                                                                 \
        (name), WORD, offsetof(struct evidence, member), (words), ARRAY_LEN(words), 0 \
    }
#define NAMES(name, member, number)                                     \
    {                                                                   \
        (name), NAME, offsetof(struct evidence, member), 0, 0, (number) \
    }
    NAMES("class", class, evidence_class_from_word),
    NAMES("states", statement, statement_kind_from_word),
    NAMES("proof", proof, proof_from_word),
    WORDS("source", source, sources),
    WORDS("endorsement", us_endorsement, endorsements),
    WORDS("i94", i94_class, i94_classes),
    WORDS("i797", i797_type, i797_types),
    FIELD("issuer", COUNTRY, issuer),
    FIELD("nationality", COUNTRY, nationality),
    FIELD("accredited_to", COUNTRY, accredited_to),
    FIELD("birth", COUNTRY, birth_country),
    FIELD("country", COUNTRY, country),
    FIELD("issued", DAY, issued_day),
    FIELD("expires", DAY, expires_day),
    FIELD("since", DAY, resident_since_day),
    FIELD("as_of", DAY, as_of_day),
    FIELD("review_by", DAY, review_by_day),
    FIELD("verified", MOMENT, verified_at_ms),
    FIELD("accepted", MOMENT, accepted_at_ms),
    FIELD("acquired", DATE, acquired),
    FIELD("i551", CATEGORY, i551_category),
    FIELD("ead", CATEGORY, ead_category),
    FIELD("assurance", DIGIT, assurance),
    FIELD("document", DIGIT, document_hash),
    FIELD("person_hash", DIGIT, person_hash),
    FIELD("vendor", TEXT, vendor),
    FIELD("check", TEXT, check_id),
    FIELD("photo_id", FLAG, has_photo_id),
    FIELD("revoked", FLAG, is_revoked),
#undef FIELD
#undef WORDS
#undef NAMES
};

static void read_value(const struct field *field, const struct yaml_node *value, void *at)
{
    switch (field->kind) {
    case COUNTRY: *(country_id *)at = country_of(value); break;
    case DAY: *(int32_t *)at = day_of(value); break;
    case MOMENT: *(int64_t *)at = moment_of(value); break;
    case DATE: *(struct evidence_date *)at = acquired_of(value); break;
    case CATEGORY:
        if (value->text.length > EVIDENCE_CATEGORY_MAX)
            refuse(value, "category too long");
        memcpy(at, value->text.data, value->text.length);
        break;
    case DIGIT: *(uint8_t *)at = (uint8_t)(value->text.data[0] - '0'); break;
    case TEXT: *(struct span *)at = value->text; break;
    case FLAG: *(bool *)at = span_is(value->text, "true"); break;
    case WORD: *(unsigned *)at = number_of(value, field->words, field->word_count); break;
    case NAME:
        *(unsigned *)at = field->number(value->text);
        if (*(unsigned *)at == 0)
            refuse(value, "unknown word");
        break;
    }
}

static void read_field(const struct yaml_node *key, const struct yaml_node *value,
                       struct evidence *evidence)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (span_is(key->text, fields[i].name)) {
            read_value(&fields[i], value, (char *)evidence + fields[i].offset);
            return;
        }
    refuse(key, "unknown field");
}

static struct evidence evidence_of(const struct yaml_node *node, int64_t at_ms)
{
    struct evidence evidence = EVIDENCE_EMPTY;

    evidence.vendor = span_text("vendor");
    evidence.verified_at_ms = at_ms;
    evidence.accepted_at_ms = at_ms;
    for (size_t i = 0; i < node->count; i++)
        read_field(node->pairs[i].key, node->pairs[i].value, &evidence);
    if (evidence.class == EVIDENCE_UNSPECIFIED)
        refuse(node, "no class");
    return evidence;
}

static struct affiliation affiliation_of(const struct yaml_node *node)
{
    struct affiliation affiliation = {.until_day = DAY_NONE, .review_by_day = DAY_NONE};

    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *key = node->pairs[i].key, *value = node->pairs[i].value;

        if (span_is(key->text, "organization"))
            affiliation.organization = value->text;
        else if (span_is(key->text, "as"))
            affiliation.as = (uint8_t)number_of(value, affiliations, ARRAY_LEN(affiliations));
        else if (span_is(key->text, "complete"))
            affiliation.is_complete = span_is(value->text, "true");
        else if (span_is(key->text, "until"))
            affiliation.until_day = day_of(value);
        else if (span_is(key->text, "review_by"))
            affiliation.review_by_day = day_of(value);
        else
            refuse(key, "unknown field");
    }
    return affiliation;
}

static struct person person_of(const struct yaml_node *node, struct arena *arena)
{
    const struct yaml_node *evidence = yaml_get(node, "evidence");
    const struct yaml_node *employment = yaml_get(node, "affiliations");
    const struct yaml_node *minor = yaml_get(node, "minor");
    size_t evidence_count = evidence ? evidence->count : 0;
    size_t affiliation_count = employment ? employment->count : 0;
    struct evidence *pieces = arena_new_array(arena, struct evidence, evidence_count + 1);
    struct affiliation *rows = arena_new_array(arena, struct affiliation, affiliation_count + 1);
    struct person person = {
        .name = arena_text(arena, yaml_get(node, "person")->text),
        .line = node->line,
        .facts = yaml_get(node, "facts"),
        .input = {SUBJECT_USER, pieces, evidence_count, rows, affiliation_count, minor != NULL},
    };

    if (!timestamp_parse(yaml_get(node, "at")->text, &person.at_ms))
        refuse(yaml_get(node, "at"), "not an instant");
    for (size_t i = 0; i < evidence_count; i++)
        pieces[i] = evidence_of(evidence->items[i], person.at_ms);
    for (size_t i = 0; i < affiliation_count; i++)
        rows[i] = affiliation_of(employment->items[i]);
    return person;
}

static struct span file_content(const char *name, struct arena *arena)
{
    FILE *file = fopen(name, "rb");
    uint8_t *data = arena_alloc(arena, YAML_FILE_BYTES_MAX);
    size_t length;

    if (!file) {
        perror(name);
        exit(2);
    }
    length = fread(data, 1, YAML_FILE_BYTES_MAX, file);
    fclose(file);
    return span_of(data, length);
}

struct persons persons_load(struct arena *arena)
{
    const char *root = getenv("PASSGATE_SOURCE_DIR");
    const char *name =
        arena_printf(arena, "%s/tests/unit/domain/facts/persons.yaml", root ? root : ".");
    struct diagnostics diagnostics;
    const struct yaml_node *list;
    struct persons persons;

    diagnostics_init(&diagnostics, arena);
    list = yaml_parse(file_content(name, arena), "persons.yaml", arena, &diagnostics);
    diagnostics_print(&diagnostics, stderr);
    if (!list || list->kind != YAML_SEQUENCE)
        exit(2);
    persons.count = list->count;
    persons.rows = arena_new_array(arena, struct person, list->count);
    for (size_t i = 0; i < list->count; i++)
        persons.rows[i] = person_of(list->items[i], arena);
    return persons;
}

static const char *backing_text(const struct facts_nationality *entry)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (sources[i].number == entry->source)
            return sources[i].text;
    return proof_word(entry->proof);
}

const char *nationality_text(const struct facts_nationality *entry, struct arena *arena)
{
    char day[TIMESTAMP_TEXT_MAX];
    const char *text =
        arena_printf(arena, "%s %s", country_get(entry->country)->alpha3, backing_text(entry));

    if (entry->acquired_precision != DATE_UNKNOWN)
        text = arena_printf(arena, "%s %c%s", text,
                            entry->acquired_precision == DATE_EXACT ? '=' : '<',
                            day_format(entry->acquired_day, day));
    if (entry->flags & FACTS_NATIONALITY_LOST)
        text = arena_printf(arena, "%s lost", text);
    if (entry->lost_day != DAY_NONE)
        text = arena_printf(arena, "%s %s", text, day_format(entry->lost_day, day));
    if (entry->flags & FACTS_NATIONALITY_CONFLICT)
        text = arena_printf(arena, "%s conflict", text);
    return text;
}

const char *us_statuses_text(uint8_t possible, struct arena *arena)
{
    static const char *const words[] = {"citizen", "national",  "lpr", "refugee",
                                        "asylee",  "temporary", "none"};
    const char *text = "";

    if (possible == US_STATUS_ANY)
        return "any";
    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        if (possible >> i & 1)
            text = arena_printf(arena, "%s%s%s", text, *text ? " " : "", words[i]);
    return text;
}
