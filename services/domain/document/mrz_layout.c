/* SPDX-License-Identifier: Apache-2.0 */
/* The five formats, position by position, and the parts that they are made of. */
#include "domain/document/mrz_layout.h"

/*
 * The second character of a document code is the issuer's choice until 2038 (Doc 9303-4 section
 * 4.4), except that no card has a V.  Cards in circulation have digits there as well ("C1").
 */
#define LETTERS_BUT_V "ABCDEFGHIJKLMNOPQRSTUWXYZ"

/* clang-format off */
const struct mrz_layout mrz_layouts[MRZ_FORMAT_COUNT] = {
    [MRZ_TD1] = {
        .line_count = 3, .width = 30, .has_long_numbers = true,
        .first_letters = "ACI", .second_characters = LETTERS_BUT_V "0123456789<",
        .places = {
            [MRZ_PART_DOCUMENT_CODE]   = {1,  1,  2},
            [MRZ_PART_ISSUER]          = {1,  3,  5},
            [MRZ_PART_NUMBER]          = {1,  6, 14},
            [MRZ_PART_NUMBER_DIGIT]    = {1, 15, 15},
            [MRZ_PART_OPTIONAL]        = {1, 16, 30},
            [MRZ_PART_BIRTH]           = {2,  1,  6},
            [MRZ_PART_BIRTH_DIGIT]     = {2,  7,  7},
            [MRZ_PART_SEX]             = {2,  8,  8},
            [MRZ_PART_EXPIRY]          = {2,  9, 14},
            [MRZ_PART_EXPIRY_DIGIT]    = {2, 15, 15},
            [MRZ_PART_NATIONALITY]     = {2, 16, 18},
            [MRZ_PART_OPTIONAL_2]      = {2, 19, 29},
            [MRZ_PART_COMPOSITE_DIGIT] = {2, 30, 30},
            [MRZ_PART_NAME]            = {3,  1, 30},
        },
        .composite = {{1, 6, 30}, {2, 1, 7}, {2, 9, 15}, {2, 19, 29}},
    },
    [MRZ_TD2] = {
        .line_count = 2, .width = 36, .has_long_numbers = true,
        .first_letters = "ACI", .second_characters = LETTERS_BUT_V "0123456789<",
        .places = {
            [MRZ_PART_DOCUMENT_CODE]   = {1,  1,  2},
            [MRZ_PART_ISSUER]          = {1,  3,  5},
            [MRZ_PART_NAME]            = {1,  6, 36},
            [MRZ_PART_NUMBER]          = {2,  1,  9},
            [MRZ_PART_NUMBER_DIGIT]    = {2, 10, 10},
            [MRZ_PART_NATIONALITY]     = {2, 11, 13},
            [MRZ_PART_BIRTH]           = {2, 14, 19},
            [MRZ_PART_BIRTH_DIGIT]     = {2, 20, 20},
            [MRZ_PART_SEX]             = {2, 21, 21},
            [MRZ_PART_EXPIRY]          = {2, 22, 27},
            [MRZ_PART_EXPIRY_DIGIT]    = {2, 28, 28},
            [MRZ_PART_OPTIONAL]        = {2, 29, 35},
            [MRZ_PART_COMPOSITE_DIGIT] = {2, 36, 36},
        },
        .composite = {{2, 1, 10}, {2, 14, 20}, {2, 22, 35}},
    },
    [MRZ_TD3] = {
        .line_count = 2, .width = 44,
        .first_letters = "P", .second_characters = LETTERS_BUT_V "V<",
        .places = {
            [MRZ_PART_DOCUMENT_CODE]   = {1,  1,  2},
            [MRZ_PART_ISSUER]          = {1,  3,  5},
            [MRZ_PART_NAME]            = {1,  6, 44},
            [MRZ_PART_NUMBER]          = {2,  1,  9},
            [MRZ_PART_NUMBER_DIGIT]    = {2, 10, 10},
            [MRZ_PART_NATIONALITY]     = {2, 11, 13},
            [MRZ_PART_BIRTH]           = {2, 14, 19},
            [MRZ_PART_BIRTH_DIGIT]     = {2, 20, 20},
            [MRZ_PART_SEX]             = {2, 21, 21},
            [MRZ_PART_EXPIRY]          = {2, 22, 27},
            [MRZ_PART_EXPIRY_DIGIT]    = {2, 28, 28},
            [MRZ_PART_OPTIONAL]        = {2, 29, 42},
            [MRZ_PART_OPTIONAL_DIGIT]  = {2, 43, 43},
            [MRZ_PART_COMPOSITE_DIGIT] = {2, 44, 44},
        },
        .composite = {{2, 1, 10}, {2, 14, 20}, {2, 22, 43}},
    },
    [MRZ_MRV_A] = {
        .line_count = 2, .width = 44,
        .first_letters = "V", .second_characters = LETTERS_BUT_V "V<",
        .places = {
            [MRZ_PART_DOCUMENT_CODE]   = {1,  1,  2},
            [MRZ_PART_ISSUER]          = {1,  3,  5},
            [MRZ_PART_NAME]            = {1,  6, 44},
            [MRZ_PART_NUMBER]          = {2,  1,  9},
            [MRZ_PART_NUMBER_DIGIT]    = {2, 10, 10},
            [MRZ_PART_NATIONALITY]     = {2, 11, 13},
            [MRZ_PART_BIRTH]           = {2, 14, 19},
            [MRZ_PART_BIRTH_DIGIT]     = {2, 20, 20},
            [MRZ_PART_SEX]             = {2, 21, 21},
            [MRZ_PART_EXPIRY]          = {2, 22, 27},
            [MRZ_PART_EXPIRY_DIGIT]    = {2, 28, 28},
            [MRZ_PART_OPTIONAL]        = {2, 29, 44},
        },
    },
    [MRZ_MRV_B] = {
        .line_count = 2, .width = 36,
        .first_letters = "V", .second_characters = LETTERS_BUT_V "V<",
        .places = {
            [MRZ_PART_DOCUMENT_CODE]   = {1,  1,  2},
            [MRZ_PART_ISSUER]          = {1,  3,  5},
            [MRZ_PART_NAME]            = {1,  6, 36},
            [MRZ_PART_NUMBER]          = {2,  1,  9},
            [MRZ_PART_NUMBER_DIGIT]    = {2, 10, 10},
            [MRZ_PART_NATIONALITY]     = {2, 11, 13},
            [MRZ_PART_BIRTH]           = {2, 14, 19},
            [MRZ_PART_BIRTH_DIGIT]     = {2, 20, 20},
            [MRZ_PART_SEX]             = {2, 21, 21},
            [MRZ_PART_EXPIRY]          = {2, 22, 27},
            [MRZ_PART_EXPIRY_DIGIT]    = {2, 28, 28},
            [MRZ_PART_OPTIONAL]        = {2, 29, 36},
        },
    },
};

