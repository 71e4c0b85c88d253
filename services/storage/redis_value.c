/* SPDX-License-Identifier: Apache-2.0 */
/* What is stored in Redis, as bytes. */
#include "storage/redis_value.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

enum { CHANGE_KIND_LAST = STORE_CHANGE_DIRECTIVES };

void redis_number_encode(uint64_t number, uint8_t bytes[static REDIS_NUMBER_BYTES])
{
    uint64_t big = htobe64(number);

    memcpy(bytes, &big, sizeof(big));
}

static uint64_t read_number(const uint8_t *bytes)
{
    uint64_t big;

    memcpy(&big, bytes, sizeof(big));
    return be64toh(big);
}

bool redis_number_decode(struct span bytes, uint64_t *ret_number)
{
    if (bytes.length != REDIS_NUMBER_BYTES)
        return false;
    *ret_number = read_number(bytes.data);
    return true;
}

/* Values. */

static void write_id(struct hash128 id, uint8_t *bytes)
{
    redis_number_encode(id.high, bytes);
    redis_number_encode(id.low, bytes + REDIS_NUMBER_BYTES);
}

void redis_subject_encode(struct store_key key, uint8_t subject[static REDIS_SUBJECT_BYTES])
{
    subject[0] = REDIS_VALUE_FORMAT;
    subject[1] = (uint8_t)key.space;
    write_id(key.id, subject + 2);
}

bool redis_value_is_foreign(struct span stored, struct store_key key)
{
    uint8_t subject[REDIS_SUBJECT_BYTES];

    redis_subject_encode(key, subject);
    return stored.length >= sizeof(subject) &&
           memcmp(stored.data + 1, subject + 1, sizeof(subject) - 1) != 0;
}

bool redis_value_decode(struct span stored, struct store_key key, struct store_value *ret_value,
                        struct err *err)
{
    const uint8_t *version = stored.data + REDIS_SUBJECT_BYTES;

    if (stored.length < REDIS_HEAD_BYTES)
        return err_set(err, ERR_STORE_CORRUPT, "value of %zu bytes", stored.length);
    if (stored.data[0] != REDIS_VALUE_FORMAT)
        return err_set(err, ERR_STORE_CORRUPT, "value of format %d", stored.data[0]);
    if (redis_value_is_foreign(stored, key))
        return err_set(err, ERR_STORE_CORRUPT, "value of another key");
    *ret_value = (struct store_value){
        .version = read_number(version),
        .expires_at_ms = (int64_t)read_number(version + REDIS_NUMBER_BYTES),
        .data = span_from(stored, REDIS_HEAD_BYTES),
    };
    return true;
}

/* Changes. */

void redis_changes_encode(const struct store_change *changes, size_t count, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++, bytes += REDIS_CHANGE_BYTES) {
        bytes[0] = (uint8_t)changes[i].kind;
        write_id(changes[i].id, bytes + 1);
    }
}

bool redis_changes_decode(struct span bytes, uint64_t number, uint16_t partition,
                          struct store_change changes[static STORE_KEYS_MAX], size_t *ret_count,
                          struct err *err)
{
    size_t count = bytes.length / REDIS_CHANGE_BYTES;
    const uint8_t *at = bytes.data;

    if (bytes.length % REDIS_CHANGE_BYTES != 0 || count > STORE_KEYS_MAX)
        return err_set(err, ERR_STORE_CORRUPT, "feed entry of %zu bytes", bytes.length);
    for (size_t i = 0; i < count; i++, at += REDIS_CHANGE_BYTES) {
        if (at[0] == 0 || at[0] > CHANGE_KIND_LAST)
            return err_set(err, ERR_STORE_CORRUPT, "feed entry with a change of kind %d", at[0]);
        changes[i] = (struct store_change){
            .number = number,
            .partition = partition,
            .kind = (enum store_change_kind)at[0],
            .id = {.high = read_number(at + 1), .low = read_number(at + 1 + REDIS_NUMBER_BYTES)},
        };
    }
    *ret_count = count;
    return true;
}

/* Texts. */

bool redis_decimal_decode(struct span text, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';

        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

/* The text before `mark` and the text behind it. */
static bool split(struct span text, int mark, struct span *ret_before, struct span *ret_behind)
{
    const uint8_t *at = text.length ? memchr(text.data, mark, text.length) : NULL;

    if (!at)
        return false;
    *ret_before = span_of(text.data, (size_t)(at - text.data));
    *ret_behind = span_from(text, ret_before->length + 1);
    return true;
}

bool redis_id_decode(struct span text, uint64_t *ret_number)
{
    struct span before, behind;
    uint64_t epoch, counter;

    if (!split(text, '-', &before, &behind) || !redis_decimal_decode(before, &epoch) ||
        !redis_decimal_decode(behind, &counter) || epoch >= REDIS_EPOCH_LIMIT ||
        counter >> STORE_NUMBER_COUNTER_BITS != 0)
        return false;
    *ret_number = redis_number_of(epoch, counter);
    return true;
}

size_t redis_id_encode(uint64_t number, char text[static REDIS_ID_MAX])
{
    return (size_t)snprintf(text, REDIS_ID_MAX, "%" PRIu64 "-%" PRIu64, redis_epoch_of(number),
                            redis_counter_of(number));
}

bool redis_epoch_decode(struct span text, uint64_t *ret_epoch)
{
    struct span before, behind;
    uint64_t epoch;

    if (text.length >= REDIS_EPOCH_TEXT_MAX || !split(text, ' ', &before, &behind) ||
        behind.length == 0 || !redis_decimal_decode(before, &epoch) || epoch == 0 ||
        epoch >= REDIS_EPOCH_LIMIT)
        return false;
    *ret_epoch = epoch;
    return true;
}

uint64_t redis_inherited_number(struct span inherited, uint64_t epoch, const char *text_before)
{
    struct span epoch_text, rest, counter_text, before;
    uint64_t begun, counter, epoch_before;

    if (!split(inherited, ' ', &epoch_text, &rest) || !split(rest, ' ', &counter_text, &before) ||
        !redis_decimal_decode(epoch_text, &begun) ||
        !redis_decimal_decode(counter_text, &counter) ||
        !redis_epoch_decode(before, &epoch_before) || begun != epoch ||
        counter >> STORE_NUMBER_COUNTER_BITS != 0 || !span_is(before, text_before))
        return 0;
    return redis_number_of(epoch_before, counter);
}
