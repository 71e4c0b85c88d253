/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets: how much is let through, and never more. */
#include "interceptors/budget.h"

#include "base/attributes.h"
#include "interceptors/subject_window.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define SECOND_NS INT64_C(1000000000)
#define MINUTE_MS INT64_C(60000)

enum { THREADS = 4 };

static struct hash128 subject(uint64_t number)
{
    return (struct hash128){.low = number * UINT64_C(0x9e3779b97f4a7c15), .high = number};
}

static size_t count_calls(const struct budget *budget, int64_t now_ns, size_t tries)
{
    size_t count = 0;
    struct err err;

    for (size_t i = 0; i < tries; i++)
        count += budget_take_item(budget, now_ns, &err);
    return count;
}

static void a_bucket_holds_the_calls_of_one_second(void **state)
{
    static const uint32_t rates[] = {1, 2, 3, 7, 100, 999, 1000000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct usage *usage = usage_new(0);
        const struct budget budget = {.limits = {.calls_per_second = rates[i]}, .usage = usage};

        assert_int_equal(count_calls(&budget, 5 * SECOND_NS, 2 * rates[i]), rates[i]);
        /* Half a second later half of it is there again, an hour later one second's. */
        assert_in_range(count_calls(&budget, 5 * SECOND_NS + SECOND_NS / 2, rates[i]), rates[i] / 2,
                        rates[i] / 2 + 1);
        assert_int_equal(count_calls(&budget, 3600 * SECOND_NS, 2 * rates[i]), rates[i]);
        usage_unref(usage);
    }
}

static void who_is_too_fast_is_told_how_long_to_wait(void **state)
{
    struct usage *usage = usage_new(0);
    const struct budget budget = {.limits = {.calls_per_second = 10}, .usage = usage};
    struct err err;
    int64_t wait_ms;

    (void)state;
    assert_int_equal(count_calls(&budget, SECOND_NS, 11), 10);
    assert_false(budget_take_item(&budget, SECOND_NS, &err));
    assert_int_equal(err.code, ERR_BUDGET_RATE);
    wait_ms = budget_wait_ms(&budget, SECOND_NS);
    assert_in_range(wait_ms, 100, 101);
    assert_true(budget_take_item(&budget, SECOND_NS + wait_ms * 1000000, &err));
    usage_unref(usage);
}

static void as_many_calls_run_at_once_as_the_budget_says(void **state)
{
    struct usage *usage = usage_new(0);
    const struct budget budget = {.limits = {.calls_in_flight = 2}, .usage = usage};
    struct err err;

    (void)state;
    assert_true(budget_take_call(&budget, 1, &err));
    assert_true(budget_take_call(&budget, 1, &err));
    assert_false(budget_take_call(&budget, 1, &err));
    assert_int_equal(err.code, ERR_BUDGET_IN_FLIGHT);
    budget_give_call(&budget);
    assert_true(budget_take_call(&budget, 1, &err));
    assert_false(budget_take_call(&budget, 1, &err));
    usage_unref(usage);
}

static void a_call_that_one_budget_refuses_costs_no_place_in_another(void **state)
{
    struct usage *of_person = usage_new(0), *of_caller = usage_new(0), *of_other = usage_new(0);
    const struct budget person = {.limits = {.calls_in_flight = 2}, .usage = of_person};
    const struct budget caller = {.limits = {.calls_per_second = 1, .calls_in_flight = 9},
                                  .usage = of_caller,
                                  .above = &person};
    const struct budget other = {
        .limits = {.calls_in_flight = 9}, .usage = of_other, .above = &person};
    struct err err;

    (void)state;
    assert_true(budget_take_call(&caller, SECOND_NS, &err));
    assert_false(budget_take_call(&caller, SECOND_NS, &err)); /* for its rate */
    assert_int_equal(err.code, ERR_BUDGET_RATE);
    assert_true(budget_take_call(&other, SECOND_NS, &err));
    assert_false(budget_take_call(&other, SECOND_NS, &err)); /* the person has two */
    assert_int_equal(err.code, ERR_BUDGET_IN_FLIGHT);
    budget_give_call(&other);
    budget_give_call(&caller);
    assert_true(budget_take_call(&other, SECOND_NS, &err));
    assert_true(budget_take_call(&other, SECOND_NS, &err));
    usage_unref(of_other);
    usage_unref(of_caller);
    usage_unref(of_person);
}

