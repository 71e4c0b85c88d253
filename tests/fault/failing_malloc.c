/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out when a test says so: preloaded, in front of the allocator of the program.
 *
 * FAILING_MALLOC names a file of three numbers of 64 bits that both sides map: how many allocations
 * there were, the first that fails, and the first that does not any more.  `operator new` is left
 * alone: nothing here catches std::bad_alloc, so that it can only end the process.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct plan {
    _Atomic uint64_t seen;
    _Atomic uint64_t fail_from; /* 0: never */
    _Atomic uint64_t fail_until;
};

static struct plan *plan;

static __attribute__((constructor)) void map_plan(void)
{
    const char *path = getenv("FAILING_MALLOC");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = MAP_FAILED;

    if (fd >= 0) {
        map = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    plan = map == MAP_FAILED ? NULL : map;
}

static bool fails(void)
{
    uint64_t from = plan ? atomic_load_explicit(&plan->fail_from, memory_order_relaxed) : 0;
    uint64_t number;

    if (from == 0)
        return false;
    number = atomic_fetch_add_explicit(&plan->seen, 1, memory_order_relaxed) + 1;
    if (number < from || number >= atomic_load_explicit(&plan->fail_until, memory_order_relaxed))
        return false;
    errno = ENOMEM;
    return true;
}

/* The function of this name that would have been called. */
#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define PASS_ON(name, ...)               \
    do {                                 \
        static __typeof__(&(name)) next; \
                                         \
        if (fails())                     \
            return NULL;                 \
        if (!next)                       \
            next = NEXT(name);           \
        return next(__VA_ARGS__);        \
    } while (0)

void *malloc(size_t size)
{
    PASS_ON(malloc, size);
}

void *calloc(size_t count, size_t size)
{
    PASS_ON(calloc, count, size);
}

void *realloc(void *old, size_t size)
{
    PASS_ON(realloc, old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    PASS_ON(reallocarray, old, count, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    PASS_ON(aligned_alloc, alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    static __typeof__(&posix_memalign) next;

    if (fails())
        return ENOMEM;
    if (!next)
        next = NEXT(posix_memalign);
    return next(ret_memory, alignment, size);
}
