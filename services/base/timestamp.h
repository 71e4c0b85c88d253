/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time and days of the civil calendar, without a clock and without a time zone database.
 *
 * An instant is int64_t milliseconds since 1970-01-01T00:00:00Z (names end in `_ms`); a day is
 * int32_t days since 1970-01-01 of the proleptic Gregorian calendar (names end in `_day`).
 */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include "base/span.h"

#define TIMESTAMP_NEVER_MS INT64_MAX
#define TIMESTAMP_DAY_MS   INT64_C(86400000)

/* No date.  Never a valid day: the calendar here is 0001-01-01 to 9999-12-31. */
#define DAY_NONE INT32_MIN

enum { TIMESTAMP_TEXT_MAX = 32 };

struct civil_date {
    int year; /* 1 to 9999 */
    int month;
    int day;
};

bool civil_date_is_valid(struct civil_date date);
int32_t day_from_civil(struct civil_date date);
struct civil_date civil_from_day(int32_t day);

/* Midnight UTC at which `day` begins. */
int64_t day_start_ms(int32_t day);
/* The UTC day that holds the instant. */
int32_t day_of_ms(int64_t ms);

/* `2026-06-12`, nothing before or behind. */
bool day_parse(struct span text, int32_t *ret_day);

/* RFC 3339 with an offset (`Z` or `+hh:mm`), seconds optional as in 2026-06-26T18:00-04:00,
 * fractions cut to milliseconds.  A date alone or a time without an offset is refused. */
bool timestamp_parse(struct span text, int64_t *ret_ms);

/* `2026-06-12T21:21:00Z`, with `.nnn` only if there are milliseconds.  Return `text`. */
const char *timestamp_format(int64_t ms, char text[static TIMESTAMP_TEXT_MAX]);
const char *day_format(int32_t day, char text[static TIMESTAMP_TEXT_MAX]);

#endif
