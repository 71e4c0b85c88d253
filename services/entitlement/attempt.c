/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a run. */
#include "entitlement/attempt.h"

#include "domain/directive/shadow.h"
#include "entitlement/decide.h"
#include "entitlement/lookups.h"
#include "entitlement/parties.h"

/* Not as a whole: an error and an answer have room for more than they mostly hold. */
static void check_result_clear(struct check_result *result)
{
    result->is_failed = false;
    result->err.code = ERR_OK;
    result->err.field[0] = '\0';
    result->is_allowed = false;
    result->reason = DECISION_REASON_UNSPECIFIED;
    directive_answer_clear(&result->answer);
    result->instead = span_of(NULL, 0);
    result->vary_context = 0;
    result->max_age_ms = 0;
    result->facts_age_ms = 0;
    result->is_stale = false;
    result->subject = (struct hash128){0};
    result->is_by_claim = false;
    result->whose = NULL;
    result->whose_count = 0;
    result->shadow.is_there = false;
}

static bool read_min_revision(struct check_order *order, struct err *err)
{
    struct revision least = {0};

    if (order->min_revision.length > 0 &&
        !revision_parse(order->min_revision, "min_revision", &least, err))
        return false;
    if (least.directive_set > directive_set_number(order->set))
        return err_field(err, ERR_REVISION_AHEAD, "min_revision",
                         "of a directive set that is not here");
    order->least = least;
    order->revision = (struct revision){.directive_set = directive_set_number(order->set)};
    return true;
}

/* What is tried is compared with the set that it was compiled over, and with no other. */
static struct directive_set *shadow_of(const struct entitlement_options *options,
                                       const struct directive_set *set)
{
    struct directive_set *shadow = options->shadow ? snapshot_get(options->shadow) : NULL;

    if (!shadow || directive_set_number(shadow) == directive_set_number(set))
        return shadow;
    directive_set_unref(shadow);
    return NULL;
}

bool attempt_begin(struct check_order *order, struct arena *arena, struct err *err)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);

    if (order->asked_count == 0)
        order->asked_count = order->count;
    order->count = order->asked_count; /* an attempt before this one may have ended sooner */
    order->asked_ms = order->now_ms = clock_wall_ms(options->clock);
    order->set = snapshot_get(options->directives);
    if (!order->set)
        return err_set(err, ERR_DIRECTIVES_UNAVAILABLE, "no directive set is loaded");
    if (!read_min_revision(order, err)) {
        check_order_release(order);
        return false;
    }
    order->shadow = shadow_of(options, order->set);
    order->results = arena_alloc(arena, order->count * sizeof(*order->results));
    for (size_t i = 0; i < order->count; i++)
        check_result_clear(&order->results[i]);
    return true;
}

/* Whom the question names: by id at once, by claim when the claim was looked up. */
static bool find_subject(const struct check_order *order, size_t index,
                         const struct check_lookups *lookups, struct hash128 *ret_subject,
                         struct check_result *result)
{
    const struct check_input *input = &order->inputs[index];
    const struct entitlement_options *options = entitlement_options(order->entitlement);

    if (input->claim_token.length == 0) {
        *ret_subject = names_subject_hash(options->names, input->subject);
        return true;
    }
    result->is_by_claim = true;
    if (!lookups || !lookups->claims || !lookups->claims[index].is_known)
        return false;
    if (!lookups->claims[index].is_ok) {
        result->is_failed = true;
        result->err = lookups->claims[index].err;
    }
    *ret_subject = lookups->claims[index].subject;
    return true;
}

static void note_missing(const struct check_order *order, const struct parties *parties,
                         struct check_lookups *lookups, struct arena *arena)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);

    for (size_t i = 0; i < parties->missing_count; i++) {
        struct hash128 subject = parties->missing[i];

        if (!lookups_find(lookups, subject))
            lookups_add(lookups, arena, subject,
                        parties_least_number(options, &order->least, subject));
    }
}

static void note_one(struct check_result *result, struct hash128 *whose, struct hash128 subject)
{
    for (size_t i = 0; i < result->whose_count; i++)
        if (hash128_equal(whose[i], subject))
            return;
    whose[result->whose_count++] = subject;
}

/* Who is named, also when others stand behind: then what is recorded of him says who. */
static void note_whose(const struct entitlement_options *options, const struct check_input *input,
                       const struct parties *parties, struct arena *arena,
                       struct check_result *result)
{
    struct hash128 *whose =
        arena_new_array(arena, struct hash128, 1 + input->also_subject_count + parties->count);

    note_one(result, whose, result->subject);
    for (size_t i = 0; i < input->also_subject_count; i++)
        note_one(result, whose, names_subject_hash(options->names, input->also_subjects[i]));
    for (size_t i = 0; i < parties->count; i++)
        if (parties->items[i].role != PARTY_ORGANIZATION)
            note_one(result, whose, parties->items[i].subject);
    result->whose = whose;
}

