/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody has damaged in Redis: that is refused, and everything else goes on. */
#include "contract/redis_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 40, TOGETHER = 200, NAME_MAX_BYTES = 80 };

static void open_first(struct redis_fixture *fixture)
{
    struct redis_options options = redis_fixture_options(fixture);

    redis_fixture_open(fixture, 0, &options);
}

static const char *name_of(unsigned number, char text[static NAME_MAX_BYTES])
{
    struct store_key key = redis_fixture_key(number);

    snprintf(text, NAME_MAX_BYTES, "trouble:{p00}:k1:1:%016llx%016llx",
             (unsigned long long)key.id.high, (unsigned long long)key.id.low);
    return text;
}

/* Under the second stands what was written under the first. */
static void copy(struct redis_fixture *fixture, unsigned from, unsigned to)
{
    char name[NAME_MAX_BYTES], other[NAME_MAX_BYTES];

    redis_server_do(&fixture->server, "COPY %s %s REPLACE", name_of(from, name),
                    name_of(to, other));
}

static struct store_request *read_of(struct redis_fixture *fixture, unsigned number)
{
    struct store_request *request = redis_fixture_request(fixture, STORE_READ);

    store_request_key(request, redis_fixture_key(number));
    return request;
}

static bool is_up(const struct redis_fixture *fixture)
{
    struct store_state state;

    store_get_state(fixture->replicas[0].store, &state);
    return state.is_up;
}

/* To ask is a connection as well. */
static long long connections_since(const struct redis_fixture *fixture, long long before)
{
    return redis_server_info(&fixture->server, "total_connections_received:") - before - 1;
}

static void a_value_of_another_key_is_refused_and_ends_one_connection_once(void **state)
{
    struct redis_fixture *fixture = *state;
    long long before;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "of one");
    redis_fixture_must_write(fixture, 2, "of two");
    copy(fixture, 1, 2);
    before = redis_server_info(&fixture->server, "total_connections_received:");
    for (unsigned i = 0; i < ROUNDS; i++) {
        redis_fixture_assert_fails(fixture, read_of(fixture, 2), ERR_STORE_CORRUPT, "another key");
        redis_fixture_assert_value(fixture, 0, 1, "of one");
        assert_true(is_up(fixture));
    }
    assert_int_equal(connections_since(fixture, before), 1);
}

static void another_foreign_value_under_the_same_key_is_doubted_anew(void **state)
{
    struct redis_fixture *fixture = *state;
    long long before;

    open_first(fixture);
    for (unsigned i = 1; i <= 3; i++)
        redis_fixture_must_write(fixture, i, "text");
    before = redis_server_info(&fixture->server, "total_connections_received:");
    for (unsigned i = 1; i <= 2; i++) {
        copy(fixture, i, 3);
        redis_fixture_assert_fails(fixture, read_of(fixture, 3), ERR_STORE_CORRUPT, "another key");
    }
    assert_int_equal(connections_since(fixture, before), 2 + 2); /* two to copy */
}

static void reads_that_are_under_way_with_a_foreign_one_are_answered(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *requests[TOGETHER];
    size_t before;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "of one");
    redis_fixture_must_write(fixture, 2, "of two");
    copy(fixture, 1, 2);
    before = fixture->answered;
    for (size_t i = 0; i < TOGETHER; i++) {
        requests[i] = read_of(fixture, i == TOGETHER / 4 ? 2 : 1);
        store_submit(fixture->replicas[0].store, requests[i]);
    }
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, before + TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++) {
        assert_int_equal(requests[i]->is_ok, i != TOGETHER / 4);
        store_request_free(requests[i]);
    }
}

static void a_store_that_is_closed_while_it_asks_again_answers_everybody(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *requests[TOGETHER];
    size_t before;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "of one");
    redis_fixture_must_write(fixture, 2, "of two");
    copy(fixture, 1, 2);
    before = fixture->answered;
    for (size_t i = 0; i < TOGETHER; i++) {
        requests[i] = read_of(fixture, i == TOGETHER / 4 ? 2 : 1);
        store_submit(fixture->replicas[0].store, requests[i]);
    }
    store_free(fixture->replicas[0].store);
    fixture->replicas[0].store = NULL;
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, before + TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++)
        store_request_free(requests[i]);
}

