/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's record as text. */
#include "client/cli/audit_report.h"

#include <inttypes.h>

enum { JOINED_MAX = 512 };

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static json_int_t number_in(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* The words of a list, with something between them. */
static const char *joined(const json_t *list, const char *between, char text[static JOINED_MAX])
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(list) && length < JOINED_MAX; i++) {
        const char *word = json_string_value(json_array_get(list, i));

        length += (size_t)snprintf(text + length, JOINED_MAX - length, "%s%s", i ? between : "",
                                   word ? word : "?");
    }
    return text;
}

/* "text" behind ", " when there is one. */
static void add(const struct output *output, const char *before, const char *text)
{
    if (text[0])
        output_print(output, "%s%s", before, text);
}

static void print_label(const struct output *output, const char *label)
{
    output_print(output, "  %-18s ", label);
}

/* ---- what was asked and answered ---- */

static void print_flags(const struct output *output, const json_t *report)
{
    static const struct {
        const char *flag;
        const char *words;
    } rows[] = {
        {"stale_facts", "on facts older than the freshness bound"},
        {"also_subjects", "for several subjects at once"},
        {"by_claim", "the subject was named by a claim token"},
        {"waited", "the answer waited for this record to be on disk"},
        {"dry_run", "nothing was written"},
    };
    const json_t *flags = json_object_get(report, "flags");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t j = 0; j < json_array_size(flags); j++)
            if (strcmp(json_string_value(json_array_get(flags, j)), rows[i].flag) == 0)
                output_row(output, "how:", "%s", rows[i].words);
}

static void print_call(const struct output *output, const json_t *report)
{
    output_row(output, "when:", "%s", text_in(report, "time"));
    output_row(output, "took:", "%" PRIu64 " µs", (uint64_t)number_in(report, "latencyUs"));
    output_row(output, "caller:", "%s", text_in(report, "caller"));
    output_row(output, "method:", "%s", text_in(report, "method"));
    output_row(output, "on behalf of:", "%s", text_in(report, "onBehalfOf"));
    output_row(output, "location:", "%s",
               text_in(report, "location")[0] ? text_in(report, "location")
                                              : "not said by the caller");
    print_flags(output, report);
    if (json_object_get(report, "number"))
        output_row(output, "facts revision:", "partition %" PRIu64 ", number %" PRIu64,
                   (uint64_t)number_in(report, "partition"), (uint64_t)number_in(report, "number"));
    output_row(output, "error:", "%s", text_in(report, "error"));
    output_row(output, "log:", "%s", text_in(report, "logFolder"));
}

static void print_authority(const struct output *output, const json_t *directive)
{
    const json_t *authority = json_object_get(directive, "authority");

    output_print(output, "      on the authority of %s", text_in(authority, "text"));
    add(output, ", received ", text_in(authority, "received"));
    add(output, ", document SHA-256 ", text_in(authority, "document_sha256"));
    output_print(output, "\n");
}

static void print_directives(const struct output *output, const json_t *item)
{
    const json_t *list = json_object_get(item, "directives");

    if (!list)
        return;
    if (json_array_size(list) == 0)
        output_row(output, "directives:", "none names the resource");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *directive = json_array_get(list, i);
        bool is_decisive = json_is_true(json_object_get(directive, "decisive"));

        print_label(output, i == 0 ? "directives:" : "");
        output_print(output, "%s version %" PRIu64 "%s, SHA-256 %s\n", text_in(directive, "id"),
                     (uint64_t)number_in(directive, "version"), is_decisive ? " (decisive)" : "",
                     text_in(directive, "sha256"));
        if (is_decisive)
            print_authority(output, directive);
    }
}

static void print_subject(const struct output *output, const json_t *item)
{
    const json_t *is_given = json_object_get(item, "isGivenSubject");

    print_label(output, "subject:");
    output_print(output, "%s", text_in(item, "subject"));
    if (is_given)
        output_colored(output, json_is_true(is_given) ? COLOR_GREEN : COLOR_RED, "%s",
                       json_is_true(is_given) ? ", which is the one given by --subject"
                                              : ", which is NOT the one given by --subject");
    else
        output_print(output, " (a keyed hash; --hash-key with --subject compares an id)");
    output_print(output, "\n");
}

/* What directives that are only tried would have answered. */
static void print_shadow(const struct output *output, const json_t *item)
{
    const json_t *shadow = json_object_get(item, "shadow");

    if (!shadow)
        return;
    print_label(output, "shadow answer:");
    output_print(output, "%s, %s (%s)", text_in(shadow, "outcome"), text_in(shadow, "reason"),
                 text_in(shadow, "comparison"));
    add(output, ", by ", text_in(shadow, "directive"));
    add(output, ", SHA-256 ", text_in(shadow, "directiveDigest"));
    output_print(output, "\n");
}

