/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyed 128-bit hash: what stands for a subject's id in memory, in keys and in records.
 *
 * SipHash-2-4 with 128 bits of output and a 128-bit secret key: a pseudo-random function, so that
 * who does not have the key can neither invert nor predict it, and one that costs tens of
 * nanoseconds on the check path (OpenSSL's own, which the tests compare with, costs a context per
 * call).
 */
#ifndef BASE_KEYED_HASH_H
#define BASE_KEYED_HASH_H

#include "base/span.h"

struct hash_key {
    uint8_t bytes[16];
};

struct hash128 {
    uint64_t low;
    uint64_t high;
};

enum { HASH128_BYTES = sizeof(struct hash128) };

/* As it is written down: little-endian, the low half first. */
void hash128_store(struct hash128 hash, uint8_t bytes[static HASH128_BYTES]);
struct hash128 hash128_load(const uint8_t bytes[static HASH128_BYTES]);

struct hash128 keyed_hash(const struct hash_key *key, struct span message);

static inline bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0;
}

static inline bool hash128_is_zero(struct hash128 hash)
{
    return (hash.low | hash.high) == 0;
}

#endif
