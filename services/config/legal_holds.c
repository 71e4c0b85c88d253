/* SPDX-License-Identifier: Apache-2.0 */
/* `legal_holds:`: of what time nothing of the audit log may be removed. */
#include "base/timestamp.h"
#include "config/section.h"
#include "config/value.h"

enum { HOLD_ID_MAX = 64, HOLD_REASON_MAX = 512 };

/* One word: it stands between others in records. */
static void read_id(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    void *row)
{
    struct config_legal_hold *hold = row;
    struct span id;

    if (!section_read_text(loader, field, value, HOLD_ID_MAX, &id))
        return;
    if (memchr(id.data, ' ', id.length))
        section_complain(loader, field, value, NULL);
    else
        hold->id = id;
}

static bool read_moment(struct loader *loader, const struct field *field,
                        const struct yaml_node *value, int64_t *ms)
{
    if (value->kind == YAML_SCALAR && timestamp_parse(value->text, ms))
        return true;
    section_complain(loader, field, value, NULL);
    return false;
}

static void read_from(struct loader *loader, const struct field *field,
                      const struct yaml_node *value, void *row)
{
    struct config_legal_hold *hold = row;

    hold->has_from = read_moment(loader, field, value, &hold->from_ms);
}

static void read_until(struct loader *loader, const struct field *field,
                       const struct yaml_node *value, void *row)
{
    struct config_legal_hold *hold = row;

    hold->has_until = read_moment(loader, field, value, &hold->until_ms);
}

static void read_reason(struct loader *loader, const struct field *field,
                        const struct yaml_node *value, void *row)
{
    section_read_text(loader, field, value, HOLD_REASON_MAX,
                      &((struct config_legal_hold *)row)->reason);
}

static void check_twice(struct loader *loader, const struct config_legal_hold *holds,
                        const struct config_place *places, size_t index)
{
    for (size_t i = 0; i < index && holds[index].id.length > 0; i++)
        if (span_equal(holds[i].id, holds[index].id)) {
            loader_error(loader, places[index], "legal hold %s stands in line %d already",
                         loader_quote(loader, holds[index].id), places[i].line);
            return;
        }
}

static void keep(struct loader *loader, void *rows, const struct config_place *places, size_t count)
{
    struct config_legal_hold *holds = rows;

    for (size_t i = 0; i < count; i++) {
        check_twice(loader, holds, places, i);
        if (!holds[i].has_from)
            holds[i].from_ms = INT64_MIN;
        if (!holds[i].has_until)
            holds[i].until_ms = INT64_MAX;
        if (holds[i].from_ms >= holds[i].until_ms)
            loader_error(loader, places[i], "`until` must be after `from`");
    }
    loader->config->legal_holds = holds;
    loader->config->legal_hold_count = count;
}

static void print_moment(const char *name, int64_t ms, FILE *stream)
{
    char text[TIMESTAMP_TEXT_MAX];

    fprintf(stream, "    %s: ", name);
    value_print_text(timestamp_format(ms, text), stream);
    fputc('\n', stream);
}

static void print(const struct config *config, FILE *stream)
{
    if (config->legal_hold_count == 0)
        fputs("legal_holds: []\n", stream);
    else
        fprintf(stream, "legal_holds:  # file %s\n", config->file);
    for (size_t i = 0; i < config->legal_hold_count; i++) {
        const struct config_legal_hold *hold = &config->legal_holds[i];

        fputs("  - id: ", stream);
        value_print_text((const char *)hold->id.data, stream);
        fputc('\n', stream);
        if (hold->has_from)
            print_moment("from", hold->from_ms, stream);
        if (hold->has_until)
            print_moment("until", hold->until_ms, stream);
        fputs("    reason: ", stream);
        value_print_text((const char *)hold->reason.data, stream);
        fputc('\n', stream);
    }
}

static const struct field fields[] = {
    {.name = "id",
     .is_required = true,
     .expectation = "a text of at most 64 bytes without blanks",
     .help = "a name for this hold; stands once",
     .read = read_id},
    {.name = "reason",
     .is_required = true,
     .expectation = "a text of at most 512 bytes",
     .help = "why; it stands in the audit log, so it names nobody",
     .read = read_reason},
    {.name = "from",
     .expectation = "a time with its offset, such as 2026-06-12T17:21:00-04:00",
     .help = "records from then on; without it: from the first",
     .read = read_from},
    {.name = "until",
     .expectation = "a time with its offset, such as 2026-06-12T17:21:00-04:00",
     .help = "records before that; without it: without an end",
     .read = read_until},
};

static const char *const example[] = {
    "legal_holds:",
    "  - id: case-2026-17",
    "    from: 2026-06-12T00:00:00Z",
    "    reason: preservation letter of 2026-07-01",
    NULL,
};

const struct section legal_holds_section = {
    .name = "legal_holds",
    .help = "Spans of time of which nothing of the audit log is removed, whatever "
            "`audit.retention` says. Setting and lifting one leaves a record.",
    .fields = fields,
    .field_count = ARRAY_LEN(fields),
    .row_size = sizeof(struct config_legal_hold),
    .example = example,
    .keep = keep,
    .print = print,
};