const struct mrz_part_row mrz_part_rows[MRZ_PART_COUNT] = {
    [MRZ_PART_DOCUMENT_CODE]   = {"document_code",   MRZ_LETTERS | MRZ_DIGITS},
    [MRZ_PART_ISSUER]          = {"issuer",          MRZ_LETTERS},
    [MRZ_PART_NAME]            = {"name",            MRZ_LETTERS},
    [MRZ_PART_NUMBER]          = {"document_number", MRZ_LETTERS | MRZ_DIGITS},
    [MRZ_PART_NUMBER_DIGIT]    = {"document_number", MRZ_DIGITS},
    [MRZ_PART_NATIONALITY]     = {"nationality",     MRZ_LETTERS},
    [MRZ_PART_BIRTH]           = {"birth_date",      MRZ_DIGITS},
    [MRZ_PART_BIRTH_DIGIT]     = {"birth_date",      MRZ_DIGITS},
    [MRZ_PART_SEX]             = {"sex",             MRZ_SEXES},
    [MRZ_PART_EXPIRY]          = {"expiry_date",     MRZ_DIGITS},
    [MRZ_PART_EXPIRY_DIGIT]    = {"expiry_date",     MRZ_DIGITS},
    [MRZ_PART_OPTIONAL]        = {"optional_data",   MRZ_LETTERS | MRZ_DIGITS},
    [MRZ_PART_OPTIONAL_DIGIT]  = {"optional_data",   MRZ_DIGITS},
    [MRZ_PART_OPTIONAL_2]      = {"optional_data",   MRZ_LETTERS | MRZ_DIGITS},
    [MRZ_PART_COMPOSITE_DIGIT] = {"composite",       MRZ_DIGITS},
};
/* clang-format on */
