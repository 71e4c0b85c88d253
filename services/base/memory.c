/* SPDX-License-Identifier: Apache-2.0 */
/* The heap, with running out of it decided in one place. */
#include "base/memory.h"

#include <stdlib.h>
#include <unistd.h>

noreturn void memory_exhausted(void)
{
    static const char message[] = "passgate: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);

    (void)ignored;
    abort();
}

void *memory_alloc(size_t size)
{
    void *memory = malloc(size ? size : 1);

    if (!memory)
        memory_exhausted();
    return memory;
}

void *memory_zalloc(size_t size)
{
    return memory_zarray(1, size);
}

void *memory_zarray(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);

    if (!memory)
        memory_exhausted();
    return memory;
}

void *memory_grow(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count ? count : 1, size);

    if (!memory)
        memory_exhausted();
    return memory;
}

char *memory_text(struct span span)
{
    char *text = memory_alloc(span.length + 1);

    if (span.length > 0)
        memcpy(text, span.data, span.length);
    text[span.length] = '\0';
    return text;
}

void memory_free(void *memory)
{
    free(memory);
}
