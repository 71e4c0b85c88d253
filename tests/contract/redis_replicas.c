/* SPDX-License-Identifier: Apache-2.0 */
/* Two replicas on one Redis: what one writes, the other is told. */
#include "contract/redis_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { FEW = 200, MANY = 4000, LOOK_MS = 2 };

static void open_both(struct redis_fixture *fixture, const struct redis_options *options)
{
    redis_fixture_open(fixture, 0, options);
    redis_fixture_open(fixture, 1, options);
}

static void what_one_writes_the_other_is_told_once_and_in_order(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    open_both(fixture, &options);
    for (unsigned i = 0; i < FEW; i++)
        redis_fixture_must_write(fixture, i, "text");
    redis_fixture_wait(&fixture->replicas[1].change_count, FEW);
    for (size_t i = 0; i < REPLICAS_MAX; i++) {
        const struct replica *replica = &fixture->replicas[i];

        assert_int_equal(replica->change_count, FEW);
        assert_int_equal(replica->reset_count, 0);
        for (unsigned j = 0; j < FEW; j++) {
            assert_int_equal(replica->changes[j].id.low, j);
            assert_true(j == 0 || replica->changes[j].number == replica->changes[j - 1].number + 1);
        }
    }
    redis_fixture_assert_value(fixture, 1, FEW - 1, "text");
}

/* Their writes overtake one another: what a replica is told of its own may come too early, and does
 * not count then. */
static void when_both_write_each_is_told_everything_in_order(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    size_t before = fixture->answered;
    struct store_request *requests[MANY];

    open_both(fixture, &options);
    for (unsigned i = 0; i < MANY; i++) {
        requests[i] = redis_fixture_write(fixture, i, "text");
        store_submit(fixture->replicas[i % 2].store, requests[i]);
    }
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, before + MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(requests[i]->is_ok);
        store_request_free(requests[i]);
    }
    for (size_t i = 0; i < REPLICAS_MAX; i++) {
        const struct replica *replica = &fixture->replicas[i];

        redis_fixture_wait(&replica->change_count, MANY);
        assert_int_equal(replica->change_count, MANY);
        assert_int_equal(replica->reset_count, 0);
        for (unsigned j = 1; j < MANY; j++)
            assert_true(replica->changes[j].number == replica->changes[j - 1].number + 1);
    }
}

static void what_was_written_while_the_feed_was_cut_is_told_afterwards(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    open_both(fixture, &options);
    for (unsigned i = 0; i < FEW; i++) {
        redis_fixture_must_write(fixture, i, "text");
        if (i % 40 == 20) {
            redis_server_do(&fixture->server, "CLIENT KILL TYPE normal SKIPME yes");
            redis_store_wait_until_up(fixture->replicas[0].store);
        }
    }
    redis_fixture_wait(&fixture->replicas[1].change_count, FEW);
    assert_int_equal(fixture->replicas[1].reset_count, 0);
    assert_int_equal(fixture->replicas[1].changes[FEW - 1].id.low, FEW - 1);
}

/* Adds to the feed what is not the next number. */
static const char skip_numbers[] =
    "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]\n"
    "local epoch, counter = string.match(last, '(%d+)-(%d+)')\n"
    "redis.call('XADD', KEYS[1], epoch .. '-' .. string.format('%.0f', counter + 5), 'c', '')\n"
    "return 1";

static void a_gap_in_the_feed_is_a_reset(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    open_both(fixture, &options);
    redis_fixture_must_write(fixture, 1, "text");
    redis_fixture_wait(&fixture->replicas[1].change_count, 1);
    assert_int_equal(
        redis_server_ask(&fixture->server, "EVAL %s 1 trouble:{p00}:feed", skip_numbers), 1);
    redis_fixture_wait(&fixture->replicas[1].reset_count, 1);
    redis_fixture_wait(&fixture->replicas[0].reset_count, 1);
}

static void
a_server_that_has_forgotten_everything_begins_another_epoch_and_is_told_again(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    uint64_t before, after;

    open_both(fixture, &options);
    before = redis_fixture_must_write(fixture, 1, "text");
    redis_server_do(&fixture->server, "FLUSHALL");
    /* The heartbeats find out; nobody has to ask. */
    redis_fixture_wait(&fixture->replicas[0].reset_count, 1);
    redis_fixture_wait(&fixture->replicas[1].reset_count, 1);
    redis_store_wait_until_up(fixture->replicas[0].store);
    redis_fixture_assert_value(fixture, 0, 1, "text");
    after = redis_fixture_must_write(fixture, 1, "text");
    assert_true(after >> STORE_NUMBER_COUNTER_BITS > before >> STORE_NUMBER_COUNTER_BITS);
    redis_fixture_wait(&fixture->replicas[1].change_count, 3);
}

/* Promoted, demoted and promoted again: nobody is left who saw what it lost meanwhile. */
static void a_server_that_was_a_replica_in_between_begins_another_epoch(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    uint64_t before, after;

    redis_fixture_open(fixture, 0, &options);
    before = redis_fixture_must_write(fixture, 1, "text");
    store_free(fixture->replicas[0].store);
    redis_server_do(&fixture->server, "REPLICAOF 127.0.0.1 1");
    redis_server_do(&fixture->server, "REPLICAOF NO ONE");
    redis_fixture_open(fixture, 0, &options);
    after = redis_fixture_must_write(fixture, 1, "text");
    assert_true(after >> STORE_NUMBER_COUNTER_BITS > before >> STORE_NUMBER_COUNTER_BITS);
}

