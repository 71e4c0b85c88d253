/* SPDX-License-Identifier: Apache-2.0 */
/* `organizations:`: employers, partners, missions, and the operator itself. */
#include "config/section.h"
#include "config/value.h"

enum { ORGANIZATION_ID_MAX = 128, ATTESTERS_MAX = 64, ATTESTER_MAX = 2048 };

static const char *const kinds[] = {
    [ORGANIZATION_KIND_UNSPECIFIED] = "", /* what a file cannot say: an empty word is no word */
    [ORGANIZATION_COMPANY] = "company",
    [ORGANIZATION_GOVERNMENT] = "government",
    [ORGANIZATION_INTERNATIONAL] = "international",
    NULL,
};

/* The characters of subject ids: organizations are subjects too. */
static bool is_id(struct span id)
{
    for (size_t i = 0; i < id.length; i++) {
        uint8_t c = id.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !strchr("._:@/+=-|", c))
            return false;
    }
    return id.length > 0;
}

static void read_id(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    void *row)
{
    struct organization *organization = row;
    struct span id;

    if (!section_read_text(loader, field, value, ORGANIZATION_ID_MAX, &id))
        return;
    if (span_is(id, "self"))
        loader_error(loader, section_place(loader, value),
                     "`self` is how directives call the organization with `self: true`: choose "
                     "another id");
    else if (!is_id(id))
        section_complain(loader, field, value, NULL);
    else
        organization->id = id;
}

static void read_self(struct loader *loader, const struct field *field,
                      const struct yaml_node *value, void *row)
{
    static const char *const words[] = {"false", "true", NULL};
    struct organization *organization = row;
    unsigned word;

    if (section_read_word(loader, field, value, words, &word))
        organization->is_self = word == 1;
}

static void read_attesters(struct loader *loader, const struct field *field,
                           const struct yaml_node *value, void *row)
{
    struct organization *organization = row;
    struct span *attesters;
    size_t count = 0;

    if (value->kind != YAML_SEQUENCE || value->count > ATTESTERS_MAX) {
        section_complain(loader, field, value, NULL);
        return;
    }
    attesters = arena_new_array(loader->arena, struct span, value->count);
    for (size_t i = 0; i < value->count; i++)
        if (section_read_text(loader, field, value->items[i], ATTESTER_MAX, &attesters[count]))
            count++;
    organization->attesters = attesters;
    organization->attester_count = count;
}

static void read_place(struct loader *loader, const struct field *field,
                       const struct yaml_node *value, void *row)
{
    struct organization *organization = row;
    enum country_kind kind;
    country_id id;

    if (value->kind != YAML_SCALAR) {
        section_complain(loader, field, value, NULL);
        return;
    }
    id = country_from_iso(value->text);
    kind = country_get(id)->kind;
    if (id == COUNTRY_NONE || (kind != COUNTRY_KIND_STATE && kind != COUNTRY_KIND_TERRITORY))
        section_complain(loader, field, value, NULL);
    else if (value->text.length != 3)
        section_complain(loader, field, value, country_get(id)->alpha3);
    else
        organization->organized_in = id;
}

static void read_kind(struct loader *loader, const struct field *field,
                      const struct yaml_node *value, void *row)
{
    struct organization *organization = row;
    unsigned kind;

    /* From the second word on: the first is none. */
    if (section_read_word(loader, field, value, kinds + 1, &kind))
        organization->kind = (enum organization_kind)(kind + 1);
}

static void keep(struct loader *loader, void *rows, const struct config_place *places, size_t count)
{
    const struct organization *row = rows;
    size_t self = count;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i && row[i].id.length > 0; j++)
            if (span_equal(row[i].id, row[j].id)) {
                loader_error(loader, places[i], "organization %s stands in line %d already",
                             loader_quote(loader, row[i].id), places[j].line);
                break;
            }
        if (!row[i].is_self)
            continue;
        if (self < count)
            loader_error(loader, places[i],
                         "the organization in line %d is `self` already: there is one operator",
                         places[self].line);
        else
            self = i;
    }
    loader->config->organizations = (struct organizations){rows, count};
    loader->organization_places = places;
}

static void print_row(const struct organization *organization, FILE *stream)
{
    fputs("  - id: ", stream);
    value_print_text((const char *)organization->id.data, stream);
    fputc('\n', stream);
    if (organization->is_self)
        fputs("    self: true\n", stream);
    fputs("    attesters: [", stream);
    for (size_t i = 0; i < organization->attester_count; i++) {
        fputs(i > 0 ? ", " : "", stream);
        value_print_text((const char *)organization->attesters[i].data, stream);
    }
    fputs("]\n", stream);
    if (organization->organized_in != COUNTRY_NONE)
        fprintf(stream, "    place: %s\n", country_get(organization->organized_in)->alpha3);
    if (organization->kind != ORGANIZATION_KIND_UNSPECIFIED)
        fprintf(stream, "    kind: %s\n", kinds[organization->kind]);
}

static void print(const struct config *config, FILE *stream)
{
    const struct organizations *list = &config->organizations;

    if (list->count == 0)
        fputs("organizations: []\n", stream);
    else
        fprintf(stream, "organizations:  # file %s\n", config->file);
    for (size_t i = 0; i < list->count; i++)
        print_row(&list->rows[i], stream);
}

static const struct field fields[] = {
    {.name = "id",
     .is_required = true,
     .expectation = "1 to 128 letters, digits and . _ : @ / + = - |, such as org/partner-a",
     .help = "how directives and affiliations call it; stands once",
     .read = read_id},
    {.name = "self",
     .expectation = "true or false",
     .help = "whether it is the operator, `self` in directives; true at most once",
     .read = read_self},
    {.name = "attesters",
     .expectation = "a list of at most 64 ids of callers",
     .help = "callers with the role `attester` that may set affiliations with it; `local` may "
             "always",
     .read = read_attesters},
    {.name = "place",
     .expectation = "an ISO 3166-1 alpha-3 code, such as DEU",
     .help = "under whose law it is organized; without it that is not known",
     .read = read_place},
    {.name = "kind",
     .expectation = "one of company, government, international",
     .help = "`international` is a foreign person wherever it sits; without it that is not known",
     .read = read_kind},
};

static const char *const example[] = {
    "organizations:",
    "  - id: org/operator",
    "    self: true",
    "    attesters: [spiffe://corp.example/ns/people/sa/hr]",
    "    place: USA",
    "    kind: company",
    NULL,
};

const struct section organizations_section = {
    .name = "organizations",
    .help = "Employers, partners, missions, and the operator itself: whom subjects can be "
            "affiliated with. One that is not listed is unknown.",
    .fields = fields,
    .field_count = ARRAY_LEN(fields),
    .row_size = sizeof(struct organization),
    .example = example,
    .keep = keep,
    .print = print,
};
