/* SPDX-License-Identifier: Apache-2.0 */
/* Redis in trouble: killed, paused, out of memory, forgetful, not ours. */
#include "contract/redis_fixture.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SKIPPED = 77, WRITES = 600, KILLS = 4, LATE_FEW = 10000 };

static int64_t now_ms(void)
{
    return clock_now_ns() / 1000000;
}

static void open_first(struct redis_fixture *fixture)
{
    struct redis_options options = redis_fixture_options(fixture);

    redis_fixture_open(fixture, 0, &options);
}

static void assert_refused(const struct redis_options *options, enum err_code code,
                           const char *detail)
{
    struct store *store = NULL;
    struct err err;

    assert_false(redis_open(options, &store, &err));
    assert_string_equal(err_reason(err.code), err_reason(code));
    if (!strstr(err.detail, detail))
        fail_msg("\"%s\" is not in \"%s\"", detail, err.detail);
}

/* Opening. */

static void a_server_that_is_not_there_is_unavailable(void **state)
{
    static const struct redis_place nobody[] = {{"127.0.0.1", 1}, {"localhost", 1}};
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    options.connect_timeout_ms = 200;
    redis_server_kill(&fixture->server);
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "No such file");
    options.unix_path = NULL;
    options.host = "127.0.0.1";
    options.port = 1;
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "refused");
    options.host = "localhost";
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "");
    options.host = "no-such-host.invalid";
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "");
    options.host = NULL;
    options.sentinels = nobody;
    options.sentinel_count = ARRAY_LEN(nobody);
    options.sentinel_primary = "main";
    options.connect_timeout_ms = 1500;
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "0 of 2 sentinels answer, 2 must");
}

static void a_server_that_keeps_nothing_is_refused_unless_it_is_managed(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    redis_server_do(&fixture->server, "CONFIG SET appendonly no");
    assert_refused(&options, ERR_CONFIG_INVALID, "appendonly yes");
    redis_server_do(&fixture->server, "CONFIG SET appendonly yes");
    redis_server_do(&fixture->server, "CONFIG SET maxmemory-policy volatile-lru");
    assert_refused(&options, ERR_CONFIG_INVALID, "noeviction");
    options.is_durability_managed = true;
    redis_fixture_open(fixture, 0, &options);
    assert_string_equal(fixture->replicas[0].store->durability, "redis: managed");
}

static void wait_until_down(const struct redis_fixture *fixture)
{
    struct store_state state = {.is_up = true};

    for (int waited_ms = 0; state.is_up; waited_ms += 2) {
        assert_true(waited_ms < PATIENCE_MS);
        usleep(2000);
        store_get_state(fixture->replicas[0].store, &state);
    }
}

static void a_server_that_ceases_to_keep_what_it_has_is_left(void **state)
{
    static const struct {
        const char *option;
        const char *wrong;
        const char *right;
        const char *detail;
    } rows[] = {
        {"maxmemory-policy", "allkeys-lru", "noeviction", "noeviction"},
        {"appendonly", "no", "yes", "appendonly yes"},
    };
    struct redis_fixture *fixture = *state;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "text");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        redis_server_do(&fixture->server, "CONFIG SET %s %s", rows[i].option, rows[i].wrong);
        wait_until_down(fixture);
        redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "not kept"),
                                   ERR_STORE_UNAVAILABLE, NULL);
        redis_server_do(&fixture->server, "CONFIG SET %s %s", rows[i].option, rows[i].right);
        redis_store_wait_until_up(fixture->replicas[0].store);
        redis_fixture_must_write(fixture, 1, rows[i].detail);
        redis_fixture_assert_value(fixture, 0, 1, rows[i].detail);
    }
    assert_int_equal(fixture->replicas[0].reset_count, 0);
}

static void another_layout_under_the_prefix_is_refused(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    open_first(fixture);
    options.partition_count = 2;
    assert_refused(&options, ERR_CONFIG_INVALID, "another layout");
    options.partition_count = 1;
    options.hash_key_id = "k2";
    assert_refused(&options, ERR_CONFIG_INVALID, "another layout");
    options.prefix = "elsewhere";
    redis_fixture_open(fixture, 1, &options);
}

