/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of ExplainEntitlement. */
#include "entitlement/explain_message.h"

#include "domain/directive/explain.h"
#include "domain/directive/shadow.h"
#include "entitlement/decide.h"

/* Trees are told as lines with a depth: messages of this contract do not nest in themselves. */
enum { TEST_LINES_MAX = 512 };

struct lines {
    Passgate__V1__TestExplanation **items;
    size_t count;
    bool shows_facts;
    struct arena *arena;
};

static void add_lines(struct lines *lines, const struct explain_node *node, uint32_t depth)
{
    Passgate__V1__TestExplanation *line;

    if (lines->count == TEST_LINES_MAX)
        return;
    line = arena_alloc(lines->arena, sizeof(*line));
    passgate__v1__test_explanation__init(line);
    line->depth = depth;
    line->test = (char *)node->test;
    line->text = (char *)node->text;
    if (lines->shows_facts)
        line->because = (char *)node->because;
    line->truth = truth_message(node->truth);
    if (node->truth == TRUTH_UNKNOWN)
        line->missing = (Passgate__V1__Reason)node->missing;
    lines->items[lines->count++] = line;
    for (size_t i = 0; i < node->child_count; i++)
        add_lines(lines, &node->children[i], depth + 1);
}

static Passgate__V1__TestExplanation **lines_of(const struct explain_node *node, bool shows_facts,
                                                struct arena *arena, size_t *ret_count)
{
    struct lines lines = {.shows_facts = shows_facts, .arena = arena};

    lines.items = arena_new_array(arena, Passgate__V1__TestExplanation *, TEST_LINES_MAX);
    add_lines(&lines, node, 0);
    *ret_count = lines.count;
    return lines.items;
}

static Passgate__V1__ExemptionExplanation *
exemption_message(const struct explain_exemption *exemption, bool shows_facts, struct arena *arena)
{
    Passgate__V1__ExemptionExplanation *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__exemption_explanation__init(message);
    message->authority = authority_message(&exemption->exemption->authority, arena);
    message->in_time = exemption->is_in_time;
    message->for_resource = exemption->is_for_resource;
    message->tests = lines_of(&exemption->when, shows_facts, arena, &message->n_tests);
    return message;
}

static Passgate__V1__DirectiveExplanation *directive_message(const struct directive *directive,
                                                             struct arena *arena)
{
    Passgate__V1__DirectiveExplanation *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__directive_explanation__init(message);
    message->directive = (char *)directive->id;
    message->version = directive->version;
    message->digest = (char *)directive->digest;
    message->title = (char *)directive->title;
    message->authority = authority_message(&directive->authority, arena);
    return message;
}

static Passgate__V1__DirectiveExplanation *
in_force_message(const struct explain_directive *explained, bool shows_facts, struct arena *arena)
{
    Passgate__V1__DirectiveExplanation *message = directive_message(explained->directive, arena);

    message->truth = truth_message(explained->truth);
    message->require = lines_of(&explained->require, shows_facts, arena, &message->n_require);
    message->n_exemptions = explained->exemption_count;
    message->exemptions =
        arena_new_array(arena, Passgate__V1__ExemptionExplanation *, explained->exemption_count);
    for (size_t i = 0; i < explained->exemption_count; i++)
        message->exemptions[i] = exemption_message(&explained->exemptions[i], shows_facts, arena);
    return message;
}

static const char *role_word(enum party_role role)
{
    static const char *const words[] = {"subject", "principal", "also_subject", "on_behalf_of"};

    return words[role];
}

/* All directives of an explanation, or those alone that are tried. */
static Passgate__V1__DirectiveExplanation **list_directives(const struct explanation *explanation,
                                                            bool is_tried_only, bool shows_facts,
                                                            struct arena *arena, size_t *ret_count)
{
    Passgate__V1__DirectiveExplanation **list =
        arena_new_array(arena, Passgate__V1__DirectiveExplanation *,
                        explanation->directive_count + explanation->out_of_force_count);
    size_t count = 0;

    for (size_t i = 0; i < explanation->directive_count; i++)
        if (!is_tried_only || explanation->directives[i].directive->is_shadow)
            list[count++] = in_force_message(&explanation->directives[i], shows_facts, arena);
    for (size_t i = 0; i < explanation->out_of_force_count; i++)
        if (!is_tried_only || explanation->out_of_force[i].directive->is_shadow) {
            list[count] = directive_message(explanation->out_of_force[i].directive, arena);
            list[count++]->out_of_force = (char *)explanation->out_of_force[i].why;
        }
    *ret_count = count;
    return list;
}

