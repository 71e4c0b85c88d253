/* SPDX-License-Identifier: Apache-2.0 */
/* What is stored in Redis, as bytes, and what it is stored under. */
#include "storage/redis_names.h"
#include "storage/redis_value.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct store_key key = {
    .space = STORE_CLAIM,
    .id = {.high = 0x0102030405060708, .low = 0x090a0b0c0d0e0f10},
};

enum { DATA_BYTES = 3, STORED_BYTES = REDIS_HEAD_BYTES + DATA_BYTES };

/* The value as the script puts it together. */
static struct span stored_value(uint8_t bytes[static STORED_BYTES])
{
    redis_subject_encode(key, bytes);
    redis_number_encode(0x1122334455667788, bytes + REDIS_SUBJECT_BYTES);
    redis_number_encode((uint64_t)TIMESTAMP_NEVER_MS,
                        bytes + REDIS_SUBJECT_BYTES + REDIS_NUMBER_BYTES);
    memcpy(bytes + REDIS_HEAD_BYTES, "abc", DATA_BYTES);
    return span_of(bytes, STORED_BYTES);
}

static void a_value_has_the_layout_that_is_documented(void **state)
{
    static const uint8_t expected[STORED_BYTES] = {
        1,    4,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,
        12,   13,   14,   15,   16,   0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
        0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a',  'b',  'c'};
    uint8_t bytes[STORED_BYTES];
    struct store_value value;
    struct err err;

    (void)state;
    stored_value(bytes);
    assert_memory_equal(bytes, expected, sizeof(expected));
    assert_true(redis_value_decode(span_of(bytes, sizeof(bytes)), key, &value, &err));
    assert_true(value.version == 0x1122334455667788);
    assert_true(value.expires_at_ms == TIMESTAMP_NEVER_MS);
    assert_true(span_is(value.data, "abc"));
}

static void a_value_that_is_cut_is_damaged(void **state)
{
    uint8_t bytes[STORED_BYTES];
    struct store_value value;
    struct err err;

    (void)state;
    stored_value(bytes);
    for (size_t length = 0; length < REDIS_HEAD_BYTES; length++) {
        assert_false(redis_value_decode(span_of(bytes, length), key, &value, &err));
        assert_int_equal(err.code, ERR_STORE_CORRUPT);
        assert_false(redis_value_is_foreign(span_of(bytes, length), key));
    }
    assert_true(redis_value_decode(span_of(bytes, REDIS_HEAD_BYTES), key, &value, &err));
    assert_int_equal(value.data.length, 0);
}

static void a_value_of_another_key_or_format_is_no_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < REDIS_SUBJECT_BYTES; i++) {
        uint8_t bytes[STORED_BYTES];
        struct span stored = stored_value(bytes);
        struct store_value value;
        struct err err;

        bytes[i] ^= 0x40;
        assert_false(redis_value_decode(stored, key, &value, &err));
        assert_int_equal(err.code, ERR_STORE_CORRUPT);
        assert_int_equal(redis_value_is_foreign(stored, key), i > 0);
    }
}

static void changes_come_back_as_they_were(void **state)
{
    const struct store_change changes[] = {
        {.kind = STORE_CHANGE_SUBJECT, .id = {.high = 1, .low = 2}},
        {.kind = STORE_CHANGE_DIRECTIVES, .id = {.high = UINT64_MAX, .low = 0}},
    };
    uint8_t bytes[2 * REDIS_CHANGE_BYTES];
    struct store_change decoded[STORE_KEYS_MAX];
    size_t count;
    struct err err;

    (void)state;
    redis_changes_encode(changes, 2, bytes);
    assert_true(redis_changes_decode(span_of(bytes, sizeof(bytes)), 77, 5, decoded, &count, &err));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(decoded[i].kind, changes[i].kind);
        assert_true(decoded[i].id.high == changes[i].id.high);
        assert_true(decoded[i].id.low == changes[i].id.low);
        assert_int_equal(decoded[i].number, 77);
        assert_int_equal(decoded[i].partition, 5);
    }
    assert_true(redis_changes_decode(span_of(NULL, 0), 77, 5, decoded, &count, &err));
    assert_int_equal(count, 0);
}

