/* SPDX-License-Identifier: Apache-2.0 */
/* Redis behind a line that is slow, or dead: deadlines hold, and answers belong to their questions.
 */
#include "contract/redis_fixture.h"
#include "contract/slow_proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { DEADLINE_MS = 60, DEADLINE_SLACK_MS = 2000, QUESTIONS = 20 };

/* One test at a time; it outlives a test that fails. */
static struct slow_proxy proxy;

static int64_t now_ms(void)
{
    return clock_now_ns() / 1000000;
}

static void open_through(struct redis_fixture *fixture)
{
    struct redis_options options = redis_fixture_options(fixture);
    char path[128];

    snprintf(path, sizeof(path), "%s/proxy", fixture->folder);
    slow_proxy_start(&proxy, path, fixture->server.socket);
    options.unix_path = proxy.path;
    redis_fixture_open(fixture, 0, &options);
}

/* The store goes before the proxy that it leads through. */
static void close_through(struct redis_fixture *fixture)
{
    store_free(fixture->replicas[0].store);
    fixture->replicas[0].store = NULL;
    slow_proxy_stop(&proxy);
}

static void assert_late(struct redis_fixture *fixture, struct store_request *request)
{
    int64_t began_ms = now_ms();

    request->deadline_ms = clock_monotonic_ms(&clock_system) + DEADLINE_MS;
    redis_fixture_assert_fails(fixture, request, ERR_DEADLINE, NULL);
    assert_in_range(now_ms() - began_ms, DEADLINE_MS - 10, DEADLINE_MS + DEADLINE_SLACK_MS);
}

static void answers_that_trickle_are_late_and_never_somebody_elses(void **state)
{
    struct redis_fixture *fixture = *state;

    open_through(fixture);
    redis_fixture_must_write(fixture, 1, "of one");
    redis_fixture_must_write(fixture, 2, "of two");
    slow_proxy_set(&proxy, SLOW_PROXY_SLOW);
    for (unsigned i = 0; i < QUESTIONS; i++) {
        struct store_request *request = redis_fixture_request(fixture, STORE_READ);

        store_request_key(request, redis_fixture_key(1));
        assert_late(fixture, request);
    }
    assert_late(fixture, redis_fixture_write(fixture, 3, "late"));
    slow_proxy_set(&proxy, SLOW_PROXY_FAST);
    redis_store_wait_until_up(fixture->replicas[0].store);
    redis_fixture_assert_value(fixture, 0, 2, "of two");
    redis_fixture_assert_value(fixture, 0, 1, "of one");
    redis_fixture_assert_value(fixture, 0, 3, "late");
    close_through(fixture);
}

static void a_dead_line_is_noticed_and_left(void **state)
{
    struct redis_fixture *fixture = *state;
    int64_t began_ms;

    open_through(fixture);
    redis_fixture_must_write(fixture, 1, "before");
    slow_proxy_set(&proxy, SLOW_PROXY_CUT);
    assert_late(fixture, redis_fixture_write(fixture, 2, "lost"));
    began_ms = now_ms();
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 2, "lost"),
                               ERR_STORE_UNAVAILABLE, NULL);
    assert_in_range(now_ms() - began_ms, 0, STALL_TIMEOUT_MS + DEADLINE_SLACK_MS);
    slow_proxy_set(&proxy, SLOW_PROXY_FAST);
    redis_store_wait_until_up(fixture->replicas[0].store);
    redis_fixture_must_write(fixture, 2, "after");
    redis_fixture_assert_value(fixture, 0, 2, "after");
    close_through(fixture);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, redis_fixture_set_up, redis_fixture_tear_down)

int redis_run_slow_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_that_trickle_are_late_and_never_somebody_elses),
        TEST(a_dead_line_is_noticed_and_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
