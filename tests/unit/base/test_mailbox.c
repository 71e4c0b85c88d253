/* SPDX-License-Identifier: Apache-2.0 */
/* The mailbox: sleeps until something comes, and misses nothing that came before it slept. */
#include "base/attributes.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SHORT_MS = 30, LONG_MS = 20000, POSTS = 5000 };

struct counter {
    struct task task;
    atomic_uint *count;
};

static struct mailbox mailbox;

static void count(struct task *task)
{
    atomic_fetch_add(CONTAINER_OF(task, struct counter, task)->count, 1);
}

static int set_up(void **state)
{
    (void)state;
    mailbox_init(&mailbox);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mailbox_release(&mailbox);
    return 0;
}

static int64_t wait_takes_ms(int64_t timeout_ms)
{
    int64_t before_ns = clock_now_ns();

    mailbox_wait(&mailbox, timeout_ms);
    return (clock_now_ns() - before_ns) / 1000000;
}

static void nothing_comes_and_the_time_passes(void **state)
{
    (void)state;
    assert_in_range(wait_takes_ms(SHORT_MS), SHORT_MS - 1, LONG_MS);
}

static void what_came_before_is_run_at_once(void **state)
{
    atomic_uint counted = 0;
    struct counter counter = {{.run = count}, &counted};

    (void)state;
    inbox_post(&mailbox.inbox, &counter.task);
    assert_in_range(wait_takes_ms(LONG_MS), 0, LONG_MS / 2);
    assert_int_equal(counted, 1);
}

static void waking_ends_one_wait_and_no_more(void **state)
{
    (void)state;
    mailbox_wake(&mailbox);
    mailbox_wake(&mailbox);
    assert_in_range(wait_takes_ms(LONG_MS), 0, LONG_MS / 2);
    assert_in_range(wait_takes_ms(SHORT_MS), SHORT_MS - 1, LONG_MS);
}

static void *post_many(void *argument)
{
    struct counter *counters = argument;

    for (size_t i = 0; i < POSTS; i++)
        inbox_post(&mailbox.inbox, &counters[i].task);
    return NULL;
}

static void a_sleeper_gets_everything_from_another_thread(void **state)
{
    static struct counter counters[POSTS];
    static atomic_uint counted;
    pthread_t thread;

    (void)state;
    for (size_t i = 0; i < POSTS; i++)
        counters[i] = (struct counter){{.run = count}, &counted};
    thread_start(&thread, "poster", post_many, counters);
    while (atomic_load(&counted) < POSTS)
        assert_in_range(wait_takes_ms(LONG_MS), 0, LONG_MS / 2);
    pthread_join(thread, NULL);
    assert_int_equal(counted, POSTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_comes_and_the_time_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_came_before_is_run_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waking_ends_one_wait_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sleeper_gets_everything_from_another_thread, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
