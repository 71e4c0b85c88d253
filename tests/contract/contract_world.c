/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: time, crashes, backups, full disks, overload, the end. */
#include "contract/fixture.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Time. */

static void an_expired_value_is_no_value_and_guards_as_version_0(void **state)
{
    struct fixture *fixture = *state;
    int64_t expires_at_ms = clock_wall_ms(&fixture->clock.clock) + 1000;
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    store_request_put(request, fixture_key(1), expires_at_ms, span_text("short-lived"));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
    test_clock_advance(&fixture->clock, 999);
    fixture_assert_value(fixture, 1, "short-lived");
    test_clock_advance(&fixture->clock, 1);
    fixture_assert_value(fixture, 1, NULL);

    request = fixture_request(fixture, STORE_WRITE);
    store_request_guard(request, fixture_key(1), 0);
    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("again"));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
    fixture_assert_value(fixture, 1, "again");
}

static void past_its_deadline_nothing_is_done(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_ms = clock_monotonic_ms(&fixture->clock.clock);
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("late"));
    request->deadline_ms = now_ms;
    fixture_assert_fails(fixture, request, ERR_DEADLINE);
    request = fixture_request(fixture, STORE_READ);
    store_request_key(request, fixture_key(1));
    request->deadline_ms = now_ms - 1;
    fixture_assert_fails(fixture, request, ERR_DEADLINE);
    fixture_assert_value(fixture, 1, NULL);

    request = fixture_request(fixture, STORE_WRITE);
    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("in time"));
    request->deadline_ms = now_ms + 1;
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
}

/* What the world does to stores. */

static void closing_and_opening_again_keeps_everything(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request = fixture_request(fixture, STORE_WRITE);
    uint64_t number;

    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("kept"));
    store_request_outbox(request, span_text("record"));
    fixture_run(fixture, request);
    number = request->number;
    store_request_free(request);
    fixture_close(fixture);
    fixture->backend->open(fixture);

    fixture_assert_value(fixture, 1, "kept");
    request = fixture_read_outbox(fixture, 10);
    assert_int_equal(request->outbox_count, 1);
    assert_int_equal(request->outbox[0].number, number);
    store_request_free(request);
    assert_true(fixture_write(fixture, 2, "next") > number);
}

static void what_was_acknowledged_is_there_after_a_crash(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last = 0;
    char text[16];

    for (unsigned i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "value %u", i);
        last = fixture_write(fixture, i, text);
    }
    fixture->backend->crash(fixture);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "value %u", i);
        fixture_assert_value(fixture, i, text);
    }
    assert_true(fixture_write(fixture, 1, "next") > last);
}

static void a_restored_backup_never_gives_a_number_a_second_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t lost;

    fixture_write(fixture, 1, "in the backup");
    fixture->backend->back_up(fixture);
    fixture->backend->open(fixture);
    lost = fixture_write(fixture, 1, "not in the backup");
    fixture->backend->restore(fixture);
    fixture_assert_value(fixture, 1, "in the backup");
    assert_true(fixture_write(fixture, 1, "after") > lost);
}

static void a_store_that_cannot_write_says_so_and_recovers_by_itself(void **state)
{
    struct fixture *fixture = *state;
    struct store_state store_state;
    uint64_t before = fixture_write(fixture, 1, "before");
    struct store_request *request = fixture_request(fixture, STORE_WRITE);
    size_t changes;

    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("lost"));
    store_request_change(request, STORE_CHANGE_SUBJECT, fixture_key(1).id);
    fixture->backend->break_down(fixture);
    fixture_assert_fails(fixture, request, ERR_STORE_UNAVAILABLE);
    fixture_assert_fails(fixture, fixture_request(fixture, STORE_PING), ERR_STORE_UNAVAILABLE);
    store_get_state(fixture->store, &store_state);
    assert_false(store_state.is_up);
    changes = fixture->change_count;
    fixture->backend->mend(fixture);

    fixture_assert_value(fixture, 1, "before");
    assert_true(fixture_write(fixture, 1, "after") > before);
    store_get_state(fixture->store, &store_state);
    assert_true(store_state.is_up);
    /* Either it is certain that nothing was written, or the listeners were told to forget. */
    assert_int_equal(changes, 0);
    assert_true(fixture->reset_count > 0);
}