static void changes_that_are_cut_too_many_or_unknown_are_refused(void **state)
{
    uint8_t bytes[(STORE_KEYS_MAX + 1) * REDIS_CHANGE_BYTES];
    struct store_change decoded[STORE_KEYS_MAX];
    size_t count;
    struct err err;

    (void)state;
    memset(bytes, STORE_CHANGE_SUBJECT, sizeof(bytes));
    assert_true(redis_changes_decode(span_of(bytes, STORE_KEYS_MAX * REDIS_CHANGE_BYTES), 1, 0,
                                     decoded, &count, &err));
    assert_false(redis_changes_decode(span_of(bytes, sizeof(bytes)), 1, 0, decoded, &count, &err));
    assert_false(
        redis_changes_decode(span_of(bytes, REDIS_CHANGE_BYTES - 1), 1, 0, decoded, &count, &err));
    for (unsigned kind = 0; kind < 256; kind++) {
        bytes[0] = (uint8_t)kind;
        assert_int_equal(
            redis_changes_decode(span_of(bytes, REDIS_CHANGE_BYTES), 1, 0, decoded, &count, &err),
            kind >= STORE_CHANGE_SUBJECT && kind <= STORE_CHANGE_DIRECTIVES);
    }
}

static void an_id_is_a_number_and_back(void **state)
{
    static const uint64_t numbers[] = {
        0, 1, UINT64_C(1) << 40, (UINT64_C(1) << 40) - 1, UINT64_C(0x0000050000000007), UINT64_MAX};
    char text[REDIS_ID_MAX];
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        redis_id_encode(numbers[i], text);
        assert_true(redis_id_decode(span_text(text), &number));
        assert_true(number == numbers[i]);
    }
    redis_id_encode(redis_number_of(5, 7), text);
    assert_string_equal(text, "5-7");
}

static void other_texts_are_no_ids_and_no_epochs(void **state)
{
    static const char *const ids[] = {"",
                                      "-",
                                      "5",
                                      "5-",
                                      "-7",
                                      "5-7-9",
                                      "5 7",
                                      "+5-7",
                                      "5-7 ",
                                      "0x5-7",
                                      "16777216-0",
                                      "0-1099511627776",
                                      "99999999999999999999-0"};
    char long_epoch[REDIS_EPOCH_TEXT_MAX + 1];
    const char *const epochs[] = {"", "5", "5 ", " a", "0 a", "-5 a", "16777216 a", long_epoch};
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_false(redis_id_decode(span_text(ids[i]), &number));
    snprintf(long_epoch, sizeof(long_epoch), "%-*s", REDIS_EPOCH_TEXT_MAX, "5 a");
    for (size_t i = 0; i < ARRAY_LEN(epochs); i++)
        assert_false(redis_epoch_decode(span_text(epochs[i]), &number));
    assert_true(redis_epoch_decode(span_text("16777215 a"), &number));
    assert_int_equal(number, 16777215);
    assert_true(redis_decimal_decode(span_text("18446744073709551615"), &number));
    assert_true(number == UINT64_MAX);
    assert_false(redis_decimal_decode(span_text("18446744073709551616"), &number));
}

static void what_a_server_had_is_a_number_for_who_was_in_the_epoch_before(void **state)
{
    static const char *const others[] = {
        "",
        "3",
        "3 17",
        "3 17 ",
        "3 17 2 b",
        "3 17 2",
        "3 17 x",
        "4 17 2 a",
        "3 -1 2 a",
        "3  17 2 a",
        "3 1099511627776 2 a",
        "3 17 2 a ",
    };

    (void)state;
    assert_true(redis_inherited_number(span_text("3 17 2 a"), 3, "2 a") == redis_number_of(2, 17));
    assert_true(redis_inherited_number(span_text("9 0 2 a"), 9, "2 a") == redis_number_of(2, 0));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_true(redis_inherited_number(span_text(others[i]), 3, "2 a") == 0);
    /* Who was in none knows nothing that could have been lost. */
    assert_true(redis_inherited_number(span_text("1 0 "), 1, "") == 0);
}

/* Names. */