static void print_item(const struct output *output, const json_t *item)
{
    output_print(output, "\n");
    if (text_in(item, "subject")[0])
        print_subject(output, item);
    output_row(output, "resource:", "%s", text_in(item, "resource"));
    output_row(output, "action:", "%s", text_in(item, "action"));
    print_label(output, "decision:");
    output_colored(output,
                   strcmp(text_in(item, "outcome"), "allow") == 0  ? COLOR_GREEN
                   : strcmp(text_in(item, "outcome"), "deny") == 0 ? COLOR_RED
                                                                   : COLOR_YELLOW,
                   "%s", text_in(item, "outcome"));
    add(output, ", ", text_in(item, "reason"));
    output_print(output, "\n");
    print_directives(output, item);
    print_shadow(output, item);
}

static void print_set(const struct output *output, const json_t *report)
{
    const json_t *set = json_object_get(report, "set"),
                 *countries = json_object_get(report, "countries");

    if (!set)
        return;
    output_print(output, "\n");
    output_row(output, "shadow set:", "%s", text_in(report, "shadowSet"));
    if (text_in(set, "missing")[0])
        output_row(output, "directive set:", "%" PRIu64 ": %s",
                   (uint64_t)number_in(report, "directiveSet"), text_in(set, "missing"));
    else
        output_row(output,
                   "directive set:", "%" PRIu64 ", %" PRIu64 " directives in all, SHA-256 %s",
                   (uint64_t)number_in(report, "directiveSet"), (uint64_t)number_in(set, "count"),
                   text_in(set, "sha256"));
    if (text_in(countries, "missing")[0])
        output_row(output, "country sets:", "%s", text_in(countries, "missing"));
    else
        output_row(output, "country sets:", "of %s (%s), SHA-256 %s", text_in(countries, "as_of"),
                   text_in(countries, "source"), text_in(countries, "sha256"));
}

/* ---- what was known ---- */

static void print_backing(const struct output *output, const json_t *row)
{
    add(output, ", ", text_in(row, "proof"));
    add(output, ", from a ", text_in(row, "source"));
}

static void print_nationalities(const struct output *output, const json_t *known, const char *name,
                                const char *label)
{
    const json_t *list = json_object_get(known, name);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);

        print_label(output, label);
        output_print(output, "%s", text_in(row, "country"));
        print_backing(output, row);
        add(output, ", acquired on ", text_in(row, "acquired"));
        add(output, ", acquired by ", text_in(row, "acquired_by"));
        output_print(output, "%s%s", json_object_get(row, "lost") ? ", lost" : "",
                     json_object_get(row, "conflict") ? ", CONTRADICTORY" : "");
        add(output, " on ", text_in(row, "lost_on"));
        output_print(output, "\n");
    }
}

static void print_us_statuses(const struct output *output, const json_t *known)
{
    const json_t *list = json_object_get(known, "us_status");
    char words[JOINED_MAX];

    if (json_array_size(list) == 0)
        output_row(output, "US status:", "%s", "nothing is known");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);

        print_label(output, "US status:");
        output_print(output, "%s", joined(json_object_get(row, "possible"), " or ", words));
        print_backing(output, row);
        output_print(output, "\n");
    }
}

static void print_affiliations(const struct output *output, const json_t *known)
{
    const json_t *list = json_object_get(known, "affiliations");
    char words[JOINED_MAX];

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        const char *as = joined(json_object_get(row, "as"), " and ", words);

        print_label(output, "affiliation:");
        output_print(output, "%s: %s%s", text_in(row, "organization"),
                     as[0] ? as : "not affiliated",
                     json_object_get(row, "complete") ? ", and nothing else there" : "");
        add(output, ", until ", text_in(row, "until"));
        add(output, ", to be reviewed by ", text_in(row, "review_by"));
        output_print(output, "\n");
    }
}

