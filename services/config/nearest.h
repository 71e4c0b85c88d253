/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest of some words to one that was mistyped, for "did you mean".
 *
 *     struct nearest nearest = nearest_to(word);
 *     for (…)
 *         nearest_offer(&nearest, candidates[i]);
 *     … nearest.best …
 */
#ifndef CONFIG_NEAREST_H
#define CONFIG_NEAREST_H

#include "base/span.h"

struct nearest {
    struct span word;
    const char *best; /* NULL while nothing offered is near */
    size_t distance;  /* of `best`; before that the bound: a third of the word must be right */
};

struct nearest nearest_to(struct span word);

/* The first of equally near ones stays.  `candidate` must outlive the answer. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
