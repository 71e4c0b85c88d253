/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as public keys in PEM: reading ends, and what is read is published and read again. */
#include "keys/key_ring.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_ring *ring, *again;
    struct arena arena;
    struct err err;

    if (!key_ring_from_pem(span_of(data, size), &ring, &err))
        return 0;
    arena_init(&arena, 4096);
    expect(key_ring_from_jwks(key_ring_jwks(ring, 0, &arena), &again, &err));
    expect(key_ring_count(ring) == key_ring_count(again));
    key_ring_unref(again);
    key_ring_unref(ring);
    arena_release(&arena);
    return 0;
}