static void options_that_cannot_be_are_refused(void **state)
{
    static const struct redis_place sentinels[] = {{"a", 26379}, {"b", 26379}, {"c", 0}};
    struct redis_options options = redis_fixture_options(*state), wrong = options;

    wrong.prefix = "Upper";
    assert_refused(&wrong, ERR_CONFIG_INVALID, "prefix");
    wrong = options;
    wrong.partition_count = STORE_PARTITIONS_MAX + 1;
    assert_refused(&wrong, ERR_CONFIG_INVALID, "partitions");
    wrong = options;
    wrong.host = "localhost";
    assert_refused(&wrong, ERR_CONFIG_INVALID, "unix socket");
    wrong.unix_path = NULL;
    assert_refused(&wrong, ERR_CONFIG_INVALID, "no host and port");
    wrong.port = 1;
    wrong.sentinels = sentinels;
    wrong.sentinel_count = 1;
    assert_refused(&wrong, ERR_CONFIG_INVALID, "one of");
    wrong.host = NULL;
    assert_refused(&wrong, ERR_CONFIG_INVALID, "1 sentinels: 2 to 9");
    wrong.sentinel_count = 2;
    assert_refused(&wrong, ERR_CONFIG_INVALID, "name of the primary");
    wrong.sentinel_primary = "main";
    wrong.partition_count = 2;
    assert_refused(&wrong, ERR_CONFIG_INVALID, "2 partitions");
    wrong.partition_count = 1;
    wrong.sentinel_count = 3;
    assert_refused(&wrong, ERR_CONFIG_INVALID, "sentinel 3");
}

static void the_password_is_asked_for(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    char path[128];
    struct err err;

    snprintf(path, sizeof(path), "%s/password", fixture->folder);
    fixture->server.password = "correct";
    redis_server_kill(&fixture->server);
    redis_server_start(&fixture->server, fixture->folder);
    options.connect_timeout_ms = 200;
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "NOAUTH");
    options.password_file = path;
    assert_refused(&options, ERR_IO, "");
    assert_true(file_write_durably(path, span_text("wrong\n"), 0600, &err));
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "WRONGPASS");
    assert_true(file_write_durably(path, span_text("correct\n"), 0600, &err));
    options.user = "default";
    options.database = 3;
    redis_fixture_open(fixture, 0, &options);
    redis_fixture_must_write(fixture, 1, "text");
}

/* What docs/storage.md says; WAITAOF is no command before 7.2. */
#define ACL                                                                                   \
    "ACL SETUSER passgate on >correct ~trouble:* +info +select +client|setname +script|load " \
    "+evalsha +mget +scan +set +xread +xtrim +wait +get +getrange +del +exists +xadd +xlen "  \
    "+xrange +xinfo|stream +pexpire +time"

static void the_rights_that_are_documented_are_enough(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    char path[128];
    struct store_request *request;
    struct err err;

    redis_server_do(&fixture->server, ACL);
    snprintf(path, sizeof(path), "%s/password", fixture->folder);
    assert_true(file_write_durably(path, span_text("correct"), 0600, &err));
    options.user = "passgate";
    options.password_file = path;
    options.connect_timeout_ms = 500;
    redis_fixture_open(fixture, 0, &options);
    request = redis_fixture_write(fixture, 1, "text");
    store_request_guard(request, redis_fixture_key(1), 0);
    store_request_remove(request, redis_fixture_key(2));
    store_request_outbox(request, span_text("record"));
    store_request_put(request, redis_fixture_key(3), clock_wall_ms(&clock_system) + 10000,
                      span_text("for a while"));
    redis_fixture_run(fixture, 0, request);
    assert_true(request->is_ok);
    store_request_free(request);
    redis_fixture_assert_value(fixture, 0, 3, "for a while");
    request = redis_fixture_request(fixture, STORE_OUTBOX_READ);
    request->limit = 10;
    redis_fixture_run(fixture, 0, request);
    assert_int_equal(request->outbox_count, 1);
    store_request_free(request);
    request = redis_fixture_request(fixture, STORE_OUTBOX_REMOVE);
    request->number = UINT64_MAX;
    redis_fixture_run(fixture, 0, request);
    assert_true(request->is_ok);
    store_request_free(request);
    request = redis_fixture_request(fixture, STORE_PING);
    redis_fixture_run(fixture, 0, request);
    assert_true(request->is_ok);
    store_request_free(request);
}

