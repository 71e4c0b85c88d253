/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: putting frames together, and finding out where a file ends that a crash has cut. */
#include "domain/audit/segment.h"

#include "base/crc32c.h"
#include "domain/audit/record.h"
#include "domain/audit/wire.h"

#include <inttypes.h>

static const uint8_t magic[8] = {'P', 'G', 'A', 'U', 'D', 'I', 'T', '\n'};

enum {
    CRC_BYTES = 4,
    BLOCK = 0, /* where a record has its kind */
};

void audit_segment_header_put(const struct audit_segment_header *header,
                              uint8_t bytes[static AUDIT_SEGMENT_HEADER_BYTES])
{
    uint8_t *at = wire_put_bytes(bytes, span_of(magic, sizeof(magic)));

    at = wire_put_u32(at, AUDIT_FORMAT);
    at = wire_put_u64(at, header->log_id);
    at = wire_put_u64(at, header->first_sequence);
    at = wire_put_u64(at, header->first_index);
    at = wire_put_u64(at, (uint64_t)header->created_ms);
    wire_put_u32(at, crc32c(0, span_of(bytes, (size_t)(at - bytes))));
}

bool audit_segment_header_get(struct span segment, struct audit_segment_header *ret_header,
                              struct err *err)
{
    struct wire_input input = wire_input_of(segment);
    struct audit_segment_header header;
    struct span found = wire_take(&input, sizeof(magic));
    uint32_t format = wire_take_u32(&input), checksum;
    size_t covered;

    header.log_id = wire_take_u64(&input);
    header.first_sequence = wire_take_u64(&input);
    header.first_index = wire_take_u64(&input);
    header.created_ms = (int64_t)wire_take_u64(&input);
    covered = (size_t)(input.at - segment.data);
    checksum = wire_take_u32(&input);
    if (input.is_bad || !span_equal(found, span_of(magic, sizeof(magic))))
        return err_set(err, ERR_STORE_CORRUPT, "not an audit segment");
    if (checksum != crc32c(0, span_of(segment.data, covered)))
        return err_set(err, ERR_STORE_CORRUPT, "the header of the audit segment is damaged");
    if (format != AUDIT_FORMAT)
        return err_set(err, ERR_STORE_CORRUPT, "audit segment of format %" PRIu32, format);
    *ret_header = header;
    return true;
}

uint8_t *audit_frame_payload(uint8_t *at, size_t payload_max)
{
    return at + wire_varint_size(payload_max) + CRC_BYTES;
}

void audit_frame_close(uint8_t *at, size_t payload_max, size_t payload_length)
{
    wire_put_padded_varint(at, wire_varint_size(payload_max), payload_length);
}

uint8_t *audit_block_put(uint8_t *at, uint64_t first_sequence, int64_t base_ms)
{
    enum { PAYLOAD_MAX = AUDIT_BLOCK_FRAME_BYTES_MAX - 1 - CRC_BYTES };
    uint8_t *payload = audit_frame_payload(at, PAYLOAD_MAX), *end = payload;

    *end++ = BLOCK;
    end = wire_put_varint(end, first_sequence);
    end = wire_put_varint(end, wire_zigzag(base_ms));
    audit_frame_close(at, PAYLOAD_MAX, (size_t)(end - payload));
    return end;
}

/* The checksum covers the length as well: a flipped bit there must not swallow the next frame. */
static uint32_t frame_checksum(struct span length, struct span payload)
{
    return crc32c(crc32c(0, length), payload);
}

void audit_frames_seal(uint8_t *frames, size_t length)
{
    struct wire_input input = wire_input_of(span_of(frames, length));

    while (input.at < input.end) {
        uint8_t *start = frames + (input.at - frames);
        uint64_t payload_length = wire_take_varint(&input);
        struct span head = span_of(start, (size_t)(input.at - start));
        struct span checksum = wire_take(&input, CRC_BYTES);
        struct span payload = wire_take(&input, payload_length);

        if (input.is_bad)
            return;
        wire_put_u32(frames + (checksum.data - frames), frame_checksum(head, payload));
    }
}

/* The frame at `offset`, if there is a whole one with the right checksum. */
static bool frame_at(struct span segment, size_t offset, struct span *ret_payload, size_t *ret_end)
{
    struct span rest = span_from(segment, offset);
    struct wire_input input = wire_input_of(rest);
    uint64_t length = wire_take_varint(&input);
    struct span head = span_of(rest.data, (size_t)(input.at - rest.data));
    uint32_t checksum = wire_take_u32(&input);
    struct span payload;

    if (length == 0 || length > AUDIT_FRAME_BYTES_MAX)
        return false;
    payload = wire_take(&input, length);
    if (input.is_bad || checksum != frame_checksum(head, payload))
        return false;
    *ret_payload = payload;
    *ret_end = offset + (size_t)(input.at - rest.data);
    return true;
}

/*
 * Is there the beginning of a block anywhere behind `offset`?  A block is begun only when the one
 * before it is durable, so that damage before a beginning is not from a crash.  Within one block a
 * crash may leave any part of it on the disk, in any order.
 */
static bool has_block_behind(struct span segment, size_t offset)
{
    struct span payload;
    size_t end;

    for (size_t at = offset + 1; at + 1 + CRC_BYTES < segment.length; at++)
        if (segment.data[at] < AUDIT_BLOCK_FRAME_BYTES_MAX &&
            segment.data[at + 1 + CRC_BYTES] == BLOCK && frame_at(segment, at, &payload, &end))
            return true;
    return false;
}

void audit_cursor_init(struct audit_cursor *cursor, struct span segment,
                       const struct audit_segment_header *header)
{
    *cursor = (struct audit_cursor){
        .segment = segment,
        .offset = AUDIT_SEGMENT_HEADER_BYTES,
        .next_sequence = header->first_sequence,
    };
}

void audit_cursor_init_block(struct audit_cursor *cursor, struct span frames,
                             uint64_t first_sequence)
{
    *cursor = (struct audit_cursor){.segment = frames, .next_sequence = first_sequence};
}

static bool enter_block(struct audit_cursor *cursor, struct span payload)
{
    struct wire_input input = wire_input_of(span_from(payload, 1));
    uint64_t sequence = wire_take_varint(&input);

    cursor->base_ms = wire_unzigzag(wire_take_varint(&input));
    cursor->block_offset = cursor->offset;
    cursor->is_in_block = true;
    return !input.is_bad && sequence == cursor->next_sequence;
}

enum audit_step audit_cursor_next(struct audit_cursor *cursor, struct span *ret_payload,
                                  uint64_t *ret_sequence)
{
    while (cursor->offset < cursor->segment.length) {
        struct span payload;
        size_t end;

        if (!frame_at(cursor->segment, cursor->offset, &payload, &end))
            return has_block_behind(cursor->segment, cursor->offset) ? AUDIT_STEP_CORRUPT
                                                                     : AUDIT_STEP_TORN;
        if (payload.data[0] == BLOCK ? !enter_block(cursor, payload) : !cursor->is_in_block)
            return AUDIT_STEP_CORRUPT;
        if (payload.data[0] != BLOCK)
            cursor->record_offset = cursor->offset;
        cursor->offset = end;
        if (payload.data[0] == BLOCK)
            continue;
        *ret_payload = payload;
        *ret_sequence = cursor->next_sequence++;
        return AUDIT_STEP_RECORD;
    }
    return AUDIT_STEP_END;
}
