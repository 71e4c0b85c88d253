/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: the system's. */
#include "base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_wall_ms(const struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME) / 1000000;
}

/* For ages and timeouts of milliseconds: a tick behind, and a fifth of the time to read. */
static int64_t system_monotonic_ms(const struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

const struct clock clock_system = {.wall_ms = system_wall_ms, .monotonic_ms = system_monotonic_ms};

int64_t clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}
