/* SPDX-License-Identifier: Apache-2.0 */
/* The decision itself. */
#include "entitlement/decide.h"

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void decide_party(const struct directive_set *set, const struct check_input *input,
                  const struct check_party *party, int64_t now_ms,
                  struct directive_answer *ret_answer)
{
    const struct directive_question question = {
        .facts = party->facts,
        .resource_type = input->resource_type,
        .resource_id = input->resource_id,
        .action = input->action,
        .context = input->context,
        .context_count = input->context_count,
        .now_ms = now_ms,
        .is_stale = party->is_stale,
    };

    directive_evaluate(set, &question, ret_answer);
}

/* Would every party be allowed to use `resource` ("type/id") for the same action? */
static bool may_all_use(const struct directive_set *set, const struct check_input *input,
                        struct span resource, const struct check_party *parties, size_t party_count,
                        int64_t now_ms)
{
    const uint8_t *slash = memchr(resource.data, '/', resource.length);
    struct check_input other = *input;
    struct directive_answer answer;

    if (!slash)
        return false;
    other.resource_type = span_of(resource.data, (size_t)(slash - resource.data));
    other.resource_id = span_from(resource, other.resource_type.length + 1);
    for (size_t i = 0; i < party_count; i++) {
        decide_party(set, &other, &parties[i], now_ms, &answer);
        if (answer.truth != TRUTH_TRUE)
            return false;
    }
    return true;
}

static struct span find_instead(const struct directive_set *set, const struct check_input *input,
                                const struct check_party *parties, size_t party_count,
                                int64_t now_ms, const struct directive *decisive)
{
    for (size_t i = 0; decisive && i < decisive->instead_count; i++)
        if (may_all_use(set, input, decisive->instead[i], parties, party_count, now_ms))
            return decisive->instead[i];
    return span_of(NULL, 0);
}

void decide(const struct directive_set *set, const struct check_input *input,
            const struct check_party *parties, size_t party_count, int64_t now_ms,
            int64_t max_age_ms, struct check_result *ret_result)
{
    struct check_result *result = ret_result;
    int64_t valid_until_ms = TIMESTAMP_NEVER_MS, oldest_ms = now_ms;
    struct directive_answer answer;
    bool is_record_durable = false;

    result->answer.truth = TRUTH_TRUE;
    for (size_t i = 0; i < party_count; i++) {
        decide_party(set, input, &parties[i], now_ms, &answer);
        valid_until_ms = earlier(valid_until_ms, answer.valid_until_ms);
        valid_until_ms = earlier(valid_until_ms, parties[i].facts->header.valid_until_ms);
        oldest_ms = earlier(oldest_ms, parties[i].read_at_ms);
        result->vary_context |= answer.vary_context;
        result->is_stale |= parties[i].is_stale;
        is_record_durable |= answer.is_record_durable;
        if (i == 0 || answer.truth < result->answer.truth)
            result->answer = answer;
    }
    result->answer.is_record_durable = is_record_durable;
    result->is_allowed = party_count > 0 && result->answer.truth == TRUTH_TRUE;
    result->reason = result->answer.reason;
    result->facts_age_ms = now_ms - oldest_ms;
    /* What is unknown may be proven the next moment; what is stale must be asked again. */
    if (result->answer.truth != TRUTH_UNKNOWN && !result->is_stale && valid_until_ms > now_ms)
        result->max_age_ms = earlier(valid_until_ms - now_ms, max_age_ms);
    if (!result->is_allowed)
        result->instead =
            find_instead(set, input, parties, party_count, now_ms, result->answer.decisive);
}
