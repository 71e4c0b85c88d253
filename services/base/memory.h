/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap.  Small allocations of fixed or bounded size either succeed or end the process (as gRPC
 * core's own do); what comes from outside is bounded before it is allocated.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/span.h"

#include <stdnoreturn.h>

void *memory_alloc(size_t size);
void *memory_zalloc(size_t size);
void *memory_zarray(size_t count, size_t size);
void *memory_grow(void *old, size_t count, size_t size);
char *memory_text(struct span span);
void memory_free(void *memory);

noreturn void memory_exhausted(void);

#define memory_new(type)              ((type *)memory_zalloc(sizeof(type)))
#define memory_new_array(type, count) ((type *)memory_zarray((count), sizeof(type)))

#endif
