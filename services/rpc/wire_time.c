/* SPDX-License-Identifier: Apache-2.0 */
/* google.protobuf.Timestamp and Duration. */
#include "rpc/wire_time.h"

/* The bounds of the well-known types: years 1 to 9999, and the difference of the two. */
#define TIMESTAMP_SECONDS_MIN INT64_C(-62135596800)
#define TIMESTAMP_SECONDS_MAX INT64_C(253402300799)
#define DURATION_SECONDS_MAX  INT64_C(315576000000)

/* Rounds down, so that nanoseconds count forward also before 1970. */
static int64_t seconds_of(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0);
}

Google__Protobuf__Timestamp *wire_timestamp(int64_t ms, struct arena *arena)
{
    Google__Protobuf__Timestamp *timestamp = arena_alloc(arena, sizeof(*timestamp));

    google__protobuf__timestamp__init(timestamp);
    timestamp->seconds = seconds_of(ms);
    timestamp->nanos = (int32_t)(ms - timestamp->seconds * 1000) * 1000000;
    return timestamp;
}

Google__Protobuf__Duration *wire_duration(int64_t ms, struct arena *arena)
{
    Google__Protobuf__Duration *duration = arena_alloc(arena, sizeof(*duration));

    google__protobuf__duration__init(duration);
    duration->seconds = ms / 1000;
    duration->nanos = (int32_t)(ms % 1000) * 1000000;
    return duration;
}

bool wire_timestamp_read(const Google__Protobuf__Timestamp *timestamp, const char *field,
                         int64_t *ret_ms, struct err *err)
{
    if (timestamp->seconds < TIMESTAMP_SECONDS_MIN || timestamp->seconds > TIMESTAMP_SECONDS_MAX ||
        timestamp->nanos < 0 || timestamp->nanos > 999999999)
        return err_field(err, ERR_FIELD_RANGE, field, "no point in time");
    *ret_ms = timestamp->seconds * 1000 + timestamp->nanos / 1000000;
    return true;
}

bool wire_duration_read(const Google__Protobuf__Duration *duration, const char *field,
                        int64_t *ret_ms, struct err *err)
{
    if (duration->seconds < -DURATION_SECONDS_MAX || duration->seconds > DURATION_SECONDS_MAX ||
        duration->nanos < -999999999 || duration->nanos > 999999999 ||
        (duration->seconds > 0 && duration->nanos < 0) ||
        (duration->seconds < 0 && duration->nanos > 0))
        return err_field(err, ERR_FIELD_RANGE, field, "no duration");
    *ret_ms = duration->seconds * 1000 + duration->nanos / 1000000;
    return true;
}
