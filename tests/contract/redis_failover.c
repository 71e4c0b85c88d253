/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failover to a server that lacks the last writes, though all of them were acknowledged: what
 * asynchronous replication loses.
 *
 * The replica that is promoted stops following before the last writes; then the primary is killed,
 * and its socket leads to the other one.
 */
#include "contract/redis_fixture.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A line of the roster is at least so long. */
enum { LOOK_MS = 2, MANY = 500, LONG_HEARTBEAT_MS = 1000, ROSTER_LINE = 16 + 1 + 13 + 1 + 1 + 1 };

/* One test at a time. */
static struct redis_server_process standby;
static char port[8];

/* The standby has as much as the primary. */
static void wait_until_it_follows(const struct redis_fixture *fixture)
{
    for (int waited_ms = 0; redis_server_info(&standby, "master_link_status:up") < 0 ||
                            redis_server_info(&standby, "slave_repl_offset:") <
                                redis_server_info(&fixture->server, "master_repl_offset:");
         waited_ms += LOOK_MS) {
        if (waited_ms > PATIENCE_MS)
            fail_msg("%s", "the standby does not follow");
        usleep(LOOK_MS * 1000);
    }
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
    snprintf(folder, sizeof(folder), "%s/standby", fixture->folder);
    mkdir(folder, 0700);
    redis_server_start(&standby, folder);
    redis_server_do(&standby, "REPLICAOF 127.0.0.1 %s", port);
    /* A primary is another one from its first replica on. */
    wait_until_it_follows(fixture);
    return 0;
}

static int tear_down(void **state)
{
    redis_server_kill(&standby);
    return redis_fixture_tear_down(state);
}

static void open_both(struct redis_fixture *fixture)
{
    struct redis_options options = redis_fixture_options(fixture);

    redis_fixture_open(fixture, 0, &options);
    redis_fixture_open(fixture, 1, &options);
}

static struct store_state state_of(const struct redis_fixture *fixture, size_t replica)
{
    struct store_state state;

    store_get_state(fixture->replicas[replica].store, &state);
    return state;
}

/* What is written from now on the standby does not get. */
static void stop_replication(const struct redis_fixture *fixture)
{
    wait_until_it_follows(fixture);
    redis_server_do(&standby, "REPLICAOF NO ONE");
}

/* The standby is where the primary was. */
static void promote(struct redis_fixture *fixture)
{
    redis_server_kill(&fixture->server);
    if (symlink(standby.socket, fixture->server.socket) != 0)
        fail_msg("%s", "the socket of the primary is still there");
}

/* … and all who are there have come to it. */
static void fail_over(struct redis_fixture *fixture)
{
    promote(fixture);
    for (size_t i = 0; i < REPLICAS_MAX; i++)
        if (fixture->replicas[i].store) {
            redis_fixture_wait(&fixture->replicas[i].reset_count, 1);
            redis_store_wait_until_up(fixture->replicas[i].store);
        }
}

static bool is_on_standby(unsigned key)
{
    return redis_server_ask(&standby, "EXISTS trouble:{p00}:k1:1:%016llx%016llx",
                            (unsigned long long)redis_fixture_key(key).id.high,
                            (unsigned long long)redis_fixture_key(key).id.low) == 1;
}

static struct store_request *read_on(struct redis_fixture *fixture, size_t replica, unsigned key)
{
    struct store_request *request = redis_fixture_request(fixture, STORE_READ);

    store_request_key(request, redis_fixture_key(key));
    return redis_fixture_run(fixture, replica, request);
}

static void assert_not_believed(struct redis_fixture *fixture, size_t replica, unsigned key)
{
    struct store_request *request = read_on(fixture, replica, key);

    assert_false(request->is_ok);
    assert_int_equal(request->err.code, ERR_STORE_UNAVAILABLE);
    assert_true(strncmp(request->err.detail, "LOST: ", 6) == 0);
    store_request_free(request);
}

/* Not before the writer is there: until then it is refused. */
static void wait_for_value(struct redis_fixture *fixture, size_t replica, unsigned key,
                           const char *text)
{
    bool is_there = false;

    for (int waited_ms = 0; !is_there; waited_ms += LOOK_MS) {
        struct store_request *request = read_on(fixture, replica, key);

        is_there = request->is_ok;
        if (is_there && !span_is(request->values[0].data, text))
            fail_msg("replica %zu reads something else than \"%s\"", replica, text);
        store_request_free(request);
        if (waited_ms > PATIENCE_MS)
            fail_msg("replica %zu does not read \"%s\"", replica, text);
        usleep(LOOK_MS * 1000);
    }
}

