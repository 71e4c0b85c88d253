/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what a server has lost is not believed, and own writes are there to be put again. */
#include "storage/ledger.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { KEYS_MAX = 64, BYTES_MAX = 64 * 1024, NOW_MS = 1000 };

static int set_up(void **state)
{
    *state = ledger_new(KEYS_MAX, BYTES_MAX);
    return 0;
}

static int tear_down(void **state)
{
    ledger_free(*state);
    return 0;
}

/* Numbers and keys. */

static uint64_t number_of(uint64_t epoch, uint64_t counter)
{
    return epoch << STORE_NUMBER_COUNTER_BITS | counter;
}

static struct store_key subject(unsigned key)
{
    return (struct store_key){.space = STORE_SUBJECT, .id = {.low = key, .high = ~key}};
}

static void tell(struct ledger *ledger, uint16_t partition, unsigned key, uint64_t number,
                 int64_t now_ms)
{
    const struct store_change change = {
        .number = number,
        .partition = partition,
        .kind = STORE_CHANGE_SUBJECT,
        .id = subject(key).id,
    };

    ledger_note(ledger, &change, now_ms);
}

static size_t doubted(const struct ledger *ledger)
{
    struct ledger_stats stats;

    ledger_get_stats(ledger, &stats);
    return stats.doubted_keys;
}

/* Own writes. */

static struct store_request *request_of(const unsigned *keys, size_t count)
{
    struct store_request *request = store_request_new(STORE_WRITE, 0, NULL, NULL, NULL);

    for (size_t i = 0; i < count; i++) {
        store_request_guard(request, subject(keys[i]), 7);
        store_request_put(request, subject(keys[i]), TIMESTAMP_NEVER_MS, span_text("data"));
        store_request_change(request, STORE_CHANGE_SUBJECT, subject(keys[i]).id);
    }
    store_request_outbox(request, span_text("record"));
    return request;
}

static struct ledger_write *sent(const unsigned *keys, size_t count)
{
    struct store_request *request = request_of(keys, count);
    struct ledger_write *write = ledger_sent(request);

    store_request_free(request);
    return write;
}

static void write_one(struct ledger *ledger, unsigned key, uint64_t number, int64_t now_ms)
{
    ledger_written(ledger, sent(&key, 1), number, now_ms);
}

/* The only one that is doubted is the write of this number, and these of its puts are wanted. */
static struct ledger_write *take_only(struct ledger *ledger, uint64_t number, uint32_t newest)
{
    struct ledger_write *write = ledger_take_doubted(ledger);

    assert_non_null(write);
    assert_true(write->number == number);
    assert_int_equal(write->newest, newest);
    assert_null(ledger_take_doubted(ledger));
    return write;
}

static void a_server_that_has_everything_is_believed(void **state)
{
    struct ledger *ledger = *state;

    tell(ledger, 0, 1, number_of(1, 10), NOW_MS);
    write_one(ledger, 2, number_of(1, 11), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 11));
    assert_int_equal(doubted(ledger), 0);
    assert_null(ledger_take_doubted(ledger));
    assert_true(ledger_believes(ledger, subject(1), 0));
}

static void what_a_server_has_lost_is_doubted_until_something_as_new_is_read(void **state)
{
    struct ledger *ledger = *state;

    tell(ledger, 0, 1, number_of(1, 10), NOW_MS);
    tell(ledger, 0, 2, number_of(1, 11), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 10));
    assert_int_equal(doubted(ledger), 1);
    assert_true(ledger_believes(ledger, subject(1), number_of(1, 3)));
    assert_true(ledger_believes(ledger, subject(3), 0));
    assert_false(ledger_believes(ledger, subject(2), 0));
    assert_false(ledger_believes(ledger, subject(2), number_of(1, 10)));
    assert_false(ledger_believes(ledger, subject(2), number_of(1, 10)));
    assert_true(ledger_believes(ledger, subject(2), number_of(1, 11)));
    assert_int_equal(doubted(ledger), 0);
}

static void what_is_told_anew_is_believed(void **state)
{
    struct ledger *ledger = *state;

    tell(ledger, 0, 1, number_of(1, 10), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 9));
    tell(ledger, 0, 1, number_of(1, 8), NOW_MS); /* late, and older: proves nothing */
    assert_false(ledger_believes(ledger, subject(1), number_of(1, 9)));
    tell(ledger, 0, 1, number_of(2, 1), NOW_MS);
    assert_int_equal(doubted(ledger), 0);
    assert_true(ledger_believes(ledger, subject(1), 0));
}

static void doubt_outlives_further_epochs(void **state)
{
    struct ledger *ledger = *state;

    tell(ledger, 0, 1, number_of(1, 10), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 9));
    ledger_enter(ledger, 0, 3, number_of(2, 50));
    assert_false(ledger_believes(ledger, subject(1), number_of(1, 9)));
}

