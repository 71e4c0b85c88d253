/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read whole. */
#include "base/file.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool io_error(struct err *err, const char *what, const char *path)
{
    return err_set(err, ERR_IO, "cannot %s %s: %s", what, path, strerrordesc_np(errno));
}

static bool read_all(int fd, const char *path, size_t max_bytes, struct arena *arena,
                     struct span *ret_content, struct err *err)
{
    size_t capacity = 16 * 1024, length = 0;
    uint8_t *buffer = memory_alloc(capacity);
    ssize_t got;

    while ((got = read(fd, buffer + length, capacity - length)) > 0) {
        length += (size_t)got;
        if (length == capacity)
            buffer = memory_grow(buffer, capacity *= 2, 1);
        if (length > max_bytes)
            break;
    }
    if (got >= 0 && length <= max_bytes)
        *ret_content = arena_copy(arena, span_of(buffer, length));
    explicit_bzero(buffer, length);
    memory_free(buffer);
    if (got < 0)
        return io_error(err, "read", path);
    if (length > max_bytes)
        return err_set(err, ERR_IO, "%s is longer than %zu bytes", path, max_bytes);
    return true;
}

bool file_read(const char *path, size_t max_bytes, struct arena *arena, struct span *ret_content,
               struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_read;

    if (fd < 0)
        return io_error(err, "open", path);
    is_read = read_all(fd, path, max_bytes, arena, ret_content, err);
    close(fd);
    return is_read;
}

static bool write_all(int fd, struct span content)
{
    while (content.length > 0) {
        ssize_t put = write(fd, content.data, content.length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        content = span_from(content, (size_t)put);
    }
    return true;
}

static bool sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    int fd;
    bool is_synced;

    snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    is_synced = fsync(fd) == 0;
    close(fd);
    return is_synced;
}

bool file_write_durably(const char *path, struct span content, unsigned mode, struct err *err)
{
    char temporary[PATH_MAX];
    bool is_written;
    int fd;

    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
        return err_set(err, ERR_IO, "path is too long");
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return io_error(err, "create", temporary);
    is_written = write_all(fd, content) && fsync(fd) == 0;
    if (close(fd) != 0 || !is_written || rename(temporary, path) != 0 || !sync_folder_of(path)) {
        io_error(err, "write", path);
        unlink(temporary);
        return false;
    }
    return true;
}

bool file_make_folder(const char *path, struct err *err)
{
    char copy[PATH_MAX];

    if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
        return err_set(err, ERR_IO, "path is too long");
    for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            return io_error(err, "make folder", copy);
        *slash = '/';
    }
    if (mkdir(copy, 0700) != 0 && errno != EEXIST)
        return io_error(err, "make folder", copy);
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);

    return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

bool file_list(const char *folder, const char *suffix, struct arena *arena,
               const char *const **ret_names, size_t *ret_count, struct err *err)
{
    size_t count = 0, capacity = 0;
    const char **names = NULL;
    DIR *stream = opendir(folder);
    struct dirent *entry;

    if (!stream)
        return io_error(err, "open folder", folder);
    while ((entry = readdir(stream))) {
        if (entry->d_name[0] == '.' || !ends_with(entry->d_name, suffix))
            continue;
        if (count == capacity)
            names = memory_grow(names, capacity = capacity ? capacity * 2 : 16, sizeof(*names));
        names[count++] = arena_text(arena, span_text(entry->d_name));
    }
    closedir(stream);
    if (count > 0) {
        const char **kept = arena_new_array(arena, const char *, count);

        qsort(names, count, sizeof(*names), compare_names);
        memcpy(kept, names, count * sizeof(*kept));
        *ret_names = kept;
    } else {
        *ret_names = NULL;
    }
    *ret_count = count;
    memory_free(names);
    return true;
}