static void what_the_new_primary_lacks_is_put_again_and_nobody_reads_less(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;
    uint64_t lost;

    open_both(fixture);
    redis_fixture_must_write(fixture, 1, "allowed");
    stop_replication(fixture);
    request = redis_fixture_write(fixture, 1, "revoked");
    store_request_outbox(request, span_text("record"));
    assert_true(redis_fixture_run(fixture, 0, request)->is_ok);
    lost = request->number;
    store_request_free(request);
    redis_fixture_wait(&fixture->replicas[1].change_count, 2);
    fail_over(fixture);
    wait_for_value(fixture, 0, 1, "revoked");
    wait_for_value(fixture, 1, 1, "revoked");
    assert_int_equal(state_of(fixture, 0).put_again, 1);
    assert_int_equal(state_of(fixture, 1).put_again, 0);
    request = read_on(fixture, 1, 1);
    assert_true(request->values[0].version >> STORE_NUMBER_COUNTER_BITS > lost >>
                STORE_NUMBER_COUNTER_BITS);
    store_request_free(request);
    request = redis_fixture_request(fixture, STORE_OUTBOX_READ);
    request->limit = 10;
    redis_fixture_run(fixture, 0, request);
    assert_int_equal(request->outbox_count, 1);
    assert_true(span_is(request->outbox[0].record, "record"));
    store_request_free(request);
}

/* How many writes a failover costs, with nobody who puts them again and with one. */
static void of_many_lost_writes_none_is_missing_afterwards(void **state)
{
    struct redis_fixture *fixture = *state;
    size_t lost = 0, missing = 0;

    open_both(fixture);
    redis_fixture_must_write(fixture, 0, "before");
    stop_replication(fixture);
    for (unsigned i = 1; i <= MANY; i++)
        redis_fixture_must_write(fixture, i, i % 2 ? "granted" : "revoked");
    for (unsigned i = 1; i <= MANY; i++)
        redis_fixture_must_write(fixture, i, "revoked");
    redis_fixture_wait(&fixture->replicas[1].change_count, 1 + 2 * MANY);
    for (unsigned i = 1; i <= MANY; i++)
        lost += !is_on_standby(i);
    fail_over(fixture);
    for (unsigned i = 1; i <= MANY; i++) {
        wait_for_value(fixture, 1, i, "revoked");
        redis_fixture_assert_value(fixture, 0, i, "revoked");
        missing += !is_on_standby(i);
    }
    printf("acknowledged and lost by the failover: %zu; missing afterwards: %zu\n", lost, missing);
    assert_int_equal(lost, MANY);
    assert_int_equal(missing, 0);
    assert_int_equal(state_of(fixture, 0).put_again, MANY); /* the newest of each */
    for (int waited_ms = 0; state_of(fixture, 1).doubted_keys > 0; waited_ms += LOOK_MS) {
        if (waited_ms > PATIENCE_MS) /* the feed tells of the last ones after they can be read */
            fail_msg("%zu keys are in doubt", (size_t)state_of(fixture, 1).doubted_keys);
        usleep(LOOK_MS * 1000);
    }
}

static void nothing_is_put_again_where_nothing_was_lost(void **state)
{
    struct redis_fixture *fixture = *state;

    open_both(fixture);
    for (unsigned i = 0; i < 20; i++)
        redis_fixture_must_write(fixture, i, "text");
    stop_replication(fixture);
    fail_over(fixture);
    for (size_t replica = 0; replica < REPLICAS_MAX; replica++) {
        for (unsigned i = 0; i < 20; i++)
            redis_fixture_assert_value(fixture, replica, i, "text");
        assert_int_equal(state_of(fixture, replica).put_again, 0);
        assert_int_equal(state_of(fixture, replica).doubted_keys, 0);
    }
}

static void while_the_writer_is_gone_nobody_who_knows_reads_less(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    open_both(fixture);
    redis_fixture_must_write(fixture, 1, "allowed");
    redis_fixture_must_write(fixture, 2, "text");
    stop_replication(fixture);
    redis_fixture_must_write(fixture, 1, "revoked");
    redis_fixture_wait(&fixture->replicas[1].change_count, 3);
    store_free(fixture->replicas[0].store);
    fixture->replicas[0].store = NULL;
    fail_over(fixture);
    for (unsigned i = 0; i < 10; i++)
        assert_not_believed(fixture, 1, 1);
    redis_fixture_assert_value(fixture, 1, 2, "text");
    assert_true(state_of(fixture, 1).is_up);
    /* Who begins now does not know; what he writes is newer than all that was lost. */
    redis_fixture_open(fixture, 0, &options);
    redis_fixture_assert_value(fixture, 0, 1, "allowed");
    redis_fixture_must_write(fixture, 1, "revoked again");
    wait_for_value(fixture, 1, 1, "revoked again");
}

