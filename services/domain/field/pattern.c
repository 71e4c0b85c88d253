/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of ids. */
#include "domain/field/pattern.h"

bool pattern_is_one(struct span text)
{
    return text.length > 0 && memchr(text.data, '*', text.length);
}

bool pattern_is_valid(struct span pattern)
{
    size_t stars = 0;

    for (size_t i = 0; i < pattern.length; i++) {
        if (pattern.data[i] != '*')
            continue;
        if (++stars > PATTERN_STARS_MAX || (i > 0 && pattern.data[i - 1] == '*'))
            return false;
    }
    return pattern.length > 0 && pattern.length <= PATTERN_BYTES_MAX;
}

size_t pattern_literal_length(struct span pattern)
{
    const uint8_t *star = pattern.length > 0 ? memchr(pattern.data, '*', pattern.length) : NULL;

    return star ? (size_t)(star - pattern.data) : pattern.length;
}

/* To go back to the last star is enough: one before it could only take what that one gave up, and
 * none takes a slash. */
bool pattern_matches(struct span pattern, struct span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;

    while (t < text.length) {
        if (p < pattern.length && pattern.data[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.length && pattern.data[p] == text.data[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX && text.data[taken] != '/') {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.data[p] == '*')
        p++;
    return p == pattern.length;
}

static bool may_take(struct span pattern, size_t at)
{
    return at < pattern.length && pattern.data[at] != '/';
}

/* Whether the rests of `a` from each position and of `b` from `j` have a text in common, from the
 * same for `j + 1` (`after`); from the end to the beginning. */
static void overlap_row(struct span a, struct span b, size_t j, const bool *after, bool *row)
{
    for (size_t i = a.length + 1; i-- > 0;) {
        bool is_star_a = i < a.length && a.data[i] == '*';
        bool is_star_b = j < b.length && b.data[j] == '*';

        row[i] = i == a.length && j == b.length;
        if (is_star_a)
            row[i] = row[i + 1] || (may_take(b, j) && after[i]);
        if (is_star_b)
            row[i] = row[i] || after[i] || (may_take(a, i) && row[i + 1]);
        if (!is_star_a && !is_star_b && i < a.length && j < b.length && a.data[i] == b.data[j])
            row[i] = after[i + 1];
    }
}

bool pattern_overlaps(struct span a, struct span b)
{
    bool rows[2][PATTERN_BYTES_MAX + 1] = {{false}};

    for (size_t j = b.length + 1; j-- > 0;)
        overlap_row(a, b, j, rows[(j + 1) % 2], rows[j % 2]);
    return rows[0][0];
}
