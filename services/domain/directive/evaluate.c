/* SPDX-License-Identifier: Apache-2.0 */
/* The answer: base AND every directive in force that names the resource and the action. */
#include "domain/directive/set.h"

static const char *const reason_names[] = {
#define X(name, number) [number] = #name,
    DECISION_REASON_LIST(X)
#undef X
};

const char *decision_reason_name(enum decision_reason reason)
{
    return (size_t)reason < ARRAY_LEN(reason_names) ? reason_names[reason] : "UNSPECIFIED";
}

/* In the order of reasons. */
static const struct {
    enum missing missing;
    enum decision_reason reason;
} missing_reasons[] = {
    {MISSING_CONTEXT, DECISION_REASON_CONTEXT_REQUIRED},
    {MISSING_AGREEMENT, DECISION_REASON_EVIDENCE_CONFLICT},
    {MISSING_FRESHNESS, DECISION_REASON_EVIDENCE_EXPIRED},
    {MISSING_RENEWAL, DECISION_REASON_EVIDENCE_EXPIRED},
    {MISSING_PROOF, DECISION_REASON_ASSURANCE_TOO_LOW},
    {MISSING_VERIFICATION, DECISION_REASON_VERIFICATION_REQUIRED},
    {MISSING_AFFILIATION, DECISION_REASON_VERIFICATION_REQUIRED},
};

enum decision_reason outcome_reason(uint32_t missing)
{
    for (size_t i = 0; i < ARRAY_LEN(missing_reasons); i++)
        if (missing & (uint32_t)missing_reasons[i].missing)
            return missing_reasons[i].reason;
    return DECISION_REASON_UNSPECIFIED;
}

bool directive_has_action(const struct directive *directive, struct span action)
{
    for (size_t i = 0; i < directive->action_count; i++)
        if (span_is(directive->actions[i], "*") || span_equal(directive->actions[i], action))
            return true;
    return false;
}

bool exemption_is_for(const struct directive_exemption *exemption, size_t row)
{
    if (exemption->resource_count == 0)
        return true;
    for (size_t i = 0; i < exemption->row_count; i++)
        if (exemption->rows[i] == row)
            return true;
    return false;
}

static void inquire_exemptions(struct inquiry *inquiry, const struct directive *directive,
                               size_t row, struct directive_result *result)
{
    const int64_t at_ms = directive_moment(directive, inquiry->question->now_ms);

    for (size_t i = 0; i < directive->exemption_count; i++) {
        const struct directive_exemption *exemption = &directive->exemptions[i];
        struct outcome outcome;

        if (!exemption_is_in_time(exemption, at_ms) || !exemption_is_for(exemption, row))
            continue;
        outcome = test_evaluate(inquiry, exemption->when);
        result->outcome = outcome_or(result->outcome, outcome);
        if (outcome.truth == TRUTH_TRUE) {
            result->exemption = exemption;
            return;
        }
        if (outcome.missing & MISSING_AFFILIATION && exemption->affiliation.type &&
            result->asked_count < DIRECTIVE_OBLIGATIONS_MAX)
            result->asked[result->asked_count++] = exemption;
    }
}

void directive_inquire(struct inquiry *inquiry, const struct directive *directive, size_t row,
                       struct directive_result *ret_result)
{
    ret_result->exemption = NULL;
    ret_result->asked_count = 0;
    ret_result->outcome = test_evaluate(inquiry, directive->require);
    if (ret_result->outcome.truth != TRUTH_TRUE)
        inquire_exemptions(inquiry, directive, row, ret_result);
    if (ret_result->outcome.truth == TRUTH_TRUE && inquiry->question->is_stale &&
        directive->is_stale_denied)
        ret_result->outcome = outcome_unknown(MISSING_FRESHNESS);
}

static void ask_for(struct directive_answer *answer, const struct directive_obligation *obligation)
{
    if (!obligation->type || answer->obligation_count == DIRECTIVE_OBLIGATIONS_MAX)
        return;
    answer->obligations[answer->obligation_count++] = obligation;
}

/* What would make this directive's UNKNOWN known.  Only the first kind of thing that is missing is
 * asked for; the rest may not be needed any more once it is there. */
static void ask(struct directive_answer *answer, const struct directive *directive,
                const struct directive_result *result)
{
    uint32_t missing = result->outcome.missing;

    if (missing & MISSING_CONTEXT) {
        ask_for(answer, &directive->context);
        return;
    }
    if (missing & (MISSING_AGREEMENT | MISSING_RENEWAL | MISSING_PROOF | MISSING_VERIFICATION)) {
        ask_for(answer, &directive->unverified);
        return;
    }
    if (!(missing & MISSING_AFFILIATION))
        return;
    ask_for(answer, &directive->affiliation);
    for (size_t i = 0; i < result->asked_count; i++)
        ask_for(answer, &result->asked[i]->affiliation);
}

static void change_at(struct directive_answer *answer, int64_t now_ms, int64_t at_ms)
{
    if (at_ms > now_ms && at_ms < answer->valid_until_ms)
        answer->valid_until_ms = at_ms;
}

