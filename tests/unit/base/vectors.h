/* SPDX-License-Identifier: Apache-2.0 */
/* Public test vectors beside the repository, where somebody has put them. */
#ifndef TESTS_UNIT_BASE_VECTORS_H
#define TESTS_UNIT_BASE_VECTORS_H

#include "base/file.h"
#include "base/json.h"

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

/* An array of texts that trouble programs; NULL when it is not there. */
static inline json_t *vectors_naughty_strings(struct arena *arena)
{
    const char *folder, *const *names;
    json_t *strings;
    struct err err;
    size_t count;

    if (!vectors_find("strings", ".json", arena, &folder, &names, &count))
        return NULL;
    if (!json_read(vectors_read(folder, names[0], arena), &strings, &err) ||
        json_array_size(strings) <= 100) {
        fprintf(stderr, "%s: no strings\n", names[0]);
        abort();
    }
    return strings;
}

#endif
