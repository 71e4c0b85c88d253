/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of files begin with: an arena, and what is found in the file. */
#ifndef TESTS_UNIT_BASE_DIAGNOSED_H
#define TESTS_UNIT_BASE_DIAGNOSED_H

#include "base/diagnostics.h"

struct diagnosed {
    struct arena arena;
    struct diagnostics diagnostics;
};

/* For cmocka. */
static inline int diagnosed_set_up(void **state)
{
    static struct diagnosed diagnosed;

    arena_init(&diagnosed.arena, 4096);
    diagnostics_init(&diagnosed.diagnostics, &diagnosed.arena);
    *state = &diagnosed;
    return 0;
}

static inline int diagnosed_tear_down(void **state)
{
    arena_release(&((struct diagnosed *)*state)->arena);
    return 0;
}

#endif
