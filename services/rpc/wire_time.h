/* SPDX-License-Identifier: Apache-2.0 */
/* google.protobuf.Timestamp and Duration, as milliseconds. */
#ifndef RPC_WIRE_TIME_H
#define RPC_WIRE_TIME_H

#include "base/arena.h"
#include "base/err.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

/* In the arena. */
Google__Protobuf__Timestamp *wire_timestamp(int64_t ms, struct arena *arena);
Google__Protobuf__Duration *wire_duration(int64_t ms, struct arena *arena);

/* FIELD_RANGE outside of 0001-01-01 to 9999-12-31, or for nanoseconds that are none. */
MUST_CHECK bool wire_timestamp_read(const Google__Protobuf__Timestamp *timestamp, const char *field,
                                    int64_t *ret_ms, struct err *err);
MUST_CHECK bool wire_duration_read(const Google__Protobuf__Duration *duration, const char *field,
                                   int64_t *ret_ms, struct err *err);

#endif
