/* SPDX-License-Identifier: Apache-2.0 */
/* The facts cache: one read for all who wait, no change lost, no revision claimed that is not
 * there. */
#include "unit/storage/cache_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Reading. */

static void what_was_read_is_found_with_its_age(void **state)
{
    struct cache_fixture *fixture = *state;
    uint64_t number = fake_store_write(fixture->fake, 1, 7);
    struct facts_waiter *waiter;
    struct facts_view view;

    assert_false(cache_get(fixture, 1));
    waiter = cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    cache_assert_got(waiter, 1, 7);
    assert_true(waiter->view.is_known);
    assert_false(waiter->view.is_stale);
    assert_int_equal(waiter->view.number, number);

    test_clock_advance(&fixture->clock, 1234);
    assert_true(cache_get_at(fixture, 1, 0, &view));
    assert_true(fake_facts_are_of(view.facts, 1));
    assert_true(hash128_equal(view.subject, fake_subject(1)));
    assert_int_equal(clock_wall_ms(&fixture->clock.clock) - view.read_at_ms, 1234);
    assert_int_equal(cache_stats(fixture).hits, 1);
    assert_int_equal(cache_stats(fixture).misses, 1);
}

static void a_subject_without_a_record_is_known_to_be_unknown(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter = cache_load(fixture, 1, 0);
    struct facts_view view;

    cache_answer_all(fixture);
    assert_true(waiter->is_ok);
    assert_false(waiter->view.is_known);
    assert_memory_equal(waiter->view.facts, &facts_unknown, facts_size(&facts_unknown.header));
    assert_true(cache_get_at(fixture, 1, 0, &view));
    assert_false(view.is_known);
}

static void one_read_serves_everyone_who_waits(void **state)
{
    struct cache_fixture *fixture = *state;

    fake_store_write(fixture->fake, 1, 7);
    for (size_t i = 0; i < 100; i++)
        cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    assert_int_equal(fake_store_submitted(fixture->fake), 1);
    assert_int_equal(fixture->answered, 100);
    for (size_t i = 0; i < 100; i++)
        cache_assert_got(&fixture->waiters[i], 1, 7);
    assert_int_equal(cache_stats(fixture).loads, 1);
    assert_int_equal(cache_stats(fixture).shared_loads, 99);
    cache_load(fixture, 1, 0); /* too late for the read, and there it is */
    while (inbox_run(&fixture->mailbox.inbox) > 0)
        ;
    assert_int_equal(fixture->answered, 101);
    assert_int_equal(fake_store_submitted(fixture->fake), 1);
}

static void a_first_waiter_that_has_gone_does_not_keep_the_others_from_their_answer(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *first, *second;

    fake_store_write(fixture->fake, 1, 7);
    first = cache_load(fixture, 1, 0);
    second = cache_load(fixture, 1, 0);
    first->owner = NULL;
    cache_answer_all(fixture);
    assert_int_equal(fixture->answered, 1);
    cache_assert_got(second, 1, 7);
    cache_assert_got(first, 1, 7);
}

static void principals_are_the_hashes_of_their_ids(void **state)
{
    struct cache_fixture *fixture = *state;
    struct span ids[] = {span_text("user-8"), span_text("user-9")};
    struct record record = {
        .subject = span_text("user-1"),
        .hash = fake_subject(1),
        .kind = SUBJECT_SERVICE,
        .principals = ids,
        .principal_count = ARRAY_LEN(ids),
    };
    struct facts_waiter *waiter;
    struct facts_view view;

    fake_store_write_record(fixture->fake, &record);
    waiter = cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    assert_true(waiter->is_ok);
    assert_true(cache_get_at(fixture, 1, 0, &view));
    assert_int_equal(view.principal_count, 2);
    assert_int_equal(waiter->view.principal_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(hash128_equal(view.principals[i], fake_subject(8 + i)));
        assert_true(hash128_equal(waiter->view.principals[i], fake_subject(8 + i)));
    }
}

static void the_record_of_another_subject_is_never_given(void **state)
{
    struct cache_fixture *fixture = *state;
    struct record record = {.subject = span_text("user-2"), .hash = fake_subject(2)};
    struct facts_waiter *waiter;
    struct arena arena;

    arena_init(&arena, 1024);
    fake_store_write_bytes(fixture->fake, fake_subject(1), record_encode(&record, &arena));
    arena_release(&arena);
    waiter = cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    assert_false(waiter->is_ok);
    assert_int_equal(waiter->err.code, ERR_STORE_CORRUPT);
    assert_false(cache_get(fixture, 1));
}

/* Changes. */

static void a_change_drops_the_entry(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    assert_true(cache_get(fixture, 1));
    fake_store_write(fixture->fake, 1, 8);
    assert_false(cache_get(fixture, 1));
    waiter = cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    cache_assert_got(waiter, 1, 8);
    assert_int_equal(cache_stats(fixture).invalidations, 1);
}

static void a_change_between_read_and_insertion_is_not_lost(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *early, *late;

    fake_store_write(fixture->fake, 1, 7);
    early = cache_load(fixture, 1, 0);
    assert_true(fake_store_read(fixture->fake));
    fake_store_write(fixture->fake, 1, 8);
    late = cache_load(fixture, 1, 0);
    cache_answer_read(fixture);
    cache_assert_got(early, 1, 7); /* it asked before the change was made */
    assert_int_equal(fixture->answered, 1);
    assert_false(cache_get(fixture, 1));
    cache_answer_all(fixture);
    cache_assert_got(late, 1, 8);
    assert_true(cache_get(fixture, 1));
}

