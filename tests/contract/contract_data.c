/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: values, guards, numbers, the feed, the outbox. */
#include "contract/fixture.h"

#include "base/memory.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

/* Reading and writing. */

static void no_value_is_an_answer_with_version_0(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request = fixture_request(fixture, STORE_READ);

    store_request_key(request, fixture_key(1));
    store_request_key(request, fixture_key(2));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(request->values[i].version, 0);
        assert_int_equal(request->values[i].data.length, 0);
    }
    store_request_free(request);
}

static void what_was_written_is_read_with_the_number_of_its_write(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first = fixture_write(fixture, 1, "one"), second = fixture_write(fixture, 2, "two");
    struct store_request *request = fixture_request(fixture, STORE_READ);

    store_request_key(request, fixture_key(2));
    store_request_key(request, fixture_key(3));
    store_request_key(request, fixture_key(1));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    assert_true(span_is(request->values[0].data, "two"));
    assert_int_equal(request->values[0].version, second);
    assert_true(request->values[0].expires_at_ms == TIMESTAMP_NEVER_MS);
    assert_int_equal(request->values[1].version, 0);
    assert_true(span_is(request->values[2].data, "one"));
    assert_int_equal(request->values[2].version, first);
    assert_int_equal(request->number, second);
    store_request_free(request);
}

static void spaces_do_not_mix(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request;
    struct store_key key = fixture_key(1);

    fixture_write(fixture, 1, "a subject");
    key.space = STORE_CLAIM;
    request = fixture_request(fixture, STORE_READ);
    store_request_key(request, key);
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    assert_int_equal(request->values[0].version, 0);
    store_request_free(request);
}

static void a_removed_value_is_no_value(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    fixture_write(fixture, 1, "one");
    store_request_remove(request, fixture_key(1));
    store_request_remove(request, fixture_key(2));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
    fixture_assert_value(fixture, 1, NULL);
}

static void values_may_have_any_byte_and_be_as_long_as_is_allowed(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = memory_alloc(STORE_VALUE_BYTES_MAX);
    struct span data = span_of(bytes, STORE_VALUE_BYTES_MAX);
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    for (size_t i = 0; i < STORE_VALUE_BYTES_MAX; i++)
        bytes[i] = (uint8_t)(i ^ i >> 8);
    for (unsigned i = 0; i < STORE_KEYS_MAX; i++) {
        store_request_put(request, fixture_key(i), TIMESTAMP_NEVER_MS, data);
        store_request_outbox(request, data);
    }
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);

    request = fixture_request(fixture, STORE_READ);
    for (unsigned i = 0; i < STORE_KEYS_MAX; i++)
        store_request_key(request, fixture_key(i));
    fixture_run(fixture, request);
    for (size_t i = 0; i < STORE_KEYS_MAX; i++)
        assert_true(span_equal(request->values[i].data, data));
    store_request_free(request);
    memory_free(bytes);
}

static void what_breaks_a_limit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = memory_zalloc(STORE_VALUE_BYTES_MAX + 1);
    struct span long_data = span_of(bytes, STORE_VALUE_BYTES_MAX + 1);
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, long_data);
    fixture_assert_fails(fixture, request, ERR_INTERNAL);
    request = fixture_request(fixture, STORE_WRITE);
    store_request_outbox(request, long_data);
    fixture_assert_fails(fixture, request, ERR_INTERNAL);
    request = fixture_request(fixture, STORE_READ);
    request->partition = STORE_PARTITIONS_MAX;
    fixture_assert_fails(fixture, request, ERR_INTERNAL);
    request = fixture_request(fixture, STORE_OUTBOX_READ);
    fixture_assert_fails(fixture, request, ERR_INTERNAL);
    memory_free(bytes);
}

/* Guards. */

