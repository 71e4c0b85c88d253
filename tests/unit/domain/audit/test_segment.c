/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: where a file ends that was cut anywhere, and damage anywhere. */
#include "base/attributes.h"
#include "domain/audit/record.h"
#include "domain/audit/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS = 3, RECORDS_PER_BLOCK = 4, RECORDS = BLOCKS * RECORDS_PER_BLOCK };

struct sample {
    uint8_t bytes[8192];
    size_t length;
    size_t block_starts[BLOCKS];
    size_t record_ends[RECORDS];
};

static void make_sample(struct sample *sample)
{
    struct audit_segment_header header = {
        .log_id = 7, .first_sequence = 100, .first_index = 50, .created_ms = 1781299260000};
    uint8_t *at = sample->bytes + AUDIT_SEGMENT_HEADER_BYTES;

    audit_segment_header_put(&header, sample->bytes);
    for (int i = 0; i < RECORDS; i++) {
        struct audit_record record = {.kind = AUDIT_OPAQUE, .number = (uint64_t)i};
        uint8_t *payload, *end;
        size_t bytes_max = 100;

        if (i % RECORDS_PER_BLOCK == 0) {
            sample->block_starts[i / RECORDS_PER_BLOCK] = (size_t)(at - sample->bytes);
            at = audit_block_put(at, header.first_sequence + (uint64_t)i, 1781299260000);
        }
        record.payload = span_of("0123456789abcdef", (size_t)i + 1);
        payload = audit_frame_payload(at, bytes_max);
        end = audit_record_put(payload, &record, NULL, 0);
        audit_frame_close(at, bytes_max, (size_t)(end - payload));
        at = end;
        sample->record_ends[i] = (size_t)(at - sample->bytes);
    }
    sample->length = (size_t)(at - sample->bytes);
    audit_frames_seal(sample->bytes + AUDIT_SEGMENT_HEADER_BYTES,
                      sample->length - AUDIT_SEGMENT_HEADER_BYTES);
}

/* Reads to where it ends; every record must be one of the sample, in order. */
static enum audit_step read_all(struct span segment, size_t *ret_count, size_t *ret_offset)
{
    struct audit_segment_header header;
    struct audit_cursor cursor;
    struct span payload;
    uint64_t sequence;
    enum audit_step step;
    struct err err;
    struct arena arena;

    *ret_count = 0;
    assert_true(audit_segment_header_get(segment, &header, &err));
    arena_init(&arena, 1024);
    audit_cursor_init(&cursor, segment, &header);
    while ((step = audit_cursor_next(&cursor, &payload, &sequence)) == AUDIT_STEP_RECORD) {
        struct audit_record record;

        assert_int_equal(sequence, 100 + *ret_count);
        assert_true(audit_record_get(payload, NULL, 0, &arena, &record, &err));
        assert_int_equal(record.number, *ret_count);
        (*ret_count)++;
    }
    *ret_offset = cursor.offset;
    arena_release(&arena);
    return step;
}

static size_t records_before(const struct sample *sample, size_t length)
{
    size_t count = 0;

    while (count < RECORDS && sample->record_ends[count] <= length)
        count++;
    return count;
}

static void a_segment_that_is_cut_anywhere_keeps_every_whole_record(void **state)
{
    struct sample sample;

    (void)state;
    make_sample(&sample);
    for (size_t length = AUDIT_SEGMENT_HEADER_BYTES; length <= sample.length; length++) {
        uint8_t *copy = malloc(length);
        size_t count, offset;
        enum audit_step step;

        memcpy(copy, sample.bytes, length);
        step = read_all(span_of(copy, length), &count, &offset);
        assert_int_equal(count, records_before(&sample, length));
        assert_int_equal(step, offset == length ? AUDIT_STEP_END : AUDIT_STEP_TORN);
        assert_true(length - offset < 40);
        free(copy);
    }
}

