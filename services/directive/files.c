/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a folder of directives. */
#include "directive/files.h"

#include "base/file.h"

#include <errno.h>
#include <sys/stat.h>

enum { FILES_MAX = 1000, FILE_BYTES_MAX = 1024 * 1024 };

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

uint64_t directive_files_signature(const char *path)
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

bool directive_files_read(const char *path, struct arena *arena, struct directive_file **ret_files,
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
