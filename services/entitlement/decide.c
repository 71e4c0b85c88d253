/* SPDX-License-Identifier: Apache-2.0 */
/* The decision itself. */
#include "entitlement/decide.h"

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct directive_question decide_question(const struct check_input *input,
                                          const struct check_party *party, int64_t now_ms)
{
    return (struct directive_question){
        .facts = party->facts,
        .resource_type = input->resource_type,
        .resource_id = input->resource_id,
        .action = input->action,
        .context = input->context,
        .context_count = input->context_count,
        .now_ms = now_ms,
        .is_stale = party->is_stale,
    };
}

void decide_party(const struct directive_set *set, const struct check_input *input,
                  const struct check_party *party, int64_t now_ms,
                  struct directive_answer *ret_answer)
{
    const struct directive_question question = decide_question(input, party, now_ms);

    directive_evaluate(set, &question, ret_answer);
}

/* One question and everything that its answer rests on. */
struct deliberation {
    const struct directive_set *set;
    const struct check_input *input;
    const struct check_party *parties;
    size_t party_count;
    int64_t now_ms;
    const struct lease *lease;
    int64_t valid_until_ms;
    int64_t reuse_ms; /* at most, by the realm and by leases */
    uint32_t vary_context;
};

static bool is_restricted(const struct directive_answer *answer)
{
    return answer->finding_count > 0;
}

/* What the directives say of one party, for the input's resource or another one. */
static void ask(struct deliberation *all, const struct check_input *input,
                const struct check_party *party, struct directive_answer *ret_answer)
{
    decide_party(all->set, input, party, all->now_ms, ret_answer);
    all->valid_until_ms = earlier(all->valid_until_ms, ret_answer->valid_until_ms);
    all->valid_until_ms = earlier(all->valid_until_ms, party->facts->header.valid_until_ms);
    all->vary_context |= ret_answer->vary_context;
    if (is_restricted(ret_answer))
        all->reuse_ms = earlier(all->reuse_ms, lease_reuse_ms(all->lease, ret_answer->lease_ms));
}

/* Would every party be allowed to use `resource` ("type/id") for the same action? */
static bool may_all_use(struct deliberation *all, struct span resource)
{
    const uint8_t *slash = memchr(resource.data, '/', resource.length);
    struct check_input other = *all->input;
    struct directive_answer answer;

    if (!slash)
        return false;
    other.resource_type = span_of(resource.data, (size_t)(slash - resource.data));
    other.resource_id = span_from(resource, other.resource_type.length + 1);
    for (size_t i = 0; i < all->party_count; i++) {
        ask(all, &other, &all->parties[i], &answer);
        if (answer.truth != TRUTH_TRUE ||
            (is_restricted(&answer) && lease_left_ms(all->lease, answer.lease_ms) == 0))
            return false;
    }
    return true;
}

static struct span find_instead(struct deliberation *all, const struct directive *decisive)
{
    for (size_t i = 0; decisive && i < decisive->instead_count; i++)
        if (may_all_use(all, decisive->instead[i]))
            return decisive->instead[i];
    return span_of(NULL, 0);
}

static bool is_by_exemption(const struct directive_answer *answer)
{
    size_t count = answer->finding_count < DIRECTIVE_FINDINGS_MAX ? answer->finding_count
                                                                  : DIRECTIVE_FINDINGS_MAX;

    for (size_t i = 0; i < count; i++)
        if (answer->findings[i].exemption)
            return true;
    return false;
}

/* Does the whole rest on this party's answer rather than on the one before?  On the one that
 * permits least; among those that ask, on the first reason that fits; where all permit, on one that
 * takes an exemption to do so. */
static bool is_weaker(const struct directive_answer *answer, const struct directive_answer *before)
{
    if (answer->truth != before->truth)
        return answer->truth < before->truth;
    if (answer->truth == TRUTH_UNKNOWN)
        return answer->reason < before->reason;
    return answer->truth == TRUTH_TRUE && is_by_exemption(answer) && !is_by_exemption(before);
}

/* For how long the answer may be used again.  What is unknown may be proven the next moment, what
 * is stale must be asked again, and where every use has to be on record no use goes without asking.
 */
static int64_t max_age_of(const struct deliberation *all, const struct check_result *result)
{
    if (result->answer.truth == TRUTH_UNKNOWN || result->is_stale ||
        result->answer.is_record_durable || all->valid_until_ms <= all->now_ms)
        return 0;
    return earlier(all->valid_until_ms - all->now_ms, all->reuse_ms);
}

void decide(const struct directive_set *set, const struct check_input *input,
            const struct check_party *parties, size_t party_count, int64_t now_ms,
            int64_t max_age_ms, const struct lease *lease, struct check_result *ret_result)
{
    struct deliberation all = {
        .set = set,
        .input = input,
        .parties = parties,
        .party_count = party_count,
        .now_ms = now_ms,
        .lease = lease,
        .valid_until_ms = TIMESTAMP_NEVER_MS,
        .reuse_ms = max_age_ms,
    };
    struct check_result *result = ret_result;
    struct directive_answer answer;
    bool is_record_durable = false;
    int64_t oldest_ms = now_ms;

    for (size_t i = 0; i < party_count; i++) {
        struct directive_answer *found = i == 0 ? &result->answer : &answer;

        ask(&all, input, &parties[i], found);
        oldest_ms = earlier(oldest_ms, parties[i].read_at_ms);
        result->is_stale |= parties[i].is_stale;
        is_record_durable |= found->is_record_durable;
        if (i > 0 && is_weaker(found, &result->answer))
            result->answer = *found;
    }
    result->answer.is_record_durable = is_record_durable;
    result->is_allowed = party_count > 0 && result->answer.truth == TRUTH_TRUE;
    result->reason = result->answer.reason;
    result->facts_age_ms = now_ms - oldest_ms;
    if (!result->is_allowed)
        result->instead = find_instead(&all, result->answer.decisive);
    result->vary_context = all.vary_context;
    result->max_age_ms = max_age_of(&all, result);
}

void decide_shadow(const struct directive_set *shadow, const struct check_input *input,
                   const struct check_party *parties, size_t party_count, int64_t now_ms,
                   struct check_shadow *ret_shadow)
{
    struct directive_answer answers[2], *weakest = &answers[0], *other = &answers[1];

    ret_shadow->is_there = false;
    for (size_t i = 0; i < party_count; i++) {
        const struct directive_question question = decide_question(input, &parties[i], now_ms);

        if (!directive_evaluate_shadow(shadow, &question, i == 0 ? weakest : other))
            return;
        if (i > 0 && is_weaker(other, weakest)) {
            struct directive_answer *stronger = weakest;

            weakest = other;
            other = stronger;
        }
    }
    if (party_count > 0)
        *ret_shadow =
            (struct check_shadow){true, weakest->truth, weakest->reason, weakest->decisive};
}

void decide_refused(struct check_result *ret_result)
{
    ret_result->is_allowed = false;
    ret_result->reason = DECISION_REASON_NOT_PERMITTED;
    ret_result->answer.truth = TRUTH_FALSE;
    ret_result->answer.reason = DECISION_REASON_NOT_PERMITTED;
}
