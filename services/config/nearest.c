/* SPDX-License-Identifier: Apache-2.0 */
/* Nearness of words: optimal string alignment (insert, delete, replace, swap neighbours). */
#include "config/nearest.h"

enum { WORD_MAX = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Both at most WORD_MAX long. */
static size_t distance_of(struct span a, struct span b)
{
    /* Three rows of the matrix are alive at a time: this one and the two before it. */
    size_t rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= b.length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t replace = above[j - 1] + (a.data[i - 1] != b.data[j - 1]);

            row[j] = least(least(above[j] + 1, row[j - 1] + 1), replace);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a.length % 3][b.length];
}

struct nearest nearest_to(struct span word)
{
    return (struct nearest){.word = word, .distance = word.length / 3 + 2};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    struct span offered = span_text(candidate);
    size_t distance;

    if (nearest->word.length > WORD_MAX || offered.length > WORD_MAX)
        return;
    distance = distance_of(nearest->word, offered);
    /* Nothing of a word need be right when it is as short as the distance. */
    if (distance < nearest->distance && distance < offered.length) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}