void attempt_take_lease(struct check_order *order)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);

    order->lease = (struct lease){
        .longest_ms = options->lease_ms,
        .feed_age_ms = store_feed_age_ms(options->store),
    };
}

bool attempt_lease_holds(const struct check_order *order, const struct check_input *input,
                         struct err *err)
{
    const struct directive_question question = {
        .resource_type = input->resource_type,
        .resource_id = input->resource_id,
        .action = input->action,
        .now_ms = order->now_ms,
    };
    int64_t asked_ms;

    /* However short a lease is, it holds as long as that: nothing to look up. */
    if (lease_left_ms(&order->lease, 0) > 0 ||
        !directive_is_restricted(order->set, &question, &asked_ms) ||
        lease_left_ms(&order->lease, asked_ms) > 0)
        return true;
    return err_set(err, ERR_LEASE_LAPSED, "the feed was last heard %lld ms ago",
                   (long long)order->lease.feed_age_ms);
}

bool attempt_take_subjects(const struct check_order *order, const struct check_input *input,
                           struct hash128 subject, struct err *err)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    int64_t now_ms;

    if (!order->budget)
        return true;
    now_ms = clock_monotonic_ms(options->clock);
    if (!budget_take_subject(order->budget, subject, now_ms, err))
        return false;
    for (size_t i = 0; i < input->also_subject_count; i++)
        if (!budget_take_subject(order->budget,
                                 names_subject_hash(options->names, input->also_subjects[i]),
                                 now_ms, err))
            return false;
    return true;
}

void attempt_shadow(const struct check_order *order, const struct check_input *input,
                    const struct check_party *parties, size_t party_count,
                    struct check_result *result)
{
    if (order->shadow)
        decide_shadow(order->shadow, input, parties, party_count, order->now_ms, &result->shadow);
}

void attempt_count_failure(const struct check_order *order, const struct err *err)
{
    struct metrics *metrics = entitlement_options(order->entitlement)->metrics;

    if (err->code == ERR_LEASE_LAPSED)
        metrics_count(metrics_shard(metrics, order->worker_index), METRIC_LEASE_REFUSALS, 0, 1);
}

/* True when there is a result, a decision or an error. */
static bool decide_one(struct check_order *order, size_t index, struct check_lookups *lookups,
                       struct arena *arena)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    struct check_result *result = &order->results[index];
    struct parties parties;
    struct hash128 subject;

    check_result_clear(result);
    result->is_failed = !check_limits(order->limits, &order->inputs[index], &result->err) ||
                        !attempt_lease_holds(order, &order->inputs[index], &result->err);
    if (result->is_failed)
        return true;
    if (!find_subject(order, index, lookups, &subject, result))
        return false;
    result->subject = subject;
    if (!result->is_failed)
        result->is_failed =
            !attempt_take_subjects(order, &order->inputs[index], subject, &result->err);
    if (result->is_failed)
        return true;
    if (!parties_collect(order->entitlement, &order->inputs[index], subject, &order->least,
                         order->now_ms, lookups, arena, &parties, &result->err)) {
        result->is_failed = !order->is_terse || result->err.code != ERR_ORGANIZATION_UNKNOWN;
        if (!result->is_failed)
            decide_refused(result);
        return true;
    }
    if (parties.missing_count > 0) {
        if (lookups)
            note_missing(order, &parties, lookups, arena);
        return false;
    }
    decide(order->set, &order->inputs[index], parties.items, parties.count, order->now_ms,
           options->max_age_ms, &order->lease, result);
    attempt_shadow(order, &order->inputs[index], parties.items, parties.count, result);
    if (order->inputs[index].wants_handles)
        note_whose(options, &order->inputs[index], &parties, arena, result);
    if (parties.number >= order->revision.number) {
        order->revision.number = parties.number;
        order->revision.partition = names_partition(options->names, subject);
    }
    return true;
}

static bool is_last(const struct check_order *order, const struct check_result *result)
{
    bool is_allowed = !result->is_failed && result->is_allowed;

    return (order->ends == CHECK_END_REFUSED && !is_allowed) ||
           (order->ends == CHECK_END_ALLOWED && is_allowed);
}

bool attempt_decide(struct check_order *order, struct check_lookups *lookups, struct arena *arena)
{
    bool is_decided = true;

    attempt_take_lease(order);
    for (size_t i = 0; i < order->count; i++) {
        is_decided &= decide_one(order, i, lookups, arena);
        if (!is_decided && !lookups)
            return false;
        if (is_decided && is_last(order, &order->results[i]))
            order->count = i + 1;
    }
    return is_decided;
}

bool attempt_must_wait_for_record(const struct check_order *order)
{
    if (entitlement_options(order->entitlement)->is_every_answer_durable)
        return true;
    for (size_t i = 0; i < order->count; i++)
        if (!order->results[i].is_failed &&
            (order->results[i].answer.is_record_durable || order->inputs[i].wants_receipt))
            return true;
    return false;
}

static struct span resource_name(const struct check_input *input, struct arena *arena)
{
    size_t length = input->resource_type.length + 1 + input->resource_id.length;
    uint8_t *name = arena_alloc(arena, length);

