/* SPDX-License-Identifier: Apache-2.0 */
/* A stored claim with any bytes: refused, or the same after one more round of writing and reading.
 */
#include "storage/claim_record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct claim_record record;
    struct span first, second;
    struct arena arena;
    struct err err = ERR_NONE;

    arena_init(&arena, 4096);
    if (claim_record_decode(span_of(data, size), &arena, &record, &err)) {
        first = claim_record_encode(&record, &arena);
        expect(claim_record_decode(first, &arena, &record, &err));
        second = claim_record_encode(&record, &arena);
        expect(span_equal(first, second));
    } else {
        expect(err.code == ERR_STORE_CORRUPT);
    }
    arena_release(&arena);
    return 0;
}
