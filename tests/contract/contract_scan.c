/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: pages of everything. */
#include "contract/fixture.h"

#include "base/memory.h"
#include "base/timestamp.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

enum { MANY = 300, PAGE = 7, PAGES_MAX = 10000, VISITORS = 64 };

/* How often each key was found. */
struct found {
    size_t times[MANY];
    size_t foreign; /* keys of no number below MANY */
    size_t entries;
    size_t pages;
};

static struct store_request *scan_page(struct fixture *fixture, struct span cursor, size_t limit)
{
    struct store_request *request = fixture_request(fixture, STORE_SCAN);

    request->limit = limit;
    store_request_cursor(request, cursor);
    return fixture_run(fixture, request);
}

static void note_entry(struct found *found, const struct store_entry *entry)
{
    assert_int_equal(entry->state, STORE_ENTRY_FINE);
    assert_true(entry->value.version > 0);
    found->entries++;
    if (entry->key.id.low < MANY)
        found->times[entry->key.id.low]++;
    else
        found->foreign++;
}

/* From the first page to the last. */
static void scan_all(struct fixture *fixture, size_t limit, struct found *ret_found)
{
    struct store_request *request = scan_page(fixture, span_of(NULL, 0), limit);

    *ret_found = (struct found){.pages = 0};
    for (;;) {
        struct store_request *before = request;
        bool is_last;

        assert_true(request->is_ok);
        assert_true(request->cursor.length <= STORE_CURSOR_BYTES_MAX);
        assert_true(request->scanned_permille <= 1000);
        assert_true(++ret_found->pages < PAGES_MAX);
        for (size_t i = 0; i < request->entry_count; i++)
            note_entry(ret_found, &request->entries[i]);
        is_last = request->is_scanned;
        if (!is_last)
            request = scan_page(fixture, request->cursor, limit);
        store_request_free(before);
        if (is_last)
            return;
    }
}

static void write_many(struct fixture *fixture)
{
    for (unsigned i = 0; i < MANY; i++) {
        char text[32];

        snprintf(text, sizeof(text), "value %u", i);
        fixture_write(fixture, i, text);
    }
}

static void nothing_is_found_where_nothing_is(void **state)
{
    struct found found;

    scan_all(*state, PAGE, &found);
    assert_int_equal(found.entries, 0);
}

static void every_value_is_found_page_by_page(void **state)
{
    struct fixture *fixture = *state;
    struct found found;

    write_many(fixture);
    scan_all(fixture, PAGE, &found);
    assert_int_equal(found.entries, MANY);
    assert_true(found.pages > MANY / PAGE / 4);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(found.times[i], 1);
}

static void the_size_of_the_pages_does_not_matter(void **state)
{
    static const size_t limits[] = {1, 2, 31, STORE_SCAN_LIMIT_MAX};
    struct fixture *fixture = *state;
    struct found found;

    write_many(fixture);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        scan_all(fixture, limits[i], &found);
        assert_int_equal(found.entries, MANY);
    }
}

static void an_entry_has_key_version_expiry_and_data(void **state)
{
    static const enum store_space spaces[] = {STORE_SUBJECT, STORE_REQUEST, STORE_CHECK,
                                              STORE_CLAIM, STORE_REALM};
    struct fixture *fixture = *state;
    struct store_request *request = fixture_request(fixture, STORE_WRITE), *scan;
    int64_t soon_ms = test_clock_wall_ms(&fixture->clock.clock) + 60000;
    uint64_t number;

    for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
        store_request_put(request, (struct store_key){spaces[i], fixture_key(1).id}, soon_ms,
                          span_text("the same id in each space"));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    number = request->number;
    store_request_free(request);

    scan = scan_page(fixture, span_of(NULL, 0), STORE_SCAN_LIMIT_MAX);
    assert_true(scan->is_ok && scan->is_scanned);
    assert_int_equal(scan->scanned_permille, 1000);
    assert_int_equal(scan->entry_count, ARRAY_LEN(spaces));
    for (size_t i = 0; i < scan->entry_count; i++) {
        const struct store_entry *entry = &scan->entries[i];

        assert_true(hash128_equal(entry->key.id, fixture_key(1).id));
        assert_int_equal(entry->value.version, number);
        assert_true(entry->value.expires_at_ms == soon_ms);
        assert_true(span_is(entry->value.data, "the same id in each space"));
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(entry->key.space, scan->entries[k].key.space);
    }
    store_request_free(scan);
}

static void what_has_expired_is_found_as_such_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request = fixture_request(fixture, STORE_WRITE), *scan;
    int64_t expiry_ms = test_clock_wall_ms(&fixture->clock.clock) + 1000;

    store_request_put(request, fixture_key(1), expiry_ms, span_text("short"));
    store_request_put(request, fixture_key(2), TIMESTAMP_NEVER_MS, span_text("long"));
    store_request_free(fixture_run(fixture, request));
    test_clock_advance(&fixture->clock, 2000);
    scan = scan_page(fixture, span_of(NULL, 0), STORE_SCAN_LIMIT_MAX);
    assert_true(scan->is_ok);
    assert_in_range(scan->entry_count, 1, 2);
    for (size_t i = 0; i < scan->entry_count; i++)
        assert_true(scan->entries[i].value.expires_at_ms ==
                    (scan->entries[i].key.id.low == 1 ? expiry_ms : TIMESTAMP_NEVER_MS));
    store_request_free(scan);
}

static void removed_values_are_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request = fixture_request(fixture, STORE_WRITE);
    struct found found;

    fixture_write(fixture, 1, "one");
    fixture_write(fixture, 2, "two");
    store_request_remove(request, fixture_key(1));
    store_request_free(fixture_run(fixture, request));
    scan_all(fixture, PAGE, &found);
    assert_int_equal(found.times[1], 0);
    assert_int_equal(found.times[2], 1);
}

