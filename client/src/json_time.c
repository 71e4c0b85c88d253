/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamp and Duration as text, with nanoseconds, in the ranges that their definitions state. */
#include "client/src/json_field.h"

#include "base/timestamp.h"

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

#include <inttypes.h>
#include <stdio.h>

#define NANOS_PER_SECOND      1000000000
#define DURATION_SECONDS_MAX  INT64_C(315576000000)
#define TIMESTAMP_SECONDS_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define TIMESTAMP_SECONDS_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

bool json_is_timestamp(const ProtobufCMessageDescriptor *type)
{
    return type == &google__protobuf__timestamp__descriptor;
}

bool json_is_duration(const ProtobufCMessageDescriptor *type)
{
    return type == &google__protobuf__duration__descriptor;
}

/* One to nine digits behind the point, as nanoseconds; how many characters they are, or 0. */
static size_t read_nanos(const char *digits, int32_t *ret_nanos)
{
    int32_t nanos = 0;
    size_t count = 0;

    for (; digits[count] >= '0' && digits[count] <= '9'; count++) {
        if (count == 9)
            return 0;
        nanos = nanos * 10 + (digits[count] - '0');
    }
    for (size_t i = count; i < 9; i++)
        nanos *= 10;
    *ret_nanos = nanos;
    return count;
}

/* Nothing, or a point and 3, 6 or 9 digits. */
static void write_nanos(char *text, size_t size, int32_t nanos)
{
    if (nanos == 0)
        text[0] = '\0';
    else if (nanos % 1000000 == 0)
        snprintf(text, size, ".%03d", nanos / 1000000);
    else if (nanos % 1000 == 0)
        snprintf(text, size, ".%06d", nanos / 1000);
    else
        snprintf(text, size, ".%09d", nanos);
}

bool json_timestamp_read(const char *text, ProtobufCMessage *message, struct err *err)
{
    Google__Protobuf__Timestamp *timestamp = (Google__Protobuf__Timestamp *)message;
    const char *point = strchr(text, '.');
    int32_t nanos = 0;
    int64_t ms;

    if (!timestamp_parse(span_text(text), &ms) || (point && read_nanos(point + 1, &nanos) == 0))
        return err_set(err, ERR_MESSAGE_MALFORMED,
                       "a moment is written with its offset, \"2026-06-12T21:21:00Z\"");
    timestamp->seconds = ms / 1000 - (ms % 1000 < 0);
    timestamp->nanos = nanos;
    return true;
}

bool json_timestamp_write(const ProtobufCMessage *message, char text[static JSON_TIME_TEXT_MAX],
                          struct err *err)
{
    const Google__Protobuf__Timestamp *timestamp = (const Google__Protobuf__Timestamp *)message;
    char whole[TIMESTAMP_TEXT_MAX], fraction[12];

    if (timestamp->seconds < TIMESTAMP_SECONDS_MIN || timestamp->seconds > TIMESTAMP_SECONDS_MAX ||
        timestamp->nanos < 0 || timestamp->nanos >= NANOS_PER_SECOND)
        return err_set(err, ERR_FIELD_RANGE, "no moment of the years 0001 to 9999");
    timestamp_format(timestamp->seconds * 1000, whole);
    write_nanos(fraction, sizeof(fraction), timestamp->nanos);
    snprintf(text, JSON_TIME_TEXT_MAX, "%.19s%sZ", whole, fraction);
    return true;
}

bool json_duration_read(const char *text, ProtobufCMessage *message, struct err *err)
{
    Google__Protobuf__Duration *duration = (Google__Protobuf__Duration *)message;
    bool is_negative = text[0] == '-';
    int64_t seconds = 0;
    int32_t nanos = 0;
    size_t digits = 0;

    for (text += is_negative; *text >= '0' && *text <= '9' && digits < 12; text++, digits++)
        seconds = seconds * 10 + (*text - '0');
    if (digits > 0 && *text == '.') {
        size_t count = read_nanos(text + 1, &nanos);

        text += count > 0 ? count + 1 : 0;
    }
    if (digits == 0 || strcmp(text, "s") != 0)
        return err_set(err, ERR_MESSAGE_MALFORMED, "a duration is written in seconds, \"1.5s\"");
    if (seconds > DURATION_SECONDS_MAX)
        return err_set(err, ERR_FIELD_RANGE, "a duration is at most 10,000 years");
    duration->seconds = is_negative ? -seconds : seconds;
    duration->nanos = is_negative ? -nanos : nanos;
    return true;
}

bool json_duration_write(const ProtobufCMessage *message, char text[static JSON_TIME_TEXT_MAX],
                         struct err *err)
{
    const Google__Protobuf__Duration *duration = (const Google__Protobuf__Duration *)message;
    int64_t seconds = duration->seconds;
    int32_t nanos = duration->nanos;
    bool is_negative = seconds < 0 || nanos < 0;
    char fraction[12];

    if (seconds < -DURATION_SECONDS_MAX || seconds > DURATION_SECONDS_MAX ||
        nanos <= -NANOS_PER_SECOND || nanos >= NANOS_PER_SECOND || (seconds > 0 && nanos < 0) ||
        (seconds < 0 && nanos > 0))
        return err_set(err, ERR_FIELD_RANGE, "no duration of at most 10,000 years");
    write_nanos(fraction, sizeof(fraction), is_negative ? -nanos : nanos);
    snprintf(text, JSON_TIME_TEXT_MAX, "%s%" PRId64 "%ss", is_negative ? "-" : "",
             is_negative ? -seconds : seconds, fraction);
    return true;
}
