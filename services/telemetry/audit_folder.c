/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of an audit log: opening it after whatever happened before. */
#include "telemetry/audit_folder.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "telemetry/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

_Static_assert(AUDIT_SEGMENT_FILE_BYTES_MAX >= AUDIT_SEGMENT_BYTES_MAX + 2 * AUDIT_BUFFER_BYTES_MAX,
               "what is written can be read");

static bool io_error(struct err *err, const char *what, const char *name)
{
    return err_set(err, ERR_IO, "audit: cannot %s %s: %s", what, name, strerrordesc_np(errno));
}

static bool read_log_id(const char *path, struct arena *arena, uint64_t *ret_log_id,
                        struct err *err)
{
    struct span text;

    if (!file_read(path, 64, arena, &text, err))
        return false;
    if (text.length > 0 && text.data[text.length - 1] == '\n')
        text.length--;
    if (!audit_log_id_decode(text, ret_log_id))
        return err_set(err, ERR_STORE_CORRUPT, "%s is not 16 hex digits", path);
    return true;
}

/* The id is made with the first segment: one without the other means that somebody moved files. */
static bool read_or_make_log_id(const char *folder, bool has_segments, struct arena *arena,
                                uint64_t *ret_log_id, struct err *err)
{
    const char *path = arena_printf(arena, "%s/log.id", folder);
    uint64_t log_id = random_u64();

    if (access(path, F_OK) == 0)
        return read_log_id(path, arena, ret_log_id, err);
    if (has_segments)
        return err_set(err, ERR_STORE_CORRUPT, "%s: there are segments, but no log.id", folder);
    if (!file_write_durably(path, span_text(arena_printf(arena, "%016" PRIx64 "\n", log_id)), 0600,
                            err))
        return false;
    *ret_log_id = log_id;
    return true;
}

/* A crash between the creation of a segment and its first sync leaves nothing, or zeros. */
static bool has_header(struct span segment)
{
    if (segment.length < AUDIT_SEGMENT_HEADER_BYTES)
        return false;
    for (size_t i = 0; i < AUDIT_SEGMENT_HEADER_BYTES; i++)
        if (segment.data[i] != 0)
            return true;
    return false;
}

static bool drop_segment(const struct audit_folder *folder, const char *name,
                         struct audit_recovery *recovery, size_t length, struct err *err)
{
    uint64_t first_sequence;

    if (!audit_file_number(name, AUDIT_SEGMENT_SUFFIX, &first_sequence))
        return err_set(err, ERR_STORE_CORRUPT, "%s is not the name of a segment", name);
    if (unlinkat(folder->segments_fd, name, 0) != 0)
        return io_error(err, "remove", name);
    LOG(WARN, "audit.cut", "a segment without a header was removed", log_text("segment", name),
        log_number("bytes", (int64_t)length));
    recovery->cut_bytes += length;
    recovery->last_sequence = first_sequence;
    return audit_folder_sync(folder, err);
}

static bool cut_tail(const struct audit_folder *folder, const char *name, size_t offset,
                     size_t length, struct audit_recovery *recovery, struct err *err)
{
    int fd = openat(folder->segments_fd, name, O_WRONLY | O_CLOEXEC);
    bool is_cut = fd >= 0 && ftruncate(fd, (off_t)offset) == 0 && fsync(fd) == 0;

    if (!is_cut)
        io_error(err, "cut", name);
    if (fd >= 0)
        close(fd);
    if (!is_cut)
        return false;
    LOG(WARN, "audit.cut", "the torn tail of the last segment was cut", log_text("segment", name),
        log_number("at", (int64_t)offset), log_number("bytes", (int64_t)(length - offset)));
    recovery->cut_bytes += length - offset;
    return true;
}

static bool recover_segment(const struct audit_folder *folder, const char *name,
                            struct span segment, struct audit_recovery *recovery, struct err *err)
{
    struct audit_segment_header header;
    struct audit_cursor cursor;
    struct span payload = {0};
    uint64_t sequence;
    enum audit_step step;

    if (!audit_segment_header_get(segment, &header, err))
        return false;
    if (header.log_id != folder->log_id)
        return err_set(err, ERR_STORE_CORRUPT, "%s belongs to another log", name);
    audit_cursor_init(&cursor, segment, &header);
    while ((step = audit_cursor_next(&cursor, &payload, &sequence)) == AUDIT_STEP_RECORD)
        recovery->was_closed = payload.data[0] == AUDIT_LOG_CLOSED;
    if (step == AUDIT_STEP_CORRUPT)
        return err_set(err, ERR_STORE_CORRUPT, "%s is damaged at byte %zu", name, cursor.offset);
    if (recovery->last_sequence < header.first_sequence)
        recovery->last_sequence = header.first_sequence;
    if (recovery->last_sequence < cursor.next_sequence - 1)
        recovery->last_sequence = cursor.next_sequence - 1;
    recovery->record_count = header.first_index + (cursor.next_sequence - header.first_sequence);
    if (step == AUDIT_STEP_END)
        return true;
    recovery->was_closed = false;
    return cut_tail(folder, name, cursor.offset, segment.length, recovery, err);
}

/* The last segment tells where the log ends; when it is one that never began, the one before. */
static bool recover(const struct audit_folder *folder, const char *const *names, size_t count,
                    struct audit_recovery *recovery, struct arena *arena, struct err *err)
{
    bool was_dropped = false;

