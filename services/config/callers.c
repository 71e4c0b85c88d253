/* SPDX-License-Identifier: Apache-2.0 */
/* `callers:`: which certificate, or whoever has a key, may do what, and how much it is told. */
#include "config/allowance.h"
#include "config/api_keys.h"
#include "config/caller_id.h"
#include "config/value.h"
#include "domain/field/field.h"
#include "domain/field/pattern.h"

enum { SUBJECT_PREFIX_MAX = 128, PURPOSE_MAX = 256 };

static const char *const roles[] = {
    [CONFIG_ROLE_SUBMITTER] = "submitter",
    [CONFIG_ROLE_ATTESTER] = "attester",
    [CONFIG_ROLE_ISSUER] = "issuer",
    [CONFIG_ROLE_CHECKER] = "checker",
    [CONFIG_ROLE_PROPOSER] = "proposer",
    [CONFIG_ROLE_APPROVER] = "approver",
    [CONFIG_ROLE_AUDITOR] = "auditor",
    [CONFIG_ROLE_OPERATOR] = "operator",
    NULL,
};

static const char *const disclosures[] = {
    [CONFIG_DISCLOSE_DECISION] = "decision",
    [CONFIG_DISCLOSE_NEXT_STEP] = "next_step",
    [CONFIG_DISCLOSE_REASONS] = "reasons",
    [CONFIG_DISCLOSE_FACTS] = "facts",
    NULL,
};

/* A row as read; `disclose` has a default that is not 0. */
struct caller_row {
    struct span id;
    struct api_keys api_keys;
    unsigned roles;
    unsigned disclose;
    bool has_disclose;
    struct limits limits;
    struct config_allowance allowance;
};

static void read_id(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    void *row)
{
    struct caller_row *caller = row;

    caller_id_read(loader, field, value, &caller->id);
}

static void read_api_keys(struct loader *loader, const struct field *field,
                          const struct yaml_node *value, void *row)
{
    api_keys_read(loader, field, value, &((struct caller_row *)row)->api_keys);
}

static void read_roles(struct loader *loader, const struct field *field,
                       const struct yaml_node *value, void *row)
{
    struct caller_row *caller = row;
    unsigned role;

    if (value->kind != YAML_SEQUENCE || value->count == 0) {
        section_complain(loader, field, value, NULL);
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        if (!section_read_word(loader, field, value->items[i], roles, &role))
            continue;
        if (caller->roles >> role & 1)
            loader_error(loader, section_place(loader, value->items[i]),
                         "role `%s` stands here a second time", roles[role]);
        caller->roles |= 1u << role;
    }
}

static void read_disclose(struct loader *loader, const struct field *field,
                          const struct yaml_node *value, void *row)
{
    struct caller_row *caller = row;

    caller->has_disclose = section_read_word(loader, field, value, disclosures, &caller->disclose);
}

static bool is_subject_prefix(struct span text)
{
    struct err ignored;

    return field_check(FIELD_KIND_SUBJECT, text, NULL, &ignored);
}

/* "type/id" with stars in it: with a letter in the place of each, it is one that may be asked for.
 */
static bool is_resource_pattern(struct span text)
{
    uint8_t plain[PATTERN_BYTES_MAX];
    const uint8_t *slash;
    struct err ignored;

    if (!pattern_is_valid(text))
        return false;
    for (size_t i = 0; i < text.length; i++)
        plain[i] = text.data[i] == '*' ? 'x' : text.data[i];
    slash = memchr(plain, '/', text.length);
    return slash &&
           field_check(FIELD_KIND_RESOURCE_TYPE, span_of(plain, (size_t)(slash - plain)), NULL,
                       &ignored) &&
           field_check(FIELD_KIND_RESOURCE_ID,
                       span_from(span_of(plain, text.length), (size_t)(slash - plain) + 1), NULL,
                       &ignored);
}

static bool is_purpose(struct span text)
{
    struct err ignored;

    return text.length > 0 && field_check(FIELD_KIND_CONTEXT_VALUE, text, NULL, &ignored);
}

/* An empty list would read as "nothing" to one and as "no limit" to the other: it is refused. */
static void read_list(struct loader *loader, const struct field *field,
                      const struct yaml_node *value, size_t bytes_max,
                      bool (*is_good)(struct span text), struct limit_list *ret_list)
{
    struct span *rows;
    size_t count = 0;

    if (value->kind != YAML_SEQUENCE || value->count == 0 || value->count > CONFIG_LIMIT_ROWS_MAX) {
        section_complain(loader, field, value, NULL);
        return;
    }
    rows = arena_new_array(loader->arena, struct span, value->count);
    for (size_t i = 0; i < value->count; i++) {
        if (!section_read_text(loader, field, value->items[i], bytes_max, &rows[count]))
            continue;
        if (is_good(rows[count]))
            count++;
        else
            section_complain(loader, field, value->items[i], NULL);
    }
    *ret_list = (struct limit_list){rows, count};
}

