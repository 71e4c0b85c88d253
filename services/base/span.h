/* SPDX-License-Identifier: Apache-2.0 */
/* A span: bytes that somebody else owns.  Never NUL-terminated, may hold any byte. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t length;
};

/* For printf: `"%.*s", SPAN_FORMAT(span)`.  Only for spans known to be printable text. */
#define SPAN_FORMAT(span) (int)(span).length, (const char *)(span).data

static inline struct span span_of(const void *data, size_t length)
{
    return (struct span){data, length};
}

/* NULL reads as empty. */
static inline struct span span_text(const char *text)
{
    return (struct span){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool span_is(struct span span, const char *text)
{
    return span_equal(span, span_text(text));
}

static inline bool span_starts_with(struct span span, struct span prefix)
{
    return span.length >= prefix.length &&
           (prefix.length == 0 || memcmp(span.data, prefix.data, prefix.length) == 0);
}

/* The bytes from `from` on; empty when `from` is past the end. */
static inline struct span span_from(struct span span, size_t from)
{
    return from < span.length ? span_of(span.data + from, span.length - from) : span_of(NULL, 0);
}

#endif
