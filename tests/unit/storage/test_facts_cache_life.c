/* SPDX-License-Identifier: Apache-2.0 */
/* The facts cache: nothing given for too long, a grace when the store is away, bounded memory. */
#include "unit/storage/cache_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Time. */

static void looking_extends_nothing(void **state)
{
    struct cache_fixture *fixture = *state;
    size_t hits = 0;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    for (int64_t age_ms = 100; age_ms <= 2 * FRESH_MS; age_ms += 100) {
        test_clock_advance(&fixture->clock, 100);
        hits += cache_get(fixture, 1);
        if (age_ms >= FRESH_MS)
            assert_false(cache_get(fixture, 1));
    }
    assert_true(hits >= FRESH_MS / 100 * 7 / 8 - 1);
}

static void the_life_counts_from_the_beginning_of_the_read(void **state)
{
    struct cache_fixture *fixture = *state;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    assert_true(fake_store_read(fixture->fake));
    test_clock_advance(&fixture->clock, FRESH_MS);
    cache_answer_read(fixture);
    assert_false(cache_get(fixture, 1));
}

static void lives_of_what_was_read_together_end_apart(void **state)
{
    struct cache_fixture *fixture = *state;
    size_t alive = 0;

    for (unsigned i = 0; i < 200; i++)
        cache_load(fixture, i, 0);
    cache_answer_all(fixture);
    test_clock_advance(&fixture->clock, FRESH_MS * 15 / 16);
    for (unsigned i = 0; i < 200; i++)
        alive += cache_get(fixture, i);
    assert_true(alive > 40);
    assert_true(alive < 160);
}

static void no_step_of_the_wall_clock_lengthens_a_life(void **state)
{
    struct cache_fixture *fixture = *state;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    test_clock_advance(&fixture->clock, FRESH_MS);
    atomic_fetch_sub(&fixture->clock.wall_ms, 300000);
    assert_false(cache_get(fixture, 1));
}

static void facts_that_change_by_themselves_are_not_given_past_that(void **state)
{
    struct cache_fixture *fixture = *state;
    int64_t now_ms = clock_wall_ms(&fixture->clock.clock);
    int32_t tomorrow = day_of_ms(now_ms) + 1;
    struct affiliation affiliation = {
        .organization = span_text("org/1"),
        .as = AFFILIATION_EMPLOYEE,
        .until_day = tomorrow,
        .review_by_day = DAY_NONE,
    };
    struct record record = {
        .subject = span_text("user-1"),
        .hash = fake_subject(1),
        .affiliations = &affiliation,
        .affiliation_count = 1,
    };
    int64_t left_ms = day_start_ms(tomorrow) - now_ms;
    struct facts_waiter *waiter;

    /* One second before midnight, so that the entry itself is still fresh. */
    test_clock_advance(&fixture->clock, left_ms - 1000);
    fake_store_write_record(fixture->fake, &record);
    waiter = cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    assert_true(waiter->is_ok);
    assert_int_equal(waiter->view.facts->header.affiliation_count, 1);
    test_clock_advance(&fixture->clock, 999);
    assert_true(cache_get(fixture, 1));
    test_clock_advance(&fixture->clock, 1);
    assert_false(cache_get(fixture, 1));
    waiter = cache_load(fixture, 1, 0);
    cache_refuse(fixture, ERR_STORE_UNAVAILABLE);
    assert_false(waiter->is_ok);
}

static void nothing_is_given_while_the_feed_is_silent(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    fake_store_set_feed_age(fixture->fake, FACTS_CACHE_FEED_SILENT_MS);
    assert_true(cache_get(fixture, 1));
    fake_store_set_feed_age(fixture->fake, FACTS_CACHE_FEED_SILENT_MS + 1);
    assert_false(cache_get(fixture, 1));
    fake_store_write_untold(fixture->fake, 1, 8);
    waiter = cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    cache_assert_got(waiter, 1, 8);
    assert_int_equal(fake_store_submitted(fixture->fake), 2);
}

/* A store that does not answer. */

static void an_entry_within_its_grace_answers_for_a_store_that_does_not(void **state)
{
    static const enum err_code codes[] = {ERR_STORE_UNAVAILABLE, ERR_DEADLINE, ERR_OVERLOADED};
    struct cache_fixture *fixture = *state;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    test_clock_advance(&fixture->clock, FRESH_MS);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct facts_waiter *waiter = cache_load(fixture, 1, 0);

        cache_refuse(fixture, codes[i]);
        cache_assert_got(waiter, 1, 7);
        assert_true(waiter->view.is_stale);
        assert_int_equal(clock_wall_ms(&fixture->clock.clock) - waiter->view.read_at_ms, FRESH_MS);
    }
}

static void what_the_store_has_just_said_is_not_stale_however_short_a_life_is(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter;

    cache_close(fixture);
    cache_open(fixture, 64 * 1024 * 1024, 0);
    fake_store_write(fixture->fake, 1, 7);
    waiter = cache_load(fixture, 1, 0);
    assert_true(fake_store_read(fixture->fake));
    test_clock_advance(&fixture->clock, TIMEOUT_MS - 1);
    cache_answer_read(fixture);
    cache_assert_got(waiter, 1, 7);
    assert_false(waiter->view.is_stale);
    assert_false(cache_get(fixture, 1));

    waiter = cache_load(fixture, 1, 0);
    assert_true(fake_store_read(fixture->fake));
    test_clock_advance(&fixture->clock, TIMEOUT_MS);
    cache_answer_read(fixture);
    assert_true(waiter->view.is_stale);
}

