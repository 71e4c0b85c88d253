/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory that is given out piece by piece and taken back all at once.
 *
 * It belongs to one thing with a life (a call, a directive set, a parse) and to one thread at a
 * time. Pieces are aligned for any type and are not freed one by one.  Foreign handles that must
 * end with the arena are registered with arena_defer() and run in reverse order at the reset.
 *
 * A piece that cannot be had aborts the process: sizes that come from outside are bounded before
 * they get here, so that running out means that the machine is out of memory, where gRPC aborts as
 * well.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

#include <stddef.h>

struct arena_block;
struct arena_deferred;

struct arena {
    uint8_t *next, *end;             /* what is free of `block` */
    struct arena_block *block;       /* the one that pieces come from now */
    struct arena_deferred *deferred; /* what runs at the reset, newest first */
    size_t block_size;
};

/* `block_size` is the size of the first block and the least size of every other. */
void arena_init(struct arena *arena, size_t block_size);

/* Run what was deferred, keep one block for re-use, give back the rest. */
void arena_reset(struct arena *arena);

/* Reset and give everything back; arena_init() makes it usable again. */
void arena_release(struct arena *arena);

/* A piece that the block has no room for. */
void *arena_alloc_slow(struct arena *arena, size_t size);

/* Inline: the path of a request is a few dozen of these. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    void *piece = arena->next;

    if (!piece || rounded < size || rounded > (size_t)(arena->end - arena->next))
        return arena_alloc_slow(arena, size);
    arena->next += rounded;
    return piece;
}

void *arena_zalloc(struct arena *arena, size_t size);
#define arena_new(arena, type)              ((type *)arena_zalloc((arena), sizeof(type)))
#define arena_new_array(arena, type, count) ((type *)arena_zarray((arena), (count), sizeof(type)))

/* `count` zeroed elements; aborts when the product overflows. */
void *arena_zarray(struct arena *arena, size_t count, size_t size);

/* A copy; the text has a NUL behind it that is not counted. */
struct span arena_copy(struct arena *arena, struct span span);
char *arena_text(struct arena *arena, struct span span);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void arena_defer(struct arena *arena, void (*run)(void *), void *argument);

/* Bytes held in blocks, for tests and metrics. */
size_t arena_held_bytes(const struct arena *arena);

#endif
