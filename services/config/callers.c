/* SPDX-License-Identifier: Apache-2.0 */
/* `callers:`: which certificate may do what, and how much it is told. */
#include "config/section.h"
#include "config/value.h"

enum { CALLER_ID_MAX = 2048 }; /* the SPIFFE standard's bound for an id */

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
    unsigned roles;
    unsigned disclose;
    bool has_disclose;
};

static bool is_of(struct span text, const char *others)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr(others, c))
            return false;
    }
    return text.length > 0;
}

/* SPIFFE-ID section 2: a trust domain of lower-case letters, digits, `.-_`, and a path of segments
 * that are not empty, `.` or `..`. */
static bool is_spiffe_id(struct span rest)
{
    const uint8_t *slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;
    size_t domain = slash ? (size_t)(slash - rest.data) : rest.length;

    if (!slash || !is_of(span_of(rest.data, domain), ".-_"))
        return false;
    rest = span_from(rest, domain);
    while (rest.length > 0) {
        struct span segment = span_from(rest, 1);
        const uint8_t *end = segment.length ? memchr(segment.data, '/', segment.length) : NULL;

        if (end)
            segment.length = (size_t)(end - segment.data);
        if (!is_of(segment, ".-_ABCDEFGHIJKLMNOPQRSTUVWXYZ") || span_is(segment, ".") ||
            span_is(segment, ".."))
            return false;
        rest = span_from(rest, segment.length + 1);
    }
    return true;
}

static void read_id(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    void *row)
{
    static const char scheme[] = "spiffe://";
    struct caller_row *caller = row;
    struct span id;

    if (!section_read_text(loader, field, value, CALLER_ID_MAX, &id))
        return;
    if (memchr(id.data, '*', id.length))
        loader_error(loader, section_place(loader, value),
                     "id %s is a pattern; ids are exact in this release: write one item for each",
                     loader_quote(loader, id));
    else if (span_is(id, "local"))
        loader_error(loader, section_place(loader, value),
                     "`local` is the caller of plaintext listeners and takes no item here: "
                     "remove it");
    else if (span_starts_with(id, span_text(scheme)) &&
             !is_spiffe_id(span_from(id, strlen(scheme))))
        section_complain(loader, field, value, NULL);
    else
        caller->id = id;
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

static void keep(struct loader *loader, void *rows, const struct config_place *places, size_t count)
{
    struct config_caller *callers = arena_new_array(loader->arena, struct config_caller, count);
    const struct caller_row *row = rows;

    for (size_t i = 0; i < count; i++) {
        callers[i] = (struct config_caller){
            .id = arena_text(loader->arena, row[i].id),
            .roles = row[i].roles,
            .disclose = row[i].has_disclose ? row[i].disclose : CONFIG_DISCLOSE_NEXT_STEP,
            .place = places[i],
        };
        for (size_t j = 0; j < i && row[i].id.length > 0; j++)
            if (strcmp(callers[i].id, callers[j].id) == 0) {
                loader_error(loader, places[i], "caller %s stands in line %d already",
                             loader_quote(loader, row[i].id), places[j].line);
                break;
            }
    }
    loader->config->callers = callers;
    loader->config->caller_count = count;
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
    }
}

static const struct field fields[] = {
    {.name = "id",
     .is_required = true,
     .expectation = "a SPIFFE id, such as spiffe://corp.example/ns/shop/sa/checkout, or another "
                    "identity of a certificate",
     .help = "compared exactly with the one URI of the client's certificate, or with its other "
             "identity when it has no URI; stands once",
     .read = read_id},
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
};

static const char *const example[] = {
    "callers:",
    "  - id: spiffe://corp.example/ns/shop/sa/checkout",
    "    roles: [checker]",
    "  - id: spiffe://corp.example/ns/onboarding/sa/verifier",
    "    roles: [submitter, issuer]",
    "    disclose: reasons",
    NULL,
};

const struct section callers_section = {
    .name = "callers",
    .help =
        "Who may call over mutual TLS, and do what. A caller that is not listed is refused. On "
        "plaintext loopback and on the unix socket there is one caller, `local`, which needs no "
        "item here.",
    .fields = fields,
    .field_count = ARRAY_LEN(fields),
    .row_size = sizeof(struct caller_row),
    .example = example,
    .keep = keep,
    .print = print,
};