static void different_subjects_are_counted_once_each(void **state)
{
    struct usage *usage = usage_new(3);
    const struct budget budget = {.limits = {.subjects_per_hour = 3}, .usage = usage};
    struct err err;

    (void)state;
    for (uint64_t round = 0; round < 3; round++)
        for (uint64_t i = 1; i <= 3; i++)
            assert_true(budget_take_subject(&budget, subject(i), MINUTE_MS, &err));
    assert_false(budget_take_subject(&budget, subject(4), MINUTE_MS, &err));
    assert_int_equal(err.code, ERR_BUDGET_SUBJECTS);
    assert_true(budget_take_subject(&budget, subject(2), MINUTE_MS, &err));
    assert_true(budget_take_subject(NULL, subject(4), MINUTE_MS, &err));
    usage_unref(usage);
}

static void a_subject_counts_for_an_hour_after_it_was_last_asked_about(void **state)
{
    struct subject_window *window = subject_window_new(2);

    (void)state;
    assert_true(subject_window_take(window, subject(1), 100));
    assert_true(subject_window_take(window, subject(2), 130));
    assert_false(subject_window_take(window, subject(3), 160));
    assert_true(subject_window_take(window, subject(3), 161)); /* 1 has left */
    assert_false(subject_window_take(window, subject(1), 190));
    assert_true(subject_window_take(window, subject(1), 191)); /* 2 has left */
    assert_true(subject_window_take(window, subject(3), 220)); /* again: counts from now on */
    assert_false(subject_window_take(window, subject(2), 251));
    assert_true(subject_window_take(window, subject(2), 252)); /* 1 has left */
    assert_true(subject_window_take(window, subject(9), 100000));
    assert_true(subject_window_take(window, subject(8), 100000));
    assert_false(subject_window_take(window, subject(7), 100000));
    subject_window_free(window);
}

/* Against the plainest way to count: the minute of every subject's last question. */
static void no_hour_sees_more_than_the_budget(void **state)
{
    enum { BUDGET = 50, PEOPLE = 400, QUESTIONS = 20000 };
    struct subject_window *window = subject_window_new(BUDGET);
    int64_t last[PEOPLE];
    uint64_t seed = 7;

    (void)state;
    for (size_t i = 0; i < PEOPLE; i++)
        last[i] = -1000;
    for (size_t i = 0; i < QUESTIONS; i++) {
        int64_t minute = (int64_t)(i / 7);
        size_t who, others = 0;
        bool is_expected;

        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        who = (size_t)(seed >> 33) % PEOPLE;
        for (size_t k = 0; k < PEOPLE; k++)
            others += k != who && last[k] >= minute - SUBJECT_WINDOW_MINUTES;
        is_expected = others < BUDGET;
        assert_int_equal(subject_window_take(window, subject(who), minute), is_expected);
        if (is_expected)
            last[who] = minute;
    }
    subject_window_free(window);
}

/* Threads. */

struct race {
    struct budget budget;
    atomic_size_t taken;
    atomic_size_t at_once_max;
    atomic_size_t at_once;
};

static void *take_many(void *argument)
{
    struct race *race = argument;
    struct err err;

    for (;;) {
        size_t at_once, most;

        if (!budget_take_call(&race->budget, SECOND_NS, &err)) {
            if (err.code == ERR_BUDGET_RATE)
                return NULL;
            continue;
        }
        at_once = atomic_fetch_add(&race->at_once, 1) + 1;
        most = atomic_load(&race->at_once_max);
        while (at_once > most && !atomic_compare_exchange_weak(&race->at_once_max, &most, at_once))
            continue;
        atomic_fetch_add(&race->taken, 1);
        atomic_fetch_sub(&race->at_once, 1);
        budget_give_call(&race->budget);
    }
}

static void threads_together_take_no_more(void **state)
{
    struct usage *usage = usage_new(0);
    struct race race = {
        .budget = {.limits = {.calls_per_second = 5000, .calls_in_flight = 2}, .usage = usage}};
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &race), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(race.taken, 5000);
    assert_in_range(race.at_once_max, 1, 2);
    usage_unref(usage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_holds_the_calls_of_one_second),
        cmocka_unit_test(who_is_too_fast_is_told_how_long_to_wait),
        cmocka_unit_test(as_many_calls_run_at_once_as_the_budget_says),
        cmocka_unit_test(a_call_that_one_budget_refuses_costs_no_place_in_another),
        cmocka_unit_test(different_subjects_are_counted_once_each),
        cmocka_unit_test(a_subject_counts_for_an_hour_after_it_was_last_asked_about),
        cmocka_unit_test(no_hour_sees_more_than_the_budget),
        cmocka_unit_test(threads_together_take_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
