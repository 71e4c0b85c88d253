/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks, as a value that is passed in, so that tests own the time.
 *
 * Wall time decides what the law decides (directives, expiry); monotonic time bounds waiting and
 * ages, and may be a few milliseconds behind clock_now_ns(), which measures.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(const struct clock *clock);
    int64_t (*monotonic_ms)(const struct clock *clock);
};

extern const struct clock clock_system;

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock);
}

static inline int64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock);
}

/* Monotonic nanoseconds of the system, for measuring. */
int64_t clock_now_ns(void);

#endif
