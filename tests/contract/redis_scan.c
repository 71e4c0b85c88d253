/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of everything that a Redis holds, with what others have left there. */
#include "contract/redis_fixture.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { MANY = 200, PAGE = 10 };

static struct store_request *scan_page(struct redis_fixture *fixture, struct span cursor,
                                       size_t limit)
{
    struct store_request *request = redis_fixture_request(fixture, STORE_SCAN);

    request->limit = limit;
    store_request_cursor(request, cursor);
    return redis_fixture_run(fixture, 0, request);
}

static void open_first(struct redis_fixture *fixture)
{
    struct redis_options options = redis_fixture_options(fixture);

    redis_fixture_open(fixture, 0, &options);
}

/* The name of the value of redis_fixture_key(number). */
static const char *name_of(unsigned number, char text[static 80])
{
    struct store_key key = redis_fixture_key(number);

    snprintf(text, 80, "trouble:{p00}:k1:1:%016llx%016llx", (unsigned long long)key.id.high,
             (unsigned long long)key.id.low);
    return text;
}

static const struct store_entry *find(const struct store_request *request, unsigned number)
{
    for (size_t i = 0; i < request->entry_count; i++)
        if (hash128_equal(request->entries[i].key.id, redis_fixture_key(number).id))
            return &request->entries[i];
    fail_msg("key %u was not found", number);
    return NULL;
}

static void what_is_no_value_of_its_key_is_found_without_data(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request;
    char name[80], other[80];

    open_first(fixture);
    for (unsigned i = 1; i <= 4; i++)
        redis_fixture_must_write(fixture, i, "text");
    redis_server_do(&fixture->server, "COPY %s %s REPLACE", name_of(1, name), name_of(2, other));
    redis_server_do(&fixture->server, "SET %s short", name_of(3, name));
    redis_server_do(&fixture->server, "SETRANGE %s 70000 x", name_of(4, name));
    request = scan_page(fixture, span_of(NULL, 0), STORE_SCAN_LIMIT_MAX);
    assert_true(request->is_ok);
    assert_int_equal(request->entry_count, 4);
    assert_int_equal(find(request, 1)->state, STORE_ENTRY_FINE);
    assert_int_equal(find(request, 2)->state, STORE_ENTRY_FOREIGN);
    assert_int_equal(find(request, 3)->state, STORE_ENTRY_MALFORMED);
    assert_int_equal(find(request, 4)->state, STORE_ENTRY_TOO_LARGE);
    for (unsigned i = 2; i <= 4; i++)
        assert_int_equal(find(request, i)->value.data.length, 0);
    store_request_free(request);
    redis_fixture_assert_value(fixture, 0, 1, "text"); /* the connection is still there */
}

static void what_others_keep_beside_it_is_not_found(void **state)
{
    static const char *const names[] = {
        "trouble:{p00}:k1:1:0",
        "trouble:{p00}:k1:01:00000000000000000000000000000001",
        "trouble:{p00}:k1:256:00000000000000000000000000000001",
        "trouble:{p00}:k1::00000000000000000000000000000001",
        "trouble:{p00}:k1:1:0000000000000000000000000000000g",
        "trouble:{p00}:k1:1:000000000000000000000000000000011",
        "trouble:{p00}:k2:1:00000000000000000000000000000001",
        "trouble:{p01}:k1:1:00000000000000000000000000000001",
        "troubles:{p00}:k1:1:00000000000000000000000000000001",
    };
    struct redis_fixture *fixture = *state;
    struct store_request *request;

    open_first(fixture);
    redis_fixture_must_write(fixture, 1, "text");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        redis_server_do(&fixture->server, "SET %s foreign", names[i]);
    request = scan_page(fixture, span_of(NULL, 0), STORE_SCAN_LIMIT_MAX);
    assert_true(request->is_ok && request->is_scanned);
    assert_int_equal(request->entry_count, 1);
    store_request_free(request);
}

/* MGET says the same of what has gone and of what is no string. */
static void what_is_no_string_is_found_and_what_has_gone_is_not(void **state)
{
    struct redis_fixture *fixture = *state;
    size_t lists = 0, values = 0;
    struct span cursor = span_of(NULL, 0);
    struct store_request *request = NULL, *last = NULL;
    char name[80];

    open_first(fixture);
    for (unsigned i = 0; i < MANY; i++)
        redis_fixture_must_write(fixture, i, "text");
    for (unsigned i = 0; i < MANY; i += 2)
        redis_server_do(&fixture->server, "DEL %s", name_of(i, name));
    for (unsigned i = 0; i < MANY; i += 4)
        redis_server_do(&fixture->server, "LPUSH %s garbage", name_of(i, name));
    do {
        request = scan_page(fixture, cursor, PAGE);
        assert_true(request->is_ok);
        for (size_t i = 0; i < request->entry_count; i++) {
            lists += request->entries[i].state == STORE_ENTRY_MALFORMED;
            values += request->entries[i].state == STORE_ENTRY_FINE;
        }
        store_request_free(last);
        last = request;
        cursor = request->cursor;
    } while (!request->is_scanned);
    store_request_free(last);
    assert_in_range(lists, MANY / 4, MANY);
    assert_in_range(values, MANY / 2, MANY);
}

static void a_cursor_ends_with_its_epoch(void **state)
{
    struct redis_fixture *fixture = *state;
    struct store_request *request, *next;

    open_first(fixture);
    for (unsigned i = 0; i < MANY; i++)
        redis_fixture_must_write(fixture, i, "text");
    request = scan_page(fixture, span_of(NULL, 0), PAGE);
    assert_true(request->is_ok && !request->is_scanned);
    next = scan_page(fixture, request->cursor, PAGE);
    assert_true(next->is_ok);
    store_request_free(next);
    redis_server_kill(&fixture->server);
    redis_server_start(&fixture->server, fixture->folder);
    redis_store_wait_until_up(fixture->replicas[0].store);
    next = scan_page(fixture, request->cursor, PAGE);
    assert_false(next->is_ok);
    assert_string_equal(err_reason(next->err.code), err_reason(ERR_CONFLICT));
    store_request_free(next);
    store_request_free(request);
}

static void a_scan_under_a_server_that_is_killed_ends_or_fails_and_is_never_short(void **state)
{
    struct redis_fixture *fixture = *state;

    open_first(fixture);
    for (unsigned i = 0; i < MANY; i++)
        redis_fixture_must_write(fixture, i, "text");
    for (unsigned round = 0; round < 5; round++) {
        struct store_request *request = redis_fixture_request(fixture, STORE_SCAN);
        size_t before = fixture->answered;

        request->limit = STORE_SCAN_LIMIT_MAX;
        store_submit(fixture->replicas[0].store, request);
        redis_server_kill(&fixture->server);
        mailbox_wait_for(&fixture->mailbox, &fixture->answered, before + 1);
        if (request->is_ok)
            assert_true(request->entry_count >= STORE_SCAN_LIMIT_MAX);
        else
            assert_string_equal(err_reason(request->err.code), err_reason(ERR_STORE_UNAVAILABLE));
        store_request_free(request);
        redis_server_start(&fixture->server, fixture->folder);
        redis_store_wait_until_up(fixture->replicas[0].store);
    }
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, redis_fixture_set_up, redis_fixture_tear_down)

int redis_run_scan_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_value_of_its_key_is_found_without_data),
        TEST(what_others_keep_beside_it_is_not_found),
        TEST(what_is_no_string_is_found_and_what_has_gone_is_not),
        TEST(a_cursor_ends_with_its_epoch),
        TEST(a_scan_under_a_server_that_is_killed_ends_or_fails_and_is_never_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