static void a_guard_that_does_not_hold_is_named_and_nothing_is_written(void **state)
{
    struct fixture *fixture = *state;
    uint64_t version = fixture_write(fixture, 1, "one");
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    store_request_guard(request, fixture_key(1), version);
    store_request_guard(request, fixture_key(2), 0);
    store_request_guard(request, fixture_key(1), version + 1);
    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("other"));
    store_request_put(request, fixture_key(2), TIMESTAMP_NEVER_MS, span_text("other"));
    store_request_change(request, STORE_CHANGE_SUBJECT, fixture_key(1).id);
    store_request_outbox(request, span_text("other"));
    fixture_run(fixture, request);
    assert_false(request->is_ok);
    assert_int_equal(request->err.code, ERR_CONFLICT);
    assert_int_equal(request->conflict_index, 2);
    store_request_free(request);

    fixture_assert_value(fixture, 1, "one");
    fixture_assert_value(fixture, 2, NULL);
    assert_int_equal(fixture->change_count, 0);
    request = fixture_request(fixture, STORE_OUTBOX_READ);
    request->limit = 10;
    fixture_run(fixture, request);
    assert_int_equal(request->outbox_count, 0);
    store_request_free(request);
}

static void guards_that_hold_let_everything_through(void **state)
{
    struct fixture *fixture = *state;
    uint64_t version = fixture_write(fixture, 1, "one");
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    store_request_guard(request, fixture_key(1), version);
    store_request_guard(request, fixture_key(2), 0);
    store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("uno"));
    store_request_put(request, fixture_key(2), TIMESTAMP_NEVER_MS, span_text("due"));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
    fixture_assert_value(fixture, 1, "uno");
    fixture_assert_value(fixture, 2, "due");
}

static void a_removed_value_guards_as_version_0(void **state)
{
    struct fixture *fixture = *state;
    uint64_t version = fixture_write(fixture, 1, "one");
    struct store_request *request = fixture_request(fixture, STORE_WRITE);

    store_request_remove(request, fixture_key(1));
    store_request_free(fixture_run(fixture, request));
    request = fixture_request(fixture, STORE_WRITE);
    store_request_guard(request, fixture_key(1), version);
    fixture_assert_fails(fixture, request, ERR_CONFLICT);
    request = fixture_request(fixture, STORE_WRITE);
    store_request_guard(request, fixture_key(1), 0);
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
}

enum { WRITER_THREADS = 4, WRITES_OF_A_THREAD = 250, CONTEST_ROUNDS = 4 };

struct contestant {
    struct fixture *fixture;
    struct mailbox mailbox;
    pthread_t thread;
    uint64_t version; /* that all of them think the key has */
    size_t answered;
    size_t won;
    size_t lost;
    uint64_t number;
};

static void on_contest_done(struct store_request *request)
{
    struct contestant *contestant = request->owner;

    contestant->answered++;
    if (request->is_ok) {
        contestant->won++;
        contestant->number = request->number;
    } else if (request->err.code == ERR_CONFLICT) {
        contestant->lost++;
    }
    store_request_free(request);
}

static void *contest(void *argument)
{
    struct contestant *contestant = argument;

    for (unsigned i = 0; i < WRITES_OF_A_THREAD; i++) {
        struct store_request *request = store_request_new(
            STORE_WRITE, 0, &contestant->mailbox.inbox, on_contest_done, contestant);

        store_request_guard(request, fixture_key(1), contestant->version);
        store_request_put(request, fixture_key(1), TIMESTAMP_NEVER_MS, span_text("won"));
        store_submit(contestant->fixture->store, request);
    }
    mailbox_wait_for(&contestant->mailbox, &contestant->answered, WRITES_OF_A_THREAD);
    return NULL;
}

