/* SPDX-License-Identifier: Apache-2.0 */
/* The caller. */
#include "interceptors/caller_set.h"

static const char attachment;
static const char of_stream; /* the options, for its items */

const struct caller caller_local = {
    .id = {(const uint8_t *)"local", sizeof("local") - 1},
    .roles = ROLE_BOUND | ROLE_ANYONE,
    .disclose = DISCLOSE_FACTS,
    .authentication = RPC_PLAINTEXT,
    .is_local = true,
};

/* The binding of the SPIFFE id; for certificates without one, of the first name that has one. */
static const struct caller *find_peer(const struct caller_set *set, const struct rpc_peer *peer,
                                      struct span *ret_id)
{
    const struct caller *caller = NULL;

    *ret_id = peer->spiffe_id.length > 0 ? peer->spiffe_id : peer->names[0];
    if (peer->spiffe_id.length > 0)
        return caller_set_find(set, peer->spiffe_id);
    for (size_t i = 0; !caller && i < peer->name_count; i++)
        if ((caller = caller_set_find(set, peer->names[i])))
            *ret_id = peer->names[i];
    return caller;
}

static bool is_denied(const struct caller_set *set, const struct rpc_peer *peer)
{
    if (peer->spiffe_id.length > 0 && caller_set_denies(set, peer->spiffe_id))
        return true;
    for (size_t i = 0; i < peer->name_count; i++)
        if (caller_set_denies(set, peer->names[i]))
            return true;
    return false;
}

/* A person is behind an id, not behind the binding of a pattern: theirs differ. */
static const struct budget *budget_of(struct rpc_call *call, const struct caller_set *set,
                                      const struct caller *binding, struct span id)
{
    const struct budget *persons = caller_set_person_budget(set, id);
    struct budget *budget;

    if (!persons || !binding->budget)
        return persons ? persons : binding->budget;
    budget = arena_new(rpc_call_arena(call), struct budget);
    *budget = *binding->budget;
    budget->above = persons;
    return budget;
}

/* A caller of its own: for who has no binding, and for who has one of a pattern. */
static const struct caller *own_caller(struct rpc_call *call, const struct caller_set *set,
                                       const struct caller *binding, struct span id)
{
    struct caller *caller = arena_new(rpc_call_arena(call), struct caller);

    if (binding) {
        *caller = *binding;
        caller->budget = budget_of(call, set, binding, id);
    } else {
        *caller = (struct caller){
            .roles = ROLE_ANYONE, .disclose = DISCLOSE_DECISION, .authentication = RPC_MTLS};
    }
    caller->id = id;
    return caller;
}

static void unref_set(void *set)
{
    caller_set_unref(set);
}

/* The set is let go with the call's arena, which is also where the work of a parked call goes. */
static bool find_caller(struct rpc_call *call, const struct caller_options *options,
                        const struct rpc_peer *peer, struct err *err)
{
    struct caller_set *set = snapshot_get(options->callers);
    const struct caller *caller;
    struct span id;

    arena_defer(rpc_call_arena(call), unref_set, set);
    if (peer->spiffe_id.length == 0 && peer->name_count == 0)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "the certificate has no SPIFFE id and no DNS name; its CN is no identity");
    caller = find_peer(set, peer, &id);
    if (!caller || !span_equal(caller->id, id))
        caller = own_caller(call, set, caller, id);
    rpc_call_attach(call, &attachment, (void *)caller);
    if (is_denied(set, peer))
        return err_set(err, ERR_CALLER_DENIED, "the caller's id is on the list of denied ones");
    return true;
}

static bool before(struct rpc_call *call, void *context, struct err *err)
{
    struct rpc_peer peer;

    if (!rpc_call_peer(call, &peer, err))
        return false;
    if (peer.authentication == RPC_PLAINTEXT)
        rpc_call_attach(call, &attachment, (void *)&caller_local);
    else if (!find_caller(call, context, &peer, err))
        return false;
    if (rpc_call_method(call)->kind == RPC_BIDI_STREAM)
        rpc_call_attach(call, &of_stream, context);
    if (!(rpc_call_method(call)->roles & caller_of(call)->roles))
        return err_set(err, ERR_ROLE_MISSING, "the caller's binding lacks the role");
    return true;
}

