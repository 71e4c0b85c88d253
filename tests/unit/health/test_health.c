/* SPDX-License-Identifier: Apache-2.0 */
/* Health: what is said to those who ask and to those who watch. */
#include "health/health.h"

#include "base/thread.h"
#include "grpc/health/v1/health.pb-c.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CHECK        "/grpc.health.v1.Health/Check"
#define WATCH        "/grpc.health.v1.Health/Watch"
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

enum { NOTHING = -1, SHOUTS = 20000, WATCHES = 40 };

static struct health *health;
static struct echo_server *echo;
static struct core_client *client;

static int start(void **state)
{
    struct rpc_options options = echo_options();
    struct rpc_service service;

    (void)state;
    health = health_new();
    service = health_service(health);
    options.services = &service;
    options.service_count = 1;
    options.in_flight_max = 1; /* health is never shed */
    echo = echo_server_start(&options, 4);
    client = core_client_new(echo_server_address(echo));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    core_client_free(client);
    echo_server_stop(echo, 5000);
    health_free(health);
    return 0;
}

static int status_in(const ProtobufCMessage *message)
{
    return message ? (int)((const Grpc__Health__V1__HealthCheckResponse *)message)->status
                   : NOTHING;
}

/* The status of a service, or minus the code that was answered instead. */
static int check(const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct core_call *call;
    int status;

    request.service = (char *)service;
    call = core_call(client, CHECK, &request.base, ECHO_WAIT_MS);
    status = -(int)core_call_wait(call);
    if (status == 0)
        status =
            status_in(core_call_reply(call, &grpc__health__v1__health_check_response__descriptor));
    core_call_free(call);
    return status;
}

static struct core_call *watch(const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct core_call *call = core_stream_start(client, &(struct core_start){.path = WATCH});

    request.service = (char *)service;
    core_stream_send(call, &request.base);
    core_stream_half_close(call);
    return call;
}

static int next(struct core_call *call, int64_t wait_ms)
{
    return status_in(
        core_stream_read(call, &grpc__health__v1__health_check_response__descriptor, wait_ms));
}

static void end_watch(struct core_call *call)
{
    core_call_cancel(call);
    assert_end(call, GRPC_STATUS_CANCELLED);
}

static void what_was_set_is_told(void **state)
{
    (void)state;
    assert_int_equal(check(""), -(int)GRPC_STATUS_NOT_FOUND);
    health_set(health, "", HEALTH_SERVING);
    health_set(health, "passgate.v1.EntitlementService", HEALTH_NOT_SERVING);
    assert_int_equal(check(""), STATUS(SERVING));
    assert_int_equal(check("passgate.v1.EntitlementService"), STATUS(NOT_SERVING));
    assert_int_equal(check("passgate.v1"), -(int)GRPC_STATUS_NOT_FOUND);
    assert_int_equal(check("passgate.v1.EntitlementService/"), -(int)GRPC_STATUS_NOT_FOUND);
    health_set(health, "passgate.v1.EntitlementService", HEALTH_SERVING);
    assert_int_equal(check("passgate.v1.EntitlementService"), STATUS(SERVING));
    health_set_all(health, HEALTH_NOT_SERVING);
    assert_int_equal(check(""), STATUS(NOT_SERVING));
    assert_int_equal(check("passgate.v1.EntitlementService"), STATUS(NOT_SERVING));
}

static void a_watch_hears_what_is_and_every_change(void **state)
{
    struct core_call *call;

    (void)state;
    health_set(health, "a", HEALTH_SERVING);
    call = watch("a");
    assert_int_equal(next(call, ECHO_WAIT_MS), STATUS(SERVING));
    health_set(health, "a", HEALTH_NOT_SERVING);
    assert_int_equal(next(call, ECHO_WAIT_MS), STATUS(NOT_SERVING));
    health_set(health, "b", HEALTH_SERVING);     /* another's */
    health_set(health, "a", HEALTH_NOT_SERVING); /* no news */
    assert_int_equal(next(call, 100), NOTHING);
    health_set(health, "a", HEALTH_SERVING);
    assert_int_equal(next(call, ECHO_WAIT_MS), STATUS(SERVING));
    end_watch(call);
}

