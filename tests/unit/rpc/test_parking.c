/* SPDX-License-Identifier: Apache-2.0 */
/* Parked calls: completed from another thread, cancelled, past their deadline, overtaken by the
 * end. */
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PARK ECHO_PATH "Park"

enum { MANY = 500 };

static void parked_calls_are_answered_from_another_thread(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *calls[MANY];

    for (size_t i = 0; i < MANY; i++)
        calls[i] = echo_start(fixture->client, PARK, i + 1, ECHO_WAIT_MS);
    WAIT_FOR(fixture->client, echo_server_held(fixture->echo) == MANY);
    assert_int_equal(echo_stats(fixture->echo).parked, MANY);
    assert_int_equal(echo_stats(fixture->echo).in_flight, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_false(core_call_is_done(calls[i]));
    assert_int_equal(echo_server_complete(fixture->echo), MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_ended(calls[i], GRPC_STATUS_OK);
        assert_int_equal(echo_number(calls[i]), i + 1);
        core_call_free(calls[i]);
    }
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    assert_int_equal(echo_stats(fixture->echo).parked, 0);
    assert_int_equal(echo_server_abandoned(fixture->echo), 0);
}

static void a_call_that_the_client_cancels_is_abandoned_and_its_result_dropped(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call = echo_start(fixture->client, PARK, 1, ECHO_WAIT_MS);

    WAIT_FOR(fixture->client, echo_server_held(fixture->echo) == 1);
    core_call_cancel(call);
    assert_end(call, GRPC_STATUS_CANCELLED);
    WAIT_FOR(fixture->client, echo_server_abandoned(fixture->echo) == 1);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    assert_int_equal(echo_server_complete(fixture->echo), 1);
    WAIT_FOR(fixture->client, echo_server_late(fixture->echo) == 1);
    assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
}

static void a_connection_that_breaks_abandons_its_calls(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_client *other = core_client_new(echo_server_address(fixture->echo));
    struct core_call *call = echo_start(other, PARK, 1, ECHO_WAIT_MS);

    WAIT_FOR(other, echo_server_held(fixture->echo) == 1);
    core_call_cancel(call);
    core_call_end(call);
    core_client_free(other);
    WAIT_FOR(fixture->client, echo_server_abandoned(fixture->echo) == 1);
}

static void a_parked_call_ends_at_the_clients_deadline(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call = echo_start(fixture->client, PARK, 1, 150);

    assert_end(call, GRPC_STATUS_DEADLINE_EXCEEDED);
    WAIT_FOR(fixture->client, echo_server_abandoned(fixture->echo) == 1);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    echo_server_complete(fixture->echo);
    WAIT_FOR(fixture->client, echo_server_late(fixture->echo) == 1);
}

static void a_parked_call_ends_at_the_rows_cap(void **state)
{
    struct echo_fixture *fixture = *state;
    int64_t from_ns = clock_now_ns(), took_ms;
    struct core_call *call = echo_start(fixture->client, PARK, 1, 0);

    assert_ended(call, GRPC_STATUS_DEADLINE_EXCEEDED);
    took_ms = (clock_now_ns() - from_ns) / 1000000;
    assert_in_range(took_ms, ECHO_PARK_CAP_MS - 5, ECHO_PARK_CAP_MS + 2000);
    assert_string_equal(core_call_reason(call), "DEADLINE");
    core_call_free(call);
    WAIT_FOR(fixture->client, echo_server_abandoned(fixture->echo) == 1);
    assert_true(echo_stats(fixture->echo).deadline_late_us_max < 2000000);
}

static void an_answer_that_nobody_takes_does_not_hold_its_call_forever(void **state)
{
    struct echo_fixture *fixture = *state;
    Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;
    struct core_call *call = core_stream_start(fixture->client, &(struct core_start){.path = PARK});

    request.pad_bytes = 8 * 1024 * 1024; /* more than all windows on the way */
    core_stream_send(call, &request.base);
    core_stream_half_close(call);
    WAIT_FOR(fixture->client, echo_server_held(fixture->echo) == 1);
    echo_server_complete(fixture->echo);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).parked == 0);
    assert_int_equal(echo_stats(fixture->echo).in_flight, 1);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    core_call_cancel(call);
    core_call_end(call);
}

/* The client hears UNAVAILABLE or CANCELLED, the owner is told, and may answer into the void. */
static void a_server_that_stops_abandons_what_is_parked(void **state)
{
    struct rpc_options options = echo_options();
    struct echo_server *echo = echo_server_start(&options, 4);
    struct core_client *client = core_client_new(echo_server_address(echo));
    struct core_call *calls[10];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        calls[i] = echo_start(client, PARK, i, ECHO_WAIT_MS);
    WAIT_FOR(client, echo_server_held(echo) == ARRAY_LEN(calls));
    rpc_server_stop(echo_server_rpc(echo), 50);
    assert_int_equal(echo_server_abandoned(echo), ARRAY_LEN(calls));
    assert_int_equal(echo_stats(echo).in_flight, 0);
    assert_int_equal(echo_server_complete(echo), ARRAY_LEN(calls));
    echo_server_discard(echo);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        grpc_status_code status = core_call_end(calls[i]);

        assert_true(status == GRPC_STATUS_UNAVAILABLE || status == GRPC_STATUS_CANCELLED);
    }
    core_client_free(client);
}

static void a_result_within_the_grace_still_arrives(void **state)
{
    struct rpc_options options = echo_options();
    struct echo_server *echo = echo_server_start(&options, 4);
    struct core_client *client = core_client_new(echo_server_address(echo));
    struct core_call *call = echo_start(client, PARK, 77, ECHO_WAIT_MS);

    (void)state;
    WAIT_FOR(client, echo_server_held(echo) == 1);
    echo_server_complete(echo);
    rpc_server_stop(echo_server_rpc(echo), ECHO_WAIT_MS);
    assert_ended(call, GRPC_STATUS_OK);
    assert_int_equal(echo_number(call), 77);
    core_call_free(call);
    core_client_free(client);
    echo_server_discard(echo);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, echo_set_up, echo_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parked_calls_are_answered_from_another_thread),
        TEST(a_call_that_the_client_cancels_is_abandoned_and_its_result_dropped),
        TEST(a_connection_that_breaks_abandons_its_calls),
        TEST(a_parked_call_ends_at_the_clients_deadline),
        TEST(a_parked_call_ends_at_the_rows_cap),
        TEST(an_answer_that_nobody_takes_does_not_hold_its_call_forever),
        cmocka_unit_test(a_server_that_stops_abandons_what_is_parked),
        cmocka_unit_test(a_result_within_the_grace_still_arrives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