static void past_its_grace_there_is_nothing(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    test_clock_advance(&fixture->clock, FRESH_MS + GRACE_MS);
    waiter = cache_load(fixture, 1, 0);
    cache_refuse(fixture, ERR_STORE_UNAVAILABLE);
    assert_false(waiter->is_ok);
    assert_int_equal(waiter->err.code, ERR_STORE_UNAVAILABLE);
}

static void grace_never_gives_what_is_known_to_have_changed(void **state)
{
    struct cache_fixture *fixture = *state;
    uint64_t number = fake_store_write(fixture->fake, 1, 7);
    struct facts_waiter *waiter;

    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    waiter = cache_load(fixture, 1, number + 1); /* a revision that it does not reach */
    cache_refuse(fixture, ERR_STORE_UNAVAILABLE);
    assert_false(waiter->is_ok);
    fake_store_write(fixture->fake, 1, 8);
    waiter = cache_load(fixture, 1, 0);
    cache_refuse(fixture, ERR_STORE_UNAVAILABLE);
    assert_false(waiter->is_ok);
}

static void grace_is_not_for_damaged_records(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    test_clock_advance(&fixture->clock, FRESH_MS);
    waiter = cache_load(fixture, 1, 0);
    cache_refuse(fixture, ERR_STORE_CORRUPT);
    assert_false(waiter->is_ok);
    assert_int_equal(waiter->err.code, ERR_STORE_CORRUPT);
}

static void no_answer_is_not_kept(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter = cache_load(fixture, 1, 0);

    cache_refuse(fixture, ERR_STORE_UNAVAILABLE);
    assert_false(waiter->is_ok);
    assert_false(cache_get(fixture, 1));
    fake_store_write(fixture->fake, 1, 7);
    waiter = cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    cache_assert_got(waiter, 1, 7);
}

static void who_comes_to_a_read_that_is_overdue_does_not_wait_for_it(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *first, *late;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    test_clock_advance(&fixture->clock, FRESH_MS);
    first = cache_load(fixture, 1, 0);
    test_clock_advance(&fixture->clock, TIMEOUT_MS);
    late = cache_load(fixture, 1, 0);
    inbox_run(&fixture->mailbox.inbox);
    assert_int_equal(fixture->answered, 2); /* the first load of all, and the late one */
    cache_assert_got(late, 1, 7);
    assert_true(late->view.is_stale);
    assert_false(first->is_ok);

    test_clock_advance(&fixture->clock, GRACE_MS);
    late = cache_load(fixture, 1, 0);
    inbox_run(&fixture->mailbox.inbox);
    assert_false(late->is_ok);
    assert_int_equal(late->err.code, ERR_STORE_UNAVAILABLE);
    cache_answer_all(fixture);
    cache_assert_got(first, 1, 7);
}

static void after_a_stop_the_store_is_not_asked(void **state)
{
    struct cache_fixture *fixture = *state;
    struct facts_waiter *waiter, *late;

    fake_store_write(fixture->fake, 1, 7);
    cache_load(fixture, 1, 0);
    assert_true(fake_store_read(fixture->fake));
    fake_store_write(fixture->fake, 1, 8);
    late = cache_load(fixture, 1, 0);
    facts_cache_stop(fixture->cache);
    waiter = cache_load(fixture, 2, 0);
    cache_answer_read(fixture);
    assert_false(waiter->is_ok);
    assert_int_equal(waiter->err.code, ERR_STORE_UNAVAILABLE);
    assert_false(late->is_ok);
    assert_int_equal(fake_store_waiting(fixture->fake), 0);
}

/* Memory. */

static void memory_is_bounded(void **state)
{
    enum { BYTES_MAX = 256 * 1024, SUBJECTS = 10000 };
    struct cache_fixture *fixture = *state;
    struct facts_cache_stats stats;

    cache_close(fixture);
    cache_open(fixture, BYTES_MAX, FRESH_MS);
    for (unsigned i = 0; i < SUBJECTS; i++) {
        struct facts_waiter *waiter = cache_load(fixture, i, 0);

        cache_answer_all(fixture);
        facts_waiter_release(waiter);
        fixture->waiter_count = 0;
    }
    stats = cache_stats(fixture);
    assert_true(stats.bytes <= BYTES_MAX);
    assert_true(stats.entries > BYTES_MAX / 128 * 3 / 4);
    assert_int_equal(stats.evictions, SUBJECTS - stats.entries);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_set_up, cache_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(looking_extends_nothing),
        TEST(the_life_counts_from_the_beginning_of_the_read),
        TEST(lives_of_what_was_read_together_end_apart),
        TEST(no_step_of_the_wall_clock_lengthens_a_life),
        TEST(facts_that_change_by_themselves_are_not_given_past_that),
        TEST(nothing_is_given_while_the_feed_is_silent),
        TEST(an_entry_within_its_grace_answers_for_a_store_that_does_not),
        TEST(what_the_store_has_just_said_is_not_stale_however_short_a_life_is),
        TEST(past_its_grace_there_is_nothing),
        TEST(grace_never_gives_what_is_known_to_have_changed),
        TEST(grace_is_not_for_damaged_records),
        TEST(no_answer_is_not_kept),
        TEST(who_comes_to_a_read_that_is_overdue_does_not_wait_for_it),
        TEST(after_a_stop_the_store_is_not_asked),
        TEST(memory_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
