/* SPDX-License-Identifier: Apache-2.0 */
/* The few compiler attributes and one-liners that every folder uses. */
#ifndef BASE_ATTRIBUTES_H
#define BASE_ATTRIBUTES_H

#include <stddef.h>

/* A result that the caller may not drop. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* `format` is the index of the format string, `first` that of the first argument. */
#define PRINTF_LIKE(format_index, first) __attribute__((format(printf, format_index, first)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of `type` that holds `pointer` as its `member`. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
