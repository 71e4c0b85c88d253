/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks, as a value that is passed in, so that tests own the time.
 *
 * Wall time decides what the law decides (directives, expiry); monotonic time bounds waiting and
 * ages, and may be a few milliseconds behind clock_now_ns(), which measures.
 *
 * The system's wall clock never goes back within a process, because what has expired, ended or been
 * written down would not be so any more.  When the machine's is set back, ours stands still until
 * the machine's is there again, and says how far that is.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(const struct clock *clock);
    int64_t (*monotonic_ms)(const struct clock *clock);
    int64_t (*behind_ms)(const struct clock *clock);    /* NULL: never */
    bool (*is_synchronized)(const struct clock *clock); /* NULL: always */
};

/* So much is a correction like any other. */
enum { CLOCK_BEHIND_MAX_MS = 1000 };

extern const struct clock clock_system;

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock);
}

static inline int64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock);
}

/* How far the machine's wall clock is behind what was told; 0 as a rule. */
static inline int64_t clock_behind_ms(const struct clock *clock)
{
    return clock->behind_ms ? clock->behind_ms(clock) : 0;
}

/* Whether somebody keeps the machine's clock right, as far as the kernel knows. */
static inline bool clock_is_synchronized(const struct clock *clock)
{
    return !clock->is_synchronized || clock->is_synchronized(clock);
}

/* Whether others can rely on what is dated by it; CLOCK_BEHIND, and CLOCK_UNSYNCHRONIZED where that
 * matters, say why not. */
MUST_CHECK bool clock_check(const struct clock *clock, bool needs_synchronization, struct err *err);

/* What a clock tells that does not go back, after reading `read_ms`; any thread. */
int64_t clock_tell(_Atomic int64_t *told, int64_t read_ms);

/* Monotonic nanoseconds of the system, for measuring. */
int64_t clock_now_ns(void);

#endif