static void of_a_thousand_writers_of_one_version_exactly_one_wins(void **state)
{
    struct contestant contestants[WRITER_THREADS];
    uint64_t version = 0;

    for (size_t round = 0; round < CONTEST_ROUNDS; round++) {
        size_t won = 0, lost = 0;

        for (size_t i = 0; i < WRITER_THREADS; i++) {
            contestants[i] = (struct contestant){.fixture = *state, .version = version};
            mailbox_init(&contestants[i].mailbox);
        }
        for (size_t i = 0; i < WRITER_THREADS; i++)
            assert_int_equal(pthread_create(&contestants[i].thread, NULL, contest, &contestants[i]),
                             0);
        for (size_t i = 0; i < WRITER_THREADS; i++) {
            pthread_join(contestants[i].thread, NULL);
            mailbox_release(&contestants[i].mailbox);
            won += contestants[i].won;
            lost += contestants[i].lost;
            if (contestants[i].won)
                version = contestants[i].number;
        }
        assert_int_equal(won, 1);
        assert_int_equal(lost, WRITER_THREADS * WRITES_OF_A_THREAD - 1);
    }
}

/* Numbers, the feed, the outbox. */

static void numbers_grow_and_carry_the_epoch(void **state)
{
    struct fixture *fixture = *state;
    struct store_state store_state;
    uint64_t last = 0;

    store_get_state(fixture->store, &store_state);
    assert_true(store_state.epoch > 0);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t number = fixture_write(fixture, i % 3, "text");

        assert_true(number > last);
        assert_int_equal(number >> STORE_NUMBER_COUNTER_BITS, store_state.epoch);
        last = number;
    }
}

static void changes_are_told_in_order_and_before_the_answer(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last = 0;

    for (unsigned i = 0; i < 20; i++) {
        struct store_request *request = fixture_request(fixture, STORE_WRITE);

        store_request_change(request, STORE_CHANGE_SUBJECT, fixture_key(i).id);
        store_request_change(request, STORE_CHANGE_CLAIM, fixture_key(100 + i).id);
        fixture_run(fixture, request);
        assert_true(request->is_ok);
        assert_int_equal(fixture->change_count, 2 * (i + 1));
        assert_int_equal(fixture->changes[2 * i].number, request->number);
        store_request_free(request);
    }
    for (unsigned i = 0; i < 40; i++) {
        const struct store_change *change = &fixture->changes[i];

        assert_int_equal(change->kind, i % 2 == 0 ? STORE_CHANGE_SUBJECT : STORE_CHANGE_CLAIM);
        assert_int_equal(change->id.low, i % 2 == 0 ? i / 2 : 100 + i / 2);
        assert_int_equal(change->partition, 0);
        assert_true(i % 2 == 0 ? change->number > last : change->number == last);
        last = change->number;
    }
}

static void remove_outbox(struct fixture *fixture, uint64_t number)
{
    struct store_request *request = fixture_request(fixture, STORE_OUTBOX_REMOVE);

    request->number = number;
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
}

static void the_outbox_gives_whole_writes_in_order_until_they_are_removed(void **state)
{
    static const char *const texts[] = {"a", "b", "c", "d", "e", "f"};
    struct fixture *fixture = *state;
    struct store_request *request;
    uint64_t numbers[3];

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        request = fixture_request(fixture, STORE_WRITE);
        store_request_outbox(request, span_text(texts[2 * i]));
        store_request_outbox(request, span_text(texts[2 * i + 1]));
        fixture_run(fixture, request);
        numbers[i] = request->number;
        store_request_free(request);
    }
    request = fixture_read_outbox(fixture, 100);
    assert_int_equal(request->outbox_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_true(span_is(request->outbox[i].record, texts[i]));
        assert_int_equal(request->outbox[i].number, numbers[i / 2]);
    }
    store_request_free(request);

    request = fixture_read_outbox(fixture, 3); /* the fourth belongs to the third */
    assert_int_equal(request->outbox_count, 4);
    store_request_free(request);

    remove_outbox(fixture, numbers[1]);
    request = fixture_read_outbox(fixture, 100);
    assert_int_equal(request->outbox_count, 2);
    assert_true(span_is(request->outbox[0].record, "e"));
    store_request_free(request);
    remove_outbox(fixture, UINT64_MAX);
    request = fixture_read_outbox(fixture, 100);
    assert_int_equal(request->outbox_count, 0);
    store_request_free(request);
}

