/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time and days: against known answers, and there and back over ten thousand years. */
#include "base/attributes.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_day_of_the_calendar_round_trips(void **state)
{
    int32_t first = day_from_civil((struct civil_date){1, 1, 1});
    int32_t last = day_from_civil((struct civil_date){9999, 12, 31});
    struct civil_date before = {0, 12, 31};

    (void)state;
    assert_int_equal(last - first + 1, 3652059);
    for (int32_t day = first; day <= last; day++) {
        struct civil_date date = civil_from_day(day);
        bool is_next = date.year == before.year && date.month == before.month
                           ? date.day == before.day + 1
                           : date.day == 1 &&
                                 (date.year == before.year ? date.month == before.month + 1
                                                           : date.month == 1 && before.month == 12);

        if (!civil_date_is_valid(date) || day_from_civil(date) != day || !is_next)
            fail_msg("day %d", day);
        before = date;
    }
}

static void known_days_have_their_numbers(void **state)
{
    static const struct {
        struct civil_date date;
        int32_t day;
    } rows[] = {
        {{1970, 1, 1}, 0},      {{1969, 12, 31}, -1},      {{1970, 1, 2}, 1},
        {{2000, 2, 29}, 11016}, {{2026, 6, 12}, 20616},    {{1900, 3, 1}, -25508},
        {{1, 1, 1}, -719162},   {{9999, 12, 31}, 2932896},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(day_from_civil(rows[i].date), rows[i].day);
}

static void impossible_dates_are_not_valid(void **state)
{
    static const struct civil_date dates[] = {
        {0, 1, 1},     {10000, 1, 1}, {-1, 1, 1},    {2026, 0, 1},  {2026, 13, 1}, {2026, 1, 0},
        {2026, 1, 32}, {2026, 4, 31}, {2026, 2, 29}, {1900, 2, 29}, {2000, 2, 30}, {2026, 1, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++)
        assert_false(civil_date_is_valid(dates[i]));
    assert_true(civil_date_is_valid((struct civil_date){2000, 2, 29}));
    assert_true(civil_date_is_valid((struct civil_date){2024, 2, 29}));
}

static void an_instant_before_1970_belongs_to_the_day_that_holds_it(void **state)
{
    static const struct {
        int64_t ms;
        int32_t day;
    } rows[] = {
        {0, 0},   {TIMESTAMP_DAY_MS - 1, 0}, {TIMESTAMP_DAY_MS, 1},
        {-1, -1}, {-TIMESTAMP_DAY_MS, -1},   {-TIMESTAMP_DAY_MS - 1, -2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(day_of_ms(rows[i].ms), rows[i].day);
        assert_true(day_start_ms(rows[i].day) <= rows[i].ms);
        assert_true(day_start_ms(rows[i].day + 1) > rows[i].ms);
    }
}

static void days_are_read_and_written_alike(void **state)
{
    static const char *const good[] = {"2026-06-12", "0001-01-01", "9999-12-31", "2000-02-29"};
    static const char *const bad[] = {
        "",           "2026-6-12",  "2026-06-12 ", " 2026-06-12", "2026-06-12T00:00Z",
        "2026-02-29", "2026-13-01", "0000-01-01",  "10000-01-01", "2026/06/12",
        "26-06-12",   "2026-06-1x", "+026-06-12",  "2026-06",     "20260612",
    };
    char text[TIMESTAMP_TEXT_MAX];
    int32_t day = 4711;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(day_parse(span_text(bad[i]), &day));
    assert_int_equal(day, 4711);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(day_parse(span_text(good[i]), &day));
        assert_string_equal(day_format(day, text), good[i]);
    }
}

static void instants_are_read_with_their_offset(void **state)
{
    static const struct {
        const char *text, *utc;
    } rows[] = {
        {"2026-06-12T17:21:00-04:00", "2026-06-12T21:21:00Z"},
        {"2026-06-26T18:00-04:00", "2026-06-26T22:00:00Z"},
        {"2026-06-12T21:21:00Z", "2026-06-12T21:21:00Z"},
        {"2026-06-12t21:21:00z", "2026-06-12T21:21:00Z"},
        {"2026-06-12T21:21:00.5Z", "2026-06-12T21:21:00.500Z"},
        {"2026-06-12T21:21:00.123456789Z", "2026-06-12T21:21:00.123Z"},
        {"2026-06-12T21:21:00.000Z", "2026-06-12T21:21:00Z"},
        {"2026-06-12T21:21:00+00:00", "2026-06-12T21:21:00Z"},
        {"2026-06-12T21:21:00-00:00", "2026-06-12T21:21:00Z"},
        {"2026-12-31T23:59:59-00:01", "2027-01-01T00:00:59Z"},
        {"2026-01-01T00:00:00+05:45", "2025-12-31T18:15:00Z"},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TIMESTAMP_TEXT_MAX];
        int64_t ms, again;

        assert_true(timestamp_parse(span_text(rows[i].text), &ms));
        assert_string_equal(timestamp_format(ms, text), rows[i].utc);
        assert_true(timestamp_parse(span_text(text), &again));
        assert_int_equal(ms, again);
    }
}

static void what_is_no_instant_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "2026-06-12",
        "2026-06-12T17:21:00",
        "2026-06-12T17:21",
        "2026-06-12 17:21:00Z",
        "2026-06-12T17:21:00ZZ",
        "2026-06-12T17:21:00Z ",
        "2026-06-12T24:00:00Z",
        "2026-06-12T17:60:00Z",
        "2026-06-12T17:21:61Z",
        "2026-06-12T17:21:00.Z",
        "2026-06-12T17:21:00+4:00",
        "2026-06-12T17:21:00+0400",
        "2026-06-12T17:21:00+24:00",
        "2026-06-12T17:21:00+04:60",
        "2026-06-12T17:21:00+-4:00",
        "2026-06-12T17:21:00EDT",
        "2026-02-30T00:00:00Z",
        "2026-06-12T1:21:00Z",
        "2026-06-12T17Z",
        /* Outside the calendar once the offset is applied. */
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };
    int64_t ms = 4711;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (timestamp_parse(span_text(texts[i]), &ms))
            fail_msg("%s was read", texts[i]);
    assert_int_equal(ms, 4711);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_the_calendar_round_trips),
        cmocka_unit_test(known_days_have_their_numbers),
        cmocka_unit_test(impossible_dates_are_not_valid),
        cmocka_unit_test(an_instant_before_1970_belongs_to_the_day_that_holds_it),
        cmocka_unit_test(days_are_read_and_written_alike),
        cmocka_unit_test(instants_are_read_with_their_offset),
        cmocka_unit_test(what_is_no_instant_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