static void a_write_under_a_damaged_guard_is_refused_and_ends_no_connection(void **state)
{
    static const struct {
        const char *command; /* NULL: what was written under another key */
        const char *detail;
    } damages[] = {{"SET", "CORRUPT"}, {"LPUSH", "WRONGTYPE"}, {NULL, "CORRUPT"}};
    struct redis_fixture *fixture = *state;
    char name[NAME_MAX_BYTES];
    long long before;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "text");
    before = redis_server_info(&fixture->server, "total_connections_received:");
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct store_request *request = redis_fixture_write(fixture, 3, "lost");

        redis_server_do(&fixture->server, "DEL %s", name_of(2, name));
        if (damages[i].command)
            redis_server_do(&fixture->server, "%s %s garbage", damages[i].command, name);
        else
            copy(fixture, 1, 2);
        store_request_guard(request, redis_fixture_key(2), 0);
        redis_fixture_assert_fails(fixture, request, ERR_STORE_CORRUPT, damages[i].detail);
        assert_true(is_up(fixture));
        redis_fixture_assert_value(fixture, 0, 3, NULL);
    }
    assert_int_equal(connections_since(fixture, before), 2 * ARRAY_LEN(damages)); /* to damage */
    redis_fixture_must_write(fixture, 2, "whole again");
    redis_fixture_assert_value(fixture, 0, 2, "whole again");
}

static void what_is_no_value_does_not_bring_the_store_down(void **state)
{
    struct redis_fixture *fixture = *state;
    char name[NAME_MAX_BYTES];

    open_first(fixture);
    redis_server_do(&fixture->server, "SET %s garbage", name_of(1, name));
    for (unsigned i = 0; i < ROUNDS; i++) {
        redis_fixture_assert_fails(fixture, read_of(fixture, 1), ERR_STORE_CORRUPT, "7 bytes");
        assert_true(is_up(fixture));
    }
}

static void a_counter_that_is_lost_or_damaged_is_made_again_in_another_epoch(void **state)
{
    static const char *const damages[] = {NULL, "garbage", "-1", "1099511627776", "1e3"};
    struct redis_fixture *fixture = *state;
    uint64_t newest;

    open_first(fixture);
    newest = redis_fixture_must_write(fixture, 1, "text");
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct store_request *request =
            i % 2 ? redis_fixture_write(fixture, 2, "lost") : read_of(fixture, 1);
        uint64_t number;

        if (!damages[i])
            redis_server_do(&fixture->server, "DEL trouble:{p00}:counter");
        else
            redis_server_do(&fixture->server, "SET trouble:{p00}:counter %s", damages[i]);
        redis_fixture_assert_fails(fixture, request, ERR_STORE_UNAVAILABLE, NULL);
        redis_fixture_wait(&fixture->replicas[0].reset_count, i + 1);
        redis_store_wait_until_up(fixture->replicas[0].store);
        redis_fixture_assert_value(fixture, 0, 1, "text");
        number = redis_fixture_must_write(fixture, 1, "text");
        assert_true(number >> STORE_NUMBER_COUNTER_BITS > newest >> STORE_NUMBER_COUNTER_BITS);
        newest = number;
    }
}

static void a_counter_of_another_type_is_replaced(void **state)
{
    struct redis_fixture *fixture = *state;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "text");
    redis_server_do(&fixture->server, "DEL trouble:{p00}:counter");
    redis_server_do(&fixture->server, "LPUSH trouble:{p00}:counter garbage");
    redis_fixture_assert_fails(fixture, read_of(fixture, 1), ERR_STORE_UNAVAILABLE, NULL);
    redis_fixture_wait(&fixture->replicas[0].reset_count, 1);
    redis_store_wait_until_up(fixture->replicas[0].store);
    redis_fixture_must_write(fixture, 1, "text again");
    redis_fixture_assert_value(fixture, 0, 1, "text again");
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, redis_fixture_set_up, redis_fixture_tear_down)

int redis_run_damage_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_value_of_another_key_is_refused_and_ends_one_connection_once),
        TEST(another_foreign_value_under_the_same_key_is_doubted_anew),
        TEST(reads_that_are_under_way_with_a_foreign_one_are_answered),
        TEST(a_store_that_is_closed_while_it_asks_again_answers_everybody),
        TEST(a_write_under_a_damaged_guard_is_refused_and_ends_no_connection),
        TEST(what_is_no_value_does_not_bring_the_store_down),
        TEST(a_counter_that_is_lost_or_damaged_is_made_again_in_another_epoch),
        TEST(a_counter_of_another_type_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
