/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live memory: malloc() and its kin, counted.
 *
 * mallinfo2() does not do: what malloc keeps for each thread and in between its pieces counts as
 * allocated there, and drifts by a megabyte without anything being lost.
 */
#include "fault/live_memory.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)

/* Of the sanitizers' runtime; gcc installs no header for it. */
size_t __sanitizer_get_current_allocated_bytes(void);

struct live_memory live_memory(void)
{
    return (struct live_memory){.bytes = __sanitizer_get_current_allocated_bytes()};
}

#else

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

/* glibc's own, behind the names that are taken over here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *piece, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *piece);

static atomic_size_t live_bytes, live_pieces;

static void *count(void *piece)
{
    if (!piece)
        return NULL;
    atomic_fetch_add_explicit(&live_bytes, malloc_usable_size(piece), memory_order_relaxed);
    atomic_fetch_add_explicit(&live_pieces, 1, memory_order_relaxed);
    return piece;
}

static void discount(void *piece)
{
    if (!piece)
        return;
    atomic_fetch_sub_explicit(&live_bytes, malloc_usable_size(piece), memory_order_relaxed);
    atomic_fetch_sub_explicit(&live_pieces, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    return count(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
    return count(__libc_calloc(number, size));
}

void *realloc(void *piece, size_t size)
{
    discount(piece);
    return count(__libc_realloc(piece, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return count(__libc_memalign(alignment, size));
}

void *memalign(size_t alignment, size_t size)
{
    return count(__libc_memalign(alignment, size));
}

int posix_memalign(void **ret_piece, size_t alignment, size_t size)
{
    *ret_piece = count(__libc_memalign(alignment, size));
    return *ret_piece ? 0 : ENOMEM;
}

void free(void *piece)
{
    discount(piece);
    __libc_free(piece);
}

struct live_memory live_memory(void)
{
    return (struct live_memory){atomic_load(&live_bytes), atomic_load(&live_pieces)};
}

#endif
