/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of ids, such as "model/fable-*".
 *
 * A star stands for any bytes within one segment, none at all included, and never for a slash; it
 * may stand anywhere in a segment, and PATTERN_STARS_MAX times in all.  Everything else stands for
 * itself, so that a text without a star is a pattern of itself.
 */
#ifndef DOMAIN_FIELD_PATTERN_H
#define DOMAIN_FIELD_PATTERN_H

#include "base/span.h"

enum { PATTERN_BYTES_MAX = 512, PATTERN_STARS_MAX = 8 };

bool pattern_is_one(struct span text); /* has a star */

/* Not longer than PATTERN_BYTES_MAX, no more than PATTERN_STARS_MAX stars, and no two in a row. */
bool pattern_is_valid(struct span pattern);

bool pattern_matches(struct span pattern, struct span text);

/* How many bytes stand before the first star: the more, the more exact. */
size_t pattern_literal_length(struct span pattern);

/* Is there a text that both match?  Both are valid. */
bool pattern_overlaps(struct span a, struct span b);

#endif
