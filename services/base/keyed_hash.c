/* SPDX-License-Identifier: Apache-2.0 */
/* A keyed 128-bit hash: SipHash-2-4-128 (Aumasson, Bernstein 2012, with the 128-bit extension). */
#include "base/keyed_hash.h"

#include <endian.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void rounds(struct state *s, int count)
{
    for (int i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline uint64_t load64(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

struct hash128 keyed_hash(const struct hash_key *key, struct span message)
{
    uint64_t k0 = load64(key->bytes), k1 = load64(key->bytes + 8);
    struct state s = {
        k0 ^ UINT64_C(0x736f6d6570736575),
        k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };
    uint64_t last = (uint64_t)message.length << 56;
    struct hash128 hash;
    size_t i;

    for (i = 0; i + 8 <= message.length; i += 8) {
        uint64_t word = load64(message.data + i);

        s.v3 ^= word;
        rounds(&s, 2);
        s.v0 ^= word;
    }
    for (size_t k = 0; i + k < message.length; k++)
        last |= (uint64_t)message.data[i + k] << (8 * k);
    s.v3 ^= last;
    rounds(&s, 2);
    s.v0 ^= last;
    s.v2 ^= 0xee;
    rounds(&s, 4);
    hash.low = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    rounds(&s, 4);
    hash.high = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    return hash;
}

void hash128_store(struct hash128 hash, uint8_t bytes[static HASH128_BYTES])
{
    const uint64_t words[] = {htole64(hash.low), htole64(hash.high)};

    memcpy(bytes, words, sizeof(words));
}

struct hash128 hash128_load(const uint8_t bytes[static HASH128_BYTES])
{
    return (struct hash128){.low = load64(bytes), .high = load64(bytes + 8)};
}
