/* SPDX-License-Identifier: Apache-2.0 */
/* What runs need around them. */
#include "unit/entitlement/runs.h"

#include "base/memory.h"
#include "keys/key_ring.h"

#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 500 };

static void open_files(struct runs *runs)
{
    struct audit_options audit = {.clock = &runs->clock.clock};
    struct key_ring *ring;
    struct err err;

    snprintf(runs->folder, sizeof(runs->folder), "/tmp/passgate-run-XXXXXX");
    assert_non_null(mkdtemp(runs->folder));
    audit.folder = arena_printf(&runs->arena, "%s/audit", runs->folder);
    if (!audit_open(&audit, &runs->audit, &err) ||
        !key_ring_load_or_make(arena_printf(&runs->arena, "%s/keys", runs->folder), 960000,
                               PERSONS_NOW_MS, &ring, &err))
        fail_msg("%s", err.detail);
    key_ring_snapshot_init(&runs->keys, ring);
}

int runs_set_up(void **state)
{
    struct runs *runs = memory_new(struct runs);
    const char *const nothing[] = {fixture_resources, NULL};

    arena_init(&runs->arena, 16 * 1024);
    test_clock_init(&runs->clock);
    mailbox_init(&runs->mailbox);
    fixture_setup((void **)&runs->directives);
    open_files(runs);
    directive_set_snapshot_init(&runs->set, fixture_compile(runs->directives, nothing));
    runs->fake = fake_store_new();
    runs->metrics = metrics_new(1);
    runs->cache = facts_cache_new(&(struct facts_cache_options){
        .store = fake_store_as_store(runs->fake),
        .names = &fake_names,
        .clock = &runs->clock.clock,
        .bytes_max = 1 << 20,
        .fresh_ms = RUNS_FRESH_MS,
        .grace_ms = RUNS_GRACE_MS,
        .read_timeout_ms = TIMEOUT_MS,
    });
    runs->entitlement = entitlement_new(&(struct entitlement_options){
        .directives = &runs->set,
        .keys = &runs->keys,
        .cache = runs->cache,
        .store = fake_store_as_store(runs->fake),
        .names = &fake_names,
        .organizations = &fixture_organizations,
        .audit = runs->audit,
        .metrics = runs->metrics,
        .clock = &runs->clock.clock,
        .issuer = span_text(RUNS_ISSUER),
        .realm_audience = span_text(RUNS_AUDIENCE),
        .max_age_ms = RUNS_MAX_AGE_MS,
        .lease_ms = RUNS_LEASE_MS,
        .store_timeout_ms = TIMEOUT_MS,
    });
    *state = runs;
    return 0;
}

int runs_tear_down(void **state)
{
    struct runs *runs = *state;
    char *command = arena_printf(&runs->arena, "rm -rf '%s'", runs->folder);
    int status;

    facts_cache_stop(runs->cache);
    fake_store_free(runs->fake);
    while (inbox_run(&runs->mailbox.inbox) > 0)
        continue;
    audit_close(runs->audit);
    mailbox_wait(&runs->mailbox, 0);
    facts_cache_free(runs->cache);
    entitlement_free(runs->entitlement);
    metrics_free(runs->metrics);
    snapshot_release(&runs->set);
    snapshot_release(&runs->keys);
    mailbox_release(&runs->mailbox);
    fixture_teardown((void **)&runs->directives);
    status = system(command);
    arena_release(&runs->arena);
    memory_free(runs);
    return status;
}

void runs_enforce(struct runs *runs, const char *require, const char *more)
{
    struct directive_set *set = fixture_rule(runs->directives, require, more);

    assert_non_null(set);
    directive_set_assign(set, 7);
    snapshot_replace(&runs->set, set);
}

static void take_answer(struct asked *asked, const struct check_order *order)
{
    for (size_t i = 0; asked->is_ok && i < order->count; i++)
        asked->results[i] = order->results[i];
    asked->revision = order->revision;
}

static void on_done(struct check_run *run)
{
    struct asked *asked = run->owner;

    if (asked) {
        asked->answers++;
        asked->run = NULL;
        asked->is_ok = run->is_ok;
        asked->err = run->err;
        take_answer(asked, &run->order);
    }
    check_run_free(run);
}

struct check_input runs_about(const char *subject)
{
    return (struct check_input){
        .subject = span_text(subject),
        .resource_type = span_text("model"),
        .resource_id = span_text("a"),
        .action = span_text("use"),
    };
}

struct check_order runs_order(struct runs *runs, const struct check_input *inputs, size_t count)
{
    return (struct check_order){
        .entitlement = runs->entitlement,
        .caller = span_text(RUNS_CALLER),
        .method = span_text("CheckEntitlement"),
        .inputs = inputs,
        .count = count,
        .is_batch = count > 1,
    };
}

void runs_begin(struct runs *runs, const struct check_order *order, struct asked *asked)
{
    struct arena arena;

    *asked = (struct asked){.answers = 0};
    arena_init(&arena, 4096);
    asked->run = check_run_new(order, arena, &runs->mailbox.inbox, on_done, asked);
    check_run_go(asked->run);
}

void runs_let_the_store_answer(struct runs *runs)
{
    do {
        while (fake_store_read(runs->fake))
            continue;
        while (fake_store_answer(runs->fake))
            continue;
    } while (inbox_run(&runs->mailbox.inbox) > 0);
}

void runs_let_the_store_fail(struct runs *runs, enum err_code code)
{
    while (fake_store_refuse(runs->fake, code))
        continue;
    runs_let_the_store_answer(runs);
}

void runs_ask(struct runs *runs, const struct check_input *inputs, size_t count,
              struct asked *asked)
{
    struct check_order order = runs_order(runs, inputs, count);

    runs_begin(runs, &order, asked);
    runs_let_the_store_answer(runs);
    assert_int_equal(asked->answers, 1);
}

void runs_keep(struct runs *runs, struct record record)
{
    fake_store_write_record(runs->fake, &record);
}