static void a_flipped_bit_before_the_last_block_is_damage(void **state)
{
    struct sample sample;

    (void)state;
    make_sample(&sample);
    for (size_t at = AUDIT_SEGMENT_HEADER_BYTES; at < sample.block_starts[BLOCKS - 1]; at++)
        for (int bit = 0; bit < 8; bit++) {
            size_t count, offset;

            sample.bytes[at] ^= (uint8_t)(1 << bit);
            assert_int_equal(read_all(span_of(sample.bytes, sample.length), &count, &offset),
                             AUDIT_STEP_CORRUPT);
            assert_true(offset <= at && count < RECORDS);
            sample.bytes[at] ^= (uint8_t)(1 << bit);
        }
}

static void a_flipped_bit_in_the_last_block_is_taken_for_a_torn_write(void **state)
{
    struct sample sample;

    (void)state;
    make_sample(&sample);
    for (size_t at = sample.block_starts[BLOCKS - 1]; at < sample.length; at++) {
        size_t count, offset;

        sample.bytes[at] ^= 0x10;
        assert_int_equal(read_all(span_of(sample.bytes, sample.length), &count, &offset),
                         AUDIT_STEP_TORN);
        assert_true(offset <= at);
        assert_in_range(count, RECORDS - RECORDS_PER_BLOCK, RECORDS - 1);
        sample.bytes[at] ^= 0x10;
    }
}

static void a_record_or_a_block_that_was_taken_out_is_missed(void **state)
{
    struct sample sample;
    uint8_t copy[sizeof(sample.bytes)];
    size_t count, offset, start, end;

    (void)state;
    make_sample(&sample);
    start = sample.record_ends[0];
    end = sample.record_ends[1];
    memcpy(copy, sample.bytes, start);
    memcpy(copy + start, sample.bytes + end, sample.length - end);
    /* The numbers of what follows do not fit: seen at the next block. */
    {
        struct audit_segment_header header;
        struct audit_cursor cursor;
        struct span payload;
        uint64_t sequence;
        struct err err;

        assert_true(audit_segment_header_get(span_of(copy, sample.length), &header, &err));
        audit_cursor_init(&cursor, span_of(copy, sample.length - (end - start)), &header);
        for (int i = 0; i < RECORDS_PER_BLOCK - 1; i++)
            assert_int_equal(audit_cursor_next(&cursor, &payload, &sequence), AUDIT_STEP_RECORD);
        assert_int_equal(audit_cursor_next(&cursor, &payload, &sequence), AUDIT_STEP_CORRUPT);
    }
    start = sample.block_starts[1];
    end = sample.block_starts[2];
    memcpy(copy, sample.bytes, start);
    memcpy(copy + start, sample.bytes + end, sample.length - end);
    assert_int_equal(read_all(span_of(copy, sample.length - (end - start)), &count, &offset),
                     AUDIT_STEP_CORRUPT);
    assert_int_equal(count, RECORDS_PER_BLOCK);
}

static void a_damaged_header_is_not_read(void **state)
{
    struct sample sample;
    struct audit_segment_header header;

    (void)state;
    make_sample(&sample);
    for (size_t at = 0; at < AUDIT_SEGMENT_HEADER_BYTES; at++) {
        struct err err = ERR_NONE;

        sample.bytes[at] ^= 1;
        assert_false(audit_segment_header_get(span_of(sample.bytes, sample.length), &header, &err));
        assert_int_equal(err.code, ERR_STORE_CORRUPT);
        sample.bytes[at] ^= 1;
        assert_false(audit_segment_header_get(span_of(sample.bytes, at), &header, &err));
    }
    assert_true(
        audit_segment_header_get(span_of(sample.bytes, sample.length), &header, &(struct err){0}));
    assert_int_equal(header.log_id, 7);
    assert_int_equal(header.first_index, 50);
    assert_int_equal(header.created_ms, 1781299260000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_that_is_cut_anywhere_keeps_every_whole_record),
        cmocka_unit_test(a_flipped_bit_before_the_last_block_is_damage),
        cmocka_unit_test(a_flipped_bit_in_the_last_block_is_taken_for_a_torn_write),
        cmocka_unit_test(a_record_or_a_block_that_was_taken_out_is_missed),
        cmocka_unit_test(a_damaged_header_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
