/* SPDX-License-Identifier: Apache-2.0 */
/* A suggestion: which of the known names somebody probably meant. */
#ifndef CLIENT_SRC_SUGGEST_H
#define CLIENT_SRC_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *meant;
    const char *best; /* NULL until a candidate is near enough */
    size_t distance;
};

/* Candidates are given one by one; the nearest within one edit and a quarter of the length stays in
 * `best`. */
void suggestion_consider(struct suggestion *suggestion, const char *candidate);

#endif
