/* SPDX-License-Identifier: Apache-2.0 */
/* The change log: whoever follows it gets every change once and in order, or is told that he lost
 * track. */
#include "storage/change_log.h"

#include "base/thread.h"
#include "unit/storage/fake_store.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { ENTRIES = 8 };

struct fixture {
    struct fake_store *fake;
    struct change_log *log;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.fake = fake_store_new();
    fixture.log = change_log_new(fake_store_as_store(fixture.fake), ENTRIES);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    fake_store_free(fixture->fake);
    change_log_free(fixture->log);
    return 0;
}

static void tell(struct fixture *fixture, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++)
        fake_store_tell(fixture->fake, (unsigned)number, number);
}

/* Reads everything from the point on: the numbers first to last, one each. */
static void assert_reads(struct fixture *fixture, struct change_point *point, uint64_t first,
                         uint64_t last)
{
    struct store_change changes[3];
    size_t count;

    for (uint64_t number = first; number <= last;) {
        assert_true(change_log_read(fixture->log, point, changes, ARRAY_LEN(changes), &count));
        assert_in_range(count, 1, last - number + 1);
        for (size_t i = 0; i < count; i++, number++) {
            assert_int_equal(changes[i].number, number);
            assert_true(hash128_equal(changes[i].id, fake_subject((unsigned)number)));
        }
        assert_int_equal(point->number, number - 1);
    }
    assert_true(change_log_read(fixture->log, point, changes, ARRAY_LEN(changes), &count));
    assert_int_equal(count, 0);
}

static void assert_lost(struct fixture *fixture, struct change_point *point)
{
    struct store_change change;
    size_t count = 77;

    assert_false(change_log_read(fixture->log, point, &change, 1, &count));
    assert_int_equal(count, 77);
    assert_true(
        change_log_read(fixture->log, point, &change, 1, &count)); /* it goes on from here */
    assert_int_equal(count, 0);
}

static void a_reader_gets_every_change_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct change_point point = change_log_end(fixture->log);

    assert_int_equal(point.number, 0);
    tell(fixture, 1, 5);
    assert_reads(fixture, &point, 1, 5);
    tell(fixture, 6, 12); /* around the ring's end */
    assert_reads(fixture, &point, 6, 12);
    assert_int_equal(change_log_end(fixture->log).number, 12);
}

static void a_reader_who_is_too_slow_is_told_that_he_lost_track(void **state)
{
    struct fixture *fixture = *state;
    struct change_point slow = change_log_end(fixture->log), last_in_time = slow;

    tell(fixture, 1, 8);
    assert_reads(fixture, &last_in_time, 1, 8);
    tell(fixture, 9, 9);
    assert_lost(fixture, &slow);
    tell(fixture, 10, 11);
    assert_reads(fixture, &slow, 10, 11);
    assert_reads(fixture, &last_in_time, 9, 11);
}

static void a_reset_is_told_to_who_had_read_everything_too(void **state)
{
    struct fixture *fixture = *state;
    struct change_point point = change_log_end(fixture->log), after;

    tell(fixture, 1, 3);
    assert_reads(fixture, &point, 1, 3);
    fake_store_tell_reset(fixture->fake);
    after = change_log_end(fixture->log);
    assert_lost(fixture, &point);
    tell(fixture, 100, 101);
    assert_reads(fixture, &point, 100, 101);
    assert_reads(fixture, &after, 100, 101);
}

static void from_a_number_on_its_own_changes_are_told_as_well(void **state)
{
    struct fixture *fixture = *state;
    struct change_point point;

    tell(fixture, 10, 12);
    tell(fixture, 12, 12); /* a write that changes two */
    tell(fixture, 20, 20);
    assert_true(change_log_find(fixture->log, 0, 20, &point));
    assert_reads(fixture, &point, 20, 20);
    assert_true(change_log_find(fixture->log, 0, 13, &point)); /* a write that changed nothing */
    assert_reads(fixture, &point, 20, 20);
    assert_true(change_log_find(fixture->log, 0, 12, &point));
    for (int i = 0; i < 2; i++) {
        struct store_change change;
        size_t count;

        assert_true(change_log_read(fixture->log, &point, &change, 1, &count));
        assert_int_equal(change.number, 12);
    }
    assert_reads(fixture, &point, 20, 20);
    assert_true(change_log_find(fixture->log, 0, 99, &point)); /* another replica is ahead */
    tell(fixture, 21, 21);
    assert_reads(fixture, &point, 21, 21);
}

static void what_the_log_does_not_hold_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct change_point point = {77, 77, 7};

    assert_false(change_log_find(fixture->log, 0, 1, &point)); /* nothing is known yet */
    tell(fixture, 10, 12);
    assert_false(change_log_find(fixture->log, 0, 0, &point));
    assert_false(change_log_find(fixture->log, 0, 9, &point)); /* before its begin */
    assert_false(change_log_find(fixture->log, 1, 11, &point));
    tell(fixture, 13, 18); /* one is dropped */
    assert_false(change_log_find(fixture->log, 0, 10, &point));
    fake_store_tell_reset(fixture->fake);
    assert_false(change_log_find(fixture->log, 0, 18, &point));
    assert_int_equal(point.position, 77);
    assert_int_equal(point.number, 77);
    tell(fixture, 19, 19);
    assert_false(change_log_find(fixture->log, 0, 18, &point));
    assert_true(change_log_find(fixture->log, 0, 19, &point));
}

