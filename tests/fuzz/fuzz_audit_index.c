/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the index of a segment, once as they are and once with the checksum made right, and
 * as a file of tree heads: reading ends, and what is read is written as the same bytes.
 */
#include "base/crc32c.h"
#include "base/memory.h"
#include "domain/audit/head.h"
#include "domain/audit/index.h"
#include "domain/audit/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_index(struct span bytes)
{
    struct audit_index index, again;
    struct tree_range tree;
    struct err err;
    size_t length;
    uint8_t *written;

    if (!audit_index_decode(bytes, &index, &err))
        return;
    audit_index_tree(&index, &tree);
    expect(tree.first == 0 && tree.end == index.records.end &&
           tree.count == tree_range_count(0, tree.end));
    written = audit_index_encode(&index, &length);
    expect(audit_index_decode(span_of(written, length), &again, &err));
    expect(audit_index_equal(&index, &again));
    memory_free(written);
    audit_index_release(&again);
    audit_index_release(&index);
}

static void check_heads(struct span file)
{
    size_t offset = 0, before = 0;
    struct span line;
    bool is_whole;

    for (; audit_heads_next(file, &offset, &line, &is_whole); before = offset) {
        struct audit_head head, again;
        char text[AUDIT_HEAD_PAYLOAD_MAX];
        struct err err;
        json_t *payload;

        expect(offset > before && offset <= file.length);
        if (!audit_head_peek(line, &head, &err))
            continue;
        expect(json_read(span_of(text, audit_head_format(&head, text)), &payload, &err));
        expect(audit_head_parse(payload, &again, &err) && again.size == head.size &&
               again.log_id == head.log_id && again.time_ms == head.time_ms &&
               tree_hash_equal(&again.root, &head.root));
        json_decref(payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = memory_alloc(size);

    memcpy(copy, data, size);
    check_index(span_of(copy, size));
    check_heads(span_of(copy, size));
    if (size > sizeof(uint32_t)) {
        size_t covered = size - sizeof(uint32_t);

        wire_put_u32(copy + covered, crc32c(0, span_of(copy, covered)));
        check_index(span_of(copy, size));
    }
    memory_free(copy);
    return 0;
}
