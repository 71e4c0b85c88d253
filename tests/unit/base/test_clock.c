/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: what is told does not go back. */
#include "base/attributes.h"
#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

enum { THREADS = 4, READINGS = 100000 };

static void a_clock_that_is_set_back_stands_still_until_it_is_there_again(void **state)
{
    static const int64_t readings[][2] = {
        {1000, 1000}, {1001, 1001}, {1001, 1001}, {401, 1001},  {1000, 1001},
        {1001, 1001}, {1002, 1002}, {9000, 9000}, {1003, 9000}, {9001, 9001},
    };
    _Atomic int64_t told_ms = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        assert_int_equal(clock_tell(&told_ms, readings[i][0]), readings[i][1]);
}

/* What each thread is told never goes back, whoever reads the clock, and whatever it says. */
static void *read_again_and_again(void *argument)
{
    _Atomic int64_t *told_ms = argument;
    int64_t before_ms = 0;
    size_t steps_back = 0;

    for (int64_t i = 0; i < READINGS; i++) {
        int64_t read_ms = i % 5 == 0 ? i - 1000 : i;
        int64_t now_ms = clock_tell(told_ms, read_ms);

        steps_back += now_ms < before_ms || now_ms < read_ms;
        before_ms = now_ms;
    }
    return (void *)steps_back;
}

static void no_thread_is_told_less_than_before(void **state)
{
    _Atomic int64_t told_ms = 0;
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_again_and_again, &told_ms), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *steps_back;

        pthread_join(threads[i], &steps_back);
        assert_null(steps_back);
    }
    assert_int_equal(atomic_load(&told_ms), READINGS - 1);
}

static void the_systems_clock_is_not_behind_what_it_told(void **state)
{
    int64_t told_ms = clock_wall_ms(&clock_system);

    (void)state;
    assert_in_range(clock_wall_ms(&clock_system), told_ms, told_ms + 60 * 1000);
    assert_in_range(clock_behind_ms(&clock_system), 0, CLOCK_BEHIND_MAX_MS);
}

static int64_t fake_behind_ms;
static bool fake_is_synchronized;

static int64_t behind_ms(const struct clock *clock)
{
    (void)clock;
    return fake_behind_ms;
}

static bool is_synchronized(const struct clock *clock)
{
    (void)clock;
    return fake_is_synchronized;
}

static void what_is_wrong_with_a_clock_has_a_name(void **state)
{
    static const struct clock clock = {.behind_ms = behind_ms, .is_synchronized = is_synchronized};
    static const struct clock good = {NULL};
    static const struct {
        int64_t behind_ms;
        bool is_synchronized, needs_synchronization;
        enum err_code code;
    } rows[] = {
        {0, true, true, ERR_OK},
        {0, false, false, ERR_OK},
        {0, false, true, ERR_CLOCK_UNSYNCHRONIZED},
        {CLOCK_BEHIND_MAX_MS, true, true, ERR_OK},
        {CLOCK_BEHIND_MAX_MS + 1, true, false, ERR_CLOCK_BEHIND},
        {CLOCK_BEHIND_MAX_MS + 1, false, true, ERR_CLOCK_BEHIND},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = ERR_NONE;

        fake_behind_ms = rows[i].behind_ms;
        fake_is_synchronized = rows[i].is_synchronized;
        assert_int_equal(clock_check(&clock, rows[i].needs_synchronization, &err),
                         rows[i].code == ERR_OK);
        assert_int_equal(err.code, rows[i].code);
        assert_true(clock_check(&good, rows[i].needs_synchronization, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_set_back_stands_still_until_it_is_there_again),
        cmocka_unit_test(no_thread_is_told_less_than_before),
        cmocka_unit_test(what_is_wrong_with_a_clock_has_a_name),
        cmocka_unit_test(the_systems_clock_is_not_behind_what_it_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
