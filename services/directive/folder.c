/* SPDX-License-Identifier: Apache-2.0 */
/* Directives from a folder. */
#include "directive/folder.h"

#include "base/log.h"
#include "base/memory.h"
#include "directive/files.h"
#include "directive/register.h"

struct directive_folder {
    struct directive_folder_options options;
    bool is_looked_at;  /* the files were compiled, or found wrong: they are worth no second look */
    uint64_t signature; /* … as they were then */
    uint64_t epoch;     /* of the store that knows what is in force */
    uint64_t recorded_number; /* of the set that is on record … */
    int32_t recorded_day;     /* … in the segment of this day */
};

struct directive_folder *directive_folder_new(const struct directive_folder_options *options)
{
    struct directive_folder *folder = memory_new(struct directive_folder);

    folder->options = *options;
    return folder;
}

void directive_folder_free(struct directive_folder *folder)
{
    memory_free(folder);
}

bool directive_folder_has_changed(struct directive_folder *folder)
{
    return !folder->is_looked_at ||
           directive_files_signature(folder->options.path) != folder->signature;
}

static bool compile(struct directive_folder *folder, struct arena *arena,
                    struct diagnostics *diagnostics, struct directive_set **ret_set,
                    struct err *err)
{
    const struct directive_folder_options *options = &folder->options;
    struct directive_file *files;
    struct directive_set *set;
    size_t count;

    if (!directive_files_read(options->path, arena, &files, &count, err))
        return false;
    set = count > 0 ? directive_set_compile(files, count, options->environment, diagnostics)
                    : directive_set_empty();
    if (!set)
        return err_set(err, ERR_FILE_INVALID, "%zu errors in the directives of %s",
                       diagnostics->error_count, options->path);
    *ret_set = set;
    return true;
}

static bool record(struct directive_folder *folder, const struct directive_set *set,
                   struct err *err)
{
    const struct directive_folder_options *options = &folder->options;
    int64_t now_ms = clock_wall_ms(options->clock);
    uint64_t number = directive_set_number(set);

    if (!options->in_force ||
        (number == folder->recorded_number && day_of_ms(now_ms) == folder->recorded_day))
        return true;
    if (!in_force_record(options->in_force, set, now_ms, err))
        return false;
    folder->recorded_number = number;
    folder->recorded_day = day_of_ms(now_ms);
    return true;
}

bool directive_folder_record(struct directive_folder *folder, struct err *err)
{
    struct directive_set *set = snapshot_get(folder->options.directives);
    bool is_recorded = !set || record(folder, set, err);

    directive_set_unref(set);
    return is_recorded;
}

static uint64_t epoch_of_store(const struct directive_folder *folder)
{
    struct store_state state;

    store_get_state(folder->options.store, &state);
    return state.epoch;
}

/* Have the register number the set, or (NULL) recall what is in force. */
static bool ask_register(struct directive_folder *folder, struct directive_set *set,
                         struct arena *arena, struct err *err)
{
    const struct directive_folder_options *options = &folder->options;
    struct directive_set *in_force = snapshot_get(options->directives);
    const struct directive_register reg = {options->store, options->names, options->clock,
                                           options->mailbox, in_force};
    uint64_t epoch = epoch_of_store(folder); /* before: one that begins meanwhile is seen */
    bool is_done = set ? directive_register_number(&reg, set, arena, err)
                       : directive_register_recall(&reg, arena, err);

    directive_set_unref(in_force);
    if (is_done)
        folder->epoch = epoch;
    return is_done;
}

bool directive_folder_recall(struct directive_folder *folder, struct err *err)
{
    struct arena arena;
    bool is_recalled;

    if (epoch_of_store(folder) == folder->epoch)
        return true;
    arena_init(&arena, 64 * 1024);
    is_recalled = ask_register(folder, NULL, &arena, err);
    arena_release(&arena);
    return is_recalled;
}

static bool load(struct directive_folder *folder, struct arena *arena,
                 struct diagnostics *diagnostics, struct err *err)
{
    const struct directive_folder_options *options = &folder->options;
    struct directive_set *set;

    /* Before the files: what comes later is seen. */
    folder->signature = directive_files_signature(options->path);
    if (!compile(folder, arena, diagnostics, &set, err))
        return false;
    if (!ask_register(folder, set, arena, err) || !record(folder, set, err)) {
        directive_set_unref(set);
        return false;
    }
    LOG(INFO, "directive.in_force", "directive set is in force",
        log_number("number", (int64_t)directive_set_number(set)),
        log_number("directives", (int64_t)directive_set_count(set)),
        log_text("digest", directive_set_digest(set)));
    metrics_set(options->metrics, METRIC_DIRECTIVE_SET, (double)directive_set_number(set));
    snapshot_replace(options->directives, set);
    readiness_meet(options->readiness, READINESS_DIRECTIVES);
    return true;
}

bool directive_folder_load(struct directive_folder *folder, struct diagnostics *diagnostics,
                           struct err *err)
{
    struct arena arena;
    bool is_loaded;

    arena_init(&arena, 64 * 1024);
    is_loaded = load(folder, &arena, diagnostics, err);
    folder->is_looked_at = is_loaded || err->code == ERR_FILE_INVALID;
    arena_release(&arena);
    metrics_count(metrics_shared(folder->options.metrics), METRIC_DIRECTIVE_LOADS,
                  is_loaded ? METRICS_SUCCESS : METRICS_FAILURE, 1);
    return is_loaded;
}