static void a_change_that_the_read_has_seen_costs_no_second_read(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter = cache_load(fixture, 1, 0);
    uint64_t number = fake_store_write_untold(fixture->fake, 1, 8);

    assert_true(fake_store_read(fixture->fake));
    fake_store_tell(fixture->fake, 1, number);
    cache_answer_all(fixture);
    cache_assert_got(waiter, 1, 8);
    assert_true(cache_get(fixture, 1));
    assert_int_equal(fake_store_submitted(fixture->fake), 1);
}

static void what_is_dropped_or_reset_during_a_read_is_read_again(void **state)
{
    struct cache_fixture *fixture = *state;

    fake_store_write(fixture->fake, 1, 7);
    for (int is_reset = 0; is_reset < 2; is_reset++) {
        struct facts_waiter *late;
        size_t submitted = fake_store_submitted(fixture->fake);

        cache_load(fixture, 1, 0);
        assert_true(fake_store_read(fixture->fake));
        fake_store_write_untold(fixture->fake, 1, 8 + is_reset);
        if (is_reset)
            fake_store_tell_reset(fixture->fake);
        else
            facts_cache_drop(fixture->cache, fake_subject(1));
        late = cache_load(fixture, 1, 0);
        cache_answer_read(fixture);
        assert_false(cache_get(fixture, 1));
        cache_answer_all(fixture);
        cache_assert_got(late, 1, 8 + is_reset);
        assert_int_equal(fake_store_submitted(fixture->fake), submitted + 2);
        facts_cache_drop(fixture->cache, fake_subject(1));
    }
    assert_int_equal(cache_stats(fixture).resets, 1);
}

static void a_reset_empties_the_cache(void **state)
{
    struct cache_fixture *fixture = *state;

    for (unsigned i = 0; i < 100; i++)
        cache_load(fixture, i, 0);
    cache_answer_all(fixture);
    assert_int_equal(cache_stats(fixture).entries, 100);
    fake_store_tell_reset(fixture->fake);
    assert_int_equal(cache_stats(fixture).entries, 0);
    assert_false(cache_get(fixture, 1));
}

/* Revisions. */

static void an_entry_is_as_new_as_the_feed_says(void **state)
{
    struct cache_fixture *fixture = *state;
    uint64_t number = fake_store_write(fixture->fake, 1, 7), later;
    struct facts_view view;

    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    assert_true(cache_get_at(fixture, 1, number, &view));
    assert_false(cache_get_at(fixture, 1, number + 1, &view));
    later = fake_store_write(fixture->fake, 2, 1); /* somebody else's change, and no other */
    assert_true(cache_get_at(fixture, 1, later, &view));
    assert_int_equal(view.number, later);
    assert_false(cache_get_at(fixture, 1, later + 1, &view));
}

/* An own write is told when it is answered, perhaps before what others wrote earlier. */
static void a_change_ahead_of_its_turn_says_nothing_of_those_before_it(void **state)
{
    struct cache_fixture *fixture = *state;
    uint64_t number = fake_store_write(fixture->fake, 1, 7), of_another, own;
    struct facts_view view;

    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    of_another = fake_store_write_untold(fixture->fake, 1, 8);
    own = fake_store_write_untold(fixture->fake, 2, 1);
    fake_store_tell_ahead(fixture->fake, 2, own);
    assert_true(cache_get_at(fixture, 1, number, &view));
    assert_false(cache_get_at(fixture, 1, of_another, &view));
    fake_store_tell(fixture->fake, 1, of_another);
    assert_false(cache_get_at(fixture, 1, number, &view));
}

static void a_revision_that_the_store_does_not_have_is_ahead(void **state)
{
    struct cache_fixture *fixture = *state;
    uint64_t number = fake_store_write(fixture->fake, 1, 7);
    struct facts_waiter *enough, *ahead;

    ahead = cache_load(fixture, 1, number + 1);
    enough = cache_load(fixture, 1, number);
    cache_answer_all(fixture);
    cache_assert_got(enough, 1, 7);
    assert_false(ahead->is_ok);
    assert_int_equal(ahead->err.code, ERR_REVISION_AHEAD);
}

static void who_needs_more_than_the_read_under_way_gets_one_more(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *first, *second;
    uint64_t number;

    fake_store_write(fixture->fake, 1, 7);
    first = cache_load(fixture, 1, 0);
    assert_true(fake_store_read(fixture->fake));
    number = fake_store_write_untold(fixture->fake, 1, 8);
    second = cache_load(fixture, 1, number);
    cache_answer_all(fixture);
    cache_assert_got(first, 1, 7);
    cache_assert_got(second, 1, 8);
    assert_int_equal(fake_store_submitted(fixture->fake), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_set_up, cache_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_read_is_found_with_its_age),
        TEST(a_subject_without_a_record_is_known_to_be_unknown),
        TEST(one_read_serves_everyone_who_waits),
        TEST(a_first_waiter_that_has_gone_does_not_keep_the_others_from_their_answer),
        TEST(principals_are_the_hashes_of_their_ids),
        TEST(the_record_of_another_subject_is_never_given),
        TEST(a_change_drops_the_entry),
        TEST(a_change_between_read_and_insertion_is_not_lost),
        TEST(a_change_that_the_read_has_seen_costs_no_second_read),
        TEST(what_is_dropped_or_reset_during_a_read_is_read_again),
        TEST(a_reset_empties_the_cache),
        TEST(an_entry_is_as_new_as_the_feed_says),
        TEST(a_change_ahead_of_its_turn_says_nothing_of_those_before_it),
        TEST(a_revision_that_the_store_does_not_have_is_ahead),
        TEST(who_needs_more_than_the_read_under_way_gets_one_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
