/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of audit records: varints, and a reader that cannot run past its end.
 *
 * Varints are those of protobuf (seven bits a byte, least significant first).  Writing is
 * unchecked: who writes has made room for the most that a record can take.
 */
#ifndef DOMAIN_AUDIT_WIRE_H
#define DOMAIN_AUDIT_WIRE_H

#include "base/keyed_hash.h"
#include "base/span.h"

#include <endian.h>

enum { AUDIT_VARINT_MAX = 10 };

static inline uint8_t *wire_put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* In exactly `size` bytes, for lengths that are known only afterwards. */
static inline void wire_put_padded_varint(uint8_t *at, size_t size, uint64_t value)
{
    for (; size > 1; size--, value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at = (uint8_t)value;
}

static inline size_t wire_varint_size(uint64_t value)
{
    size_t size = 1;

    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

/* Small numbers of either sign become small numbers. */
static inline uint64_t wire_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t wire_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static inline uint8_t *wire_put_bytes(uint8_t *at, struct span bytes)
{
    if (bytes.length > 0)
        memcpy(at, bytes.data, bytes.length);
    return at + bytes.length;
}

static inline uint8_t *wire_put_text(uint8_t *at, struct span text)
{
    return wire_put_bytes(wire_put_varint(at, text.length), text);
}

static inline uint8_t *wire_put_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *wire_put_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *wire_put_hash(uint8_t *at, struct hash128 hash)
{
    return wire_put_u64(wire_put_u64(at, hash.low), hash.high);
}

/* After the first thing that does not fit everything reads as zero and `is_bad` stays. */
struct wire_input {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
};

static inline struct wire_input wire_input_of(struct span bytes)
{
    return (struct wire_input){bytes.data, bytes.length ? bytes.data + bytes.length : bytes.data,
                               false};
}

static inline struct span wire_take(struct wire_input *input, uint64_t length)
{
    struct span taken = {input->at, 0};

    if (input->is_bad || length > (uint64_t)(input->end - input->at)) {
        input->is_bad = true;
        return taken;
    }
    taken.length = (size_t)length;
    input->at += length;
    return taken;
}

static inline uint64_t wire_take_varint(struct wire_input *input)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && !input->is_bad && input->at < input->end; shift += 7) {
        uint8_t byte = *input->at++;

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    input->is_bad = true;
    return 0;
}

static inline uint8_t wire_take_byte(struct wire_input *input)
{
    struct span byte = wire_take(input, 1);

    return byte.length ? byte.data[0] : 0;
}

static inline uint32_t wire_take_u32(struct wire_input *input)
{
    uint32_t value = 0;
    struct span bytes = wire_take(input, sizeof(value));

    if (bytes.length)
        memcpy(&value, bytes.data, sizeof(value));
    return le32toh(value);
}

static inline uint64_t wire_take_u64(struct wire_input *input)
{
    uint64_t value = 0;
    struct span bytes = wire_take(input, sizeof(value));

    if (bytes.length)
        memcpy(&value, bytes.data, sizeof(value));
    return le64toh(value);
}

static inline struct hash128 wire_take_hash(struct wire_input *input)
{
    uint64_t low = wire_take_u64(input), high = wire_take_u64(input);

    return (struct hash128){low, high};
}

static inline struct span wire_take_text(struct wire_input *input)
{
    return wire_take(input, wire_take_varint(input));
}

#endif
