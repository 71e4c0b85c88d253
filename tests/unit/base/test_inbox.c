/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox: many post, one takes; in order, nothing lost, one ring for a burst. */
#include "base/attributes.h"
#include "base/inbox.h"
#include "base/thread.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PRODUCERS = 4, TASKS_PER_PRODUCER = 20000 };

struct numbered {
    struct task task;
    unsigned producer;
    unsigned number;
};

static struct inbox inbox;
static atomic_uint rings;
static unsigned seen[PRODUCERS];
static size_t out_of_order;

static void count_ring(struct inbox *rung)
{
    assert_ptr_equal(rung, &inbox);
    atomic_fetch_add(&rings, 1);
}

static void note(struct task *task)
{
    struct numbered *numbered = CONTAINER_OF(task, struct numbered, task);

    out_of_order += numbered->number != seen[numbered->producer];
    seen[numbered->producer] = numbered->number + 1;
}

static int set_up(void **state)
{
    (void)state;
    inbox_init(&inbox, count_ring);
    atomic_store(&rings, 0);
    for (size_t i = 0; i < PRODUCERS; i++)
        seen[i] = 0;
    out_of_order = 0;
    return 0;
}

static void tasks_run_in_the_order_in_which_they_were_posted(void **state)
{
    struct numbered tasks[5];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(tasks); i++) {
        tasks[i] = (struct numbered){.task.run = note, .number = i};
        inbox_post(&inbox, &tasks[i].task);
    }
    assert_int_equal(inbox_run(&inbox), ARRAY_LEN(tasks));
    assert_int_equal(seen[0], ARRAY_LEN(tasks));
    assert_int_equal(out_of_order, 0);
    assert_int_equal(inbox_run(&inbox), 0);
}

static void a_burst_rings_once(void **state)
{
    struct numbered tasks[3];

    (void)state;
    for (unsigned round = 1; round <= 2; round++) {
        assert_true(inbox_is_empty(&inbox));
        for (unsigned i = 0; i < ARRAY_LEN(tasks); i++) {
            tasks[i] = (struct numbered){.task.run = note, .producer = round, .number = i};
            inbox_post(&inbox, &tasks[i].task);
        }
        assert_false(inbox_is_empty(&inbox));
        assert_int_equal(rings, round);
        inbox_run(&inbox);
    }
}

static void post_again(struct task *task)
{
    struct numbered *numbered = CONTAINER_OF(task, struct numbered, task);

    if (++numbered->number < 3)
        inbox_post(&inbox, task);
}

static void what_is_posted_meanwhile_waits_for_the_next_run(void **state)
{
    struct numbered task = {.task.run = post_again};

    (void)state;
    inbox_post(&inbox, &task.task);
    assert_int_equal(inbox_run(&inbox), 1);
    assert_int_equal(task.number, 1);
    assert_int_equal(rings, 2); /* the inbox was empty again when the task posted itself */
    assert_int_equal(inbox_run(&inbox), 1);
    assert_int_equal(inbox_run(&inbox), 1);
    assert_int_equal(inbox_run(&inbox), 0);
    assert_int_equal(task.number, 3);
}

static struct numbered storm[PRODUCERS][TASKS_PER_PRODUCER];

static void *produce(void *argument)
{
    unsigned producer = (unsigned)(uintptr_t)argument;

    for (unsigned i = 0; i < TASKS_PER_PRODUCER; i++) {
        storm[producer][i] = (struct numbered){.task.run = note, .producer = producer, .number = i};
        inbox_post(&inbox, &storm[producer][i].task);
    }
    return NULL;
}

static void many_producers_lose_nothing_and_stay_in_order(void **state)
{
    pthread_t threads[PRODUCERS];
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; i < PRODUCERS; i++)
        thread_start(&threads[i], "producer", produce, (void *)(uintptr_t)i);
    while (taken < (size_t)PRODUCERS * TASKS_PER_PRODUCER) {
        taken += inbox_run(&inbox);
        sched_yield();
    }
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(inbox_is_empty(&inbox));
    assert_int_equal(out_of_order, 0);
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(seen[i], TASKS_PER_PRODUCER);
    assert_in_range(rings, 1, taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tasks_run_in_the_order_in_which_they_were_posted, set_up),
        cmocka_unit_test_setup(a_burst_rings_once, set_up),
        cmocka_unit_test_setup(what_is_posted_meanwhile_waits_for_the_next_run, set_up),
        cmocka_unit_test_setup(many_producers_lose_nothing_and_stay_in_order, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
