/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a JWK Set: refused, or a ring of public keys whose own JWK Set is the same ring. */
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
    struct err err = ERR_NONE;
    struct arena arena;

    if (!key_ring_from_jwks(span_of(data, size), &ring, &err)) {
        expect(err.code == ERR_TOKEN_INVALID);
        return 0;
    }
    arena_init(&arena, 8192);
    expect(key_ring_count(ring) > 0 && !key_ring_signer(ring, INT64_MAX - 1));
    expect(key_ring_from_jwks(key_ring_jwks(ring, 0, &arena), &again, &err));
    expect(key_ring_equal(ring, again));
    key_ring_unref(again);
    key_ring_unref(ring);
    arena_release(&arena);
    return 0;
}
