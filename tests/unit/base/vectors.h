/* SPDX-License-Identifier: Apache-2.0 */
/* Public test vectors beside the repository, where somebody has put them. */
#ifndef TESTS_UNIT_BASE_VECTORS_H
#define TESTS_UNIT_BASE_VECTORS_H

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { VECTOR_BYTES_MAX = 1024 * 1024 };

/* The names in "../shared/vectors/WHERE"; false when the folder is not there: the test is skipped.
 */
static inline bool vectors_find(const char *where, const char *suffix, struct arena *arena,
                                const char **ret_folder, const char *const **ret_names,
                                size_t *ret_count)
{
    const char *source = getenv("PASSGATE_SOURCE_DIR");
    struct err err;

    *ret_folder = arena_printf(arena, "%s/../shared/vectors/%s", source ? source : ".", where);
    return file_list(*ret_folder, suffix, arena, ret_names, ret_count, &err) && *ret_count > 0;
}

static inline struct span vectors_read(const char *folder, const char *name, struct arena *arena)
{
    struct span content;
    struct err err;

    if (!file_read(arena_printf(arena, "%s/%s", folder, name), VECTOR_BYTES_MAX, arena, &content,
                   &err)) {
        fprintf(stderr, "%s: %s\n", name, err.detail);
        abort();
    }
    return content;
}

#endif
