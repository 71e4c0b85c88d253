/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a segment: gathering it record by record, and its bytes. */
#include "domain/audit/index.h"

#include "base/crc32c.h"
#include "base/memory.h"
#include "domain/audit/record.h"
#include "domain/audit/wire.h"

static const uint8_t magic[8] = {'P', 'G', 'I', 'N', 'D', 'E', 'X', '\n'};

enum {
    CRC_BYTES = 4,
    FIXED_BYTES = sizeof(magic) + 4 + 7 * 8,
    ENTRY_BYTES_MAX = 3 * AUDIT_VARINT_MAX,
};

void audit_index_init(struct audit_index *index, const struct audit_segment_header *header,
                      const struct tree_range *before)
{
    *index = (struct audit_index){
        .log_id = header->log_id,
        .first_sequence = header->first_sequence,
        .segment_bytes = AUDIT_SEGMENT_HEADER_BYTES,
        .earliest_ms = INT64_MAX,
        .latest_ms = INT64_MIN,
    };
    if (before)
        index->before = *before;
    else
        tree_range_init(&index->before, header->first_index);
    tree_range_init(&index->records, header->first_index);
}

void audit_index_release(struct audit_index *index)
{
    memory_free(index->entries);
    index->entries = NULL;
    index->entry_count = 0;
}

struct tree_hash audit_leaf(uint64_t sequence, int64_t base_ms, struct span payload)
{
    uint8_t head[2 * sizeof(uint64_t)];

    wire_put_u64(wire_put_u64(head, sequence), (uint64_t)base_ms);
    return tree_leaf(span_of(head, sizeof(head)), payload);
}

/* One for each stride, at the first record of a block. */
static void add_entry(struct audit_index *index, const struct audit_index_entry *entry)
{
    size_t count = index->entry_count;

    if (count > 0 && entry->offset - index->entries[count - 1].offset < AUDIT_INDEX_STRIDE_BYTES)
        return;
    if ((count & (count - 1)) == 0)
        index->entries =
            memory_grow(index->entries, count ? 2 * count : 1, sizeof(index->entries[0]));
    index->entries[index->entry_count++] = *entry;
}

struct tree_hash audit_index_add(struct audit_index *index, const struct audit_cursor *cursor,
                                 uint64_t offset, uint64_t sequence, struct span payload)
{
    struct tree_hash leaf = audit_leaf(sequence, cursor->base_ms, payload);
    const struct audit_index_entry entry = {sequence, offset + cursor->block_offset,
                                            cursor->base_ms};
    enum audit_kind kind;
    int64_t time_ms;

    add_entry(index, &entry);
    tree_range_add(&index->records, 0, &leaf);
    index->segment_bytes = offset + cursor->offset;
    if (audit_record_peek(payload, cursor->base_ms, &kind, &time_ms)) {
        index->earliest_ms = time_ms < index->earliest_ms ? time_ms : index->earliest_ms;
        index->latest_ms = time_ms > index->latest_ms ? time_ms : index->latest_ms;
    }
    return leaf;
}

void audit_index_add_segment(struct audit_index *index, struct span segment)
{
    const struct audit_segment_header header = {.first_sequence = index->first_sequence};
    struct audit_cursor cursor;
    struct span payload;
    uint64_t sequence;

    audit_cursor_init(&cursor, segment, &header);
    while (audit_cursor_next(&cursor, &payload, &sequence) == AUDIT_STEP_RECORD)
        audit_index_add(index, &cursor, 0, sequence, payload);
}

void audit_index_tree(const struct audit_index *index, struct tree_range *ret_tree)
{
    *ret_tree = index->before;
    tree_range_join(ret_tree, &index->records);
}

/* ---- bytes ---- */

static uint8_t *put_hashes(uint8_t *at, const struct tree_range *range)
{
    size_t length = range->count * sizeof(range->hashes[0]);

    return wire_put_bytes(at, span_of(range->hashes, length));
}

