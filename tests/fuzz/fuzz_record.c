/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored record with any bytes: refused, or within its bounds, and then the same after one more
 * round of writing and reading.
 */
#include "storage/record.h"

#include <stdlib.h>

/* Whose record it claims to be: the first field, where record_encode() puts it. */
static struct hash128 owner_of(struct span value)
{
    struct hash128 owner = {0};

    if (value.length >= 3 + sizeof(owner) && value.data[1] == (1 << 3 | 2) &&
        value.data[2] == sizeof(owner))
        memcpy(&owner, value.data + 3, sizeof(owner));
    return owner;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = span_of(data, size), first, second;
    struct hash128 owner = owner_of(value);
    struct facts_content content;
    struct facts_input input;
    struct record record;
    struct arena arena;
    struct err err;

    arena_init(&arena, 4096);
    if (record_decode(value, owner, &arena, &record, &err)) {
        first = record_encode(&record, &arena);
        if (!record_decode(first, owner, &arena, &record, &err))
            abort();
        second = record_encode(&record, &arena);
        if (!span_equal(first, second))
            abort();
        input = record_facts_input(&record);
        if (facts_check_capacity(&input, &err))
            facts_derive(&input, record.changed_at_ms, &content);
    } else if (err.code != ERR_STORE_CORRUPT) {
        abort();
    }
    arena_release(&arena);
    return 0;
}
