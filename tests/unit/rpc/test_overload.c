/* SPDX-License-Identifier: Apache-2.0 */
/* More calls than the server runs. */
#include "rpc/call.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <unistd.h>

enum { QUEUED = 400, SLOW_US = 1000, TARGET_MS = 10, INTERVAL_MS = 30, POSTED = 4, SOON_MS = 40 };
enum { IN_FLIGHT_MAX = 20, TOO_MANY = 200, BOUND = 640, WORKERS = 4, ASKED = 2 * BOUND };

static int start_small(void **state)
{
    struct rpc_options options = echo_options();

    options.in_flight_max = IN_FLIGHT_MAX;
    return echo_set_up_with(state, &options, 4);
}

static int start_large(void **state)
{
    struct rpc_options options = echo_options();

    options.in_flight_max = BOUND;
    options.streams_max = ASKED;
    return echo_set_up_with(state, &options, WORKERS);
}

static atomic_uint looked_at;

static bool be_slow(struct rpc_call *call, void *context, struct err *err)
{
    (void)context, (void)err;
    if (rpc_call_method(call)->flags & RPC_NEVER_SHED)
        return true;
    atomic_fetch_add(&looked_at, 1);
    usleep(SLOW_US); /* no handler may; this one shall let others wait */
    return true;
}

static const struct rpc_interceptor slow = {.name = "slow", .before = be_slow};
static const struct rpc_interceptor *const slow_chain[] = {&slow};

static int start_slow(void **state, int64_t target_ms)
{
    struct rpc_options options = echo_options();

    options.worker_count = 1;
    options.posted_calls = POSTED;
    options.queue_age_target_ms = target_ms;
    options.queue_age_interval_ms = INTERVAL_MS;
    options.interceptors = slow_chain;
    options.interceptor_count = ARRAY_LEN(slow_chain);
    atomic_store(&looked_at, 0);
    return echo_set_up_with(state, &options, 4);
}

static int start_shedding(void **state)
{
    return start_slow(state, TARGET_MS);
}

static int start_patient(void **state)
{
    return start_slow(state, 0);
}

static void above_its_bound_the_server_refuses_at_once_and_still_tells_its_health(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_client *client = fixture->client;
    struct echo_server *echo = fixture->echo;
    struct core_call *calls[IN_FLIGHT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        calls[i] = echo_start(client, ECHO_PATH "Park", i + 1, ECHO_WAIT_MS);
    WAIT_FOR(client, echo_server_held(echo) == ARRAY_LEN(calls));
    for (size_t i = 0; i < TOO_MANY; i++) {
        int64_t from_ns = clock_now_ns();
        struct core_call *call =
            echo_start(client, i % 2 ? ECHO_PATH "Echo" : ECHO_PATH "Park", 1, ECHO_WAIT_MS);

        assert_ended(call, GRPC_STATUS_RESOURCE_EXHAUSTED);
        assert_string_equal(core_call_reason(call), "OVERLOADED");
        assert_true(clock_now_ns() - from_ns < INT64_C(2000000000));
        core_call_free(call);
    }
    assert_int_equal(echo_stats(echo).refused, TOO_MANY);
    assert_echo(client, ECHO_PATH "WhoAmI", GRPC_STATUS_OK);
    assert_echo(client, ECHO_PATH "Nope", GRPC_STATUS_UNIMPLEMENTED);
    echo_server_complete(echo);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        assert_ended(calls[i], GRPC_STATUS_OK);
        assert_int_equal(echo_number(calls[i]), i + 1);
        core_call_free(calls[i]);
    }
    WAIT_FOR(client, echo_stats(echo).in_flight == 0);
    assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_OK);
}

/* A bound that workers share in batches: never passed, mostly reached, and all of it comes back. */
static void a_large_bound_is_shared_by_the_workers_and_never_passed(void **state)
{
    static struct core_call *calls[ASKED];
    struct echo_fixture *fixture = *state;
    struct core_client *client = fixture->client;
    struct echo_server *echo = fixture->echo;

    for (int round = 0; round < 3; round++) {
        uint64_t refused = echo_stats(echo).refused;
        size_t answered = 0;

        for (size_t i = 0; i < ASKED; i++)
            calls[i] = echo_start(client, ECHO_PATH "Park", i + 1, ECHO_WAIT_MS);
        WAIT_FOR(client, echo_server_held(echo) + echo_stats(echo).refused - refused == ASKED);
        assert_true(echo_server_held(echo) <= BOUND);
        assert_true(echo_server_held(echo) >= BOUND - BOUND / 8);
        echo_server_complete(echo);
        for (size_t i = 0; i < ASKED; i++)
            answered += core_call_end(calls[i]) == GRPC_STATUS_OK;
        assert_true(answered <= BOUND && answered >= BOUND - BOUND / 8);
        WAIT_FOR(client, echo_stats(echo).in_flight == 0);
    }
}

