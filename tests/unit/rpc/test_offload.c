/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that run on the executor. */
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WORK ECHO_PATH "Work"

enum { QUEUE = 3 };

static int start(void **state)
{
    struct rpc_options options = echo_options();

    return echo_set_up_with(state, &options, QUEUE);
}

static void work_is_answered_and_may_fail(void **state)
{
    struct echo_fixture *fixture = *state;
    Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;
    struct core_call *call = echo_start(fixture->client, WORK, 12, ECHO_WAIT_MS);

    assert_ended(call, GRPC_STATUS_OK);
    assert_int_equal(echo_number(call), 12);
    core_call_free(call);
    request.fail_code = ERR_FIELD_RANGE;
    request.fail_field = (char *)"number";
    call = core_call(fixture->client, WORK, &request.base, ECHO_WAIT_MS);
    assert_ended(call, GRPC_STATUS_INVALID_ARGUMENT);
    assert_string_equal(core_call_field(call), "number");
    core_call_free(call);
}

static void a_full_queue_refuses_at_once_and_loses_nothing(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *calls[1 + QUEUE], *refused;

    echo_server_gate(fixture->echo, false);
    calls[0] = echo_start(fixture->client, WORK, 1, ECHO_WAIT_MS);
    WAIT_FOR(fixture->client, echo_server_working(fixture->echo) == 1);
    for (size_t i = 1; i <= QUEUE; i++) {
        calls[i] = echo_start(fixture->client, WORK, i + 1, ECHO_WAIT_MS);
        WAIT_FOR(fixture->client, echo_stats(fixture->echo).parked == 1 + i);
    }
    refused = echo_start(fixture->client, WORK, 99, ECHO_WAIT_MS);
    assert_ended(refused, GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(core_call_reason(refused), "OVERLOADED");
    core_call_free(refused);
    echo_server_gate(fixture->echo, true);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        assert_ended(calls[i], GRPC_STATUS_OK);
        assert_int_equal(echo_number(calls[i]), i + 1);
        core_call_free(calls[i]);
    }
}

/* The worker stays free, and the client hears at its time; the call ends when the job does. */
static void a_deadline_passes_while_it_works(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call;

    echo_server_gate(fixture->echo, false);
    call = echo_start(fixture->client, WORK, 1, 150);
    WAIT_FOR(fixture->client, echo_server_working(fixture->echo) == 1);
    assert_end(call, GRPC_STATUS_DEADLINE_EXCEEDED);
    assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 1);
    echo_server_gate(fixture->echo, true);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    assert_int_equal(echo_stats(fixture->echo).late_results, 1);
}

static void a_client_cancels_while_it_works_or_waits(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *working, *waiting;

    echo_server_gate(fixture->echo, false);
    working = echo_start(fixture->client, WORK, 1, ECHO_WAIT_MS);
    WAIT_FOR(fixture->client, echo_server_working(fixture->echo) == 1);
    waiting = echo_start(fixture->client, WORK, 2, ECHO_WAIT_MS);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).parked == 2);
    core_call_cancel(working);
    core_call_cancel(waiting);
    assert_end(working, GRPC_STATUS_CANCELLED);
    assert_end(waiting, GRPC_STATUS_CANCELLED);
    /* The server hears of it before it hears this. */
    assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    echo_server_gate(fixture->echo, true);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    assert_int_equal(echo_stats(fixture->echo).late_results, 1); /* the other one was not begun */
}

/* The grace is over long before the job is: the stop waits for the job, not the client. */
static void a_server_that_stops_waits_for_its_jobs(void **state)
{
    struct rpc_options options = echo_options();
    struct echo_server *echo = echo_server_start(&options, QUEUE);
    struct core_client *client = core_client_new(echo_server_address(echo));
    struct core_call *call;
    grpc_status_code status;

    (void)state;
    echo_server_gate(echo, false);
    call = echo_start(client, WORK, 1, ECHO_WAIT_MS);
    WAIT_FOR(client, echo_server_working(echo) == 1);
    echo_server_gate_later(echo, 300);
    rpc_server_stop(echo_server_rpc(echo), 20);
    assert_int_equal(echo_server_working(echo), 0);
    status = core_call_end(call);
    assert_true(status == GRPC_STATUS_UNAVAILABLE || status == GRPC_STATUS_CANCELLED);
    echo_server_discard(echo);
    core_client_free(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, echo_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(work_is_answered_and_may_fail),
        TEST(a_full_queue_refuses_at_once_and_loses_nothing),
        TEST(a_deadline_passes_while_it_works),
        TEST(a_client_cancels_while_it_works_or_waits),
        cmocka_unit_test(a_server_that_stops_waits_for_its_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
