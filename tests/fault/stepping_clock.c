/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wall clock that steps when a test says so: preloaded, in front of the C library.
 *
 * STEPPING_CLOCK names a file of two numbers of 64 bits that both sides map: by how many
 * nanoseconds the wall clock is off, and whether the kernel says that nobody keeps it right.  Only
 * CLOCK_REALTIME is; whoever waits until a moment of it (Abseil, in gRPC core, by futex(2)) waits
 * as long as it wanted, as the kernel would see to if the clock were really set.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000, NS_PER_US = 1000 };

struct plan {
    _Atomic int64_t offset_ns;
    _Atomic int64_t is_unsynchronized;
};

static const struct plan *plan;

static __attribute__((constructor)) void map_plan(void)
{
    const char *path = getenv("STEPPING_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = MAP_FAILED;

    if (fd >= 0) {
        map = mmap(NULL, sizeof(*plan), PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
    }
    plan = map == MAP_FAILED ? NULL : map;
}

static int64_t offset(void)
{
    return plan ? atomic_load_explicit(&plan->offset_ns, memory_order_relaxed) : 0;
}

static struct timespec moved(struct timespec time, int64_t by_ns)
{
    int64_t ns = (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec + by_ns;

    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

/* The function of this name that would have been called. */
#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    static __typeof__(&clock_gettime) next;
    int result;

    if (!next)
        next = NEXT(clock_gettime);
    result = next(id, ret_time);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        *ret_time = moved(*ret_time, offset());
    return result;
}

time_t time(time_t *ret_time)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / NS_PER_US};
    return 0;
}

int adjtimex(struct timex *asked)
{
    static __typeof__(&adjtimex) next;

    if (!next)
        next = NEXT(adjtimex);
    if (!plan)
        return next(asked);
    return atomic_load_explicit(&plan->is_unsynchronized, memory_order_relaxed) ? TIME_ERROR
                                                                                : TIME_OK;
}

/* What Abseil waits with: the moment is of the clock that is off. */
long syscall(long number, ...)
{
    static __typeof__(&syscall) next;
    struct timespec until;
    va_list list;
    long a[6];

    va_start(list, number);
    for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (!next)
        next = NEXT(syscall);
    if (number == SYS_futex && a[1] & FUTEX_CLOCK_REALTIME && a[3] != 0) {
        until = moved(*(const struct timespec *)a[3], -offset());
        a[3] = (long)&until;
    }
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
