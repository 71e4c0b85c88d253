/* SPDX-License-Identifier: Apache-2.0 */
/* The reads that callers wait for: who may join, in whatever order they are answered. */
#include "storage/read_queue.h"
#include "unit/storage/cache_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

enum { TARGET_MS = 50, INTERVAL_MS = 100, SLEEP_MS = 5 };

static bool join(struct read_queue *queue, struct store_request *request, int64_t at_ms)
{
    struct err err;

    request->submitted_ns = at_ms * MS;
    if (read_queue_join(queue, request, &err))
        return true;
    assert_int_equal(err.code, ERR_OVERLOADED);
    return false;
}

static void it_is_as_old_as_the_oldest_that_is_not_answered(void **state)
{
    struct store_request requests[4] = {0};
    struct read_queue queue;

    (void)state;
    read_queue_init(&queue, TARGET_MS, INTERVAL_MS);
    assert_int_equal(read_queue_age_ns(&queue, 1000 * MS), 0);
    for (int i = 0; i < 4; i++)
        assert_true(join(&queue, &requests[i], 1000 + i));
    assert_int_equal(read_queue_age_ns(&queue, 1010 * MS), 10 * MS);
    read_queue_leave(&queue, &requests[1], 1010 * MS);
    assert_int_equal(read_queue_age_ns(&queue, 1010 * MS), 10 * MS);
    read_queue_leave(&queue, &requests[0], 1010 * MS);
    assert_int_equal(read_queue_age_ns(&queue, 1010 * MS), 8 * MS);
    read_queue_leave(&queue, &requests[3], 1010 * MS);
    assert_int_equal(read_queue_age_ns(&queue, 1010 * MS), 8 * MS);
    read_queue_leave(&queue, &requests[2], 1010 * MS);
    assert_int_equal(read_queue_age_ns(&queue, 1010 * MS), 0);
    read_queue_release(&queue);
}

static void while_one_has_waited_for_too_long_none_may_join(void **state)
{
    struct store_request oldest = {0}, later = {0}, refused = {0};
    struct read_queue queue;

    (void)state;
    read_queue_init(&queue, TARGET_MS, INTERVAL_MS);
    assert_true(join(&queue, &oldest, 1000));
    assert_true(join(&queue, &later, 1149));
    assert_false(join(&queue, &refused, 1150));
    assert_false(refused.is_queued);
    assert_int_equal(read_queue_refused(&queue), 1);
    read_queue_leave(&queue, &oldest, 1160 * MS);
    assert_true(join(&queue, &refused, 1161));
    read_queue_leave(&queue, &refused, 1162 * MS);
    assert_false(join(&queue, &refused, 1149 + TARGET_MS + 1)); /* a burst is not forgiven yet */
    read_queue_leave(&queue, &later, 1300 * MS);
    read_queue_release(&queue);
}

/* Through the store: whoever is waited for is refused, everybody else is not. */
static void a_store_that_hangs_refuses_reads_that_callers_wait_for_and_no_others(void **state)
{
    struct cache_fixture *fixture = *state;
    struct store *store = fake_store_as_store(fixture->fake);
    struct read_queue queue;
    struct facts_waiter *waiter;
    struct store_request *request;

    fake_store_write(fixture->fake, 1, 1);
    cache_load(fixture, 1, 0);
    cache_answer_all(fixture);
    test_clock_advance(&fixture->clock, FRESH_MS + 1);
    read_queue_init(&queue, SLEEP_MS, SLEEP_MS);
    store->reads = &queue;

    cache_load(fixture, 2, 0); /* hangs */
    while (read_queue_age_ns(&queue, clock_now_ns()) <= 2 * SLEEP_MS * MS)
        mailbox_wait(&fixture->mailbox, 1);
    waiter = cache_load(fixture, 3, 0);
    mailbox_wait(&fixture->mailbox, TIMEOUT_MS);
    assert_false(waiter->is_ok);
    assert_int_equal(waiter->err.code, ERR_OVERLOADED);
    waiter = cache_load(fixture, 1, 0); /* is known, and within its grace */
    mailbox_wait(&fixture->mailbox, TIMEOUT_MS);
    assert_true(waiter->is_ok && waiter->view.is_stale);
    assert_int_equal(read_queue_refused(&queue), 2);

    request = store_request_new(STORE_READ, 0, &fixture->mailbox.inbox, store_request_free, NULL);
    store_request_key(request, names_subject(fake_subject(9)));
    assert_int_equal(fake_store_waiting(fixture->fake), 1);
    store_submit(store, request);
    assert_int_equal(fake_store_waiting(fixture->fake), 2);
    cache_answer_all(fixture);
    waiter = cache_load(fixture, 3, 0);
    cache_answer_all(fixture);
    assert_true(waiter->is_ok);
    store->reads = NULL;
    read_queue_release(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_as_old_as_the_oldest_that_is_not_answered),
        cmocka_unit_test(while_one_has_waited_for_too_long_none_may_join),
        cmocka_unit_test_setup_teardown(
            a_store_that_hangs_refuses_reads_that_callers_wait_for_and_no_others, cache_set_up,
            cache_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