/* How refusals are counted.  Who is too fast is no event that anyone has to prove later, and would
 * make a flood of calls one of records. */
static const struct {
    enum err_code code;
    enum metrics_refusal counted_as;
    bool is_recorded;
} refusals[] = {
    {ERR_UNAUTHENTICATED, METRICS_REFUSAL_UNAUTHENTICATED, true},
    {ERR_CALLER_DENIED, METRICS_REFUSAL_DENIED, true},
    {ERR_ROLE_MISSING, METRICS_REFUSAL_ROLE, true},
    {ERR_OUTSIDE_LIMITS, METRICS_REFUSAL_LIMITS, true},
    {ERR_BUDGET_RATE, METRICS_REFUSAL_BUDGET_RATE, false},
    {ERR_BUDGET_IN_FLIGHT, METRICS_REFUSAL_BUDGET_IN_FLIGHT, false},
    {ERR_BUDGET_SUBJECTS, METRICS_REFUSAL_BUDGET_SUBJECTS, true},
};

/* A log that cannot take it says so itself; the refusal stands. */
static void record_refusal(const struct caller_options *options,
                           const struct caller_refusal *refusal)
{
    const struct audit_record record = {
        .kind = AUDIT_REFUSAL,
        .time_ms = clock_wall_ms(options->clock),
        .caller = refusal->caller,
        .method = refusal->method,
        .outcome = span_text(err_reason(refusal->code)),
        .latency_us = (uint64_t)((clock_now_ns() - refusal->started_ns) / 1000),
    };
    uint64_t sequence;
    struct err ignored;

    (void)!audit_append(options->audit, &record, &sequence, &ignored);
}

void caller_note_refusal(const struct caller_options *options, const struct caller_refusal *refusal)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].code != refusal->code)
            continue;
        if (options->audit && refusals[i].is_recorded && !refusal->goes_unrecorded)
            record_refusal(options, refusal);
        if (options->metrics)
            metrics_count(metrics_shared(options->metrics), METRIC_CALLER_REFUSALS,
                          refusals[i].counted_as, 1);
        return;
    }
}

static void note_refusal(struct rpc_call *call, const struct caller_options *options,
                         enum err_code code)
{
    const struct caller *caller = caller_of(call);

    caller_note_refusal(options, &(struct caller_refusal){
                                     .caller = caller ? caller->id : span_of(NULL, 0),
                                     .method = span_text(rpc_call_method(call)->name),
                                     .started_ns = rpc_call_started_ns(call),
                                     .code = code,
                                 });
}

static void after(struct rpc_call *call, void *context, const struct err *outcome)
{
    if (outcome->code != ERR_OK)
        note_refusal(call, context, outcome->code);
}

void caller_note_item(struct rpc_call *call, const struct err *err)
{
    note_refusal(call, rpc_call_attached(call, &of_stream), err->code);
}

struct rpc_interceptor caller_interceptor(const struct caller_options *options)
{
    return (struct rpc_interceptor){
        .name = "caller", .before = before, .after = after, .context = (void *)options};
}

bool caller_reaches(const struct caller *caller, struct span subject, struct err *err)
{
    if (!caller->limits || limits_hold_subject(caller->limits, subject))
        return true;
    return err_set(err, ERR_OUTSIDE_LIMITS, "a subject outside of the caller's prefixes");
}

bool caller_reaches_all(const struct caller *caller, struct err *err)
{
    if (!caller->limits || caller->limits->subjects.count == 0)
        return true;
    return err_set(err, ERR_OUTSIDE_LIMITS, "all subjects, of a caller that reaches some");
}

const struct caller *caller_of(const struct rpc_call *call)
{
    return rpc_call_attached(call, &attachment);
}

const char *role_name(enum role role)
{
    static const char *const names[] = {"submitter", "attester", "issuer",  "checker",
                                        "proposer",  "approver", "auditor", "operator"};
    unsigned index = (unsigned)__builtin_ctz((unsigned)role | 1U << 31);

    return index < ARRAY_LEN(names) ? names[index] : "";
}

const char *disclose_name(enum disclose disclose)
{
    static const char *const names[] = {"decision", "next_step", "reasons", "facts"};

    return names[disclose];
}
