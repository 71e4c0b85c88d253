/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine-readable zone of travel documents, ICAO Doc 9303 parts 3 to 7.
 *
 * A correct check digit proves that the zone was read well, nothing more: neither the issuing state
 * nor the nationality is covered by any check digit, in any of the five formats (Doc 9303-3
 * section 4.9).
 */
#ifndef DOMAIN_DOCUMENT_MRZ_H
#define DOMAIN_DOCUMENT_MRZ_H

#include "base/err.h"
#include "base/span.h"
#include "base/timestamp.h"
#include "domain/country/country.h"

enum mrz_format {
    MRZ_TD1,   /* 3 lines of 30: identity cards (Doc 9303-5) */
    MRZ_TD2,   /* 2 lines of 36: identity cards (Doc 9303-6) */
    MRZ_TD3,   /* 2 lines of 44: passports (Doc 9303-4) */
    MRZ_MRV_A, /* 2 lines of 44: visas (Doc 9303-7) */
    MRZ_MRV_B, /* 2 lines of 36: visas (Doc 9303-7) */
};

enum { MRZ_NUMBER_MAX = 25, MRZ_OPTIONAL_MAX = 15 + 1 + 11 };

/* What Passgate takes from the zone.  Names and the sex are checked for their alphabet and not
 * kept. */
struct mrz {
    enum mrz_format format;
    char document_code[3];    /* "P", "PP", "I", "C1", "V" …, filler removed */
    char issuer_code[4];      /* as printed, filler removed: "D", "USA", "UTO" */
    char nationality_code[4]; /* likewise */
    country_id issuer;        /* COUNTRY_NONE when the code is unknown */
    country_id nationality;   /* likewise */
    char number[MRZ_NUMBER_MAX +
                1]; /* long numbers of TD1 and TD2 joined, filler removed: personal data */
    char optional_data[MRZ_OPTIONAL_MAX + 1]; /* as printed, the second field of a TD1 behind a
                                                 filler: personal data */
    int32_t birth_day;                        /* DAY_NONE when a part of it is unknown (`<<`) */
    int32_t expiry_day;                       /* DAY_NONE when the field is all filler */
};

/*
 * Read `text`: the lines with or without line breaks (LF or CR LF) between them and at the end.
 * Every check digit that the format has is checked, the composite one too.
 *
 * `today` decides the century (Doc 9303-3 section 4.8 prints two digits of the year): a birth lies
 * within the hundred years up to today, an expiry within fifty years before and after today.
 *
 * Errors name `field`, the name of the field of the request, or a part of the zone behind a dot
 * ("mrz.document_number"; document_code, issuer, nationality, name, sex, birth_date, expiry_date,
 * optional_data, composite): MRZ_LENGTH, MRZ_CHARACTER, MRZ_CHECK_DIGIT, MRZ_DATE,
 * MRZ_DOCUMENT_CODE.  Countries that nobody knows are no error here, and neither is UTO.
 */
MUST_CHECK bool mrz_parse(struct span text, const char *field, int32_t today, struct mrz *ret_mrz,
                          struct err *err);

/* The check digit of Doc 9303-3 section 4.9 (weights 7, 3, 1), or -1 when a character has no value.
 */
int mrz_check_digit(struct span text);

#endif
