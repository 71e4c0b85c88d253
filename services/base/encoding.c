/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text. */
#include "base/encoding.h"

static const char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_encode(struct span bytes, char *text)
{
    const uint8_t *in = bytes.data;
    size_t left = bytes.length;
    char *out = text;

    for (; left >= 3; left -= 3, in += 3) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

        *out++ = base64url_alphabet[bits >> 18];
        *out++ = base64url_alphabet[bits >> 12 & 63];
        *out++ = base64url_alphabet[bits >> 6 & 63];
        *out++ = base64url_alphabet[bits & 63];
    }
    if (left > 0) {
        uint32_t bits = (uint32_t)in[0] << 16 | (left > 1 ? (uint32_t)in[1] << 8 : 0);

        *out++ = base64url_alphabet[bits >> 18];
        *out++ = base64url_alphabet[bits >> 12 & 63];
        if (left > 1)
            *out++ = base64url_alphabet[bits >> 6 & 63];
    }
    *out = '\0';
    return (size_t)(out - text);
}

static int base64url_value(uint8_t character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '-' ? 62 : character == '_' ? 63 : -1;
}

bool base64url_decode(struct span text, uint8_t *buffer, size_t *ret_length)
{
    size_t length = 0;
    uint32_t bits = 0;
    int count = 0;

    if (text.length % 4 == 1)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        int value = base64url_value(text.data[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buffer[length++] = (uint8_t)(bits >> count);
        }
    }
    if ((bits & ((1U << count) - 1)) != 0)
        return false;
    *ret_length = length;
    return true;
}

void hex_encode(struct span bytes, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.length; i++) {
        *text++ = digits[bytes.data[i] >> 4];
        *text++ = digits[bytes.data[i] & 15];
    }
    *text = '\0';
}

static int hex_value(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool hex_decode(struct span text, uint8_t *buffer)
{
    if (text.length % 2 != 0)
        return false;
    for (size_t i = 0; i < text.length; i += 2) {
        int high = hex_value(text.data[i]);
        int low = hex_value(text.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        buffer[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

size_t decimal_encode(uint64_t number, char text[static DECIMAL_MAX])
{
    char digits[DECIMAL_MAX];
    size_t length = 0;

    do
        digits[length++] = (char)('0' + number % 10);
    while (number /= 10);
    for (size_t i = 0; i < length; i++)
        text[i] = digits[length - 1 - i];
    text[length] = '\0';
    return length;
}

/* The length of the sequence that a lead byte begins, and the least second byte and its greatest
 * (they keep out overlong forms, surrogates and what is above U+10FFFF). */
static size_t sequence_length(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *ret_high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

bool utf8_is_valid(struct span text)
{
    size_t i = 0;

    while (i < text.length) {
        uint8_t low, high;
        size_t length;

        if (text.data[i] < 0x80) {
            i++;
            continue;
        }
        length = sequence_length(text.data[i], &low, &high);
        if (length == 0 || text.length - i < length || text.data[i + 1] < low ||
            text.data[i + 1] > high)
            return false;
        for (size_t k = 2; k < length; k++)
            if ((text.data[i + k] & 0xC0) != 0x80)
                return false;
        i += length;
    }
    return true;
}
