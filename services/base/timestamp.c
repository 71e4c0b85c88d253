/* SPDX-License-Identifier: Apache-2.0 */
/* Instants and days: the calendar in integers (days-from-civil over 400-year eras). */
#include "base/timestamp.h"

#include <stdio.h>

enum { MS_PER_MINUTE = 60000, DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400 };

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool civil_date_is_valid(struct civil_date date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (date.year < 1 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    return date.day <= lengths[date.month - 1] + (date.month == 2 && is_leap(date.year));
}

/* Years are counted from March, so that the leap day is the last of its year. */
int32_t day_from_civil(struct civil_date date)
{
    int year = date.year - (date.month <= 2);
    int era = year / YEARS_PER_ERA;
    int year_of_era = year - era * YEARS_PER_ERA;
    int month_from_march = (date.month + 9) % 12;
    int day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * DAYS_PER_ERA + day_of_era - 719468;
}

struct civil_date civil_from_day(int32_t day)
{
    int shifted = day + 719468;
    int era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int day_of_era = shifted - era * DAYS_PER_ERA;
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) /
        365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

    return (struct civil_date){
        .year = year_of_era + era * YEARS_PER_ERA + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

int64_t day_start_ms(int32_t day)
{
    return (int64_t)day * TIMESTAMP_DAY_MS;
}

int32_t day_of_ms(int64_t ms)
{
    int64_t day = ms / TIMESTAMP_DAY_MS - (ms % TIMESTAMP_DAY_MS < 0);

    return (int32_t)day;
}

/* Takes exactly `digits` digits off the front of *text. */
static bool take_number(struct span *text, size_t digits, int *ret_number)
{
    int number = 0;

    if (text->length < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (text->data[i] < '0' || text->data[i] > '9')
            return false;
        number = number * 10 + (text->data[i] - '0');
    }
    *text = span_from(*text, digits);
    *ret_number = number;
    return true;
}

static bool take_char(struct span *text, char wanted)
{
    if (text->length == 0 || text->data[0] != (uint8_t)wanted)
        return false;
    *text = span_from(*text, 1);
    return true;
}

static bool take_date(struct span *text, int32_t *ret_day)
{
    struct civil_date date;

    if (!take_number(text, 4, &date.year) || !take_char(text, '-') ||
        !take_number(text, 2, &date.month) || !take_char(text, '-') ||
        !take_number(text, 2, &date.day) || !civil_date_is_valid(date))
        return false;
    *ret_day = day_from_civil(date);
    return true;
}

bool day_parse(struct span text, int32_t *ret_day)
{
    int32_t day;

    if (!take_date(&text, &day) || text.length != 0)
        return false;
    *ret_day = day;
    return true;
}

/* The digits behind the decimal point; those past the third are read and dropped. */
static bool take_fraction(struct span *text, int *ret_ms)
{
    int ms = 0, weight = 100, digit;
    size_t count = 0;

    while (take_number(text, 1, &digit)) {
        ms += digit * weight;
        weight /= 10;
        count++;
    }
    *ret_ms = ms;
    return count > 0;
}

static bool take_offset(struct span *text, int *ret_minutes)
{
    bool is_east = take_char(text, '+');
    int hours, minutes;

    if (!is_east && (take_char(text, 'Z') || take_char(text, 'z'))) {
        *ret_minutes = 0;
        return true;
    }
    if ((!is_east && !take_char(text, '-')) || !take_number(text, 2, &hours) ||
        !take_char(text, ':') || !take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_minutes = (is_east ? 1 : -1) * (hours * 60 + minutes);
    return true;
}

bool timestamp_parse(struct span text, int64_t *ret_ms)
{
    int hours, minutes, seconds = 0, ms = 0, offset_minutes;
    int64_t instant_ms;
    int32_t day;

    if (!take_date(&text, &day) || (!take_char(&text, 'T') && !take_char(&text, 't')) ||
        !take_number(&text, 2, &hours) || !take_char(&text, ':') ||
        !take_number(&text, 2, &minutes))
        return false;
    if (take_char(&text, ':')) {
        if (!take_number(&text, 2, &seconds))
            return false;
        if (take_char(&text, '.') && !take_fraction(&text, &ms))
            return false;
    }
    if (!take_offset(&text, &offset_minutes) || text.length != 0)
        return false;
    if (hours > 23 || minutes > 59 || seconds > 60)
        return false;
    if (seconds == 60) /* a leap second reads as the last one before it */
        seconds = 59;
    instant_ms = day_start_ms(day) +
                 ((int64_t)hours * 60 + minutes - offset_minutes) * MS_PER_MINUTE +
                 (int64_t)seconds * 1000 + ms;
    /* An offset can lead out of the calendar. */
    if (!civil_date_is_valid(civil_from_day(day_of_ms(instant_ms))))
        return false;
    *ret_ms = instant_ms;
    return true;
}

const char *timestamp_format(int64_t ms, char text[static TIMESTAMP_TEXT_MAX])
{
    int32_t day = day_of_ms(ms);
    struct civil_date date = civil_from_day(day);
    int rest = (int)(ms - day_start_ms(day));
    int length =
        snprintf(text, TIMESTAMP_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", date.year % 10000,
                 date.month, date.day, rest / 3600000, rest / 60000 % 60, rest / 1000 % 60);

    if (rest % 1000 != 0)
        snprintf(text + length, TIMESTAMP_TEXT_MAX - (size_t)length, ".%03dZ", rest % 1000);
    else
        snprintf(text + length, TIMESTAMP_TEXT_MAX - (size_t)length, "Z");
    return text;
}

const char *day_format(int32_t day, char text[static TIMESTAMP_TEXT_MAX])
{
    struct civil_date date = civil_from_day(day);

    snprintf(text, TIMESTAMP_TEXT_MAX, "%04d-%02d-%02d", date.year % 10000, date.month, date.day);
    return text;
}
