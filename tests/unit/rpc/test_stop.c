/* SPDX-License-Identifier: Apache-2.0 */
/* Ending streams and stopping, step by step. */
#include "base/thread.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { CALLS = 200 };

static struct echo_server *echo;
static struct core_client *client;
static pthread_t stopper;
static atomic_bool is_stopped;

static int start(void **state)
{
    struct rpc_options options = echo_options();

    (void)state;
    is_stopped = false;
    echo = echo_server_start(&options, 4);
    client = core_client_new(echo_server_address(echo));
    return 0;
}

static int discard(void **state)
{
    (void)state;
    core_client_free(client);
    echo_server_discard(echo);
    return 0;
}

static void *run_stop(void *argument)
{
    rpc_server_stop(echo_server_rpc(argument), 2 * ECHO_WAIT_MS);
    is_stopped = true;
    return NULL;
}

/* On a thread of its own, as a lifecycle would; the test's thread is the client. */
static void stop_in_the_background(void)
{
    thread_start(&stopper, "stopper", run_stop, echo);
}

static void await_stop(void)
{
    WAIT_FOR(client, is_stopped);
    pthread_join(stopper, NULL);
}

static void expect_draining(struct core_call *call)
{
    while (echo_next(call, ECHO_WAIT_MS) > 0)
        continue;
    assert_ended(call, GRPC_STATUS_UNAVAILABLE);
    if (strcmp(core_call_reason(call), "DRAINING") != 0)
        fail_msg("not our status, but \"%s\"", core_call_text(call));
    core_call_free(call);
}

static void streams_end_first_those_of_health_with_the_stop(void **state)
{
    struct core_call *counting, *chatting, *health;

    (void)state;
    counting = echo_count(client, ECHO_PATH "Count", 0, 1000, 2 * ECHO_WAIT_MS);
    health = echo_count(client, ECHO_PATH "CountAlways", 0, 1000, 2 * ECHO_WAIT_MS);
    chatting = core_stream_start(
        client, &(struct core_start){.path = ECHO_PATH "Chat", .deadline_ms = 2 * ECHO_WAIT_MS});
    assert_int_equal(echo_next(counting, ECHO_WAIT_MS), 1);
    assert_int_equal(echo_next(health, ECHO_WAIT_MS), 1);
    WAIT_FOR(client, echo_stats(echo).streams == 3);
    rpc_server_end_streams(echo_server_rpc(echo));
    expect_draining(counting);
    expect_draining(chatting);
    /* No new one opens; unary calls and health go on. */
    expect_draining(echo_count(client, ECHO_PATH "Count", 1, 0, ECHO_WAIT_MS));
    expect_draining(core_stream_start(
        client, &(struct core_start){.path = ECHO_PATH "Chat", .deadline_ms = ECHO_WAIT_MS}));
    assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    for (uint64_t i = 2; i < 50; i++)
        assert_int_equal(echo_next(health, ECHO_WAIT_MS), i);
    assert_int_equal(echo_server_streams_told(echo), 1);
    stop_in_the_background();
    expect_draining(health);
    await_stop();
    assert_int_equal(echo_server_streams_told(echo), 2);
}

static void calls_in_flight_are_answered_within_the_grace(void **state)
{
    struct core_call *calls[CALLS];

    (void)state;
    for (size_t i = 0; i < CALLS; i++)
        calls[i] = echo_start(client, i % 2 ? ECHO_PATH "Park" : ECHO_PATH "Work", i + 1,
                              2 * ECHO_WAIT_MS);
    /* All have been accepted: what has not, core refuses. */
    WAIT_FOR(client, echo_server_held(echo) == CALLS / 2 && echo_stats(echo).calls == CALLS);
    stop_in_the_background();
    for (int i = 0; i < 50; i++)
        core_client_pump(client, 1);
    assert_false(is_stopped);
    echo_server_complete(echo);
    for (size_t i = 0; i < CALLS; i++) {
        grpc_status_code status = core_call_wait(calls[i]);

        /* The executor's queue is short: who was refused was told so. */
        if (status == GRPC_STATUS_OK)
            assert_int_equal(echo_number(calls[i]), i + 1);
        else if (i % 2 != 0 || status != GRPC_STATUS_RESOURCE_EXHAUSTED)
            fail_msg("call %zu ended with %d: %s", i, (int)status, core_call_text(calls[i]));
        core_call_free(calls[i]);
    }
    await_stop();
    assert_int_equal(echo_server_abandoned(echo), 0);
    assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_UNAVAILABLE);
}

static void a_server_without_calls_stops_at_once(void **state)
{
    int64_t from_ns = clock_now_ns();

    (void)state;
    rpc_server_stop(echo_server_rpc(echo), 2 * ECHO_WAIT_MS);
    assert_true(clock_now_ns() - from_ns < INT64_C(5000000000));
}

static void note_worker(uint32_t worker_index, void *context)
{
    atomic_uint *seen = context;

    atomic_fetch_or(seen, 1U << worker_index);
}

static void every_worker_can_be_visited(void **state)
{
    atomic_uint seen = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        atomic_store(&seen, 0);
        rpc_server_run_on_workers(echo_server_rpc(echo), note_worker, &seen);
        assert_int_equal(atomic_load(&seen), 3);
    }
    rpc_server_stop(echo_server_rpc(echo), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_end_first_those_of_health_with_the_stop, start,
                                        discard),
        cmocka_unit_test_setup_teardown(calls_in_flight_are_answered_within_the_grace, start,
                                        discard),
        cmocka_unit_test_setup_teardown(a_server_without_calls_stops_at_once, start, discard),
        cmocka_unit_test_setup_teardown(every_worker_can_be_visited, start, discard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
