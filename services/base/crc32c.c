/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C, eight bytes at a time: by the processor's instruction where it has one, else from tables
 * that are made at first use. */
#include "base/crc32c.h"

#include <endian.h>
#include <pthread.h>

enum { SLICES = 8 };

static const uint32_t polynomial_reflected = 0x82f63b78;
static uint32_t tables[SLICES][256];

static void make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ polynomial_reflected : crc >> 1;
        tables[0][byte] = crc;
    }
    for (int slice = 1; slice < SLICES; slice++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = tables[slice - 1][byte];

            tables[slice][byte] = before >> 8 ^ tables[0][before & 255];
        }
}

static uint32_t crc_by_tables(uint32_t crc, const uint8_t *at, const uint8_t *end)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_tables);
    while (end - at >= SLICES) {
        uint32_t low, high;

        memcpy(&low, at, sizeof(low));
        memcpy(&high, at + sizeof(low), sizeof(high));
        low = le32toh(low) ^ crc;
        high = le32toh(high);
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
              tables[4][low >> 24] ^ tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^
              tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
        at += SLICES;
    }
    while (at < end)
        crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 255];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc_by_instruction(uint32_t crc, const uint8_t *at, const uint8_t *end)
{
    uint64_t wide = crc, word;

    for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    while (at < end)
        crc = __builtin_ia32_crc32qi(crc, *at++);
    return crc;
}
#else
#define crc_by_instruction crc_by_tables
#endif

static bool has_instruction(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("sse4.2");
#else
    return false;
#endif
}

uint32_t crc32c(uint32_t crc, struct span span)
{
    const uint8_t *at = span.data, *end = at + span.length;

    return ~(has_instruction() ? crc_by_instruction(~crc, at, end) : crc_by_tables(~crc, at, end));
}

uint32_t crc32c_by_tables(uint32_t crc, struct span span)
{
    return ~crc_by_tables(~crc, span.data, span.data + span.length);
}
