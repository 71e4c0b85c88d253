/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics: what is wrong with a file that a person wrote, all of it at once.
 *
 * A reader of files adds one entry per finding and goes on; the caller prints them as
 * `FILE:LINE:COLUMN: error: MESSAGE`.  Entries live in the arena that the list was made with.
 */
#ifndef BASE_DIAGNOSTICS_H
#define BASE_DIAGNOSTICS_H

#include "base/arena.h"
#include "base/attributes.h"

#include <stdio.h>

enum diagnostic_severity { DIAGNOSTIC_ERROR, DIAGNOSTIC_WARNING };

struct diagnostic {
    struct diagnostic *next;
    const char *file;
    int line;   /* from 1; 0 = the file as a whole */
    int column; /* from 1; 0 = the line as a whole */
    enum diagnostic_severity severity;
    const char *message; /* what is wrong, and what would be right */
};

struct diagnostics {
    struct arena *arena;
    struct diagnostic *first;
    struct diagnostic **tail;
    size_t error_count;
    size_t warning_count;
};

/* More findings than this are counted, not kept: one broken file must not fill the memory. */
enum { DIAGNOSTICS_KEPT_MAX = 200 };

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena);
void diagnostics_add(struct diagnostics *diagnostics, enum diagnostic_severity severity,
                     const char *file, int line, int column, const char *format, ...)
    PRINTF_LIKE(6, 7);
void diagnostics_print(const struct diagnostics *diagnostics, FILE *stream);

#endif
