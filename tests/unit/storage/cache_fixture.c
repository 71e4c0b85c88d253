/* SPDX-License-Identifier: Apache-2.0 */
/* A facts cache under test. */
#include "unit/storage/cache_fixture.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void cache_open(struct cache_fixture *fixture, size_t bytes_max, int64_t fresh_ms)
{
    struct facts_cache_options options = {
        .names = &fake_names,
        .clock = &fixture->clock.clock,
        .bytes_max = bytes_max,
        .fresh_ms = fresh_ms,
        .grace_ms = GRACE_MS,
        .read_timeout_ms = TIMEOUT_MS,
    };

    fixture->fake = fake_store_new();
    options.store = fake_store_as_store(fixture->fake);
    fixture->cache = facts_cache_new(&options);
}

void cache_close(struct cache_fixture *fixture)
{
    facts_cache_stop(fixture->cache);
    fake_store_free(fixture->fake);
    inbox_run(&fixture->mailbox.inbox);
    inbox_run(&fixture->mailbox.inbox);
    facts_cache_free(fixture->cache);
}

int cache_set_up(void **state)
{
    struct cache_fixture *fixture = memory_new(struct cache_fixture);

    test_clock_init(&fixture->clock);
    mailbox_init(&fixture->mailbox);
    arena_init(&fixture->arena, 4096);
    cache_open(fixture, 64 * 1024 * 1024, FRESH_MS);
    *state = fixture;
    return 0;
}

int cache_tear_down(void **state)
{
    struct cache_fixture *fixture = *state;

    cache_close(fixture);
    for (size_t i = 0; i < fixture->waiter_count; i++)
        facts_waiter_release(&fixture->waiters[i]);
    arena_release(&fixture->arena);
    mailbox_release(&fixture->mailbox);
    memory_free(fixture);
    return 0;
}

static void on_done(struct facts_waiter *waiter)
{
    struct cache_fixture *fixture = waiter->owner;

    if (fixture)
        fixture->answered++;
}

struct facts_waiter *cache_load(struct cache_fixture *fixture, unsigned subject,
                                uint64_t least_number)
{
    struct facts_waiter *waiter = &fixture->waiters[fixture->waiter_count++];

    facts_waiter_init(waiter, &fixture->mailbox.inbox, on_done, fixture);
    facts_cache_load(fixture->cache, fake_subject(subject), least_number, waiter);
    return waiter;
}

void cache_answer_all(struct cache_fixture *fixture)
{
    do {
        while (fake_store_read(fixture->fake))
            ;
        while (fake_store_answer(fixture->fake))
            ;
    } while (inbox_run(&fixture->mailbox.inbox) > 0 || fake_store_waiting(fixture->fake) > 0);
}

void cache_answer_read(struct cache_fixture *fixture)
{
    assert_true(fake_store_answer(fixture->fake));
    while (inbox_run(&fixture->mailbox.inbox) > 0)
        ;
}

void cache_refuse(struct cache_fixture *fixture, enum err_code code)
{
    assert_true(fake_store_refuse(fixture->fake, code));
    cache_answer_read(fixture);
}

bool cache_get_at(struct cache_fixture *fixture, unsigned subject, uint64_t least_number,
                  struct facts_view *ret_view)
{
    return facts_cache_get(fixture->cache, fake_subject(subject), least_number,
                           clock_wall_ms(&fixture->clock.clock), &fixture->arena, ret_view);
}

bool cache_get(struct cache_fixture *fixture, unsigned subject)
{
    struct facts_view view;

    return cache_get_at(fixture, subject, 0, &view);
}

void cache_assert_got(const struct facts_waiter *waiter, unsigned subject, int32_t version)
{
    assert_true(waiter->is_ok);
    assert_true(fake_facts_are_of(waiter->view.facts, subject));
    assert_int_equal(fake_facts_version(waiter->view.facts), version);
}

struct facts_cache_stats cache_stats(struct cache_fixture *fixture)
{
    struct facts_cache_stats stats;

    facts_cache_get_stats(fixture->cache, &stats);
    return stats;
}
