/* SPDX-License-Identifier: Apache-2.0 */
/* What is allocated and not freed, by anybody in the process. */
#ifndef FAULT_LIVE_MEMORY_H
#define FAULT_LIVE_MEMORY_H

#include <stddef.h>

struct live_memory {
    size_t bytes;
    size_t pieces; /* with a sanitizer not known: 0 */
};

struct live_memory live_memory(void);

#endif