static void print_evidence(const struct output *output, const json_t *facts)
{
    const json_t *list = json_object_get(facts, "evidence");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *piece = json_array_get(list, i);

        print_label(output, "evidence:");
        output_print(output, "%s: %s%s", text_in(piece, "id"),
                     json_object_get(piece, "revoked") ? "REVOKED, " : "", text_in(piece, "class"));
        add(output, " of ", text_in(piece, "issuer"));
        add(output, ", nationality ", text_in(piece, "nationality"));
        add(output, ", ", text_in(piece, "statement"));
        add(output, " ", text_in(piece, "country"));
        add(output, ", by ", text_in(piece, "vendor"));
        print_backing(output, piece);
        add(output, ", verified at ", text_in(piece, "verified_at"));
        add(output, ", issued on ", text_in(piece, "issued"));
        add(output, ", expires on ", text_in(piece, "expires"));
        add(output, ", to be reviewed by ", text_in(piece, "review_by"));
        output_print(output, "\n");
    }
}

static void print_known(const struct output *output, const json_t *facts)
{
    const json_t *known = json_object_get(facts, "known");
    char words[JOINED_MAX];

    output_row(output, "known of:", "%s", text_in(facts, "subjectId"));
    if (known) {
        output_row(output, "kind:", "%s", text_in(known, "kind"));
        print_us_statuses(output, known);
        print_nationalities(output, known, "citizenships", "citizenship:");
        print_nationalities(output, known, "residencies", "residency:");
        output_row(output, "born in:", "%s", text_in(known, "birth_country"));
        print_affiliations(output, known);
        output_row(output, "acts for:", "%s",
                   joined(json_object_get(known, "principals"), ", ", words));
        output_row(output, "marks:", "%s", joined(json_object_get(known, "flags"), ", ", words));
        output_row(output, "unchanged until:", "%s", text_in(known, "valid_until"));
        output_row(output, "derived by:", "rules %" PRIu64, (uint64_t)number_in(facts, "rules"));
    }
    print_evidence(output, facts);
}

static void print_facts(const struct output *output, const json_t *facts)
{
    const json_t *notes = json_object_get(facts, "notes");

    if (text_in(facts, "missing")[0])
        output_row(output, "facts:", "no snapshot: %s", text_in(facts, "missing"));
    if (text_in(facts, "record")[0])
        output_row(output, "facts from:", "%s%s %s of %s", text_in(facts, "state"),
                   text_in(facts, "state")[0] ? " the" : "the", text_in(facts, "recordKind"),
                   text_in(facts, "recordTime"));
    output_row(output, "record:", "%s", text_in(facts, "record"));
    output_row(output, "sealed for:", "%s", text_in(facts, "keyId"));
    if (!text_in(facts, "missing")[0])
        print_known(output, facts);
    for (size_t i = 0; i < json_array_size(notes); i++)
        output_row(output, "note:", "%s", json_string_value(json_array_get(notes, i)));
}

static void print_reviewers(const struct output *output, const json_t *reviewers)
{
    if (json_array_size(reviewers) == 0)
        output_row(output, "reviewed by:", "%s", "nobody, as far as these logs say");
    for (size_t i = 0; i < json_array_size(reviewers); i++) {
        const json_t *row = json_array_get(reviewers, i);

        output_row(output, "reviewed by:", "%s, %s, on %s (%s)", text_in(row, "reviewer"),
                   text_in(row, "evidence"), text_in(row, "time"), text_in(row, "record"));
    }
}

static void print_proof(const struct output *output, const json_t *report)
{
    const json_t *proof = json_object_get(report, "proof");

    output_print(output, "\n");
    if (!proof)
        output_row(output, "in a signed log:", "%s", "not looked at (--jwks)");
    else if (json_is_true(json_object_get(proof, "proved")))
        output_row(output, "in a signed log:", "yes, leaf %" PRIu64 " of %" PRIu64 ", signed at %s",
                   (uint64_t)number_in(proof, "leafIndex"), (uint64_t)number_in(proof, "size"),
                   text_in(proof, "signedAt"));
    else
        output_row(output, "in a signed log:", "NOT PROVED: %s", text_in(proof, "missing"));
}

void audit_report_print(const struct output *output, const json_t *report)
{
    json_t *subjects = json_object_get(report, "subjects"), *subject;
    const json_t *items = json_object_get(report, "items");
    const char *hash;

    output_colored(output, COLOR_BOLD, "%s %s\n", text_in(report, "kind"), text_in(report, "id"));
    print_call(output, report);
    for (size_t i = 0; i < json_array_size(items); i++)
        print_item(output, json_array_get(items, i));
    print_set(output, report);
    json_object_foreach(subjects, hash, subject)
    {
        output_print(output, "\n");
        output_row(output, "what was known of:", "%s", hash);
        print_facts(output, json_object_get(subject, "facts"));
        print_reviewers(output, json_object_get(subject, "reviewers"));
    }
    print_proof(output, report);
}