/* Comes and goes all the time, so that what a store keeps its values in grows, shrinks and moves.
 */
struct visitors {
    struct fixture *fixture;
    struct mailbox mailbox;
    pthread_t thread;
    atomic_bool is_over;
    size_t answered;
};

static void on_visited(struct store_request *request)
{
    ((struct visitors *)request->owner)->answered++;
    assert_true(request->is_ok);
    store_request_free(request);
}

static void *visit(void *argument)
{
    struct visitors *visitors = argument;
    size_t sent = 0;

    for (unsigned round = 0; !atomic_load(&visitors->is_over); round++)
        for (unsigned i = 0; i < VISITORS; i++) {
            struct store_request *request =
                store_request_new(STORE_WRITE, 0, &visitors->mailbox.inbox, on_visited, visitors);

            for (unsigned k = 0; k < STORE_KEYS_MAX; k++) {
                struct store_key key = fixture_key(MANY + i * STORE_KEYS_MAX + k);

                if (round % 2 == 0)
                    store_request_put(request, key, TIMESTAMP_NEVER_MS, span_text("visitor"));
                else
                    store_request_remove(request, key);
            }
            store_submit(visitors->fixture->store, request);
            mailbox_wait_for(&visitors->mailbox, &visitors->answered, ++sent);
        }
    return NULL;
}

static void what_is_there_all_the_time_is_found_among_those_that_come_and_go(void **state)
{
    enum { ROUNDS = 10 };
    struct fixture *fixture = *state;
    struct visitors visitors = {.fixture = fixture};
    struct found found;

    write_many(fixture);
    mailbox_init(&visitors.mailbox);
    pthread_create(&visitors.thread, NULL, visit, &visitors);
    for (unsigned round = 0; round < ROUNDS; round++) {
        scan_all(fixture, PAGE, &found);
        for (size_t i = 0; i < MANY; i++)
            assert_true(found.times[i] >= 1);
    }
    atomic_store(&visitors.is_over, true);
    pthread_join(visitors.thread, NULL);
    mailbox_release(&visitors.mailbox);
}

static void the_longest_values_are_found(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = memory_zalloc(STORE_VALUE_BYTES_MAX);
    struct store_request *request = fixture_request(fixture, STORE_WRITE);
    struct found found;

    for (unsigned i = 0; i < STORE_KEYS_MAX; i++)
        store_request_put(request, fixture_key(i), TIMESTAMP_NEVER_MS,
                          span_of(bytes, STORE_VALUE_BYTES_MAX));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    store_request_free(request);
    memory_free(bytes);
    scan_all(fixture, STORE_SCAN_LIMIT_MAX, &found);
    assert_int_equal(found.entries, STORE_KEYS_MAX);
}

static void assert_cursor_is_refused(struct fixture *fixture, struct span cursor)
{
    struct store_request *request = scan_page(fixture, cursor, PAGE);

    assert_false(request->is_ok);
    assert_int_equal(request->err.code, ERR_FIELD_RANGE);
    assert_string_equal(request->err.field, "cursor");
    store_request_free(request);
}

static void a_cursor_that_the_store_has_not_given_is_refused(void **state)
{
    static const char garbage[STORE_CURSOR_BYTES_MAX + 1] = "RSgarbage";
    struct fixture *fixture = *state;
    struct store_request *request;
    uint8_t bytes[STORE_CURSOR_BYTES_MAX];
    size_t length;

    write_many(fixture);
    request = scan_page(fixture, span_of(NULL, 0), PAGE);
    assert_false(request->is_scanned);
    length = request->cursor.length;
    memcpy(bytes, request->cursor.data, length);
    store_request_free(request);
    for (size_t i = 1; i <= sizeof(garbage); i++)
        if (i != length)
            assert_cursor_is_refused(fixture, span_of(garbage, i));
    for (size_t i = 1; i < length; i++)
        assert_cursor_is_refused(fixture, span_of(bytes, i));
    bytes[0] ^= 1;
    assert_cursor_is_refused(fixture, span_of(bytes, length));
    fixture_assert_value(fixture, 1, "value 1"); /* and the store works */
}

static void a_page_of_nothing_or_of_too_much_is_refused(void **state)
{
    static const size_t limits[] = {0, STORE_SCAN_LIMIT_MAX + 1};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct store_request *request = scan_page(fixture, span_of(NULL, 0), limits[i]);

        assert_false(request->is_ok);
        assert_int_equal(request->err.code, ERR_INTERNAL);
        store_request_free(request);
    }
}

static void a_page_past_its_deadline_is_not_read(void **state)
{
    struct fixture *fixture = *state;
    struct store_request *request = fixture_request(fixture, STORE_SCAN);

    request->limit = PAGE;
    request->deadline_ms = test_clock_monotonic_ms(&fixture->clock.clock) - 1;
    fixture_assert_fails(fixture, request, ERR_DEADLINE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int contract_run_scan_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_found_where_nothing_is),
        TEST(every_value_is_found_page_by_page),
        TEST(the_size_of_the_pages_does_not_matter),
        TEST(an_entry_has_key_version_expiry_and_data),
        TEST(what_has_expired_is_found_as_such_or_not_at_all),
        TEST(removed_values_are_not_found),
        TEST(what_is_there_all_the_time_is_found_among_those_that_come_and_go),
        TEST(the_longest_values_are_found),
        TEST(a_cursor_that_the_store_has_not_given_is_refused),
        TEST(a_page_of_nothing_or_of_too_much_is_refused),
        TEST(a_page_past_its_deadline_is_not_read),
    };

    return cmocka_run_group_tests_name(backend_under_test->name, tests, NULL, NULL);
}
