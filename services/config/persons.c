/* SPDX-License-Identifier: Apache-2.0 */
/* `persons:`: natural persons who have several callers. */
#include "config/allowance.h"
#include "config/caller_id.h"
#include "config/value.h"
#include "domain/field/pattern.h"

enum { PERSON_ID_MAX = 128, PERSON_CALLERS_MAX = 64 };

static void read_id(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    void *row)
{
    struct config_person *person = row;

    section_read_text(loader, field, value, PERSON_ID_MAX, &person->id);
}

static void read_callers(struct loader *loader, const struct field *field,
                         const struct yaml_node *value, void *row)
{
    struct config_person *person = row;
    struct span *callers;
    size_t count = 0;

    if (value->kind != YAML_SEQUENCE || value->count == 0 || value->count > PERSON_CALLERS_MAX) {
        section_complain(loader, field, value, NULL);
        return;
    }
    callers = arena_new_array(loader->arena, struct span, value->count);
    for (size_t i = 0; i < value->count; i++) {
        if (!caller_id_read(loader, field, value->items[i], &callers[count]))
            continue;
        if (pattern_is_one(callers[count]))
            section_complain(loader, field, value->items[i], NULL);
        else
            count++;
    }
    person->callers = callers;
    person->caller_count = count;
}

static bool has_caller(const struct config_person *person, size_t count, struct span id)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(person->callers[i], id))
            return true;
    return false;
}

/* A caller is of one person: nobody is two. */
static void check_callers(struct loader *loader, const struct config_person *persons,
                          const struct config_place *places, size_t index)
{
    const struct config_person *person = &persons[index];

    for (size_t k = 0; k < person->caller_count; k++)
        for (size_t i = 0; i <= index; i++)
            if (has_caller(&persons[i], i < index ? persons[i].caller_count : k,
                           person->callers[k])) {
                loader_error(loader, places[index], "caller %s stands in line %d already",
                             loader_quote(loader, person->callers[k]), places[i].line);
                break;
            }
}

static void keep(struct loader *loader, void *rows, const struct config_place *places, size_t count)
{
    const struct config_person *persons = rows;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i && persons[i].id.length > 0; j++)
            if (span_equal(persons[i].id, persons[j].id)) {
                loader_error(loader, places[i], "person %s stands in line %d already",
                             loader_quote(loader, persons[i].id), places[j].line);
                break;
            }
        check_callers(loader, persons, places, i);
    }
    loader->config->persons = persons;
    loader->config->person_count = count;
}

static void print(const struct config *config, FILE *stream)
{
    if (config->person_count == 0)
        fputs("persons: []\n", stream);
    else
        fprintf(stream, "persons:  # file %s\n", config->file);
    for (size_t i = 0; i < config->person_count; i++) {
        const struct config_person *person = &config->persons[i];

        fputs("  - id: ", stream);
        value_print_text((const char *)person->id.data, stream);
        fputs("\n    callers: [", stream);
        for (size_t k = 0; k < person->caller_count; k++) {
            fputs(k > 0 ? ", " : "", stream);
            value_print_text((const char *)person->callers[k].data, stream);
        }
        fputs("]\n", stream);
        allowance_print(&person->allowance, stream);
    }
}

static void read_calls_per_second(struct loader *loader, const struct field *field,
                                  const struct yaml_node *value, void *row)
{
    allowance_read(loader, field, value, &((struct config_person *)row)->allowance.calls_per_second,
                   CONFIG_CALLS_PER_SECOND_MAX);
}

static void read_calls_in_flight(struct loader *loader, const struct field *field,
                                 const struct yaml_node *value, void *row)
{
    allowance_read(loader, field, value, &((struct config_person *)row)->allowance.calls_in_flight,
                   CONFIG_CALLS_IN_FLIGHT_MAX);
}

static void read_subjects_per_hour(struct loader *loader, const struct field *field,
                                   const struct yaml_node *value, void *row)
{
    allowance_read(loader, field, value,
                   &((struct config_person *)row)->allowance.subjects_per_hour,
                   CONFIG_SUBJECTS_PER_HOUR_MAX);
}

static const struct field fields[] = {
    {.name = "id",
     .is_required = true,
     .expectation = "a text of at most 128 bytes",
     .help = "a name for this person; stands once",
     .read = read_id},
    {.name = "callers",
     .is_required = true,
     .expectation = "a list of 1 to 64 ids of callers, no patterns",
     .help = "all that are this person's; a caller is of one person",
     .read = read_callers},
    {.name = "calls_per_second",
     .expectation = ALLOWANCE_CALLS_PER_SECOND,
     .help = "as in `callers`, for all of the person's callers together and beside their own",
     .read = read_calls_per_second},
    {.name = "calls_in_flight",
     .expectation = ALLOWANCE_CALLS_IN_FLIGHT,
     .help = "likewise",
     .read = read_calls_in_flight},
    {.name = "subjects_per_hour",
     .expectation = ALLOWANCE_SUBJECTS_PER_HOUR,
     .help = "likewise",
     .read = read_subjects_per_hour},
};

static const char *const example[] = {
    "persons:",
    "  - id: reviewer-07",
    "    callers: [spiffe://corp.example/ns/desk/sa/r07, r07.example]",
    "    subjects_per_hour: 200",
    NULL,
};

const struct section persons_section = {
    .name = "persons",
    .help = "A natural person behind several callers is one person: here it is said whose they "
            "are. What a person uses up is counted over all its callers.",
    .fields = fields,
    .field_count = ARRAY_LEN(fields),
    .row_size = sizeof(struct config_person),
    .example = example,
    .keep = keep,
    .print = print,
};
