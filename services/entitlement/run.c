/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run that waits: claims first, then facts, then (when a principal turned up) their facts, then
 * the record.
 *
 * Every step starts all reads that are missing, and goes on when the last of them is back.  A run
 * whose owner has gone still takes its results, to free them.
 */
#include "base/memory.h"
#include "entitlement/attempt.h"
#include "entitlement/lookups.h"
#include "keys/token.h"
#include "storage/claim_record.h"

static void go_on(struct check_run *run);

static void finish(struct check_run *run, const struct err *err)
{
    run->is_ok = err == NULL;
    if (err)
        run->err = *err;
    run->on_done(run);
}

static void one_is_back(struct check_run *run)
{
    if (--run->pending == 0)
        go_on(run);
}

static void on_facts(struct facts_waiter *waiter)
{
    struct check_lookup *lookup = CONTAINER_OF(waiter, struct check_lookup, waiter);

    lookup->is_loaded = true;
    one_is_back(waiter->owner);
}

static void start_loads(struct check_run *run)
{
    struct facts_cache *cache = entitlement_options(run->order.entitlement)->cache;

    run->pending++; /* so that nobody finishes while we are still starting */
    for (struct check_lookup *lookup = run->lookups->made; lookup; lookup = lookup->next_made) {
        if (lookup->waiter.reply_to)
            continue;
        facts_waiter_init(&lookup->waiter, run->reply_to, on_facts, run);
        run->pending++;
        facts_cache_load(cache, lookup->subject, lookup->least_number, &lookup->waiter);
    }
    one_is_back(run);
}

static bool read_record(const struct store_request *request, struct check_claim *claim,
                        struct arena *arena, struct err *err)
{
    struct claim_record record;

    if (!request->is_ok) {
        *err = request->err;
        return false;
    }
    if (request->values[0].version == 0)
        return err_field(err, ERR_TOKEN_INVALID, "claim_token", "no record of it");
    if (!claim_record_decode(request->values[0].data, arena, &record, err))
        return false;
    if (!span_equal(record.jti, claim->jti))
        return err_set(err, ERR_STORE_CORRUPT, "the record is another claim's");
    if (record.revoked_at_ms != 0)
        return err_field(err, ERR_TOKEN_INVALID, "claim_token", "revoked");
    claim->subject = record.subject;
    return true;
}

/* The claim says whom it is about only to whoever can look it up: its record has the subject. */
static void on_claim_record(struct store_request *request)
{
    struct check_claim *claim = request->owner;

    claim->is_known = true;
    claim->is_ok = read_record(request, claim, &claim->run->arena, &claim->err);
    one_is_back(claim->run);
}

static void read_claim(struct check_run *run, struct check_claim *claim)
{
    const struct entitlement_options *options = entitlement_options(run->order.entitlement);
    struct store_key key = names_claim(options->names, claim->jti);

    claim->run = run;
    claim->request = store_request_new(STORE_READ, names_partition(options->names, key.id),
                                       run->reply_to, on_claim_record, claim);
    claim->request->deadline_ms = clock_monotonic_ms(options->clock) + options->store_timeout_ms;
    claim->request->is_waited_for = true;
    store_request_key(claim->request, key);
    run->pending++;
    store_submit(options->store, claim->request);
}

static void open_claim(struct check_run *run, const struct key_ring *keys, size_t index)
{
    const struct entitlement_options *options = entitlement_options(run->order.entitlement);
    struct check_claim *claim = &run->lookups->claims[index];
    const struct token_expectation expectation = {
        .kind = &token_kind_claim,
        .issuer = options->issuer,
        .audience = options->realm_audience,
        .authorized_party = run->order.caller,
        .now_ms = run->order.now_ms,
    };
    enum token_refusal refusal;
    struct token token;

    if (token_open(keys, run->order.inputs[index].claim_token, &expectation, &run->arena, &token,
                   &refusal, &claim->err)) {
        claim->jti = token.id;
        read_claim(run, claim);
        return;
    }
    err_prefix_field(&claim->err, "claim_token");
    claim->is_known = true;
}

/* True when there are claims that have to be looked up. */
static bool start_claims(struct check_run *run)
{
    const struct entitlement_options *options = entitlement_options(run->order.entitlement);
    struct key_ring *keys;
    size_t count = 0;

    for (size_t i = 0; i < run->order.count; i++)
        count += run->order.inputs[i].claim_token.length > 0;
    if (count == 0 || run->lookups->claims)
        return false;
    run->lookups->claims = arena_new_array(&run->arena, struct check_claim, run->order.count);
    keys = snapshot_get(options->keys);
    run->pending++;
    for (size_t i = 0; i < run->order.count; i++)
        if (run->order.inputs[i].claim_token.length > 0)
            open_claim(run, keys, i);
    key_ring_unref(keys);
    one_is_back(run);
    return true;
}

static void on_recorded(struct task *task)
{
    struct check_run *run = CONTAINER_OF(task, struct check_run, audit_waiter.done);
    struct err err;

    if (run->audit_waiter.is_durable) {
        finish(run, NULL);
        return;
    }
    err_set(&err, ERR_AUDIT_UNAVAILABLE, "the record could not be written");
    finish(run, &err);
}

/* A single question without a decision is an error of the call, and has no decision to record. */
static void record(struct check_run *run)
{
    struct check_order *order = &run->order;
    bool is_waited_for = attempt_must_wait_for_record(order);
    struct err err;

    if (!order->is_batch && order->results[0].is_failed) {
        attempt_count_failure(order, &order->results[0].err);
        finish(run, &order->results[0].err);
    } else if (!attempt_record(order, &run->arena, is_waited_for, &err)) {
        finish(run, &err);
    } else if (is_waited_for) {
        run->audit_waiter.done.run = on_recorded;
        run->audit_waiter.reply_to = run->reply_to;
        audit_wait(entitlement_options(order->entitlement)->audit, order->sequence,
                   &run->audit_waiter);
    } else {
        finish(run, NULL);
    }
}

static void go_on(struct check_run *run)
{
    if (!run->owner) {
        run->on_done(run);
        return;
    }
    if (start_claims(run))
        return;
    if (attempt_decide(&run->order, run->lookups, &run->arena))
        record(run);
    else
        start_loads(run);
}

struct check_run *check_run_new(const struct check_order *order, struct arena arena,
                                struct inbox *reply_to, void (*on_done)(struct check_run *run),
                                void *owner)
{
    struct check_run *run = memory_new(struct check_run);

    run->order = *order;
    run->arena = arena;
    run->reply_to = reply_to;
    run->on_done = on_done;
    run->owner = owner;
    run->lookups = arena_new(&run->arena, struct check_lookups);
    return run;
}

void check_run_go(struct check_run *run)
{
    struct err err;

    if (attempt_begin(&run->order, &run->arena, &err))
        go_on(run);
    else
        finish(run, &err);
}

void check_run_abandon(void *run)
{
    ((struct check_run *)run)->owner = NULL;
}

void check_run_free(struct check_run *run)
{
    check_order_release(&run->order);
    for (struct check_lookup *lookup = run->lookups->made; lookup; lookup = lookup->next_made)
        facts_waiter_release(&lookup->waiter);
    for (size_t i = 0; run->lookups->claims && i < run->order.asked_count; i++)
        store_request_free(run->lookups->claims[i].request);
    arena_release(&run->arena);
    memory_free(run);
}