/* The one who has lost something comes late; whoever begins before him must not read less. */
static void who_was_not_told_waits_for_who_may_know(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture), elsewhere;
    size_t answered;
    struct store_request *request;

    options.heartbeat_ms = LONG_HEARTBEAT_MS;
    elsewhere = options;
    elsewhere.unix_path = standby.socket;
    redis_fixture_open(fixture, 0, &options);
    redis_fixture_must_write(fixture, 1, "allowed");
    wait_until_it_follows(fixture);
    /* A heartbeat of the one who writes is there. */
    while (redis_server_ask(&standby, "EXISTS trouble:{p00}:roster") == 0)
        usleep(LOOK_MS * 1000);
    stop_replication(fixture);
    redis_fixture_must_write(fixture, 1, "revoked");
    redis_server_kill(&fixture->server);
    redis_fixture_open(fixture, 1, &elsewhere);
    answered = fixture->answered;
    request = redis_fixture_request(fixture, STORE_READ);
    store_request_key(request, redis_fixture_key(1));
    store_submit(fixture->replicas[1].store, request);
    promote(fixture);
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, answered + 1);
    assert_true(request->is_ok);
    assert_true(span_is(request->values[0].data, "revoked"));
    store_request_free(request);
}

static void who_does_not_come_is_not_waited_for_long(void **state)
{
    struct redis_fixture *fixture = *state;
    int64_t began_ms;

    open_both(fixture);
    redis_fixture_must_write(fixture, 1, "text");
    /* Both have beaten. */
    while (redis_server_ask(&fixture->server, "STRLEN trouble:{p00}:roster") < 2 * ROSTER_LINE)
        usleep(LOOK_MS * 1000);
    stop_replication(fixture);
    store_free(fixture->replicas[0].store);
    fixture->replicas[0].store = NULL;
    fail_over(fixture);
    began_ms = clock_monotonic_ms(&clock_system);
    redis_fixture_assert_value(fixture, 1, 1, "text");
    assert_true(clock_monotonic_ms(&clock_system) - began_ms < PATIENCE_MS / 2);
    /* Nor once more: he is off the roster. */
    for (int waited_ms = 0;
         redis_server_ask(&standby, "STRLEN trouble:{p00}:roster") >= 2 * ROSTER_LINE;
         waited_ms += LOOK_MS) {
        assert_true(waited_ms < PATIENCE_MS);
        usleep(LOOK_MS * 1000);
    }
}

/* The guard that held once would not hold again. */
static void a_write_is_put_again_over_what_its_guard_named(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;
    uint64_t version;

    open_both(fixture);
    version = redis_fixture_must_write(fixture, 1, "first");
    stop_replication(fixture);
    for (unsigned i = 0; i < 3; i++) {
        request = redis_fixture_write(fixture, 1, i == 2 ? "last" : "between");
        store_request_guard(request, redis_fixture_key(1), version);
        assert_true(redis_fixture_run(fixture, 0, request)->is_ok);
        version = request->number;
        store_request_free(request);
    }
    fail_over(fixture);
    wait_for_value(fixture, 0, 1, "last");
}

static void what_expires_and_what_was_removed_is_so_again(void **state)
{
    struct redis_fixture *fixture = *state;
    int64_t soon_ms = clock_wall_ms(&clock_system) + 60000;
    struct store_request *request;

    open_both(fixture);
    redis_fixture_must_write(fixture, 1, "to be removed");
    stop_replication(fixture);
    request = redis_fixture_request(fixture, STORE_WRITE);
    store_request_remove(request, redis_fixture_key(1));
    store_request_put(request, redis_fixture_key(2), soon_ms, span_text("for a while"));
    assert_true(redis_fixture_run(fixture, 0, request)->is_ok);
    store_request_free(request);
    fail_over(fixture);
    wait_for_value(fixture, 0, 2, "for a while");
    redis_fixture_assert_value(fixture, 0, 1, NULL);
    request = read_on(fixture, 0, 2);
    assert_int_equal(request->values[0].expires_at_ms, soon_ms);
    store_request_free(request);
}

