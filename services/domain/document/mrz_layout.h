/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything stands in a machine-readable zone: the tables of Doc 9303 parts 4 to 7 as data.
 * Only mrz.c reads them.
 */
#ifndef DOMAIN_DOCUMENT_MRZ_LAYOUT_H
#define DOMAIN_DOCUMENT_MRZ_LAYOUT_H

#include "domain/document/mrz.h"

enum { MRZ_FORMAT_COUNT = 5, MRZ_LINES_MAX = 3, MRZ_COMPOSITE_PLACES_MAX = 4 };

/* Characters `from` to `to` of a line; all three count from 1, as the tables of Doc 9303 do. */
struct mrz_place {
    uint8_t line;
    uint8_t from;
    uint8_t to;
};

enum mrz_part {
    MRZ_PART_DOCUMENT_CODE,
    MRZ_PART_ISSUER,
    MRZ_PART_NAME,
    MRZ_PART_NUMBER,
    MRZ_PART_NUMBER_DIGIT,
    MRZ_PART_NATIONALITY,
    MRZ_PART_BIRTH,
    MRZ_PART_BIRTH_DIGIT,
    MRZ_PART_SEX,
    MRZ_PART_EXPIRY,
    MRZ_PART_EXPIRY_DIGIT,
    MRZ_PART_OPTIONAL,
    MRZ_PART_OPTIONAL_DIGIT,
    MRZ_PART_OPTIONAL_2,
    MRZ_PART_COMPOSITE_DIGIT,
    MRZ_PART_COUNT
};

struct mrz_layout {
    uint8_t line_count;
    uint8_t width;
    const char *first_letters;               /* of the document code */
    const char *second_characters;           /* likewise */
    bool has_long_numbers;                   /* a number may go on in the optional field */
    struct mrz_place places[MRZ_PART_COUNT]; /* line 0: the format has no such part */
    struct mrz_place composite[MRZ_COMPOSITE_PLACES_MAX]; /* what the composite digit covers */
};

/* By enum mrz_format. */
extern const struct mrz_layout mrz_layouts[MRZ_FORMAT_COUNT];

/* Which characters a part may have besides the filler, as bits. */
enum { MRZ_LETTERS = 1, MRZ_DIGITS = 2, MRZ_SEXES = 4 };

struct mrz_part_row {
    const char *name; /* as errors call it */
    unsigned alphabet;
};

extern const struct mrz_part_row mrz_part_rows[MRZ_PART_COUNT];

#endif
