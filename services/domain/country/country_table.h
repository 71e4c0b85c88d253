/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The country table as make_table.py writes it; only country.c reads it.
 *
 * Every code has a slot of its own, found by its characters read as a number of base 27 (`<` is 0,
 * A is 1): a look-up is one load.  A shorter code is filled up with `<`, as in a machine-readable
 * zone.
 */
#ifndef DOMAIN_COUNTRY_COUNTRY_TABLE_H
#define DOMAIN_COUNTRY_COUNTRY_TABLE_H

#include "domain/country/country.h"

enum { COUNTRY_SLOTS = 27 * 27 * 27 };

#define COUNTRY_LETTER(character) ((character) == '<' ? 0 : (character) - 'A' + 1)
#define COUNTRY_SLOT(first, second, third) \
    ((COUNTRY_LETTER(first) * 27 + COUNTRY_LETTER(second)) * 27 + COUNTRY_LETTER(third))

/* What a slot holds: a country_id, and in which kinds of fields the code is valid. */
enum {
    COUNTRY_ID_MASK = (1 << 9) - 1,
    COUNTRY_IN_MRZ = 1 << 9,
    COUNTRY_IN_ISO = 1 << 10,
    COUNTRY_IS_ALPHA3 = 1 << 11, /* it is the `alpha3` of its row */
};

_Static_assert((int)COUNTRY_MAX <= (int)COUNTRY_ID_MASK, "an id must fit beside the flags");

extern const struct country country_table[COUNTRY_MAX];
extern const struct country_set country_table_possible[COUNTRY_MAX];
extern const uint16_t country_table_codes[COUNTRY_SLOTS];
extern const size_t country_table_count;

#endif
