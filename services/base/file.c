/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read and written whole, and folders of them. */
#include "base/file.h"

#include "base/memory.h"
#include "base/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024 };

static bool io_error(struct err *err, const char *what, const char *path)
{
    return err_set(err, ERR_IO, "cannot %s %s: %s", what, path, strerrordesc_np(errno));
}

/* Content may be secret: no copy of it stays behind. */
struct content {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

static void wipe(struct content *content)
{
    secret_wipe(content->bytes, content->length);
    memory_free(content->bytes);
}

static void grow(struct content *content)
{
    struct content larger = {.length = content->length, .capacity = content->capacity * 2};

    larger.bytes = memory_alloc(larger.capacity);
    memcpy(larger.bytes, content->bytes, content->length);
    wipe(content);
    *content = larger;
}

/* Read on until the end, or until there is more than `max_bytes`; false with errno. */
static bool fill(int fd, size_t max_bytes, struct content *content)
{
    while (content->length <= max_bytes) {
        ssize_t got =
            read(fd, content->bytes + content->length, content->capacity - content->length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        content->length += (size_t)got;
        if (content->length == content->capacity)
            grow(content);
    }
    return true;
}

static bool read_all(int fd, const char *path, size_t max_bytes, struct arena *arena,
                     struct span *ret_content, struct err *err)
{
    struct content content = {.bytes = memory_alloc(READ_BYTES), .capacity = READ_BYTES};
    bool is_read = fill(fd, max_bytes, &content);

    if (!is_read)
        io_error(err, "read", path);
    else if (content.length > max_bytes)
        is_read = err_set(err, ERR_IO, "%s is longer than %zu bytes", path, max_bytes);
    else
        *ret_content = arena_copy(arena, span_of(content.bytes, content.length));
    wipe(&content);
    return is_read;
}

bool file_read(const char *path, size_t max_bytes, struct arena *arena, struct span *ret_content,
               struct err *err)
{
    /* Opening a pipe would wait for who writes to it; one that nobody writes to is empty. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_read;

    if (fd < 0)
        return io_error(err, "open", path);
    is_read = fcntl(fd, F_SETFL, 0) == 0 ? read_all(fd, path, max_bytes, arena, ret_content, err)
                                         : io_error(err, "open", path);
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
    unlink(temporary); /* one that a crash has left would keep its mode */
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
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

/* All names that fit, in a block of their own; NULL with errno when the folder cannot be read. */
static const char **collect_names(DIR *stream, const char *suffix, struct arena *arena,
                                  size_t *ret_count)
{
    size_t count = 0, capacity = 16;
    const char **names = memory_new_array(const char *, capacity);
    struct dirent *entry;

    while (errno = 0, (entry = readdir(stream))) {
        if (entry->d_name[0] == '.' || !ends_with(entry->d_name, suffix))
            continue;
        if (count == capacity)
            names = memory_grow(names, capacity *= 2, sizeof(*names));
        names[count++] = arena_text(arena, span_text(entry->d_name));
    }
    if (errno != 0) { /* half a list is none */
        memory_free(names);
        return NULL;
    }
    *ret_count = count;
    return names;
}

bool file_list(const char *folder, const char *suffix, struct arena *arena,
               const char *const **ret_names, size_t *ret_count, struct err *err)
{
    DIR *stream = opendir(folder);
    const char **names, **kept;

    if (!stream)
        return io_error(err, "open folder", folder);
    names = collect_names(stream, suffix, arena, ret_count);
    if (!names)
        io_error(err, "read folder", folder);
    closedir(stream);
    if (!names)
        return false;
    qsort(names, *ret_count, sizeof(*names), compare_names);
    kept = arena_new_array(arena, const char *, *ret_count);
    memcpy(kept, names, *ret_count * sizeof(*kept));
    *ret_names = kept;
    memory_free(names);
    return true;
}
