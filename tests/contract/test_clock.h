/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that stands still until the test moves it. */
#ifndef CONTRACT_TEST_CLOCK_H
#define CONTRACT_TEST_CLOCK_H

#include "base/attributes.h"
#include "base/clock.h"

#include <stdatomic.h>

struct test_clock {
    struct clock clock;
    _Atomic int64_t wall_ms;
    _Atomic int64_t monotonic_ms;
    _Atomic int64_t behind_ms;
    atomic_bool is_unsynchronized;
};

static inline int64_t test_clock_wall_ms(const struct clock *clock)
{
    return atomic_load(&CONTAINER_OF(clock, struct test_clock, clock)->wall_ms);
}

static inline int64_t test_clock_monotonic_ms(const struct clock *clock)
{
    return atomic_load(&CONTAINER_OF(clock, struct test_clock, clock)->monotonic_ms);
}

static inline int64_t test_clock_behind_ms(const struct clock *clock)
{
    return atomic_load(&CONTAINER_OF(clock, struct test_clock, clock)->behind_ms);
}

static inline bool test_clock_is_synchronized(const struct clock *clock)
{
    return !atomic_load(&CONTAINER_OF(clock, struct test_clock, clock)->is_unsynchronized);
}

/* 2026-06-12T21:21:00Z, and some time after the machine was started. */
static inline void test_clock_init(struct test_clock *clock)
{
    clock->clock = (struct clock){test_clock_wall_ms, test_clock_monotonic_ms, test_clock_behind_ms,
                                  test_clock_is_synchronized};
    atomic_init(&clock->wall_ms, INT64_C(1781299260000));
    atomic_init(&clock->monotonic_ms, 1000000);
    atomic_init(&clock->behind_ms, 0);
    atomic_init(&clock->is_unsynchronized, false);
}

/* Time goes by. */
static inline void test_clock_advance(struct test_clock *clock, int64_t ms)
{
    atomic_fetch_add(&clock->wall_ms, ms);
    atomic_fetch_add(&clock->monotonic_ms, ms);
}

#endif
