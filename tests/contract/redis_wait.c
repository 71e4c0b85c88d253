/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes that are acknowledged when a replica has them: by WAITAOF, so on its disk too, or by WAIT
 * where there is none (before 7.2).
 */
#include "contract/redis_fixture.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A replica tells once a second what is on its disk, whenever it is asked for it: that is how long
 * WAITAOF takes.  Three quarters of the stall timeout are waited for it.
 */
enum { MANY = 200, A_WHILE_MS = 150, STALL_SHORT_MS = 600, STALL_LONG_MS = 20000 };

/* One test at a time. */
static struct redis_server_process replica;
static char port[8];

static bool has_waitaof(const struct redis_fixture *fixture)
{
    return redis_server_ask(&fixture->server, "COMMAND DOCS waitaof") > 0;
}

/* So often the store has waited for the replica, as the server counts. */
static long long count_waits(const struct redis_fixture *fixture)
{
    long long count = redis_server_info(
        &fixture->server, has_waitaof(fixture) ? "cmdstat_waitaof:calls=" : "cmdstat_wait:calls=");

    return count < 0 ? 0 : count;
}

static int set_up(void **state)
{
    static const char *const with_port[] = {"--port", port, NULL};
    struct redis_fixture *fixture;
    char folder[128];

    if (redis_fixture_set_up(state) != 0)
        return -1;
    fixture = *state;
    snprintf(port, sizeof(port), "%u", redis_server_free_port());
    redis_server_kill(&fixture->server);
    fixture->server.arguments = with_port;
    redis_server_start(&fixture->server, fixture->folder);
    snprintf(folder, sizeof(folder), "%s/replica", fixture->folder);
    mkdir(folder, 0700);
    redis_server_start(&replica, folder);
    redis_server_do(&replica, "REPLICAOF 127.0.0.1 %s", port);
    return 0;
}

static int tear_down(void **state)
{
    if (replica.pid != 0)
        redis_server_pause(&replica, false);
    redis_server_kill(&replica);
    return redis_fixture_tear_down(state);
}

/* Every attempt waits for so long. */
static void write_until_acknowledged(struct redis_fixture *fixture, int64_t stall_ms)
{
    bool is_acknowledged = false;

    for (int64_t waited_ms = 0; !is_acknowledged; waited_ms += stall_ms / 2) {
        struct store_request *request = redis_fixture_write(fixture, 0, "sure");

        if (waited_ms > 2 * STALL_LONG_MS)
            fail_msg("%s", "the replica does not follow");
        is_acknowledged = redis_fixture_run(fixture, 0, request)->is_ok;
        store_request_free(request);
    }
}

/* When it returns, the replica has copied everything and follows. */
static void open_waiting(struct redis_fixture *fixture, int64_t stall_ms)
{
    struct redis_options options = redis_fixture_options(fixture);

    options.replicas_min = 1;
    options.stall_timeout_ms = stall_ms;
    redis_fixture_open(fixture, 0, &options);
    write_until_acknowledged(fixture, stall_ms);
}

static void many_writes_wait_together(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *requests[MANY];
    long long before;
    size_t answered;

    open_waiting(fixture, STALL_LONG_MS);
    before = count_waits(fixture);
    redis_fixture_must_write(fixture, 1, "text");
    assert_int_equal(count_waits(fixture), before + 1);
    answered = fixture->answered;
    for (unsigned i = 0; i < MANY; i++) {
        requests[i] = redis_fixture_write(fixture, i, "text");
        store_submit(fixture->replicas[0].store, requests[i]);
    }
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, answered + MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(requests[i]->is_ok);
        store_request_free(requests[i]);
    }
    assert_in_range(count_waits(fixture) - before, 2, MANY / 2);
}

static void without_replicas_wanted_nobody_waits(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    long long before = count_waits(fixture);

    redis_fixture_open(fixture, 0, &options);
    redis_fixture_must_write(fixture, 1, "text");
    assert_int_equal(count_waits(fixture), before);
}

static void a_write_is_answered_when_the_replica_has_it_and_not_before(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;
    size_t answered;

    open_waiting(fixture, STALL_LONG_MS);
    answered = fixture->answered;
    redis_server_pause(&replica, true);
    request = redis_fixture_write(fixture, 1, "text");
    store_submit(fixture->replicas[0].store, request);
    /* Written and told, and still not acknowledged. */
    redis_fixture_wait(&fixture->replicas[0].change_count,
                       atomic_load(&fixture->replicas[0].change_count) + 1);
    usleep(A_WHILE_MS * 1000);
    assert_int_equal(fixture->answered, answered);
    redis_server_pause(&replica, false);
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, answered + 1);
    assert_true(request->is_ok);
    store_request_free(request);
}

static void a_replica_that_stands_still_acknowledges_nothing(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;

    open_waiting(fixture, STALL_SHORT_MS);
    redis_server_pause(&replica, true);
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "unsure"),
                               ERR_STORE_UNAVAILABLE, "NOREPLICAS");
    request = redis_fixture_write(fixture, 1, "late");
    request->deadline_ms = clock_monotonic_ms(&clock_system) + 50;
    redis_fixture_assert_fails(fixture, request, ERR_DEADLINE, NULL);
    redis_fixture_assert_value(fixture, 0, 1, "late");
    redis_server_pause(&replica, false);
    write_until_acknowledged(fixture, STALL_SHORT_MS);
}

static void with_waitaof_a_replica_without_a_file_acknowledges_nothing(void **state)
{
    struct redis_fixture *fixture = *state;

    open_waiting(fixture, STALL_SHORT_MS);
    redis_server_do(&replica, "CONFIG SET appendonly no");
    if (has_waitaof(fixture))
        redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "unsure"),
                                   ERR_STORE_UNAVAILABLE, "NOREPLICAS");
    else
        write_until_acknowledged(fixture, STALL_SHORT_MS); /* in its memory */
}

/* As an AOF whose disk does not come to an end with fsync. */
static void with_waitaof_a_server_that_does_not_sync_acknowledges_nothing(void **state)
{
    struct redis_fixture *fixture = *state;

    if (!has_waitaof(fixture))
        skip();
    open_waiting(fixture, STALL_SHORT_MS);
    redis_server_do(&fixture->server, "CONFIG SET appendfsync no");
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "unsure"),
                               ERR_STORE_UNAVAILABLE, "NOFSYNC");
    redis_server_do(&fixture->server, "CONFIG SET appendfsync always");
    write_until_acknowledged(fixture, STALL_SHORT_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int redis_run_wait_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_writes_wait_together),
        TEST(without_replicas_wanted_nobody_waits),
        TEST(a_write_is_answered_when_the_replica_has_it_and_not_before),
        TEST(a_replica_that_stands_still_acknowledges_nothing),
        TEST(with_waitaof_a_replica_without_a_file_acknowledges_nothing),
        TEST(with_waitaof_a_server_that_does_not_sync_acknowledges_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
