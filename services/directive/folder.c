/* SPDX-License-Identifier: Apache-2.0 */
/* Directives from a folder. */
#include "directive/folder.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "directive/register.h"

#include <errno.h>
#include <sys/stat.h>

enum { FILES_MAX = 1000, FILE_BYTES_MAX = 1024 * 1024 };

struct directive_folder {
    struct directive_folder_options options;
    bool is_looked_at;  /* the files were compiled, or found wrong: they are worth no second look */
    uint64_t signature; /* … as they were then */
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

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

/* Cheap to look at often: what stat(2) says of every file. */
static uint64_t signature_of(const char *path)
{
    uint64_t signature = UINT64_C(0xcbf29ce484222325);
    const char *const *names;
    struct arena arena;
    struct err ignored;
    size_t count;

    arena_init(&arena, 16 * 1024);
    if (file_list(path, ".yaml", &arena, &names, &count, &ignored))
        for (size_t i = 0; i < count; i++) {
            struct stat status = {0};

            stat(arena_printf(&arena, "%s/%s", path, names[i]), &status);
            for (const char *c = names[i]; *c; c++)
                signature = mix(signature, (uint8_t)*c);
            signature = mix(signature, (uint64_t)status.st_ino);
            signature = mix(signature, (uint64_t)status.st_size);
            signature = mix(signature, (uint64_t)status.st_mtim.tv_sec);
            signature = mix(signature, (uint64_t)status.st_mtim.tv_nsec);
        }
    arena_release(&arena);
    return signature;
}

bool directive_folder_has_changed(struct directive_folder *folder)
{
    return !folder->is_looked_at || signature_of(folder->options.path) != folder->signature;
}

static bool read_files(const char *path, struct arena *arena, struct directive_file **ret_files,
                       size_t *ret_count, struct err *err)
{
    struct directive_file *files;
    const char *const *names;
    struct stat status;
    size_t count;

    if (stat(path, &status) != 0 && errno == ENOENT) { /* no folder yet: no directives yet */
        *ret_files = NULL;
        *ret_count = 0;
        return true;
    }
    if (!file_list(path, ".yaml", arena, &names, &count, err))
        return false;
    if (count > FILES_MAX)
        return err_set(err, ERR_FILE_INVALID, "%s holds more than %d files", path, FILES_MAX);
    files = arena_new_array(arena, struct directive_file, count);
    for (size_t i = 0; i < count; i++) {
        files[i].name = arena_printf(arena, "%s/%s", path, names[i]);
        if (!file_read(files[i].name, FILE_BYTES_MAX, arena, &files[i].content, err))
            return false;
    }
    *ret_files = files;
    *ret_count = count;
    return true;
}

static bool compile(struct directive_folder *folder, struct arena *arena,
                    struct diagnostics *diagnostics, struct directive_set **ret_set,
                    struct err *err)
{
    const struct directive_folder_options *options = &folder->options;
    struct directive_file *files;
    struct directive_set *set;
    size_t count;

    if (!read_files(options->path, arena, &files, &count, err))
        return false;
    set = count > 0 ? directive_set_compile(files, count, options->environment, diagnostics)
                    : directive_set_empty();
    if (!set)
        return err_set(err, ERR_FILE_INVALID, "%zu errors in the directives of %s",
                       diagnostics->error_count, options->path);
    *ret_set = set;
    return true;
}

static bool load(struct directive_folder *folder, struct arena *arena,
                 struct diagnostics *diagnostics, struct err *err)
{
    const struct directive_folder_options *options = &folder->options;
    const struct directive_register reg = {options->store, options->names, options->clock,
                                           options->mailbox};
    struct directive_set *set;

    folder->signature =
        signature_of(options->path); /* before the files: what comes later is seen */
    if (!compile(folder, arena, diagnostics, &set, err))
        return false;
    if (!directive_register_number(&reg, set, arena, err)) {
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