static void a_ping_tells_whether_the_store_works(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request = fixture_run(fixture, fixture_request(fixture, STORE_PING));

    assert_true(request->is_ok);
    store_request_free(request);
}

static void the_state_tells_epoch_and_what_waits(void **state)
{
    struct fixture *fixture = *state;
    struct store_state store_state;

    fixture_write(fixture, 1, "text");
    store_get_state(fixture->store, &store_state);
    assert_true(store_state.is_up);
    assert_int_equal(store_state.pending, 0);
    assert_int_equal(store_state.feed_age_ms, 0);
    /* redis_tls is a redis. */
    assert_ptr_equal(strstr(fixture->backend->name, fixture->store->ops->name),
                     fixture->backend->name);
    assert_non_null(fixture->store->durability);
}

struct tally {
    struct fixture *fixture;
    size_t written;
    size_t refused[ERR_COUNT];
};

static void on_tally_done(struct store_request *request)
{
    struct tally *tally = request->owner;

    tally->fixture->answered++;
    if (request->is_ok)
        tally->written++;
    else
        tally->refused[request->err.code]++;
    store_request_free(request);
}

static void submit_many(struct tally *tally, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct store_request *request =
            store_request_new(STORE_WRITE, 0, &tally->fixture->mailbox.inbox, on_tally_done, tally);

        store_request_put(request, fixture_key(i), TIMESTAMP_NEVER_MS, span_text("many"));
        store_submit(tally->fixture->store, request);
    }
}

static void more_than_can_wait_is_refused_at_once(void **state)
{
    struct tally tally = {.fixture = *state};

    submit_many(&tally, 20 * BACKEND_PENDING_MAX);
    mailbox_wait_for(&tally.fixture->mailbox, &tally.fixture->answered, 20 * BACKEND_PENDING_MAX);
    assert_true(tally.written >= BACKEND_PENDING_MAX);
    assert_true(tally.refused[ERR_OVERLOADED] > 0);
    assert_int_equal(tally.written + tally.refused[ERR_OVERLOADED], 20 * BACKEND_PENDING_MAX);
}

static void a_store_that_is_freed_answers_everything_that_it_had_taken(void **state)
{
    enum { COUNT = 1000 };
    struct tally tally = {.fixture = *state};
    struct fixture *fixture = tally.fixture;
    size_t found = 0;

    submit_many(&tally, COUNT);
    fixture_close(fixture);
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, COUNT);
    assert_int_equal(tally.written + tally.refused[ERR_STORE_UNAVAILABLE], COUNT);

    fixture->backend->open(fixture);
    for (unsigned i = 0; i < COUNT; i++) {
        struct store_request *request = fixture_request(fixture, STORE_READ);

        store_request_key(request, fixture_key(i));
        found += fixture_run(fixture, request)->values[0].version != 0;
        store_request_free(request);
    }
    assert_int_equal(found, tally.written);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int contract_run_world_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_expired_value_is_no_value_and_guards_as_version_0),
        TEST(past_its_deadline_nothing_is_done),
        TEST(closing_and_opening_again_keeps_everything),
        TEST(what_was_acknowledged_is_there_after_a_crash),
        TEST(a_restored_backup_never_gives_a_number_a_second_time),
        TEST(a_store_that_cannot_write_says_so_and_recovers_by_itself),
        TEST(a_ping_tells_whether_the_store_works),
        TEST(the_state_tells_epoch_and_what_waits),
        TEST(more_than_can_wait_is_refused_at_once),
        TEST(a_store_that_is_freed_answers_everything_that_it_had_taken),
    };

    return cmocka_run_group_tests_name(backend_under_test->name, tests, NULL, NULL);
}