static void a_number_from_the_store_is_one_to_go_on_from(void **state)
{
    struct fixture *fixture = *state;
    struct change_point point;
    uint64_t question;

    assert_true(change_log_wants_number(fixture->log, &question));
    change_log_tell_number(fixture->log, question, 50);
    assert_false(change_log_wants_number(fixture->log, &question));
    assert_int_equal(change_log_end(fixture->log).number, 50);
    assert_false(change_log_find(fixture->log, 0, 49, &point));
    assert_true(change_log_find(fixture->log, 0, 50, &point));
    tell(fixture, 51, 52);
    assert_reads(fixture, &point, 51, 52);
}

static void a_number_that_comes_too_late_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    struct change_point point;
    uint64_t question, later;

    assert_true(change_log_wants_number(fixture->log, &question));
    fake_store_tell_reset(fixture->fake); /* what was between the number and this is lost */
    change_log_tell_number(fixture->log, question, 50);
    assert_false(change_log_find(fixture->log, 0, 50, &point));
    assert_true(change_log_wants_number(fixture->log, &later));
    tell(fixture, 60, 60);
    change_log_tell_number(fixture->log, later, 55);
    assert_int_equal(change_log_end(fixture->log).number, 60);
    assert_false(change_log_find(fixture->log, 0, 55, &point));
    assert_true(change_log_find(fixture->log, 0, 60, &point));
}

static void of_several_partitions_one_number_says_nothing(void **state)
{
    struct fake_store *fake = fake_store_new();
    struct fixture fixture = {.fake = fake};
    struct change_point point;
    uint64_t question;

    (void)state;
    fake_store_as_store(fake)->partition_count = 4;
    fixture.log = change_log_new(fake_store_as_store(fake), ENTRIES);
    assert_false(change_log_wants_number(fixture.log, &question));
    point = change_log_end(fixture.log);
    tell(&fixture, 1, 3);
    assert_reads(&fixture, &point, 1, 3);
    assert_false(change_log_find(fixture.log, 0, 2, &point));
    fake_store_free(fake);
    change_log_free(fixture.log);
}

static void count_ring(void *owner)
{
    (*(int *)owner)++;
}

static void the_follower_is_rung_until_he_ends_it(void **state)
{
    struct fixture *fixture = *state;
    int rings = 0;

    change_log_follow(fixture->log, count_ring, &rings);
    tell(fixture, 1, 3);
    assert_int_equal(rings, 3);
    fake_store_tell_reset(fixture->fake);
    assert_int_equal(rings, 4);
    change_log_follow(fixture->log, NULL, NULL);
    tell(fixture, 4, 5);
    assert_int_equal(rings, 4);
}

static void what_comes_ahead_of_its_turn_is_told_in_its_turn(void **state)
{
    struct fixture *fixture = *state;
    struct change_point point = change_log_end(fixture->log), found;

    tell(fixture, 1, 1);
    fake_store_tell_ahead(fixture->fake, 3, 3);
    assert_int_equal(change_log_end(fixture->log).number, 1);
    tell(fixture, 2, 4);
    assert_reads(fixture, &point, 1, 4);
    assert_true(change_log_find(fixture->log, 0, 2, &found));
    assert_reads(fixture, &found, 2, 4);
}

/* While the store's thread writes, readers on other threads read. */

enum { READERS = 3, CHANGES = 100000, RESET_EVERY = 10007 };

struct reader {
    struct fixture *fixture;
    struct change_point point;
    pthread_t thread;
    _Atomic uint64_t read;
    uint64_t losses, disorder;
    atomic_bool *is_over;
};

static void *read_on(void *argument)
{
    struct reader *reader = argument;
    uint64_t last = 0;

    for (;;) {
        bool is_over = atomic_load(reader->is_over);
        struct store_change changes[5];
        size_t count = 0;

        if (!change_log_read(reader->fixture->log, &reader->point, changes, ARRAY_LEN(changes),
                             &count)) {
            reader->losses++;
            last = 0;
        }
        for (size_t i = 0; i < count; i++) {
            reader->disorder += last != 0 && changes[i].number != last + 1;
            last = changes[i].number;
        }
        reader->read += count;
        if (is_over && count == 0)
            return NULL;
    }
}

static void readers_on_other_threads_see_no_hole_without_being_told(void **state)
{
    struct fixture *fixture = *state;
    struct reader readers[READERS] = {0};
    atomic_bool is_over = false;

    for (size_t i = 0; i < READERS; i++) {
        readers[i].fixture = fixture;
        readers[i].point = change_log_end(fixture->log);
        readers[i].is_over = &is_over;
        thread_start(&readers[i].thread, "reader", read_on, &readers[i]);
    }
    for (uint64_t number = 1; number <= CHANGES; number++) {
        tell(fixture, number, number);
        for (size_t i = 0; number == 1 && i < READERS; i++)
            while (atomic_load(&readers[i].read) == 0)
                sched_yield(); /* all are under way before the crowd of changes comes */
        if (number % RESET_EVERY == 0)
            fake_store_tell_reset(fixture->fake);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].disorder, 0);
        assert_int_equal(readers[i].point.number, CHANGES);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reader_gets_every_change_in_order),
        TEST(a_reader_who_is_too_slow_is_told_that_he_lost_track),
        TEST(a_reset_is_told_to_who_had_read_everything_too),
        TEST(what_comes_ahead_of_its_turn_is_told_in_its_turn),
        TEST(from_a_number_on_its_own_changes_are_told_as_well),
        TEST(what_the_log_does_not_hold_is_not_found),
        TEST(a_number_from_the_store_is_one_to_go_on_from),
        TEST(a_number_that_comes_too_late_is_not_believed),
        cmocka_unit_test(of_several_partitions_one_number_says_nothing),
        TEST(the_follower_is_rung_until_he_ends_it),
        TEST(readers_on_other_threads_see_no_hole_without_being_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