/* A balancer's streams are many, and no reason to refuse a call. */
static void what_is_never_shed_is_no_load(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_client *client = fixture->client;
    struct echo_server *echo = fixture->echo;
    struct core_call *streams[2 * IN_FLIGHT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        streams[i] = echo_count(client, ECHO_PATH "CountAlways", 0, 1000, 0);
        assert_int_equal(echo_next(streams[i], ECHO_WAIT_MS), 1);
    }
    assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    assert_true(echo_stats(echo).in_flight >= ARRAY_LEN(streams));
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        core_call_cancel(streams[i]);
        core_call_end(streams[i]);
    }
    WAIT_FOR(client, echo_stats(echo).in_flight == 0);
}

/* More than are posted, too: these wait where only more posted calls can see them. */
static void calls_that_wait_for_too_long_have_every_second_one_refused(void **state)
{
    static struct core_call *calls[QUEUED];
    struct echo_fixture *fixture = *state;
    size_t answered = 0;

    for (size_t i = 0; i < QUEUED; i++)
        calls[i] = echo_start(fixture->client, ECHO_PATH "Echo", i + 1, ECHO_WAIT_MS);
    assert_echo(fixture->client, ECHO_PATH "WhoAmI", GRPC_STATUS_OK);
    for (size_t i = 0; i < QUEUED; i++) {
        struct span pushback;

        if (core_call_wait(calls[i]) == GRPC_STATUS_OK) {
            answered++;
        } else {
            assert_ended(calls[i], GRPC_STATUS_RESOURCE_EXHAUSTED);
            assert_string_equal(core_call_reason(calls[i]), "OVERLOADED");
            assert_true(core_call_trailer(calls[i], RPC_PUSHBACK, &pushback));
            assert_true(span_is(pushback, "-1"));
        }
        core_call_free(calls[i]);
    }
    assert_int_equal(echo_stats(fixture->echo).aged, QUEUED - answered);
    assert_in_range(answered, QUEUED / 2, QUEUED - 20);
    WAIT_FOR(fixture->client, echo_status(fixture->client, ECHO_PATH "Echo") == GRPC_STATUS_OK);
    for (int i = 0; i < 20; i++) /* it is over */
        assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
}

static void without_a_target_they_wait(void **state)
{
    static struct core_call *calls[QUEUED];
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < QUEUED; i++)
        calls[i] = echo_start(fixture->client, ECHO_PATH "Echo", i + 1, ECHO_WAIT_MS);
    for (size_t i = 0; i < QUEUED; i++)
        assert_end(calls[i], GRPC_STATUS_OK);
    assert_int_equal(echo_stats(fixture->echo).aged, 0);
}

static void a_call_whose_deadline_has_passed_in_the_queue_is_not_executed(void **state)
{
    static struct core_call *calls[QUEUED];
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < QUEUED; i++)
        calls[i] = echo_start(fixture->client, ECHO_PATH "Echo", i + 1, SOON_MS);
    for (size_t i = 0; i < QUEUED; i++)
        core_call_end(calls[i]);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
    assert_true(atomic_load(&looked_at) < QUEUED / 2);
    assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
}

#define SHEDDING(name) cmocka_unit_test_setup_teardown(name, start_shedding, echo_tear_down)
#define PATIENT(name)  cmocka_unit_test_setup_teardown(name, start_patient, echo_tear_down)
#define SMALL(name)    cmocka_unit_test_setup_teardown(name, start_small, echo_tear_down)
#define LARGE(name)    cmocka_unit_test_setup_teardown(name, start_large, echo_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SMALL(above_its_bound_the_server_refuses_at_once_and_still_tells_its_health),
        LARGE(a_large_bound_is_shared_by_the_workers_and_never_passed),
        SMALL(what_is_never_shed_is_no_load),
        SHEDDING(calls_that_wait_for_too_long_have_every_second_one_refused),
        PATIENT(without_a_target_they_wait),
        PATIENT(a_call_whose_deadline_has_passed_in_the_queue_is_not_executed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
