/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text: base64url without padding (RFC 4648 section 5), lower-case hex, and whether text
 * is UTF-8. */
#ifndef BASE_ENCODING_H
#define BASE_ENCODING_H

#include "base/span.h"

/* Characters for `length` bytes, the NUL not counted. */
static inline size_t base64url_length(size_t length)
{
    return length / 3 * 4 + (length % 3 ? length % 3 + 1 : 0);
}

/* Write base64url_length() characters and a NUL; returns the length. */
size_t base64url_encode(struct span bytes, char *text);

/*
 * Strict: only the 64 characters, no padding, and unused bits zero, so that one value has one text.
 * `buffer` has room for text.length * 3 / 4 bytes.
 */
bool base64url_decode(struct span text, uint8_t *buffer, size_t *ret_length);

/* Write 2 * length characters and a NUL. */
void hex_encode(struct span bytes, char *text);
/* Either case; false for odd lengths and other characters.  `buffer` has room for text.length / 2
 * bytes. */
bool hex_decode(struct span text, uint8_t *buffer);

enum { DECIMAL_MAX = 21 }; /* of a uint64_t, with the NUL */

/* Write the number and a NUL; returns the length. */
size_t decimal_encode(uint64_t number, char text[static DECIMAL_MAX]);

/* RFC 3629: shortest forms, no surrogates, up to U+10FFFF. */
bool utf8_is_valid(struct span text);

#endif