static Passgate__V1__PartyExplanation *party_message(const struct check_order *order,
                                                     const struct check_party *party,
                                                     enum disclose disclose, struct arena *arena)
{
    const struct directive_question question =
        decide_question(&order->inputs[0], party, order->now_ms);
    const struct explanation *explanation = directive_explain(order->set, &question, arena);
    Passgate__V1__PartyExplanation *message = arena_alloc(arena, sizeof(*message));
    bool shows_facts = disclose >= DISCLOSE_FACTS;
    const char *const *lines = NULL;

    passgate__v1__party_explanation__init(message);
    message->role = (char *)role_word(party->role);
    message->truth = truth_message(explanation->answer.truth);
    message->reason = (Passgate__V1__Reason)explanation->answer.reason;
    if (shows_facts) {
        message->n_facts = facts_describe(
            party->facts, entitlement_options(order->entitlement)->organizations, arena, &lines);
        message->facts = (char **)lines;
    }
    message->directives =
        list_directives(explanation, false, shows_facts, arena, &message->n_directives);
    if (order->results[0].shadow.is_there)
        message->tried_directives =
            list_directives(directive_explain(order->shadow, &question, arena), true, shows_facts,
                            arena, &message->n_tried_directives);
    return message;
}

/* Who decided: the directive that forbids or asks, or the first one whose exemption let the subject
 * pass. */
static void write_citation(const struct check_result *result, struct arena *arena,
                           Passgate__V1__ExplainEntitlementResponse *response)
{
    const struct directive_answer *answer = &result->answer;
    size_t count = answer->finding_count < DIRECTIVE_FINDINGS_MAX ? answer->finding_count
                                                                  : DIRECTIVE_FINDINGS_MAX;
    const struct directive_finding *cited = count > 0 ? &answer->findings[0] : NULL;

    for (size_t i = 0; i < count; i++) {
        const struct directive_finding *finding = &answer->findings[i];

        if (result->is_allowed ? finding->exemption != NULL
                               : finding->directive == answer->decisive) {
            cited = finding;
            break;
        }
    }
    if (!cited)
        return;
    response->directive = (char *)cited->directive->id;
    response->authority = authority_message(
        cited->exemption ? &cited->exemption->authority : &cited->directive->authority, arena);
}

static Passgate__V1__ShadowAnswer *shadow_message(const struct check_result *result,
                                                  struct arena *arena)
{
    const struct check_shadow *shadow = &result->shadow;
    Passgate__V1__ShadowAnswer *message;

    if (!shadow->is_there)
        return NULL;
    message = arena_alloc(arena, sizeof(*message));
    passgate__v1__shadow_answer__init(message);
    message->truth = truth_message(shadow->truth);
    message->reason = (Passgate__V1__Reason)shadow->reason;
    message->comparison =
        (Passgate__V1__ShadowComparison)(1 + shadow_compare(result->answer.truth, result->reason,
                                                            shadow->truth, shadow->reason));
    if (shadow->decisive) {
        message->directive = (char *)shadow->decisive->id;
        message->directive_digest = (char *)shadow->decisive->digest;
    }
    return message;
}

void explain_response_write(const struct check_order *order, const struct check_result *result,
                            const struct check_party *parties, size_t party_count,
                            enum disclose disclose, struct arena *arena,
                            Passgate__V1__ExplainEntitlementResponse *ret_response)
{
    Passgate__V1__ExplainEntitlementResponse *response = ret_response;

    passgate__v1__explain_entitlement_response__init(response);
    response->decision = arena_alloc(arena, sizeof(*response->decision));
    check_response_write(order, result, disclose, true, arena, response->decision);
    if (disclose < DISCLOSE_REASONS)
        return;
    response->n_parties = party_count;
    response->parties = arena_new_array(arena, Passgate__V1__PartyExplanation *, party_count);
    for (size_t i = 0; i < party_count; i++)
        response->parties[i] = party_message(order, &parties[i], disclose, arena);
    write_citation(result, arena, response);
    response->shadow = shadow_message(result, arena);
}