    while (count-- > 0) {
        const char *path =
            arena_printf(arena, "%s/" AUDIT_SEGMENTS_FOLDER "/%s", folder->path, names[count]);
        struct span segment;

        if (!file_read(path, AUDIT_SEGMENT_FILE_BYTES_MAX, arena, &segment, err))
            return false;
        if (has_header(segment)) {
            if (!recover_segment(folder, names[count], segment, recovery, err))
                return false;
            recovery->was_closed = recovery->was_closed && !was_dropped;
            return true;
        }
        if (!drop_segment(folder, names[count], recovery, segment.length, err))
            return false;
        was_dropped = true;
    }
    return true;
}

static bool open_folders(const char *path, struct audit_folder *folder, struct arena *arena,
                         struct err *err)
{
    const char *segments = arena_printf(arena, "%s/" AUDIT_SEGMENTS_FOLDER, path);

    if (!file_make_folder(segments, err))
        return false;
    folder->lock_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder->segments_fd = open(segments, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->lock_fd < 0 || folder->segments_fd < 0)
        return io_error(err, "open", path);
    if (fsync(folder->lock_fd) != 0)
        return io_error(err, "sync", path);
    if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, ERR_IO, "audit: %s is in use by another process", path);
    return true;
}

bool audit_folder_open(const char *path, struct audit_folder *ret_folder,
                       struct audit_recovery *ret_recovery, struct err *err)
{
    struct audit_folder folder = {.path = memory_text(span_text(path)), -1, -1, 0};
    struct audit_recovery recovery = {.was_closed = false};
    const char *const *names = NULL;
    struct arena arena;
    size_t count = 0;
    bool is_open;

    arena_init(&arena, 4096);
    is_open = open_folders(path, &folder, &arena, err) &&
              file_list(arena_printf(&arena, "%s/" AUDIT_SEGMENTS_FOLDER, path),
                        AUDIT_SEGMENT_SUFFIX, &arena, &names, &count, err) &&
              read_or_make_log_id(path, count > 0, &arena, &folder.log_id, err) &&
              recover(&folder, names, count, &recovery, &arena, err);
    arena_release(&arena);
    if (!is_open) {
        audit_folder_close(&folder);
        return false;
    }
    *ret_folder = folder;
    *ret_recovery = recovery;
    return true;
}

const char *audit_folder_path(const struct audit_folder *folder, const char *inner,
                              uint64_t first_sequence, const char *suffix, struct arena *arena)
{
    char name[AUDIT_FILE_NAME_MAX];

    audit_file_name(first_sequence, suffix, name);
    return arena_printf(arena, "%s/%s/%s", folder->path, inner, name);
}

static bool read_segment(void *context, uint64_t first_sequence, struct arena *arena,
                         struct span *ret_bytes, struct err *err)
{
    return file_read(audit_folder_path(context, AUDIT_SEGMENTS_FOLDER, first_sequence,
                                       AUDIT_SEGMENT_SUFFIX, arena),
                     AUDIT_SEGMENT_FILE_BYTES_MAX, arena, ret_bytes, err);
}

static bool read_index(void *context, uint64_t first_sequence, struct arena *arena,
                       struct span *ret_bytes, struct err *err)
{
    const char *path = audit_folder_path(context, AUDIT_SEGMENTS_FOLDER, first_sequence,
                                         AUDIT_INDEX_SUFFIX, arena);

    *ret_bytes = span_of(NULL, 0);
    return access(path, F_OK) != 0 ||
           file_read(path, AUDIT_INDEX_FILE_BYTES_MAX, arena, ret_bytes, err);
}

bool audit_folder_files(const struct audit_folder *folder, struct arena *arena,
                        struct audit_files *ret_files, struct err *err)
{
    const char *const *names;
    uint64_t *first_sequences;
    size_t count;

    if (!file_list(arena_printf(arena, "%s/" AUDIT_SEGMENTS_FOLDER, folder->path),
                   AUDIT_SEGMENT_SUFFIX, arena, &names, &count, err))
        return false;
    first_sequences = arena_new_array(arena, uint64_t, count);
    for (size_t i = 0; i < count; i++)
        if (!audit_file_number(names[i], AUDIT_SEGMENT_SUFFIX, &first_sequences[i]))
            return err_set(err, ERR_STORE_CORRUPT, "%s is not the name of a segment", names[i]);
    *ret_files = (struct audit_files){
        .context = (void *)folder,
        .first_sequences = first_sequences,
        .count = count,
        .read_segment = read_segment,
        .read_index = read_index,
    };
    return true;
}

void audit_folder_close(struct audit_folder *folder)
{
    if (folder->segments_fd >= 0)
        close(folder->segments_fd);
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    memory_free(folder->path);
}

bool audit_folder_add_segment(const struct audit_folder *folder,
                              const struct audit_segment_header *header, int *ret_fd,
                              struct err *err)
{
    uint8_t bytes[AUDIT_SEGMENT_HEADER_BYTES];
    char name[AUDIT_FILE_NAME_MAX];
    int fd;

    audit_file_name(header->first_sequence, AUDIT_SEGMENT_SUFFIX, name);
    audit_segment_header_put(header, bytes);
    fd = openat(folder->segments_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_error(err, "create", name);
    if (pwrite(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        io_error(err, "write", name);
        close(fd);
        unlinkat(folder->segments_fd, name, 0);
        return false;
    }
    *ret_fd = fd;
    return true;
}

bool audit_folder_sync(const struct audit_folder *folder, struct err *err)
{
    if (fsync(folder->segments_fd) != 0)
        return io_error(err, "sync", "segments");
    return true;
}
