/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations: the evaluation once more with a trace, put into words. */
#include "domain/directive/explain.h"

#include "domain/directive/because.h"
#include "domain/directive/set.h"

/* One explanation under way. */
struct telling {
    const struct directive_set *set;
    const struct directive_question *question;
    struct arena *arena;
    size_t row;
};

static void tell_node(const struct telling *telling, const struct directive_node *node,
                      const struct outcome *outcomes, struct explain_node *told)
{
    const struct directive_node *end = node + node->length;
    size_t child_count = 0;

    *told = (struct explain_node){
        .test = test_word(node->test),
        .text = telling->set->sources[node - telling->set->nodes].text,
        .because = "",
        .truth = outcomes->truth,
        .missing = outcome_reason(outcomes->missing),
    };
    if (node->test != TEST_ALL && node->test != TEST_ANY && node->test != TEST_NOT) {
        told->because = because(telling->set, telling->question, node, telling->arena);
        return;
    }
    for (const struct directive_node *child = node + 1; child < end; child += child->length)
        child_count++;
    told->children = arena_new_array(telling->arena, struct explain_node, child_count);
    for (const struct directive_node *child = node + 1; child < end; child += child->length)
        tell_node(telling, child, outcomes + (child - node), &told->children[told->child_count++]);
}

/* Evaluate `test` with every outcome kept, and tell it. */
static struct explain_node tell_test(const struct telling *telling,
                                     const struct directive_node *test)
{
    struct inquiry inquiry = {
        .set = telling->set,
        .question = telling->question,
        .trace = arena_new_array(telling->arena, struct outcome, test->length),
        .traced = test,
    };
    struct explain_node told;

    (void)test_evaluate(&inquiry, test);
    tell_node(telling, test, inquiry.trace, &told);
    return told;
}

static void tell_directive(const struct telling *telling, const struct directive *directive,
                           struct explain_directive *told)
{
    struct inquiry inquiry = {.set = telling->set, .question = telling->question};
    struct directive_result result;

    directive_inquire(&inquiry, directive, telling->row, &result);
    *told = (struct explain_directive){
        .directive = directive,
        .truth = result.outcome.truth,
        .require = tell_test(telling, directive->require),
        .exemptions =
            arena_new_array(telling->arena, struct explain_exemption, directive->exemption_count),
        .exemption_count = directive->exemption_count,
    };
    for (size_t i = 0; i < directive->exemption_count; i++) {
        const struct directive_exemption *exemption = &directive->exemptions[i];

        told->exemptions[i] = (struct explain_exemption){
            .exemption = exemption,
            .is_in_time = exemption_is_in_time(
                exemption, directive_moment(directive, telling->question->now_ms)),
            .is_for_resource = exemption_is_for(exemption, telling->row),
            .when = tell_test(telling, exemption->when),
        };
    }
}

static const char *why_out_of_force(const struct telling *telling,
                                    const struct directive *directive)
{
    char text[TIMESTAMP_TEXT_MAX];
    int64_t now_ms = directive_moment(directive, telling->question->now_ms);

    if (now_ms < directive->from_ms)
        return arena_printf(telling->arena, "not before %s",
                            timestamp_format(directive->from_ms, text));
    if (now_ms >= directive->lifted_ms)
        return arena_printf(telling->arena, "lifted at %s, on %s",
                            timestamp_format(directive->lifted_ms, text),
                            directive->lifted_authority.text);
    return arena_printf(telling->arena, "ended at %s", timestamp_format(directive->until_ms, text));
}

static void tell_directives(const struct telling *telling, const struct resource_row *row,
                            struct explanation *told)
{
    told->directives = arena_new_array(telling->arena, struct explain_directive, row->match_count);
    told->out_of_force =
        arena_new_array(telling->arena, struct explain_directive_out_of_force, row->match_count);
    for (uint32_t i = 0; i < row->match_count; i++) {
        const struct directive *directive =
            &telling->set->directives[telling->set->matches[row->match_first + i]];

        if (!directive_has_action(directive, telling->question->action))
            continue;
        if (directive_is_in_force(directive, telling->question->now_ms))
            tell_directive(telling, directive, &told->directives[told->directive_count++]);
        else
            told->out_of_force[told->out_of_force_count++] =
                (struct explain_directive_out_of_force){directive,
                                                        why_out_of_force(telling, directive)};
    }
}

const struct explanation *directive_explain(const struct directive_set *set,
                                            const struct directive_question *question,
                                            struct arena *arena)
{
    struct explanation *told = arena_new(arena, struct explanation);
    const struct resource_row *row =
        directive_set_row(set, question->resource_type, question->resource_id);
    struct telling telling = {.set = set, .question = question, .arena = arena};

    directive_evaluate(set, question, &told->answer);
    if (row) {
        telling.row = (size_t)(row - set->rows);
        tell_directives(&telling, row, told);
    }
    return told;
}