static void every_name_is_under_the_prefix_and_in_the_slot_of_its_partition(void **state)
{
    struct redis_names names;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 1024);
    assert_true(redis_names_init(&names, "passgate", "k1", &err));
    assert_true(span_is(redis_name_value(&names, 7, key, &arena),
                        "passgate:{p07}:k1:4:0102030405060708090a0b0c0d0e0f10"));
    assert_true(
        span_is(redis_name_part(&names, 63, REDIS_COUNTER, &arena), "passgate:{p63}:counter"));
    assert_true(span_is(redis_name_part(&names, 0, REDIS_EPOCH, &arena), "passgate:{p00}:epoch"));
    assert_true(span_is(redis_name_part(&names, 0, REDIS_FEED, &arena), "passgate:{p00}:feed"));
    assert_true(span_is(redis_name_part(&names, 0, REDIS_OUTBOX, &arena), "passgate:{p00}:outbox"));
    assert_true(span_is(redis_name_part(&names, 0, REDIS_CLAIM, &arena), "passgate:{p00}:claim"));
    assert_true(span_is(redis_name_part(&names, 0, REDIS_LAYOUT, &arena), "passgate:{p00}:layout"));
    assert_true(
        span_is(redis_name_part(&names, 0, REDIS_INHERITED, &arena), "passgate:{p00}:inherited"));
    assert_true(span_is(redis_name_part(&names, 0, REDIS_ROSTER, &arena), "passgate:{p00}:roster"));
    assert_true(
        span_is(redis_name_beat(&names, 10, &arena), "passgate:{p00}:beat:000000000000000a"));
    arena_release(&arena);
}

static void the_name_of_a_value_is_read_back_and_no_other_is(void **state)
{
    static const char *const others[] = {
        "",
        "passgate:{p07}:k1:",
        "passgate:{p07}:k1:4",
        "passgate:{p07}:k1:4:",
        "passgate:{p07}:k1:04:0102030405060708090a0b0c0d0e0f10",
        "passgate:{p07}:k1:0:0102030405060708090a0b0c0d0e0f10",
        "passgate:{p07}:k1:256:0102030405060708090a0b0c0d0e0f10",
        "passgate:{p07}:k1:4:0102030405060708090a0b0c0d0e0f1",
        "passgate:{p07}:k1:4:0102030405060708090a0b0c0d0e0f1012",
        "passgate:{p07}:k1:4:0102030405060708090a0b0c0d0e0fxx",
        "passgate:{p08}:k1:4:0102030405060708090a0b0c0d0e0f10",
        "passgate:{p07}:k2:4:0102030405060708090a0b0c0d0e0f10",
        "passgate:{p07}:feed",
    };
    struct redis_names names;
    struct store_key found;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 1024);
    assert_true(redis_names_init(&names, "passgate", "k1", &err));
    assert_true(span_is(redis_name_values(&names, 7, &arena), "passgate:{p07}:k1:*"));
    assert_true(
        redis_name_value_decode(&names, 7, redis_name_value(&names, 7, key, &arena), &found));
    assert_int_equal(found.space, key.space);
    assert_true(hash128_equal(found.id, key.id));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(redis_name_value_decode(&names, 7, span_text(others[i]), &found));
    arena_release(&arena);
}

static void prefix_and_hash_key_id_are_short_words(void **state)
{
    static const char *const prefixes[] = {
        NULL, "", "A", "a b", "a:b", "{a}", "a\n", "a*b", "0123456789abcdef0123456789abcdef0"};
    static const char *const ids[] = {NULL, "", "K1", "k-1", "0123456789abcdef0"};
    struct redis_names names;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        assert_false(redis_names_init(&names, prefixes[i], "k1", &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
    }
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_false(redis_names_init(&names, "passgate", ids[i], &err));
    assert_true(
        redis_names_init(&names, "0123456789abcdef0123456789abc._-", "0123456789abcdef", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_has_the_layout_that_is_documented),
        cmocka_unit_test(a_value_that_is_cut_is_damaged),
        cmocka_unit_test(a_value_of_another_key_or_format_is_no_answer),
        cmocka_unit_test(changes_come_back_as_they_were),
        cmocka_unit_test(changes_that_are_cut_too_many_or_unknown_are_refused),
        cmocka_unit_test(an_id_is_a_number_and_back),
        cmocka_unit_test(other_texts_are_no_ids_and_no_epochs),
        cmocka_unit_test(what_a_server_had_is_a_number_for_who_was_in_the_epoch_before),
        cmocka_unit_test(every_name_is_under_the_prefix_and_in_the_slot_of_its_partition),
        cmocka_unit_test(the_name_of_a_value_is_read_back_and_no_other_is),
        cmocka_unit_test(prefix_and_hash_key_id_are_short_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
