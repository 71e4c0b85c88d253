/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as the payload of a receipt: refused with a reason, or read, and then what is written of
 * it reads the same. */
#include "domain/claim/receipt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void release_json(void *value)
{
    json_decref(value);
}

static bool read(struct span text, struct arena *arena, struct receipt *ret_receipt)
{
    struct err err = ERR_NONE;
    json_t *payload;
    bool is_read;

    if (!json_read(text, &payload, &err))
        return false;
    arena_defer(arena, release_json, payload);
    is_read = receipt_read(payload, arena, ret_receipt, &err);
    expect(is_read == (err.code == ERR_OK) && (is_read || err.code == ERR_TOKEN_INVALID));
    return is_read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct receipt receipt, again;
    struct span payload, twice;
    struct arena arena;
    struct err err;

    arena_init(&arena, 32 * 1024);
    if (size <= 64 * 1024 && read(span_of(data, size), &arena, &receipt)) {
        expect(receipt_write(&receipt, &arena, &payload, &err));
        expect(read(payload, &arena, &again));
        expect(again.is_allowed == receipt.is_allowed && span_equal(again.id, receipt.id));
        expect(receipt_write(&again, &arena, &twice, &err) && span_equal(payload, twice));
    }
    arena_release(&arena);
    return 0;
}