static void read_subjects(struct loader *loader, const struct field *field,
                          const struct yaml_node *value, void *row)
{
    struct caller_row *caller = row;

    read_list(loader, field, value, SUBJECT_PREFIX_MAX, is_subject_prefix,
              &caller->limits.subjects);
}

static void read_resources(struct loader *loader, const struct field *field,
                           const struct yaml_node *value, void *row)
{
    struct caller_row *caller = row;

    read_list(loader, field, value, PATTERN_BYTES_MAX, is_resource_pattern,
              &caller->limits.resources);
}

static void read_purposes(struct loader *loader, const struct field *field,
                          const struct yaml_node *value, void *row)
{
    struct caller_row *caller = row;

    read_list(loader, field, value, PURPOSE_MAX, is_purpose, &caller->limits.purposes);
}

static void read_calls_per_second(struct loader *loader, const struct field *field,
                                  const struct yaml_node *value, void *row)
{
    allowance_read(loader, field, value, &((struct caller_row *)row)->allowance.calls_per_second,
                   CONFIG_CALLS_PER_SECOND_MAX);
}

static void read_calls_in_flight(struct loader *loader, const struct field *field,
                                 const struct yaml_node *value, void *row)
{
    allowance_read(loader, field, value, &((struct caller_row *)row)->allowance.calls_in_flight,
                   CONFIG_CALLS_IN_FLIGHT_MAX);
}

static void read_subjects_per_hour(struct loader *loader, const struct field *field,
                                   const struct yaml_node *value, void *row)
{
    allowance_read(loader, field, value, &((struct caller_row *)row)->allowance.subjects_per_hour,
                   CONFIG_SUBJECTS_PER_HOUR_MAX);
}

/* Which of two patterns counts is said by how much stands before the first star; where that is the
 * same and one id fits both, nothing says it. */
static bool is_ambiguous(struct span a, struct span b)
{
    return pattern_is_one(a) && pattern_is_one(b) &&
           pattern_literal_length(a) == pattern_literal_length(b) && pattern_overlaps(a, b);
}

static void check_against(struct loader *loader, const struct caller_row *rows,
                          const struct config_place *places, size_t index)
{
    const struct span id = rows[index].id;

    for (size_t i = 0; i < index && id.length > 0; i++) {
        if (span_equal(id, rows[i].id))
            loader_error(loader, places[index], "caller %s stands in line %d already",
                         loader_quote(loader, id), places[i].line);
        else if (rows[i].id.length > 0 && is_ambiguous(id, rows[i].id))
            loader_error(loader, places[index],
                         "caller %s and that in line %d match the same ids, and neither has more "
                         "before its first star: write one of them more exactly",
                         loader_quote(loader, id), places[i].line);
        else
            continue;
        return;
    }
}

static void keep(struct loader *loader, void *rows, const struct config_place *places, size_t count)
{
    struct config_caller *callers = arena_new_array(loader->arena, struct config_caller, count);
    const struct caller_row *row = rows;

    for (size_t i = 0; i < count; i++) {
        callers[i] = (struct config_caller){
            .id = arena_text(loader->arena, row[i].id),
            .is_by_api_key = row[i].api_keys.is_there,
            .api_keys = row[i].api_keys.rows,
            .api_key_count = row[i].api_keys.count,
            .roles = row[i].roles,
            .disclose = row[i].has_disclose ? row[i].disclose : CONFIG_DISCLOSE_NEXT_STEP,
            .limits = row[i].limits,
            .allowance = row[i].allowance,
            .place = places[i],
        };
        check_against(loader, row, places, i);
    }
    api_keys_check(loader, callers, count);
    loader->config->callers = callers;
    loader->config->caller_count = count;
}

static void print_list(const char *name, struct limit_list list, FILE *stream)
{
    if (list.count == 0)
        return;
    fprintf(stream, "    %s: [", name);
    for (size_t i = 0; i < list.count; i++) {
        fputs(i > 0 ? ", " : "", stream);
        value_print_text((const char *)list.rows[i].data, stream);
    }
    fputs("]\n", stream);
}

