/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: bounded, everything that was taken is done, and done again belongs to whoever gave
 * it. */
#include "base/executor.h"
#include "base/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { QUEUE_MAX = 4, JOBS = 200, WAIT_MS = 20 };

struct counted {
    struct job job;
    pthread_t worked_on;
    unsigned done;
};

static struct mailbox mailbox;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint working;

static void work(struct job *job)
{
    struct counted *counted = CONTAINER_OF(job, struct counted, job);

    counted->worked_on = pthread_self();
    atomic_fetch_add(&working, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void on_done(struct task *task)
{
    CONTAINER_OF(task, struct counted, job.done)->done++;
}

static struct counted job_new(void)
{
    return (struct counted){.job = {
                                .done.run = on_done,
                                .reply_to = &mailbox.inbox,
                                .work = work,
                            }};
}

static int set_up(void **state)
{
    (void)state;
    mailbox_init(&mailbox);
    atomic_store(&working, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mailbox_release(&mailbox);
    return 0;
}

static void a_job_is_worked_on_elsewhere_and_done_here(void **state)
{
    struct executor *executor = executor_new(1, QUEUE_MAX);
    struct counted counted = job_new();
    struct err err;

    (void)state;
    assert_true(executor_submit(executor, &counted.job, &err));
    while (counted.done == 0)
        mailbox_wait(&mailbox, WAIT_MS);
    assert_int_equal(counted.done, 1);
    assert_false(pthread_equal(counted.worked_on, pthread_self()));
    executor_free(executor);
}

static void a_full_queue_refuses_and_takes_nothing(void **state)
{
    struct executor *executor = executor_new(1, QUEUE_MAX);
    struct counted first = job_new(), queued[QUEUE_MAX], refused = job_new();
    struct err err;

    (void)state;
    pthread_mutex_lock(&gate);
    assert_true(executor_submit(executor, &first.job, &err));
    while (atomic_load(&working) == 0)
        mailbox_wait(&mailbox, 1);
    for (size_t i = 0; i < QUEUE_MAX; i++) {
        queued[i] = job_new();
        assert_true(executor_submit(executor, &queued[i].job, &err));
    }
    assert_false(executor_submit(executor, &refused.job, &err));
    assert_int_equal(err.code, ERR_OVERLOADED);
    pthread_mutex_unlock(&gate);
    while (queued[QUEUE_MAX - 1].done == 0)
        mailbox_wait(&mailbox, WAIT_MS);
    assert_true(executor_submit(executor, &refused.job, &err));
    executor_free(executor);
    mailbox_wait(&mailbox, 0);
    assert_int_equal(first.done, 1);
    assert_int_equal(refused.done, 1);
}

static void stopping_finishes_what_was_taken(void **state)
{
    static struct counted jobs[JOBS];
    struct executor *executor = executor_new(3, JOBS);
    struct err err;

    (void)state;
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = job_new();
        assert_true(executor_submit(executor, &jobs[i].job, &err));
    }
    executor_free(executor);
    mailbox_wait(&mailbox, 0);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(jobs[i].done, 1);
}

/* One that works, and one that waits for longer than it may. */
static void while_jobs_have_waited_for_too_long_others_are_refused(void **state)
{
    enum { AGE_MS = 20 };
    struct executor *executor = executor_new(1, JOBS);
    struct counted first = job_new(), waiting = job_new(), spared = job_new(), refused = job_new();
    struct executor_state now;
    struct err err;

    (void)state;
    executor_bound_age(executor, AGE_MS, AGE_MS);
    pthread_mutex_lock(&gate);
    assert_true(executor_submit(executor, &first.job, &err));
    while (atomic_load(&working) == 0)
        mailbox_wait(&mailbox, 1);
    assert_true(executor_submit(executor, &waiting.job, &err));
    do {
        executor_get_state(executor, &now);
        mailbox_wait(&mailbox, 1);
    } while (now.age_ns < 2 * AGE_MS * INT64_C(1000000));
    assert_int_equal(now.queued, 1);
    assert_false(executor_submit(executor, &refused.job, &err));
    assert_int_equal(err.code, ERR_OVERLOADED);
    spared.job.is_spared = true;
    assert_true(executor_submit(executor, &spared.job, &err));
    executor_get_state(executor, &now);
    assert_int_equal(now.refused, 1);
    pthread_mutex_unlock(&gate);
    while (spared.done == 0)
        mailbox_wait(&mailbox, WAIT_MS);
    assert_true(executor_submit(executor, &refused.job, &err)); /* nobody waits any more */
    executor_free(executor);
    mailbox_wait(&mailbox, 0);
    assert_int_equal(waiting.done, 1);
    assert_int_equal(refused.done, 1);
}

static void no_executor_can_be_freed(void **state)
{
    (void)state;
    executor_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_is_worked_on_elsewhere_and_done_here, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_refuses_and_takes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopping_finishes_what_was_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_jobs_have_waited_for_too_long_others_are_refused,
                                        set_up, tear_down),
        cmocka_unit_test(no_executor_can_be_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