    memcpy(name, input->resource_type.data, input->resource_type.length);
    name[input->resource_type.length] = '/';
    memcpy(name + input->resource_type.length + 1, input->resource_id.data,
           input->resource_id.length);
    return span_of(name, length);
}

static struct audit_shadow shadow_item(const struct check_shadow *shadow)
{
    if (!shadow->is_there)
        return (struct audit_shadow){.reason = 0};
    return (struct audit_shadow){
        .truth = (uint8_t)shadow->truth,
        .reason = (uint8_t)shadow->reason,
        .directive = shadow->decisive ? shadow->decisive->citation : span_of(NULL, 0),
    };
}

static struct audit_item item_of(const struct check_input *input, const struct check_result *result,
                                 struct arena *arena)
{
    const struct directive *decisive = result->is_failed ? NULL : result->answer.decisive;

    return (struct audit_item){
        .subject = result->subject,
        .resource = resource_name(input, arena),
        .action = input->action,
        .truth = (uint8_t)(result->is_failed ? TRUTH_UNKNOWN : result->answer.truth),
        .reason = (uint8_t)(result->is_failed ? DECISION_REASON_UNSPECIFIED : result->reason),
        .directive = decisive ? decisive->index : AUDIT_NO_DIRECTIVE,
        .shadow = shadow_item(&result->shadow),
    };
}

static struct span location_of(const struct check_input *input)
{
    for (size_t i = 0; i < input->context_count; i++)
        if (span_is(input->context[i].key, "location"))
            return input->context[i].value;
    return span_of(NULL, 0);
}

static uint32_t flags_of(const struct check_order *order, bool is_waited_for)
{
    uint32_t flags = is_waited_for ? AUDIT_WAITED : 0;

    for (size_t i = 0; i < order->count; i++) {
        flags |= order->results[i].is_stale ? AUDIT_STALE_FACTS : 0;
        flags |= order->results[i].is_by_claim ? AUDIT_BY_CLAIM : 0;
    }
    return flags;
}

static void count_decisions(const struct check_order *order)
{
    struct metrics *metrics = entitlement_options(order->entitlement)->metrics;
    struct metrics_shard *shard = metrics_shard(metrics, order->worker_index);

    for (size_t i = 0; i < order->count; i++) {
        const struct check_result *result = &order->results[i];

        if (result->is_failed)
            attempt_count_failure(order, &result->err);
        else
            metrics_count(shard, METRIC_DECISIONS, result->reason, 1);
        if (result->shadow.is_there)
            metrics_count(shard, METRIC_SHADOW_DECISIONS,
                          shadow_compare(result->answer.truth, result->reason, result->shadow.truth,
                                         result->shadow.reason),
                          1);
    }
}

/* Named where one of the questions was put to it, and not in any other record. */
static struct span shadow_set_of(const struct check_order *order)
{
    for (size_t i = 0; order->shadow && i < order->count; i++)
        if (order->results[i].shadow.is_there)
            return span_text(directive_set_digest(order->shadow));
    return span_of(NULL, 0);
}

/* A single question with further subjects: they follow the first item. */
static size_t fill_items(const struct check_order *order, struct audit_item *items,
                         struct arena *arena)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    const struct check_input *input = &order->inputs[0];

    for (size_t i = 0; i < order->count; i++)
        items[i] = item_of(&order->inputs[i], &order->results[i], arena);
    if (order->is_batch)
        return order->count;
    for (size_t i = 0; i < input->also_subject_count; i++) {
        items[1 + i] = items[0];
        items[1 + i].subject = names_subject_hash(options->names, input->also_subjects[i]);
    }
    return 1 + input->also_subject_count;
}

bool attempt_record(struct check_order *order, struct arena *arena, bool is_waited_for,
                    struct err *err)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    const struct check_input *first = &order->inputs[0];
    struct audit_item single[1 + CHECK_ALSO_SUBJECTS_MAX];
    struct audit_item *items =
        order->is_batch ? arena_new_array(arena, struct audit_item, order->count) : single;
    struct audit_record record = {
        .kind = order->is_batch ? AUDIT_BATCH : AUDIT_DECISION,
        .flags = flags_of(order, is_waited_for),
        .time_ms = order->asked_ms,
        .caller = order->caller,
        .method = order->method,
        .on_behalf_of = order->is_batch ? span_of(NULL, 0) : first->on_behalf_of,
        .location = location_of(first),
        .directive_set = directive_set_number(order->set),
        .latency_us = (uint64_t)((clock_now_ns() - order->started_ns) / 1000),
        .partition = order->revision.partition,
        .number = order->revision.number,
        .items = items,
        .shadow_set = shadow_set_of(order),
    };

    record.item_count = fill_items(order, items, arena);
    if (!order->is_batch && first->also_subject_count > 0)
        record.flags |= AUDIT_ALSO_SUBJECTS;
    if (!audit_append(options->audit, &record, &order->sequence, err))
        return false;
    count_decisions(order);
    return true;
}