static void a_service_that_is_unknown_may_come(void **state)
{
    struct core_call *call = watch("later");

    (void)state;
    assert_int_equal(next(call, ECHO_WAIT_MS), STATUS(SERVICE_UNKNOWN));
    assert_int_equal(next(call, 50), NOTHING);
    health_set(health, "later", HEALTH_SERVING);
    assert_int_equal(next(call, ECHO_WAIT_MS), STATUS(SERVING));
    end_watch(call);
}

static void *shout(void *argument)
{
    (void)argument;
    for (int i = 0; i < SHOUTS; i++)
        health_set(health, "noisy", i % 2 ? HEALTH_NOT_SERVING : HEALTH_SERVING);
    health_set(health, "noisy", HEALTH_SERVING);
    return NULL;
}

/* However fast it changes and whoever leaves meanwhile: the last word arrives, and a slow reader
 * finds a bounded number of them. */
static void everybody_hears_the_last_word(void **state)
{
    struct core_call *calls[WATCHES];
    pthread_t shouters[2];

    (void)state;
    for (size_t i = 0; i < WATCHES; i++) {
        calls[i] = watch("noisy");
        assert_int_equal(next(calls[i], ECHO_WAIT_MS), STATUS(SERVICE_UNKNOWN));
    }
    for (size_t i = 0; i < ARRAY_LEN(shouters); i++)
        thread_start(&shouters[i], "shouter", shout, NULL);
    for (size_t i = 0; i < WATCHES; i += 2)
        end_watch(calls[i]);
    for (size_t i = 0; i < ARRAY_LEN(shouters); i++)
        pthread_join(shouters[i], NULL);
    for (size_t i = 1; i < WATCHES; i += 2) {
        int last = NOTHING, status;
        unsigned heard = 0;

        while ((status = next(calls[i], 200)) != NOTHING) {
            assert_int_not_equal(status, last);
            last = status;
            heard++;
        }
        assert_int_equal(last, STATUS(SERVING));
        assert_true(heard < 2 * SHOUTS);
        end_watch(calls[i]);
    }
    WAIT_FOR(client, echo_stats(echo).streams == 0);
}

static void a_name_that_is_too_long_or_no_text_is_refused(void **state)
{
    static char name[512];
    struct core_call *call;

    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    call = watch(name);
    assert_ended(call, GRPC_STATUS_INVALID_ARGUMENT);
    assert_string_equal(core_call_field(call), "service");
    core_call_free(call);
    assert_int_equal(check(name), -(int)GRPC_STATUS_NOT_FOUND);
    assert_int_equal(check("\xFF"), -(int)GRPC_STATUS_INVALID_ARGUMENT);
}

static void watches_are_bounded(void **state)
{
    static struct core_call *calls[HEALTH_WATCHES_MAX];
    struct core_call *refused;

    (void)state;
    for (size_t i = 0; i < HEALTH_WATCHES_MAX; i++)
        calls[i] = watch("");
    WAIT_FOR(client, echo_stats(echo).streams == HEALTH_WATCHES_MAX);
    refused = watch("");
    assert_end(refused, GRPC_STATUS_RESOURCE_EXHAUSTED);
    health_set(health, "", HEALTH_SERVING);
    assert_int_equal(check(""), STATUS(SERVING));
    for (size_t i = 0; i < HEALTH_WATCHES_MAX; i++)
        core_call_cancel(calls[i]);
    for (size_t i = 0; i < HEALTH_WATCHES_MAX; i++)
        core_call_end(calls[i]);
    WAIT_FOR(client, echo_stats(echo).streams == 0);
    refused = watch("");
    assert_int_equal(next(refused, ECHO_WAIT_MS), STATUS(SERVING));
    end_watch(refused);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_set_is_told),
        TEST(a_watch_hears_what_is_and_every_change),
        TEST(a_service_that_is_unknown_may_come),
        TEST(everybody_hears_the_last_word),
        TEST(a_name_that_is_too_long_or_no_text_is_refused),
        TEST(watches_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
