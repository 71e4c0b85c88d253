/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of answers: in order, held back by a slow reader, ended by either side and by their
 * age. */
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT ECHO_PATH "Count"

enum { GRACE_MS = 500 };

static int start_short_lived(void **state)
{
    struct rpc_options options = echo_options();

    options.connection_grace_ms = GRACE_MS;
    return echo_set_up_with(state, &options, 4);
}

static void a_stream_comes_in_order_and_ends(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call = echo_count(fixture->client, COUNT, 1000, 10, 2 * ECHO_WAIT_MS);

    for (uint64_t i = 1; i <= 1000; i++)
        assert_int_equal(echo_next(call, ECHO_WAIT_MS), i);
    assert_int_equal(echo_next(call, ECHO_WAIT_MS), 0);
    assert_end(call, GRPC_STATUS_OK);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).streams == 0);
    assert_int_equal(echo_server_streams_told(fixture->echo), 0);
}

static void an_error_comes_after_everything_that_was_sent(void **state)
{
    struct echo_fixture *fixture = *state;
    Passgate__Testing__CountRequest request = PASSGATE__TESTING__COUNT_REQUEST__INIT;
    struct core_call *call = core_stream_start(
        fixture->client, &(struct core_start){.path = COUNT, .deadline_ms = ECHO_WAIT_MS});

    request.count = 5;
    request.fail_code = ERR_STORE_UNAVAILABLE;
    core_stream_send(call, &request.base);
    core_stream_half_close(call);
    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(echo_next(call, ECHO_WAIT_MS), i);
    assert_ended(call, GRPC_STATUS_UNAVAILABLE);
    assert_string_equal(core_call_reason(call), "STORE_UNAVAILABLE");
    core_call_free(call);
}

/* What is on its way without being read: the queue, and the windows of HTTP/2 and the sockets. */
static void a_client_that_does_not_read_costs_a_bounded_amount(void **state)
{
    enum { PAD_BYTES = 16 * 1024, ON_ITS_WAY_MAX = 16 * 1024 * 1024 / PAD_BYTES };
    struct echo_fixture *fixture = *state;
    struct core_call *call = echo_count(fixture->client, COUNT, 0, PAD_BYTES, 3 * ECHO_WAIT_MS);
    unsigned long sent = 0;

    assert_int_equal(echo_next(call, ECHO_WAIT_MS), 1);
    for (int quiet = 0; quiet < 200;) { /* until nothing more is taken for 200 ms */
        unsigned long now = echo_server_sent(fixture->echo);

        quiet = now == sent ? quiet + 1 : 0;
        sent = now;
        assert_true(sent < ON_ITS_WAY_MAX);
        core_client_pump(fixture->client, 1);
    }
    for (uint64_t i = 2; i <= sent + 100; i++) /* and on it goes, nothing lost */
        assert_int_equal(echo_next(call, ECHO_WAIT_MS), i);
    core_call_cancel(call);
    assert_end(call, GRPC_STATUS_CANCELLED);
    WAIT_FOR(fixture->client, echo_server_streams_told(fixture->echo) == 1);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
}

static void a_stream_ends_at_the_clients_deadline(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call = echo_count(fixture->client, COUNT, 0, 100, 200);

    while (echo_next(call, ECHO_WAIT_MS) > 0)
        continue;
    assert_end(call, GRPC_STATUS_DEADLINE_EXCEEDED);
    WAIT_FOR(fixture->client, echo_server_streams_told(fixture->echo) == 1);
}

static void a_stream_ends_with_its_age(void **state)
{
    struct echo_fixture *fixture = *state;
    int64_t from_ns = clock_now_ns(), took_ms;
    struct core_call *call = echo_count(fixture->client, COUNT, 0, 100, ECHO_WAIT_MS);
    uint64_t last = 0, number;

    while ((number = echo_next(call, ECHO_WAIT_MS)) > 0)
        assert_int_equal(number, ++last);
    assert_ended(call, GRPC_STATUS_UNAVAILABLE);
    assert_string_equal(core_call_reason(call), "STREAM_AGE");
    took_ms = (clock_now_ns() - from_ns) / 1000000;
    assert_in_range(took_ms, GRACE_MS * 8 / 10 - 5, 5000);
    core_call_free(call);
    WAIT_FOR(fixture->client, echo_server_streams_told(fixture->echo) == 1);
}

/* It does not even take what is queued: a moment after its age it is torn down. */
static void a_stream_that_nobody_reads_ends_with_its_age_too(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call = echo_count(fixture->client, COUNT, 0, 60000, 2 * ECHO_WAIT_MS);

    WAIT_FOR(fixture->client, echo_server_streams_told(fixture->echo) == 1);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    while (echo_next(call, ECHO_WAIT_MS) > 0)
        continue;
    assert_end(call, GRPC_STATUS_UNAVAILABLE);
}

static void headers_without_a_message_end_with_the_age(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call = core_stream_start(
        fixture->client, &(struct core_start){.path = COUNT, .deadline_ms = 2 * ECHO_WAIT_MS});

    assert_ended(call, GRPC_STATUS_DEADLINE_EXCEEDED);
    assert_string_equal(core_call_reason(call), "DEADLINE");
    core_call_free(call);
}

#define TEST(name)        cmocka_unit_test_setup_teardown(name, echo_set_up, echo_tear_down)
#define SHORT_LIVED(name) cmocka_unit_test_setup_teardown(name, start_short_lived, echo_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_comes_in_order_and_ends),
        TEST(an_error_comes_after_everything_that_was_sent),
        TEST(a_client_that_does_not_read_costs_a_bounded_amount),
        TEST(a_stream_ends_at_the_clients_deadline),
        SHORT_LIVED(a_stream_ends_with_its_age),
        SHORT_LIVED(a_stream_that_nobody_reads_ends_with_its_age_too),
        SHORT_LIVED(headers_without_a_message_end_with_the_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
