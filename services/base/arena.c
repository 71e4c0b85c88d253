/* SPDX-License-Identifier: Apache-2.0 */
/* An arena: blocks in a list, the newest in front. */
#include "base/arena.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

struct arena_block {
    struct arena_block *older;
    size_t size;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct arena_deferred {
    struct arena_deferred *older;
    void (*run)(void *);
    void *argument;
};

void arena_init(struct arena *arena, size_t block_size)
{
    *arena = (struct arena){.block_size = block_size};
}

static void run_deferred(struct arena *arena)
{
    while (arena->deferred) {
        struct arena_deferred *deferred = arena->deferred;

        arena->deferred = deferred->older;
        deferred->run(deferred->argument);
    }
}

/* The oldest block has the regular size: it is the one worth keeping. */
void arena_reset(struct arena *arena)
{
    struct arena_block *block = arena->block;

    run_deferred(arena);
    while (block && block->older) {
        struct arena_block *older = block->older;

        memory_free(block);
        block = older;
    }
    arena->block = block;
    arena->next = block ? block->bytes : NULL;
    arena->end = block ? block->bytes + block->size : NULL;
}

void arena_release(struct arena *arena)
{
    arena_reset(arena);
    memory_free(arena->block);
    arena->block = NULL;
    arena->next = arena->end = NULL;
}

static void add_block(struct arena *arena, size_t size)
{
    struct arena_block *block = memory_alloc(sizeof(*block) + size);

    block->older = arena->block;
    block->size = size;
    arena->block = block;
    arena->next = block->bytes;
    arena->end = block->bytes + size;
}

void *arena_alloc_slow(struct arena *arena, size_t size)
{
    size_t rounded;

    if (size > SIZE_MAX / 2)
        memory_exhausted();
    rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    add_block(arena, rounded > arena->block_size ? rounded : arena->block_size);
    return arena_alloc(arena, size);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_zarray(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        memory_exhausted();
    return arena_zalloc(arena, count * size);
}

struct span arena_copy(struct arena *arena, struct span span)
{
    return (struct span){(const uint8_t *)arena_text(arena, span), span.length};
}

char *arena_text(struct arena *arena, struct span span)
{
    char *text = arena_alloc(arena, span.length + 1);

    if (span.length > 0)
        memcpy(text, span.data, span.length);
    text[span.length] = '\0';
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    char *text;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_defer(struct arena *arena, void (*run)(void *), void *argument)
{
    struct arena_deferred *deferred = arena_alloc(arena, sizeof(*deferred));

    *deferred = (struct arena_deferred){arena->deferred, run, argument};
    arena->deferred = deferred;
}

size_t arena_held_bytes(const struct arena *arena)
{
    size_t held = 0;

    for (const struct arena_block *block = arena->block; block; block = block->older)
        held += sizeof(*block) + block->size;
    return held;
}