static void where_nobody_knows_what_was_lost_everything_is_doubted(void **state)
{
    struct ledger *ledger = *state;

    tell(ledger, 0, 1, number_of(1, 10), NOW_MS);
    write_one(ledger, 2, number_of(1, 11), NOW_MS);
    ledger_enter(ledger, 0, 3, 0);
    assert_int_equal(doubted(ledger), 2);
    {
        struct ledger_write *write = take_only(ledger, number_of(1, 11), 1);

        assert_false(write->is_lost);
        ledger_put_again(ledger, write, 0, (bool[]){false}, NOW_MS);
    }
    assert_int_equal(doubted(ledger), 1);
    assert_true(ledger_believes(ledger, subject(1), number_of(1, 10)));
    assert_int_equal(doubted(ledger), 0);
}

static void an_own_write_that_was_lost_is_there_with_all_that_it_said(void **state)
{
    static const unsigned keys[] = {1, 2};
    struct ledger *ledger = *state;
    struct ledger_write *write;

    ledger_written(ledger, sent(keys, 2), number_of(1, 11), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 10));
    write = take_only(ledger, number_of(1, 11), 3);
    assert_true(write->is_lost);
    assert_int_equal(write->put_count, 2);
    assert_true(span_is(write->puts[1].data, "data"));
    assert_true(hash128_equal(write->puts[1].key.id, subject(2).id));
    assert_int_equal(write->change_count, 2);
    assert_int_equal(write->guards[0].version, 7);
    assert_true(span_is(write->outbox[0].record, "record"));
    assert_false(ledger_believes(ledger, subject(1), number_of(1, 10)));
    ledger_put_again(ledger, write, number_of(2, 1), (bool[]){true, true}, NOW_MS);
    assert_int_equal(doubted(ledger), 0);
    /* And lost once more. */
    ledger_enter(ledger, 0, 3, number_of(2, 0));
    ledger_refused(take_only(ledger, number_of(2, 1), 3));
}

static void only_the_newest_value_of_a_key_is_wanted_again(void **state)
{
    static const unsigned keys[] = {1, 2, 3};
    struct ledger *ledger = *state;
    struct ledger_write *first;

    ledger_written(ledger, sent(keys, 3), number_of(1, 11), NOW_MS);
    write_one(ledger, 1, number_of(1, 12), NOW_MS);
    tell(ledger, 0, 2, number_of(1, 13), NOW_MS); /* by somebody else, whose it is */
    ledger_enter(ledger, 0, 2, number_of(1, 10));
    first = ledger_take_doubted(ledger);
    assert_int_equal(first->newest, 1 << 2);
    ledger_put_again(ledger, first, number_of(2, 1), (bool[]){false, false, true}, NOW_MS);
    ledger_put_again(ledger, take_only(ledger, number_of(1, 12), 1), number_of(2, 2),
                     (bool[]){true}, NOW_MS);
    assert_false(ledger_believes(ledger, subject(2), number_of(1, 12)));
    assert_int_equal(doubted(ledger), 1);
}

/* Else it would be put over it at the next loss. */
static void what_was_found_newer_is_never_wanted_again(void **state)
{
    static const unsigned keys[] = {1, 2};
    struct ledger *ledger = *state;

    ledger_written(ledger, sent(keys, 2), number_of(1, 11), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 10));
    ledger_put_again(ledger, take_only(ledger, number_of(1, 11), 3), number_of(2, 9),
                     (bool[]){false, true}, NOW_MS);
    ledger_enter(ledger, 0, 3, number_of(2, 8));
    ledger_refused(take_only(ledger, number_of(2, 9), 1 << 1));
}

static void what_was_not_answered_and_had_happened_is_sent_again_with_its_guards(void **state)
{
    struct ledger *ledger = *state;
    struct ledger_write *write;
    unsigned key = 1;

    ledger_unsure(ledger, sent(&key, 1));
    tell(ledger, 0, key, number_of(1, 11), NOW_MS);
    assert_null(ledger_take_doubted(ledger));
    ledger_enter(ledger, 0, 2, number_of(1, 10));
    write = take_only(ledger, 0, 0);
    assert_false(write->is_lost);
    assert_int_equal(write->guard_count, 1);
    ledger_doubt(ledger, write); /* once more not answered */
    ledger_written(ledger, take_only(ledger, 0, 0), number_of(2, 1), NOW_MS);
    assert_int_equal(doubted(ledger), 0);
}

static void what_was_not_answered_and_nobody_was_told_of_is_forgotten(void **state)
{
    struct ledger *ledger = *state;
    unsigned key = 1;

    tell(ledger, 0, key, number_of(1, 10), NOW_MS); /* before it; and the server has that */
    ledger_unsure(ledger, sent(&key, 1));
    ledger_enter(ledger, 0, 2, number_of(1, 10));
    assert_null(ledger_take_doubted(ledger));
    assert_int_equal(doubted(ledger), 0);
}