/* To a server that stands still, and then is none. */
static void write_without_an_answer(struct redis_fixture *fixture, unsigned key, uint64_t version)
{
    struct store_request *request = redis_fixture_write(fixture, key, "late");
    siginfo_t stopped;

    redis_server_pause(&fixture->server, true);
    assert_int_equal(waitid(P_PID, (id_t)fixture->server.pid, &stopped, WSTOPPED), 0);
    store_request_guard(request, redis_fixture_key(key), version);
    redis_fixture_assert_fails(fixture, request, ERR_STORE_UNAVAILABLE, NULL);
}

static void a_write_without_an_answer_that_nobody_was_told_of_has_not_happened(void **state)
{
    struct redis_fixture *fixture = *state;
    uint64_t version;

    open_both(fixture);
    version = redis_fixture_must_write(fixture, 1, "before");
    stop_replication(fixture);
    write_without_an_answer(fixture, 1, version);
    fail_over(fixture);
    wait_for_value(fixture, 0, 1, "before");
    wait_for_value(fixture, 1, 1, "before");
    assert_int_equal(state_of(fixture, 0).put_again, 0);
}

/* What the feed says of a write; ARGV[1] is its one change, in hexadecimal. */
static const char tell_write[] =
    "local counter = string.format('%.0f', redis.call('GET', KEYS[2]) + 1)\n"
    "local epoch = string.match(redis.call('GET', KEYS[1]), '^%d+')\n"
    "local change = string.gsub(ARGV[1], '..', function(h) return string.char(tonumber(h, 16)) "
    "end)\n"
    "redis.call('XADD', KEYS[3], epoch .. '-' .. counter, 'c', change)\n"
    "redis.call('SET', KEYS[2], counter)\n"
    "return 1";

static void a_write_without_an_answer_that_was_told_is_put_again(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_key key = redis_fixture_key(1);
    uint64_t version;

    open_both(fixture);
    version = redis_fixture_must_write(fixture, 1, "before");
    stop_replication(fixture);
    assert_int_equal(redis_server_ask(&fixture->server,
                                      "EVAL %s 3 trouble:{p00}:epoch trouble:{p00}:counter "
                                      "trouble:{p00}:feed 01%016llx%016llx",
                                      tell_write, (unsigned long long)key.id.high,
                                      (unsigned long long)key.id.low),
                     1);
    for (size_t i = 0; i < REPLICAS_MAX; i++)
        redis_fixture_wait(&fixture->replicas[i].change_count, 2);
    write_without_an_answer(fixture, 1, version);
    fail_over(fixture);
    wait_for_value(fixture, 0, 1, "late");
    wait_for_value(fixture, 1, 1, "late");
    assert_int_equal(state_of(fixture, 0).put_again, 1);
}

/* Another one has written on without knowing; what he wrote is not ours to replace. */
static void what_was_written_meanwhile_stays(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture), elsewhere = options;
    struct store_request *request;

    elsewhere.unix_path = standby.socket;
    redis_fixture_open(fixture, 0, &options);
    redis_fixture_must_write(fixture, 1, "before");
    stop_replication(fixture);
    redis_fixture_must_write(fixture, 1, "lost");
    redis_fixture_must_write(fixture, 2, "lost too");
    redis_server_kill(&fixture->server); /* nobody is there until the other one has written */
    redis_fixture_open(fixture, 1, &elsewhere);
    request = redis_fixture_write(fixture, 1, "meanwhile");
    assert_true(redis_fixture_run(fixture, 1, request)->is_ok);
    store_request_free(request);
    promote(fixture);
    wait_for_value(fixture, 0, 1, "meanwhile");
    redis_fixture_assert_value(fixture, 0, 2, "lost too");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int redis_run_failover_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_new_primary_lacks_is_put_again_and_nobody_reads_less),
        TEST(of_many_lost_writes_none_is_missing_afterwards),
        TEST(nothing_is_put_again_where_nothing_was_lost),
        TEST(while_the_writer_is_gone_nobody_who_knows_reads_less),
        TEST(who_was_not_told_waits_for_who_may_know),
        TEST(who_does_not_come_is_not_waited_for_long),
        TEST(a_write_is_put_again_over_what_its_guard_named),
        TEST(what_expires_and_what_was_removed_is_so_again),
        TEST(a_write_without_an_answer_that_nobody_was_told_of_has_not_happened),
        TEST(a_write_without_an_answer_that_was_told_is_put_again),
        TEST(what_was_written_meanwhile_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
