/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as a tree of lines. */
#include "client/cli/text.h"

#include <inttypes.h>

static void print_truth(const struct output *output, enum passgate_truth truth)
{
    output_colored(output, text_truth_color(truth), "%-7s", text_truth(truth));
}

static void print_tests(const struct output *output, int indent, size_t count,
                        const struct passgate_test *const *tests)
{
    for (size_t i = 0; i < count; i++) {
        const struct passgate_test *test = tests[i];
        const char *missing =
            test->truth == PASSGATE_TRUTH_UNKNOWN ? text_reason(test->missing) : "";
        int depth = test->depth < 32 ? (int)test->depth : 32;

        output_print(output, "%*s", indent + 2 * depth, "");
        print_truth(output, test->truth);
        output_print(output, " %s", test->text[0] ? test->text : test->name);
        if (test->because[0])
            output_print(output, " [%s]", test->because);
        if (missing[0])
            output_print(output, " (%s)", missing);
        output_print(output, "\n");
    }
}

static void print_exemption(const struct output *output, const struct passgate_exemption *exemption)
{
    output_print(output, "      exempt%s%s: %s\n", exemption->is_in_time ? "" : ", not in force",
                 exemption->is_for_resource ? "" : ", not for this resource",
                 exemption->authority ? exemption->authority->text : "no authority told");
    print_tests(output, 8, exemption->test_count, exemption->tests);
}

static void print_directive(const struct output *output, const struct passgate_directive *directive,
                            bool is_tried)
{
    char version[32];

    snprintf(version, sizeof(version), ", version %" PRIu32, directive->version);
    output_print(output, "  ");
    print_truth(output, directive->truth);
    output_print(output, " %s%s%s%s\n", directive->directive, is_tried ? ", tried" : version,
                 directive->title[0] ? ": " : "", directive->title);
    if (directive->authority)
        output_print(output, "      on the authority of %s\n", directive->authority->text);
    if (directive->out_of_force[0])
        output_print(output, "      not in force: %s\n", directive->out_of_force);
    print_tests(output, 6, directive->test_count, directive->tests);
    for (size_t i = 0; i < directive->exemption_count; i++)
        print_exemption(output, directive->exemptions[i]);
}

static void print_party(const struct output *output, const struct passgate_party *party)
{
    const char *reason = text_reason(party->reason);

    output_print(output, "\n");
    output_colored(output, COLOR_BOLD, "%s", party->role);
    output_print(output, ": ");
    output_colored(output, text_truth_color(party->truth), "%s", text_truth(party->truth));
    output_print(output, "%s%s\n", reason[0] ? ", " : "", reason);
    for (size_t i = 0; i < party->fact_count; i++)
        output_print(output, "  known: %s\n", party->facts[i]);
    for (size_t i = 0; i < party->directive_count; i++)
        print_directive(output, party->directives[i], false);
    for (size_t i = 0; i < party->tried_directive_count; i++)
        print_directive(output, party->tried_directives[i], true);
}

static void print_shadow(const struct output *output, const struct passgate_shadow *shadow)
{
    static const char *const comparisons[] = {
        [PASSGATE_COMPARISON_UNSPECIFIED] = "",
        [PASSGATE_COMPARISON_AGREES] = ", as decided",
        [PASSGATE_COMPARISON_NARROWS] = ", which narrows",
        [PASSGATE_COMPARISON_LOOSENS] = ", which loosens",
        [PASSGATE_COMPARISON_DIFFERS] = ", for another reason",
    };
    const char *reason = text_reason(shadow->reason);

    output_print(output, "With the directives that are tried: ");
    output_colored(output, text_truth_color(shadow->truth), "%s", text_truth(shadow->truth));
    output_print(output, "%s%s%s%s%s\n", reason[0] ? ", " : "", reason,
                 comparisons[shadow->comparison], shadow->directive[0] ? ", by " : "",
                 shadow->directive);
}

void text_explanation(const struct output *output, const struct passgate_check *check,
                      const struct passgate_explanation *explanation)
{
    text_decision(output, check, explanation->decision);
    if (explanation->directive[0])
        output_print(output, "Decided by: %s%s%s%s\n", explanation->directive,
                     explanation->authority ? " (" : "",
                     explanation->authority ? explanation->authority->text : "",
                     explanation->authority ? ")" : "");
    if (explanation->shadow)
        print_shadow(output, explanation->shadow);
    for (size_t i = 0; i < explanation->party_count; i++)
        print_party(output, explanation->parties[i]);
}
