/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON through jansson, read the strict way: RFC 8259, no duplicate names, nothing behind the
 * value, no NUL in strings, bounded depth.  Who reads it bounds its size.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>

/*
 * Before the first use in a server: hashes of names that nobody can guess, and no allocation that
 * fails without a word.  jansson (2.14) goes on when the buffer of a text cannot grow: the text is
 * then another one, or has no end.  Not for libraries: both hold for the whole process.
 */
void json_prepare(void);

enum { JSON_DEPTH_MAX = 64 };

/* How much there may be of what takes far more memory than its text: an empty object is two bytes
 * there and some two hundred here. */
struct json_limits {
    size_t depth;
    size_t containers; /* objects and arrays */
};

/* The value, to be released with json_decref().  MESSAGE_MALFORMED tells line and column in
 * `detail`. */
MUST_CHECK bool json_read(struct span text, json_t **ret_value, struct err *err);

/* The same within limits that are less than JSON_DEPTH_MAX and any number: FIELD_TOO_DEEP,
 * FIELD_TOO_MANY, before memory is taken. */
MUST_CHECK bool json_read_within(struct span text, const struct json_limits *limits,
                                 json_t **ret_value, struct err *err);

/* Compact text in the arena, names in the order of insertion. */
struct span json_text(const json_t *value, struct arena *arena);

#endif
