/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a segment of the audit log, once as they are and once with the checksums made right:
 * reading ends, and what is read as a record can be written and read again.
 */
#include "base/memory.h"
#include "domain/audit/record.h"
#include "domain/audit/segment.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_record(struct span payload, struct audit_dictionary *dictionary, int64_t base_ms)
{
    struct audit_record record, again;
    struct arena arena;
    struct span bytes;
    struct err err;
    size_t bytes_max;

    arena_init(&arena, 4096);
    if (audit_record_get(payload, dictionary, base_ms, &arena, &record, &err) &&
        audit_record_measure(&record, &bytes_max, &err)) {
        expect(audit_record_encode(&record, &arena, &bytes, &err) && bytes.length <= bytes_max);
        expect(audit_record_decode(bytes, &arena, &again, &err));
        expect(again.kind == record.kind && again.time_ms == record.time_ms &&
               again.item_count == record.item_count && again.id_count == record.id_count &&
               span_equal(again.caller, record.caller) &&
               span_equal(again.payload, record.payload) &&
               span_equal(again.shadow_set, record.shadow_set));
        for (size_t i = 0; i < record.item_count; i++)
            expect(again.items[i].shadow.reason == record.items[i].shadow.reason &&
                   again.items[i].shadow.truth == record.items[i].shadow.truth &&
                   span_equal(again.items[i].shadow.directive, record.items[i].shadow.directive));
    }
    arena_release(&arena);
}

static void read_segment(struct span segment)
{
    struct audit_segment_header header = {.first_sequence = 1};
    struct audit_dictionary *dictionary = audit_dictionary_new();
    struct audit_cursor cursor;
    struct span payload;
    uint64_t sequence;
    struct err err;

    if (!audit_segment_header_get(segment, &header, &err))
        header = (struct audit_segment_header){.first_sequence = 1};
    audit_cursor_init(&cursor, segment, &header);
    while (audit_cursor_next(&cursor, &payload, &sequence) == AUDIT_STEP_RECORD)
        check_record(payload, dictionary, cursor.base_ms);
    expect(cursor.offset <= segment.length || segment.length < AUDIT_SEGMENT_HEADER_BYTES);
    audit_dictionary_free(dictionary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = memory_alloc(size);

    memcpy(copy, data, size);
    read_segment(span_of(copy, size));
    /* Frames that are whole get their checksum, else no mutation would come past it. */
    if (size > AUDIT_SEGMENT_HEADER_BYTES)
        audit_frames_seal(copy + AUDIT_SEGMENT_HEADER_BYTES, size - AUDIT_SEGMENT_HEADER_BYTES);
    read_segment(span_of(copy, size));
    check_record(span_of(data, size), NULL, 0);
    memory_free(copy);
    return 0;
}
