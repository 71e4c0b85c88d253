/* SPDX-License-Identifier: Apache-2.0 */
/* Directives that are tried, from a folder. */
#include "directive/shadow_folder.h"

#include "base/memory.h"
#include "directive/files.h"

struct shadow_folder {
    const char *path;
    struct shadow shadow;
    bool is_looked_at;  /* the files were compiled, or found wrong: they are worth no second look */
    uint64_t signature; /* … as they were then … */
    uint64_t number;    /* … and beside this set in force */
};

struct shadow_folder *shadow_folder_new(const char *path, const struct shadow *shadow)
{
    struct shadow_folder *folder = memory_new(struct shadow_folder);

    folder->path = path;
    folder->shadow = *shadow;
    return folder;
}

void shadow_folder_free(struct shadow_folder *folder)
{
    memory_free(folder);
}

static uint64_t number_in_force(const struct shadow_folder *folder)
{
    struct directive_set *set = snapshot_get(folder->shadow.directives);
    uint64_t number = directive_set_number(set);

    directive_set_unref(set);
    return number;
}

bool shadow_folder_has_changed(struct shadow_folder *folder)
{
    return !folder->is_looked_at || number_in_force(folder) != folder->number ||
           directive_files_signature(folder->path) != folder->signature;
}

/* A folder that is wrong takes nothing away, also when another set has come into force. */
static void keep_trying(struct shadow_folder *folder)
{
    struct diagnostics ignored;
    struct arena arena;
    struct err err;

    if (!shadow_is_behind(&folder->shadow))
        return;
    arena_init(&arena, 4096);
    diagnostics_init(&ignored, &arena);
    (void)!shadow_renew(&folder->shadow, &ignored, &err);
    arena_release(&arena);
}

bool shadow_folder_load(struct shadow_folder *folder, struct diagnostics *diagnostics,
                        struct err *err)
{
    struct directive_file *files;
    struct arena arena;
    size_t count;
    bool is_tried;

    arena_init(&arena, 64 * 1024);
    folder->signature = directive_files_signature(folder->path); /* what comes later is seen */
    folder->number = number_in_force(folder);
    is_tried = directive_files_read(folder->path, &arena, &files, &count, err) &&
               shadow_try(&folder->shadow, files, count, diagnostics, err);
    if (!is_tried)
        keep_trying(folder);
    folder->is_looked_at = is_tried || err->code == ERR_FILE_INVALID;
    arena_release(&arena);
    metrics_count(metrics_shared(folder->shadow.metrics), METRIC_SHADOW_LOADS,
                  is_tried ? METRICS_SUCCESS : METRICS_FAILURE, 1);
    return is_tried;
}
