/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that segments are shipped to: another disk, or a network's. */
#include "audit/ship_place.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 256 * 1024 };

struct ship_folder {
    struct ship_place place;
    const char *path;
    const atomic_bool *is_cancelled;
};

static enum ship_result fail(struct err *err, const char *what, const char *path)
{
    err_set_at(err, ERR_IO, __FILE__, __LINE__, NULL, "cannot %s %s: %s", what, path,
               strerrordesc_np(errno));
    return SHIP_FAILED;
}

/* Both ends of a copy; one that is not there is -1. */
struct copy {
    int from, to;
    struct digest *digest;
    uint8_t *buffer;
    const atomic_bool *is_cancelled;
};

static bool write_all(int fd, struct span bytes)
{
    while (bytes.length > 0) {
        ssize_t put = write(fd, bytes.data, bytes.length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes = span_from(bytes, (size_t)put);
    }
    return true;
}

/* Every byte into the digest and, where there is one, the other file; false with errno. */
static bool pump(struct copy *copy)
{
    for (;;) {
        ssize_t got = read(copy->from, copy->buffer, COPY_BYTES);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        if (atomic_load(copy->is_cancelled)) {
            errno = ECANCELED;
            return false;
        }
        digest_add(copy->digest, span_of(copy->buffer, (size_t)got));
        if (copy->to >= 0 && !write_all(copy->to, span_of(copy->buffer, (size_t)got)))
            return false;
    }
}

/* The digest of a file, which is written to `to` on the way if that is one. */
static bool digest_file(const struct ship_folder *folder, const char *path, int to,
                        char sha256[static SHA256_HEX_MAX])
{
    struct copy copy = {.from = open(path, O_RDONLY | O_CLOEXEC), .to = to};
    bool is_done;
    int error;

    if (copy.from < 0)
        return false;
    copy.digest = digest_new();
    copy.buffer = memory_alloc(COPY_BYTES);
    copy.is_cancelled = folder->is_cancelled;
    is_done = pump(&copy);
    error = errno;
    digest_hex(copy.digest, sha256);
    digest_free(copy.digest);
    memory_free(copy.buffer);
    close(copy.from);
    errno = error;
    return is_done;
}

/* Read back: what is there decides, not what was written. */
static enum ship_result compare(const struct ship_folder *folder, const char *path,
                                const struct ship_object *object, struct err *err)
{
    char sha256[SHA256_HEX_MAX];

    if (!digest_file(folder, path, -1, sha256))
        return fail(err, "read back", path);
    if (strcmp(sha256, object->sha256) == 0)
        return SHIP_SAME;
    err_set_at(err, ERR_CONFLICT, __FILE__, __LINE__, NULL,
               "%s is there with another content, which stays", path);
    return SHIP_OTHER_CONTENT;
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
    bool is_synced;

    if (fd < 0)
        return false;
    is_synced = fsync(fd) == 0;
    error = errno;
    close(fd);
    errno = error;
    return is_synced;
}

/* The folder of the file, and those above it up to the place's own: any may be new. */
static bool sync_folders(const struct ship_folder *folder, const char *path, struct arena *arena)
{
    const char *at = path;

    do {
        at = dirname(arena_text(arena, span_text(at)));
        if (!sync_folder(at))
            return false;
    } while (strlen(at) > strlen(folder->path));
    return true;
}

static bool write_beside(const struct ship_folder *folder, const char *temporary,
                         const struct ship_object *object)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;
    char sha256[SHA256_HEX_MAX];
    bool is_written;

    if (fd < 0)
        return false;
    is_written = (object->path ? digest_file(folder, object->path, fd, sha256)
                               : write_all(fd, object->content)) &&
                 fsync(fd) == 0;
    error = errno;
    if (close(fd) != 0 && is_written) {
        error = errno;
        is_written = false;
    }
    errno = error;
    return is_written;
}

/* Not every file system can promise that nothing is replaced. */
static bool put_in_place(const char *temporary, const char *path, bool is_replaceable)
{
    if (!is_replaceable && renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    if (!is_replaceable && errno != EINVAL && errno != ENOSYS)
        return false;
    return rename(temporary, path) == 0;
}

static enum ship_result store(const struct ship_folder *folder, const char *path,
                              const struct ship_object *object, struct arena *arena,
                              struct err *err)
{
    const char *temporary = arena_printf(arena, "%s.new", path);
    enum ship_result result;

    if (!file_make_folder(dirname(arena_text(arena, span_text(path))), err))
        return SHIP_FAILED;
    unlink(temporary); /* what a crash has left */
    if (!write_beside(folder, temporary, object) ||
        !put_in_place(temporary, path, object->is_replaceable)) {
        result = fail(err, "write", path);
        unlink(temporary);
        return result;
    }
    if (!sync_folders(folder, path, arena))
        return fail(err, "sync the folder of", path);
    result = compare(folder, path, object, err);
    return result == SHIP_SAME ? SHIP_STORED : result;
}

/* Its own folder is not made: where a disk is not mounted there would be one on this. */
static bool is_there(const struct ship_folder *folder, struct err *err)
{
    struct stat status;

    if (stat(folder->path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    return err_set(err, ERR_IO, "there is no folder %s", folder->path);
}

static enum ship_result put(struct ship_place *place, const struct ship_object *object,
                            struct err *err)
{
    struct ship_folder *folder = (struct ship_folder *)place;
    enum ship_result result;
    struct arena arena;
    const char *path;

    if (!is_there(folder, err))
        return SHIP_UNREACHABLE;
    arena_init(&arena, 4096);
    path = arena_printf(&arena, "%s/%s", folder->path, object->key);
    if (!object->is_replaceable && access(path, F_OK) == 0)
        result = compare(folder, path, object, err);
    else
        result = store(folder, path, object, &arena, err);
    arena_release(&arena);
    return result;
}

static enum ship_result get(struct ship_place *place, const char *key, size_t bytes_max,
                            struct arena *arena, struct span *ret_content, struct err *err)
{
    struct ship_folder *folder = (struct ship_folder *)place;
    const char *path = arena_printf(arena, "%s/%s", folder->path, key);

    if (!is_there(folder, err))
        return SHIP_UNREACHABLE;
    if (access(path, F_OK) != 0)
        return errno == ENOENT ? SHIP_ABSENT : fail(err, "look at", path);
    return file_read(path, bytes_max, arena, ret_content, err) ? SHIP_SAME : SHIP_FAILED;
}

static void free_folder(struct ship_place *place)
{
    memory_free(place);
}

static const struct ship_place_ops folder_ops = {.put = put, .get = get, .free = free_folder};

struct ship_place *ship_folder_new(const char *path, const atomic_bool *is_cancelled)
{
    struct ship_folder *folder = memory_new(struct ship_folder);

    folder->place.ops = &folder_ops;
    folder->path = path;
    folder->is_cancelled = is_cancelled;
    return &folder->place;
}