static void what_was_not_answered_is_forgotten_when_the_epoch_stays(void **state)
{
    struct ledger *ledger = *state;
    unsigned key = 1;

    ledger_unsure(ledger, sent(&key, 1));
    ledger_stay(ledger, 1); /* another partition */
    ledger_stay(ledger, 0);
    tell(ledger, 0, key, number_of(1, 11), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 10));
    assert_null(ledger_take_doubted(ledger));
}

static void partitions_lose_for_themselves(void **state)
{
    struct ledger *ledger = *state;

    tell(ledger, 0, 1, number_of(1, 10), NOW_MS);
    tell(ledger, 1, 2, number_of(1, 10), NOW_MS);
    ledger_enter(ledger, 1, 2, number_of(1, 9));
    assert_int_equal(doubted(ledger), 1);
    assert_true(ledger_believes(ledger, subject(1), 0));
    assert_false(ledger_believes(ledger, subject(2), 0));
}

/* Time is that of the notes: without a server nothing is noted, and nothing forgotten. */
static void what_is_old_is_forgotten_unless_it_is_doubted(void **state)
{
    struct ledger *ledger = *state;
    int64_t late_ms = NOW_MS + LEDGER_KEPT_MS + 1;
    struct ledger_stats stats;

    tell(ledger, 0, 1, number_of(1, 10), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 9));
    tell(ledger, 0, 2, number_of(2, 1), NOW_MS);
    write_one(ledger, 3, number_of(2, 2), NOW_MS + 1);
    tell(ledger, 0, 4, number_of(2, 3), late_ms);
    ledger_get_stats(ledger, &stats);
    assert_int_equal(stats.keys, 3); /* but 2 */
    assert_true(stats.bytes > 0);
    tell(ledger, 0, 4, number_of(2, 4), late_ms + 1);
    ledger_get_stats(ledger, &stats);
    assert_int_equal(stats.keys, 2); /* 1, doubted, and 4 */
    assert_int_equal(stats.bytes, 0);
    assert_false(ledger_believes(ledger, subject(1), number_of(1, 9)));
}

static void it_holds_so_many_keys_and_never_forgets_what_is_doubted(void **state)
{
    struct ledger *ledger = *state;
    struct ledger_stats stats;

    tell(ledger, 0, 0, number_of(1, 10), NOW_MS);
    ledger_enter(ledger, 0, 2, number_of(1, 9));
    for (unsigned i = 1; i < 3 * KEYS_MAX; i++)
        tell(ledger, 0, i, number_of(2, i), NOW_MS);
    ledger_get_stats(ledger, &stats);
    assert_int_equal(stats.keys, KEYS_MAX);
    assert_false(ledger_believes(ledger, subject(0), number_of(1, 9)));
    ledger_enter(ledger, 0, 3, number_of(2, 0));
    assert_int_equal(doubted(ledger), KEYS_MAX);
    tell(ledger, 0, 3 * KEYS_MAX, number_of(3, 1), NOW_MS);
    tell(ledger, 0, 3 * KEYS_MAX + 1, number_of(3, 2), NOW_MS);
    ledger_get_stats(ledger, &stats);
    assert_int_equal(stats.keys, KEYS_MAX);
    assert_int_equal(stats.doubted_keys, KEYS_MAX);
}

/* Whose data was forgotten is known to have been written all the same. */
static void it_holds_so_many_bytes_of_own_writes(void **state)
{
    struct ledger *ledger = *state;
    size_t count = 0, writes = BYTES_MAX / sizeof(struct ledger_write);
    struct ledger_write *write;
    struct ledger_stats stats;

    for (size_t i = 0; i < writes; i++)
        write_one(ledger, (unsigned)(i % 2), number_of(1, i + 1), NOW_MS);
    ledger_get_stats(ledger, &stats);
    assert_in_range(stats.bytes, BYTES_MAX / 2, BYTES_MAX);
    ledger_enter(ledger, 0, 2, 0);
    while ((write = ledger_take_doubted(ledger))) {
        count++;
        ledger_refused(write);
    }
    assert_in_range(count, 1, writes - 1);
    assert_int_equal(doubted(ledger), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_has_everything_is_believed),
        TEST(what_a_server_has_lost_is_doubted_until_something_as_new_is_read),
        TEST(what_is_told_anew_is_believed),
        TEST(doubt_outlives_further_epochs),
        TEST(where_nobody_knows_what_was_lost_everything_is_doubted),
        TEST(an_own_write_that_was_lost_is_there_with_all_that_it_said),
        TEST(only_the_newest_value_of_a_key_is_wanted_again),
        TEST(what_was_found_newer_is_never_wanted_again),
        TEST(what_was_not_answered_and_had_happened_is_sent_again_with_its_guards),
        TEST(what_was_not_answered_and_nobody_was_told_of_is_forgotten),
        TEST(what_was_not_answered_is_forgotten_when_the_epoch_stays),
        TEST(partitions_lose_for_themselves),
        TEST(what_is_old_is_forgotten_unless_it_is_doubted),
        TEST(it_holds_so_many_keys_and_never_forgets_what_is_doubted),
        TEST(it_holds_so_many_bytes_of_own_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