/* While it runs. */

static void an_empty_script_cache_is_filled_again(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;

    open_first(fixture);
    for (unsigned i = 0; i < 20; i++) {
        redis_server_do(&fixture->server, "SCRIPT FLUSH");
        redis_fixture_must_write(fixture, i, "text");
        redis_server_do(&fixture->server, "SCRIPT FLUSH");
        request = redis_fixture_request(fixture, i % 2 ? STORE_PING : STORE_OUTBOX_READ);
        request->limit = 1;
        redis_fixture_run(fixture, 0, request);
        assert_true(request->is_ok);
        store_request_free(request);
    }
    assert_int_equal(fixture->replicas[0].change_count, 20);
    assert_int_equal(fixture->replicas[0].reset_count, 0);
}

static void out_of_memory_refuses_writes_and_nothing_is_half_written(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "before");
    redis_server_do(&fixture->server, "CONFIG SET maxmemory 1");
    request = redis_fixture_write(fixture, 1, "lost");
    store_request_outbox(request, span_text("record"));
    redis_fixture_assert_fails(fixture, request, ERR_STORE_UNAVAILABLE, "OOM");
    redis_fixture_assert_value(fixture, 0, 1, "before");
    assert_int_equal(redis_server_ask(&fixture->server, "EXISTS trouble:{p00}:outbox"), 0);
    assert_int_equal(fixture->replicas[0].change_count, 1);
    redis_server_do(&fixture->server, "CONFIG SET maxmemory 0");
    redis_fixture_must_write(fixture, 1, "after");
}

static void refusals_are_answered_with_their_first_word(void **state)
{
    struct redis_fixture *fixture = *state;

    open_first(fixture);
    redis_server_do(&fixture->server, "CONFIG SET min-replicas-to-write 1");
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "lost"),
                               ERR_STORE_UNAVAILABLE, "NOREPLICAS");
    redis_server_do(&fixture->server, "CONFIG SET min-replicas-to-write 0");
    redis_fixture_must_write(fixture, 1, "kept");

    redis_server_do(&fixture->server, "REPLICAOF 127.0.0.1 1");
    /* READONLY, or what the feed or INFO were told before. */
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "lost"),
                               ERR_STORE_UNAVAILABLE, NULL);
    redis_server_do(&fixture->server, "REPLICAOF NO ONE");
    redis_store_wait_until_up(fixture->replicas[0].store);
    redis_fixture_must_write(fixture, 1, "kept again");
}

static void a_write_that_too_few_replicas_have_is_unsure_and_still_told(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    options.replicas_min = 1;
    redis_fixture_open(fixture, 0, &options);
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "unsure"),
                               ERR_STORE_UNAVAILABLE, "NOREPLICAS");
    redis_fixture_assert_value(fixture, 0, 1, "unsure");
    assert_int_equal(fixture->replicas[0].change_count, 1);
}

static void a_connection_that_is_cut_is_made_again(void **state)
{
    static const char *const names[] = {"passgate-read", "passgate-write", "passgate-feed"};
    struct redis_fixture *fixture = *state;

    open_first(fixture);
    assert_true(redis_server_ask(&fixture->server, "CLIENT ID") > 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        redis_server_do(&fixture->server, "CLIENT KILL TYPE normal SKIPME yes");
        redis_store_wait_until_up(fixture->replicas[0].store);
        redis_fixture_must_write(fixture, (unsigned)i, names[i]);
        redis_fixture_assert_value(fixture, 0, (unsigned)i, names[i]);
    }
    assert_int_equal(fixture->replicas[0].change_count, ARRAY_LEN(names));
    assert_int_equal(fixture->replicas[0].reset_count, 0);
}

/* Deadlines. */

