/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: the system's. */
#include "base/clock.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <sys/timex.h>
#include <time.h>

static _Atomic int64_t told_ms;

static int64_t read_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t read_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

/* One thread a millisecond writes; the others find what they have read. */
int64_t clock_tell(_Atomic int64_t *told, int64_t read_ms)
{
    int64_t latest_ms = atomic_load_explicit(told, memory_order_relaxed);

    while (latest_ms < read_ms)
        if (atomic_compare_exchange_weak_explicit(told, &latest_ms, read_ms, memory_order_relaxed,
                                                  memory_order_relaxed))
            return read_ms;
    return latest_ms;
}

static int64_t system_wall_ms(const struct clock *clock)
{
    (void)clock;
    return clock_tell(&told_ms, read_wall_ms());
}

/* What was told before it is read, so that nothing told meanwhile looks like a step. */
static int64_t system_behind_ms(const struct clock *clock)
{
    int64_t latest_ms = atomic_load_explicit(&told_ms, memory_order_relaxed);
    int64_t now_ms = read_wall_ms();

    (void)clock;
    return latest_ms > now_ms ? latest_ms - now_ms : 0;
}

/* A kernel that does not say is one that does not know. */
static bool system_is_synchronized(const struct clock *clock)
{
    struct timex asked = {.modes = 0};
    int state = adjtimex(&asked);

    (void)clock;
    return state >= 0 && state != TIME_ERROR;
}

bool clock_check(const struct clock *clock, bool needs_synchronization, struct err *err)
{
    int64_t behind_ms = clock_behind_ms(clock);

    if (behind_ms > CLOCK_BEHIND_MAX_MS)
        return err_set(err, ERR_CLOCK_BEHIND,
                       "the clock went back, and is %" PRId64 " ms behind what it was", behind_ms);
    if (needs_synchronization && !clock_is_synchronized(clock))
        return err_set(err, ERR_CLOCK_UNSYNCHRONIZED, "the clock is not synchronized");
    return true;
}

/* For ages and timeouts of milliseconds: a tick behind, and a fifth of the time to read. */
static int64_t system_monotonic_ms(const struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

const struct clock clock_system = {
    .wall_ms = system_wall_ms,
    .monotonic_ms = system_monotonic_ms,
    .behind_ms = system_behind_ms,
    .is_synchronized = system_is_synchronized,
};

int64_t clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}
