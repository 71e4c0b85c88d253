/* SPDX-License-Identifier: Apache-2.0 */
/* A suggestion: the candidate at the least edit distance. */
#include "client/src/suggest.h"

#include <string.h>

enum { NAME_MAX_LENGTH = 63 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein, where swapping two neighbours counts as one edit (optimal string alignment). */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NAME_MAX_LENGTH + 1];
    size_t *two_back = rows[0], *before = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        before[j] = j;
    memcpy(two_back, before, sizeof(rows[0]));
    for (size_t i = 1; i <= a_length; i++) {
        size_t *oldest = two_back;

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_back[j - 2] + 1 < row[j])
                row[j] = two_back[j - 2] + 1;
        }
        two_back = before;
        before = row;
        row = oldest;
    }
    return before[b_length];
}

void suggestion_consider(struct suggestion *suggestion, const char *candidate)
{
    size_t meant_length = strlen(suggestion->meant);
    size_t candidate_length = strlen(candidate);
    size_t distance;

    if (meant_length > NAME_MAX_LENGTH || candidate_length > NAME_MAX_LENGTH)
        return;
    distance = edit_distance(suggestion->meant, meant_length, candidate, candidate_length);
    if (distance > 1 + candidate_length / 4 || distance >= candidate_length)
        return;
    if (!suggestion->best || distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}