uint8_t *audit_index_encode(const struct audit_index *index, size_t *ret_length)
{
    size_t bytes_max = FIXED_BYTES + 2 * sizeof(index->records.hashes) + AUDIT_VARINT_MAX +
                       index->entry_count * ENTRY_BYTES_MAX + CRC_BYTES;
    uint8_t *bytes = memory_alloc(bytes_max), *at = bytes;
    struct audit_index_entry before = {0};

    at = wire_put_bytes(at, span_of(magic, sizeof(magic)));
    at = wire_put_u32(at, AUDIT_INDEX_FORMAT);
    at = wire_put_u64(at, index->log_id);
    at = wire_put_u64(at, index->first_sequence);
    at = wire_put_u64(at, index->records.first);
    at = wire_put_u64(at, index->records.end - index->records.first);
    at = wire_put_u64(at, index->segment_bytes);
    at = wire_put_u64(at, (uint64_t)index->earliest_ms);
    at = wire_put_u64(at, (uint64_t)index->latest_ms);
    at = put_hashes(put_hashes(at, &index->before), &index->records);
    at = wire_put_varint(at, index->entry_count);
    for (size_t i = 0; i < index->entry_count; i++) {
        const struct audit_index_entry *entry = &index->entries[i];

        at = wire_put_varint(at, entry->sequence - before.sequence);
        at = wire_put_varint(at, entry->offset - before.offset);
        at = wire_put_varint(
            at, wire_zigzag((int64_t)((uint64_t)entry->time_ms - (uint64_t)before.time_ms)));
        before = *entry;
    }
    at = wire_put_u32(at, crc32c(0, span_of(bytes, (size_t)(at - bytes))));
    *ret_length = (size_t)(at - bytes);
    return bytes;
}

static void take_hashes(struct wire_input *input, uint64_t first, uint64_t end,
                        struct tree_range *range)
{
    uint32_t count = tree_range_count(first, end);
    struct span bytes = wire_take(input, count * sizeof(range->hashes[0]));

    *range = (struct tree_range){.first = first, .end = end, .count = count};
    if (bytes.length > 0)
        memcpy(range->hashes, bytes.data, bytes.length);
}

static void take_entries(struct wire_input *input, struct audit_index *index)
{
    uint64_t count = wire_take_varint(input);
    struct audit_index_entry before = {0};

    /* Before anything is allocated: an entry takes three bytes at least. */
    if (input->is_bad || count > (uint64_t)(input->end - input->at) / 3) {
        input->is_bad = true;
        return;
    }
    index->entries = count ? memory_new_array(struct audit_index_entry, count) : NULL;
    index->entry_count = (size_t)count;
    for (size_t i = 0; i < index->entry_count; i++) {
        struct audit_index_entry *entry = &index->entries[i];

        entry->sequence = before.sequence + wire_take_varint(input);
        entry->offset = before.offset + wire_take_varint(input);
        entry->time_ms =
            (int64_t)((uint64_t)before.time_ms + (uint64_t)wire_unzigzag(wire_take_varint(input)));
        before = *entry;
    }
}

static void take_index(struct wire_input *input, struct audit_index *index)
{
    uint64_t first_index, record_count;

    index->log_id = wire_take_u64(input);
    index->first_sequence = wire_take_u64(input);
    first_index = wire_take_u64(input);
    record_count = wire_take_u64(input);
    index->segment_bytes = wire_take_u64(input);
    index->earliest_ms = (int64_t)wire_take_u64(input);
    index->latest_ms = (int64_t)wire_take_u64(input);
    if (first_index > TREE_SIZE_MAX || record_count > TREE_SIZE_MAX - first_index) {
        input->is_bad = true;
        return;
    }
    take_hashes(input, 0, first_index, &index->before);
    take_hashes(input, first_index, first_index + record_count, &index->records);
    take_entries(input, index);
}

bool audit_index_decode(struct span bytes, struct audit_index *ret_index, struct err *err)
{
    size_t covered = bytes.length > CRC_BYTES ? bytes.length - CRC_BYTES : 0;
    struct wire_input input = wire_input_of(span_of(bytes.data, covered));
    struct wire_input end = wire_input_of(span_from(bytes, covered));
    struct span found = wire_take(&input, sizeof(magic));
    uint32_t format = wire_take_u32(&input);
    struct audit_index index = {.entries = NULL};

    if (input.is_bad || !span_equal(found, span_of(magic, sizeof(magic))))
        return err_set(err, ERR_STORE_CORRUPT, "not the index of an audit segment");
    if (wire_take_u32(&end) != crc32c(0, span_of(bytes.data, covered)))
        return err_set(err, ERR_STORE_CORRUPT, "the index of the audit segment is damaged");
    if (format != AUDIT_INDEX_FORMAT)
        return err_set(err, ERR_STORE_CORRUPT, "index of format %u", (unsigned)format);
    take_index(&input, &index);
    if (input.is_bad || input.at != input.end) {
        audit_index_release(&index);
        return err_set(err, ERR_STORE_CORRUPT, "the index of the audit segment cannot be read");
    }
    *ret_index = index;
    return true;
}

bool audit_index_equal(const struct audit_index *a, const struct audit_index *b)
{
    size_t a_length, b_length;
    uint8_t *a_bytes = audit_index_encode(a, &a_length);
    uint8_t *b_bytes = audit_index_encode(b, &b_length);
    bool is_equal = span_equal(span_of(a_bytes, a_length), span_of(b_bytes, b_length));

    memory_free(a_bytes);
    memory_free(b_bytes);
    return is_equal;
}
