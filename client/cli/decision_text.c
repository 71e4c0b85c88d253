/* SPDX-License-Identifier: Apache-2.0 */
/* A decision in one plain sentence, and the next step. */
#include "client/cli/text.h"

#include <inttypes.h>
#include <string.h>

/* What is wrong, and what helps when the server names no obligation. */
static const struct {
    const char *what;
    const char *next;
} reasons[] = {
    [PASSGATE_REASON_UNSPECIFIED] = {"", ""},
    [PASSGATE_REASON_ALLOWED] = {"", ""},
    [PASSGATE_REASON_NOT_PERMITTED] = {"it is not permitted", ""},
    [PASSGATE_REASON_RESOURCE_UNKNOWN] = {"no such resource is declared",
                                          "check the spelling, or have the resource declared"},
    [PASSGATE_REASON_CONTEXT_REQUIRED] =
        {"the check does not say what a directive has to know",
         "ask again with --context KEY=VALUE, such as location=USA"},
    [PASSGATE_REASON_EVIDENCE_CONFLICT] = {"the evidence contradicts itself",
                                           "have a reviewer look at the evidence"},
    [PASSGATE_REASON_EVIDENCE_EXPIRED] = {"what was proven has ended", "verify again"},
    [PASSGATE_REASON_ASSURANCE_TOO_LOW] = {"the evidence is not strong enough",
                                           "verify again with a stronger proof"},
    [PASSGATE_REASON_VERIFICATION_REQUIRED] = {"verification is missing",
                                               "verify identity and US status"},
};

static const struct {
    const char *type;
    const char *next;
} obligations[] = {
    {"verify", "verify identity and US status"},
    {"prove_affiliation", "have the organization confirm the affiliation"},
    {"provide_context", "ask again with --context KEY=VALUE"},
};

static const struct {
    const char *word;
    enum output_color color;
} truths[] = {
    [PASSGATE_TRUTH_UNSPECIFIED] = {"not evaluated", COLOR_NONE},
    [PASSGATE_TRUTH_FALSE] = {"no", COLOR_RED},
    [PASSGATE_TRUTH_UNKNOWN] = {"unknown", COLOR_YELLOW},
    [PASSGATE_TRUTH_TRUE] = {"yes", COLOR_GREEN},
};

const char *text_reason(enum passgate_reason reason)
{
    return reasons[reason].what;
}

const char *text_truth(enum passgate_truth truth)
{
    return truths[truth].word;
}

enum output_color text_truth_color(enum passgate_truth truth)
{
    return truths[truth].color;
}

static const char *obligation_words(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(obligations); i++)
        if (strcmp(type, obligations[i].type) == 0)
            return obligations[i].next;
    return type;
}

static void print_obligation(const struct output *output,
                             const struct passgate_obligation *obligation)
{
    output_print(output, "Next: %s", obligation_words(obligation->type));
    for (size_t i = 0; i < obligation->property_count; i++)
        output_print(output, "%s%s: %s", i == 0 ? " (" : ", ", obligation->properties[i].key,
                     obligation->properties[i].value);
    output_print(output, "%s.\n", obligation->property_count > 0 ? ")" : "");
}

static void print_next(const struct output *output, const struct passgate_decision *decision)
{
    const char *next = reasons[decision->reason].next;

    for (size_t i = 0; i < decision->obligation_count; i++)
        print_obligation(output, decision->obligations[i]);
    if (decision->obligation_count == 0 && !decision->is_allowed && next[0])
        output_print(output, "Next: %s.\n", next);
}

static void print_finding(const struct output *output, const struct passgate_finding *finding)
{
    const char *authority = finding->exemption   ? finding->exemption->text
                            : finding->authority ? finding->authority->text
                                                 : "";

    output_print(output, "  %s, version %" PRIu32 ": ", finding->directive, finding->version);
    output_colored(output, text_truth_color(finding->truth), "%s", text_truth(finding->truth));
    output_print(output, "%s%s%s%s\n", authority[0] ? " (" : "",
                 finding->exemption && authority[0] ? "exempt: " : "", authority,
                 authority[0] ? ")" : "");
}

void text_decision(const struct output *output, const struct passgate_check *check,
                   const struct passgate_decision *decision)
{
    const char *what = text_reason(decision->reason);

    output_colored(output, COLOR_BOLD, "%s", check->subject);
    output_colored(output, decision->is_allowed ? COLOR_GREEN : COLOR_RED, " %s",
                   decision->is_allowed ? "may" : "may not");
    output_print(output, " %s %s/%s%s%s.\n", check->action, check->resource_type,
                 check->resource_id, what[0] ? ": " : "", what);
    print_next(output, decision);
    if (decision->instead)
        output_print(output, "Instead: %s may %s %s/%s.\n", check->subject, check->action,
                     decision->instead->type, decision->instead->id);
    if (decision->is_stale)
        output_print(output, "Note: the store does not answer; the facts are %" PRId64 " s old.\n",
                     decision->facts_age_ms / 1000);
    for (size_t i = 0; i < decision->finding_count; i++)
        print_finding(output, decision->findings[i]);
}