/* The next moment at which the directive, or one of its exemptions, begins or ends. */
static void note_changes(struct directive_answer *answer, const struct directive *directive,
                         int64_t now_ms, size_t row)
{
    change_at(answer, now_ms, directive->from_ms);
    change_at(answer, now_ms, directive->until_ms);
    change_at(answer, now_ms, directive->lifted_ms);
    for (size_t i = 0; i < directive->exemption_count; i++) {
        if (!exemption_is_for(&directive->exemptions[i], row))
            continue;
        change_at(answer, now_ms, directive->exemptions[i].from_ms);
        change_at(answer, now_ms, directive->exemptions[i].until_ms);
    }
}

static int64_t shorter(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* An answer under way: what the directives so far have come to. */
struct tally {
    struct outcome outcome;
    struct directive_answer *answer;
    const struct directive *first_false;
    const struct directive *first_unknown;
    enum decision_reason first_unknown_reason;
};

static void count_directive(struct tally *tally, const struct directive *directive,
                            const struct directive_result *result)
{
    struct directive_answer *answer = tally->answer;
    enum truth truth = result->outcome.truth;

    if (answer->finding_count < DIRECTIVE_FINDINGS_MAX)
        answer->findings[answer->finding_count] = (struct directive_finding){
            .directive = directive, .exemption = result->exemption, .truth = truth};
    answer->finding_count++;
    answer->is_record_durable |= directive->is_record_durable;
    answer->lease_ms = shorter(answer->lease_ms, directive->lease_ms);
    tally->outcome = outcome_and(tally->outcome, result->outcome);
    if (truth == TRUTH_FALSE && !tally->first_false)
        tally->first_false = directive;
    if (truth == TRUTH_UNKNOWN) {
        enum decision_reason reason = outcome_reason(result->outcome.missing);

        /* The first directive that has the reason of the whole, and its obligations. */
        if (!tally->first_unknown || reason < tally->first_unknown_reason) {
            tally->first_unknown = directive;
            tally->first_unknown_reason = reason;
            answer->obligation_count = 0;
        }
        if (reason == tally->first_unknown_reason)
            ask(answer, directive, result);
    }
}

static void conclude(struct tally *tally, bool is_base_allowed)
{
    struct directive_answer *answer = tally->answer;

    answer->truth = truth_and(is_base_allowed ? TRUTH_TRUE : TRUTH_FALSE, tally->outcome.truth);
    if (answer->truth != TRUTH_UNKNOWN)
        answer->obligation_count = 0;
    answer->obligation = answer->obligation_count > 0 ? answer->obligations[0] : NULL;
    switch (answer->truth) {
    case TRUTH_TRUE:
        answer->reason = DECISION_REASON_ALLOWED;
        answer->decisive = answer->finding_count > 0 ? answer->findings[0].directive : NULL;
        break;
    case TRUTH_FALSE:
        answer->reason = DECISION_REASON_NOT_PERMITTED;
        answer->decisive = is_base_allowed ? tally->first_false : NULL;
        break;
    case TRUTH_UNKNOWN:
        answer->reason = tally->first_unknown_reason;
        answer->decisive = tally->first_unknown;
        break;
    }
}

bool directive_is_restricted(const struct directive_set *set,
                             const struct directive_question *question, int64_t *ret_lease_ms)
{
    const struct resource_row *row =
        directive_set_row(set, question->resource_type, question->resource_id);
    int64_t lease_ms = DIRECTIVE_LEASE_UNSAID;
    bool is_restricted = false;

    for (uint32_t i = 0; row && i < row->match_count; i++) {
        const struct directive *directive = &set->directives[set->matches[row->match_first + i]];

        if (!directive_has_action(directive, question->action) ||
            !directive_is_in_force(directive, question->now_ms))
            continue;
        is_restricted = true;
        lease_ms = shorter(lease_ms, directive->lease_ms);
    }
    *ret_lease_ms = lease_ms;
    return is_restricted;
}

static void evaluate_row(const struct directive_set *set, const struct resource_row *row,
                         const struct directive_question *question,
                         struct directive_answer *ret_answer)
{
    struct inquiry inquiry = {.set = set, .question = question};
    struct tally tally = {.outcome = outcome_known(true), .answer = ret_answer};

    directive_answer_clear(ret_answer);
    for (uint32_t i = 0; i < row->match_count; i++) {
        const struct directive *directive = &set->directives[set->matches[row->match_first + i]];
        struct directive_result result;

        if (!directive_has_action(directive, question->action))
            continue;
        note_changes(ret_answer, directive, question->now_ms, (size_t)(row - set->rows));
        if (!directive_is_in_force(directive, question->now_ms))
            continue;
        directive_inquire(&inquiry, directive, (size_t)(row - set->rows), &result);
        count_directive(&tally, directive, &result);
    }
    ret_answer->vary_context = inquiry.vary_context;
    conclude(&tally, row->is_base_allowed);
}

void directive_evaluate(const struct directive_set *set, const struct directive_question *question,
                        struct directive_answer *ret_answer)
{
    const struct resource_row *row =
        directive_set_row(set, question->resource_type, question->resource_id);

    if (row) {
        evaluate_row(set, row, question, ret_answer);
        return;
    }
    directive_answer_clear(ret_answer);
    ret_answer->reason = DECISION_REASON_RESOURCE_UNKNOWN;
}

bool directive_evaluate_shadow(const struct directive_set *shadow,
                               const struct directive_question *question,
                               struct directive_answer *ret_answer)
{
    const struct resource_row *row =
        directive_set_row(shadow, question->resource_type, question->resource_id);

    if (!row || !row->is_shadowed)
        return false;
    evaluate_row(shadow, row, question, ret_answer);
    return true;
}