static bool claim_outbox(struct fixture *fixture, uint64_t claimant, int64_t claim_ms)
{
    struct store_request *request = fixture_request(fixture, STORE_OUTBOX_CLAIM);
    bool is_claimed;

    request->claimant = claimant;
    request->claim_ms = claim_ms;
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    is_claimed = request->is_claimed;
    store_request_free(request);
    return is_claimed;
}

/* Backends count the time by the clock of the test, or by one of their own: both go on. */
static void let_time_pass(struct fixture *fixture, int64_t ms)
{
    test_clock_advance(&fixture->clock, ms);
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void one_at_a_time_has_the_claim_of_the_outbox(void **state)
{
    enum { LONG_MS = 60000, SHORT_MS = 300 };
    struct fixture *fixture = *state;
    struct store_request *request;

    assert_true(claim_outbox(fixture, 7, LONG_MS));
    assert_false(claim_outbox(fixture, 8, LONG_MS));
    assert_true(claim_outbox(fixture, 7, LONG_MS)); /* his own, for longer */
    assert_false(claim_outbox(fixture, 8, 0));      /* nobody gives up another's */
    assert_false(claim_outbox(fixture, 8, LONG_MS));
    assert_true(claim_outbox(fixture, 7, 0));
    assert_true(claim_outbox(fixture, UINT64_MAX, SHORT_MS));
    assert_false(claim_outbox(fixture, 7, LONG_MS));
    let_time_pass(fixture, SHORT_MS + 50);
    assert_true(claim_outbox(fixture, 7, LONG_MS));
    request = fixture_request(fixture, STORE_OUTBOX_CLAIM);
    request->claim_ms = LONG_MS;
    fixture_assert_fails(fixture, request, ERR_INTERNAL); /* by nobody */
    request = fixture_request(fixture, STORE_OUTBOX_CLAIM);
    request->claimant = 7;
    request->claim_ms = STORE_CLAIM_MS_MAX + 1;
    fixture_assert_fails(fixture, request, ERR_INTERNAL);
}

/* What is lost in a crash is not lost because somebody had the claim. */
static void a_claim_stops_nobody_from_writing_reading_and_removing(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request;

    assert_true(claim_outbox(fixture, 7, STORE_CLAIM_MS_MAX));
    request = fixture_request(fixture, STORE_WRITE);
    store_request_outbox(request, span_text("a"));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
    request = fixture_read_outbox(fixture, 10);
    assert_int_equal(request->outbox_count, 1);
    remove_outbox(fixture, request->outbox[0].number);
    store_request_free(request);
    request = fixture_read_outbox(fixture, 10);
    assert_int_equal(request->outbox_count, 0);
    store_request_free(request);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int contract_run_data_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_value_is_an_answer_with_version_0),
        TEST(what_was_written_is_read_with_the_number_of_its_write),
        TEST(spaces_do_not_mix),
        TEST(a_removed_value_is_no_value),
        TEST(values_may_have_any_byte_and_be_as_long_as_is_allowed),
        TEST(what_breaks_a_limit_is_refused),
        TEST(a_guard_that_does_not_hold_is_named_and_nothing_is_written),
        TEST(guards_that_hold_let_everything_through),
        TEST(a_removed_value_guards_as_version_0),
        TEST(of_a_thousand_writers_of_one_version_exactly_one_wins),
        TEST(numbers_grow_and_carry_the_epoch),
        TEST(changes_are_told_in_order_and_before_the_answer),
        TEST(the_outbox_gives_whole_writes_in_order_until_they_are_removed),
        TEST(one_at_a_time_has_the_claim_of_the_outbox),
        TEST(a_claim_stops_nobody_from_writing_reading_and_removing),
    };

    return cmocka_run_group_tests_name(backend_under_test->name, tests, NULL, NULL);
}