static void print(const struct config *config, FILE *stream)
{
    fprintf(stream, "callers:%s\n", config->caller_count == 0 ? " []" : "");
    for (size_t i = 0; i < config->caller_count; i++) {
        const struct config_caller *caller = &config->callers[i];
        const char *separator = "";

        fputs("  - id: ", stream);
        value_print_text(caller->id, stream);
        fprintf(stream, "  # file %s:%d\n    roles: [", caller->place.file, caller->place.line);
        for (size_t role = 0; roles[role]; role++)
            if (caller->roles >> role & 1) {
                fprintf(stream, "%s%s", separator, roles[role]);
                separator = ", ";
            }
        fprintf(stream, "]\n    disclose: %s\n", disclosures[caller->disclose]);
        api_keys_print(caller, stream);
        print_list("subjects", caller->limits.subjects, stream);
        print_list("resources", caller->limits.resources, stream);
        print_list("purposes", caller->limits.purposes, stream);
        allowance_print(&caller->allowance, stream);
    }
}

static const struct field fields[] = {
    {.name = "id",
     .is_required = true,
     .expectation = "a SPIFFE id, such as spiffe://corp.example/ns/shop/sa/checkout, or another "
                    "identity of a certificate",
     .help = "compared with the one URI of the client's certificate, or exactly with its DNS names "
             "when it has no SPIFFE id; stands once. A `*` in the path of a SPIFFE id stands for "
             "any characters of one segment, never for a slash. An exact id comes before all "
             "patterns, among patterns the one with the most characters before its first `*`; two "
             "that match the same id with equally many are an error. `apikey:NAME` is nobody's "
             "certificate, and needs api_keys",
     .read = read_id},
    {.name = "api_keys",
     .expectation = "a list of at most 2 {sha256: 64 hex digits, expires: a time with its offset}, "
                    "the latter if it has an end",
     .help =
         "for AuthZEN over HTTP, and nowhere else: the caller is whoever has one of these keys, "
         "which passgate apikey new makes. Two, so that one can follow the other; with an "
         "empty list nobody is this caller",
     .read = read_api_keys},
    {.name = "roles",
     .is_required = true,
     .expectation = "a list of submitter, attester, issuer, checker, proposer, approver, auditor, "
                    "operator",
     .help = "what the caller may call",
     .read = read_roles},
    {.name = "disclose",
     .expectation = "one of decision, next_step, reasons, facts",
     .help = "how much of an answer it is told, from least to most; default next_step",
     .read = read_disclose},
    {.name = "subjects",
     .expectation = "a list of 1 to 64 beginnings of subject ids, such as employee/",
     .help =
         "it may name subjects that begin with one of them, in whatever method, and have nothing "
         "that is about all at once; without it all",
     .read = read_subjects},
    {.name = "resources",
     .expectation = "a list of 1 to 64 resources or patterns of them, such as model/* or "
                    "dataset/eu-*",
     .help = "it may ask about these; `*` as in ids. Lists leave the others out. Without it all",
     .read = read_resources},
    {.name = "purposes",
     .expectation = "a list of 1 to 64 texts of at most 256 bytes, such as export_control",
     .help = "checks must give one of them as `purpose` of their context; without it none needs to",
     .read = read_purposes},
    {.name = "calls_per_second",
     .expectation = ALLOWANCE_CALLS_PER_SECOND,
     .help = "more are refused with BUDGET_RATE; as many at once as in a second. An item of a "
             "stream is a call, a batch is one. All that a pattern matches share its budgets",
     .read = read_calls_per_second},
    {.name = "calls_in_flight",
     .expectation = ALLOWANCE_CALLS_IN_FLIGHT,
     .help = "how many of its calls may be under way, streams among them: more are refused with "
             "BUDGET_IN_FLIGHT",
     .read = read_calls_in_flight},
    {.name = "subjects_per_hour",
     .expectation = ALLOWANCE_SUBJECTS_PER_HOUR,
     .help = "about how many different subjects it may ask or say something within any hour, on "
             "each replica: more are refused with BUDGET_SUBJECTS. Counted in memory: 16 bytes for "
             "each of at least twice as many",
     .read = read_subjects_per_hour},
};

static const char *const example[] = {
    "callers:",
    "  - id: spiffe://corp.example/ns/shop/sa/checkout",
    "    roles: [checker]",
    "  - id: spiffe://corp.example/ns/*/sa/gateway-*",
    "    roles: [checker]",
    "    disclose: decision",
    "    resources: [model/*]",
    "  - id: spiffe://corp.example/ns/onboarding/sa/verifier",
    "    roles: [submitter, issuer]",
    "    disclose: reasons",
    NULL,
};

const struct section callers_section = {
    .name = "callers",
    .help = "Who may call over mutual TLS, or over HTTP with an API key, do what, and how far that "
            "reaches. A caller that is not listed is refused. On plaintext loopback and on the "
            "unix socket there is one caller, "
            "`local`, which needs no item here.",
    .fields = fields,
    .field_count = ARRAY_LEN(fields),
    .row_size = sizeof(struct caller_row),
    .example = example,
    .keep = keep,
    .print = print,
};