static void a_server_that_stands_still_lets_no_deadline_pass(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;
    int64_t began_ms;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "before");
    redis_server_pause(&fixture->server, true);
    for (unsigned i = 0; i < 3; i++) {
        began_ms = now_ms();
        request = i % 2 ? redis_fixture_request(fixture, STORE_READ)
                        : redis_fixture_write(fixture, 2, "late");
        if (i % 2)
            store_request_key(request, redis_fixture_key(1));
        request->deadline_ms = clock_monotonic_ms(&clock_system) + 50;
        redis_fixture_assert_fails(fixture, request, ERR_DEADLINE, NULL);
        assert_in_range(now_ms() - began_ms, 40, 2000);
    }
    /* Nobody sets a deadline, and still it ends. */
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 3, "late"),
                               ERR_STORE_UNAVAILABLE, NULL);
    redis_server_pause(&fixture->server, false);
    redis_store_wait_until_up(fixture->replicas[0].store);
    redis_fixture_assert_value(fixture, 0, 1, "before");
    redis_fixture_must_write(fixture, 2, "after");
}

/* Killed. */

struct traffic {
    struct redis_fixture *fixture;
    size_t answered;
    bool is_acknowledged[WRITES];
};

static void on_traffic_done(struct store_request *request)
{
    struct traffic *traffic = request->owner;

    traffic->answered++;
    traffic->is_acknowledged[request->limit] = request->is_ok;
    store_request_free(request);
}

static void when_it_is_killed_nothing_acknowledged_is_lost(void **state)
{
    struct traffic traffic = {.fixture = *state};
    struct redis_fixture *fixture = traffic.fixture;
    size_t acknowledged = 0;

    open_first(fixture);
    for (unsigned i = 0; i < WRITES; i++) {
        struct store_request *request = redis_fixture_write(fixture, i, "text");

        request->on_done = on_traffic_done;
        request->owner = &traffic;
        request->limit = i;
        store_submit(fixture->replicas[0].store, request);
        if (i % (WRITES / KILLS) == WRITES / KILLS / 2) {
            mailbox_wait_for(&fixture->mailbox, &traffic.answered, i - 20);
            redis_server_kill(&fixture->server);
            redis_server_start(&fixture->server, fixture->folder);
            redis_store_wait_until_up(fixture->replicas[0].store);
        }
    }
    mailbox_wait_for(&fixture->mailbox, &traffic.answered, WRITES);
    redis_store_wait_until_up(fixture->replicas[0].store);
    for (unsigned i = 0; i < WRITES; i++)
        if (traffic.is_acknowledged[i]) {
            redis_fixture_assert_value(fixture, 0, i, "text");
            acknowledged++;
        }
    assert_true(acknowledged > WRITES / 4);
    assert_int_equal(fixture->replicas[0].reset_count, KILLS);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, redis_fixture_set_up, redis_fixture_tear_down)

int redis_run_trouble_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_is_not_there_is_unavailable),
        TEST(a_server_that_keeps_nothing_is_refused_unless_it_is_managed),
        TEST(a_server_that_ceases_to_keep_what_it_has_is_left),
        TEST(another_layout_under_the_prefix_is_refused),
        TEST(options_that_cannot_be_are_refused),
        TEST(the_password_is_asked_for),
        TEST(the_rights_that_are_documented_are_enough),
        TEST(an_empty_script_cache_is_filled_again),
        TEST(out_of_memory_refuses_writes_and_nothing_is_half_written),
        TEST(refusals_are_answered_with_their_first_word),
        TEST(a_write_that_too_few_replicas_have_is_unsure_and_still_told),
        TEST(a_connection_that_is_cut_is_made_again),
        TEST(a_server_that_stands_still_lets_no_deadline_pass),
        TEST(when_it_is_killed_nothing_acknowledged_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* `redis_trouble late NUMBER`: so many reads that are given up, and nothing else; `redis_trouble
 * failover`: only that. */
int main(int argc, char **argv)
{
    if (!redis_server_is_installed()) {
        fprintf(stderr, "skipped: there is no redis-server\n");
        return SKIPPED;
    }
    if (argc == 3 && strcmp(argv[1], "late") == 0)
        return redis_run_late_tests(strtoul(argv[2], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "failover") == 0)
        return redis_run_failover_tests();
    return redis_run_trouble_tests() + redis_run_late_tests(LATE_FEW) + redis_run_replica_tests() +
           redis_run_scan_tests() + redis_run_slow_tests() + redis_run_wait_tests() +
           redis_run_damage_tests() + redis_run_failover_tests();
}