static void partitions_count_for_themselves(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    options.partition_count = STORE_PARTITIONS_MAX;
    open_both(fixture, &options);
    for (unsigned i = 0; i < STORE_PARTITIONS_MAX; i++) {
        struct store_request *request = redis_fixture_write(fixture, i, "text");

        request->partition = (uint16_t)i;
        request->changes[0].partition = (uint16_t)i;
        redis_fixture_run(fixture, 0, request);
        assert_true(request->is_ok);
        store_request_free(request);
    }
    redis_fixture_wait(&fixture->replicas[1].change_count, STORE_PARTITIONS_MAX);
    assert_int_equal(fixture->replicas[1].reset_count, 0);
}

static void wait_until_the_feed_is_fresh(const struct redis_fixture *fixture)
{
    struct store_state store_state = {.feed_age_ms = INT64_MAX};

    for (int waited_ms = 0; store_state.feed_age_ms > 4 * HEARTBEAT_MS; waited_ms += LOOK_MS) {
        assert_true(waited_ms < PATIENCE_MS);
        usleep(LOOK_MS * 1000);
        store_get_state(fixture->replicas[0].store, &store_state);
    }
}

static void the_feed_is_as_old_as_the_last_heartbeat_that_came_back(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    struct store_state store_state;

    redis_fixture_open(fixture, 0, &options);
    usleep(10 * HEARTBEAT_MS * 1000);
    wait_until_the_feed_is_fresh(fixture);
    redis_server_pause(&fixture->server, true);
    usleep(10 * HEARTBEAT_MS * 1000);
    store_get_state(fixture->replicas[0].store, &store_state);
    assert_true(store_state.feed_age_ms >= 9 * HEARTBEAT_MS);
    redis_server_pause(&fixture->server, false);
    wait_until_the_feed_is_fresh(fixture);
}

/* At one moment: MANY entries of the feed, and a heartbeat of every replica, sent at ARGV[1]. */
static const char burst[] =
    "for i = 1, ARGV[2] do\n"
    "  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]\n"
    "  local epoch, counter = string.match(last, '(%d+)-(%d+)')\n"
    "  redis.call('XADD', KEYS[1], epoch .. '-' .. string.format('%.0f', counter + 1), 'c',\n"
    "             '\\1' .. string.rep('x', 16))\n"
    "end\n"
    "for _, beat in ipairs(redis.call('KEYS', 'trouble:{p00}:beat:*')) do\n"
    "  redis.call('XADD', beat, 'MAXLEN', 1, '*', 't', ARGV[1])\n"
    "end\n"
    "return 1";

/* Of another replica's entries: none may be told after that heartbeat proved the feed alive. */
struct told {
    struct store_listener listener;
    const struct store *store;
    atomic_size_t count;
    atomic_size_t late;
};

/* In the future, where no real heartbeat comes from. */
static const int64_t burst_sent_ms = INT64_C(1) << 50;

static void on_burst(struct store_listener *listener, const struct store_change *change)
{
    struct told *told = CONTAINER_OF(listener, struct told, listener);

    (void)change;
    if (atomic_load(told->store->feed_alive_ms) == burst_sent_ms)
        atomic_fetch_add(&told->late, 1);
    atomic_fetch_add(&told->count, 1);
}

static void on_lost(struct store_listener *listener, uint16_t partition)
{
    (void)listener;
    (void)partition;
}

static void a_heartbeat_proves_nothing_while_older_writes_wait_to_be_told(void **state)
{
    static struct told told; /* the store has it until it is freed */
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    redis_fixture_open(fixture, 0, &options);
    told = (struct told){.listener = {.on_change = on_burst, .on_reset = on_lost},
                         .store = fixture->replicas[0].store};
    store_listen(fixture->replicas[0].store, &told.listener);
    redis_fixture_must_write(fixture, 1, "text");
    wait_until_the_feed_is_fresh(fixture); /* a heartbeat came back: it has a key */
    assert_int_equal(redis_server_ask(&fixture->server, "EVAL %s 1 trouble:{p00}:feed %lld %d",
                                      burst, (long long)burst_sent_ms, MANY),
                     1);
    redis_fixture_wait(&told.count, 1 + MANY);
    assert_int_equal(told.late, 0);
    assert_int_equal(fixture->replicas[0].reset_count, 0);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, redis_fixture_set_up, redis_fixture_tear_down)

int redis_run_replica_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_one_writes_the_other_is_told_once_and_in_order),
        TEST(when_both_write_each_is_told_everything_in_order),
        TEST(what_was_written_while_the_feed_was_cut_is_told_afterwards),
        TEST(a_gap_in_the_feed_is_a_reset),
        TEST(a_server_that_has_forgotten_everything_begins_another_epoch_and_is_told_again),
        TEST(a_server_that_was_a_replica_in_between_begins_another_epoch),
        TEST(partitions_count_for_themselves),
        TEST(the_feed_is_as_old_as_the_last_heartbeat_that_came_back),
        TEST(a_heartbeat_proves_nothing_while_older_writes_wait_to_be_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
