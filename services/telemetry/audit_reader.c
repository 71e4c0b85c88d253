/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an audit log: segment after segment, each held in memory whole. */
#include "telemetry/audit_reader.h"

#include "base/file.h"
#include "base/memory.h"
#include "telemetry/audit.h"
#include "telemetry/audit_folder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

struct audit_reader {
    struct arena arena; /* of the reader: paths */
    const char **paths;
    size_t path_count;
    size_t next_path;

    struct arena segment_arena;
    struct arena entry_arena;
    struct audit_dictionary *dictionary;
    struct audit_segment_header header;
    struct audit_cursor cursor;
    bool has_segment;
    uint64_t last_sequence; /* of the segment before; 0: this is the first */
    uint64_t next_index;
    size_t torn_bytes;
    struct audit_entry entry;
};

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool list_paths(struct audit_reader *reader, const char *path, struct err *err)
{
    const char *inner = arena_printf(&reader->arena, "%s/" AUDIT_SEGMENTS_FOLDER, path);
    const char *folder = is_folder(inner) ? inner : path;
    const char *const *names;

    if (!is_folder(path)) {
        reader->paths = arena_new_array(&reader->arena, const char *, 1);
        reader->paths[reader->path_count++] = arena_text(&reader->arena, span_text(path));
        return true;
    }
    if (!file_list(folder, AUDIT_SEGMENT_SUFFIX, &reader->arena, &names, &reader->path_count, err))
        return false;
    reader->paths = arena_new_array(&reader->arena, const char *, reader->path_count);
    for (size_t i = 0; i < reader->path_count; i++)
        reader->paths[i] = arena_printf(&reader->arena, "%s/%s", folder, names[i]);
    return true;
}

bool audit_reader_open(const char *path, struct audit_reader **ret_reader, struct err *err)
{
    struct audit_reader *reader = memory_new(struct audit_reader);

    arena_init(&reader->arena, 4096);
    arena_init(&reader->segment_arena, 4096);
    arena_init(&reader->entry_arena, 4096);
    reader->dictionary = audit_dictionary_new();
    if (!list_paths(reader, path, err)) {
        audit_reader_close(reader);
        return false;
    }
    *ret_reader = reader;
    return true;
}

/* A segment is named by the number of its first record; 0 for other names. */
static uint64_t first_sequence_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strtoull(slash ? slash + 1 : path, NULL, 10);
}

void audit_reader_skip_to(struct audit_reader *reader, uint64_t sequence)
{
    while (reader->next_path + 1 < reader->path_count &&
           first_sequence_of(reader->paths[reader->next_path + 1]) <= sequence)
        reader->next_path++;
}

void audit_reader_close(struct audit_reader *reader)
{
    if (!reader)
        return;
    audit_dictionary_free(reader->dictionary);
    arena_release(&reader->entry_arena);
    arena_release(&reader->segment_arena);
    arena_release(&reader->arena);
    memory_free(reader);
}

static const char *current_path(const struct audit_reader *reader)
{
    return reader->paths[reader->next_path - 1];
}

static bool open_segment(struct audit_reader *reader, struct err *err)
{
    struct audit_segment_header header;
    const char *path = reader->paths[reader->next_path++];
    struct span segment;

    arena_reset(&reader->segment_arena);
    if (!file_read(path, AUDIT_SEGMENT_FILE_BYTES_MAX, &reader->segment_arena, &segment, err))
        return false;
    reader->has_segment = false;
    if (segment.length < AUDIT_SEGMENT_HEADER_BYTES && reader->next_path == reader->path_count) {
        reader->torn_bytes = segment.length;
        return true;
    }
    if (!audit_segment_header_get(segment, &header, err))
        return false;
    if (reader->last_sequence > 0 &&
        (header.log_id != reader->header.log_id || header.first_index != reader->next_index ||
         header.first_sequence <= reader->last_sequence))
        return err_set(err, ERR_STORE_CORRUPT, "%s does not follow the segment before it", path);
    reader->header = header;
    reader->next_index = header.first_index;
    reader->has_segment = true;
    audit_dictionary_clear(reader->dictionary);
    audit_cursor_init(&reader->cursor, segment, &header);
    return true;
}

/* Numbers jump only where a run begins, and a run begins by saying so. */
static bool is_jump_explained(const struct audit_reader *reader)
{
    const struct audit_entry *entry = &reader->entry;

    return reader->last_sequence == 0 || entry->sequence == reader->last_sequence + 1 ||
           (entry->sequence == reader->header.first_sequence &&
            entry->record.kind == AUDIT_LOG_OPENED);
}

static bool fill_entry(struct audit_reader *reader, struct span payload, uint64_t sequence,
                       size_t frame_bytes, struct err *err)
{
    arena_reset(&reader->entry_arena);
    reader->entry = (struct audit_entry){
        .log_id = reader->header.log_id,
        .sequence = sequence,
        .index = reader->next_index++,
        .segment = current_path(reader),
        .frame_bytes = frame_bytes,
        .base_ms = reader->cursor.base_ms,
        .payload = payload,
    };
    if (!audit_record_get(payload, reader->dictionary, reader->cursor.base_ms, &reader->entry_arena,
                          &reader->entry.record, err))
        return err_set(err, ERR_STORE_CORRUPT, "%s: record %" PRIu64 " cannot be read",
                       current_path(reader), sequence);
    if (!is_jump_explained(reader))
        return err_set(err, ERR_STORE_CORRUPT, "%s: records before %" PRIu64 " are missing",
                       current_path(reader), sequence);
    reader->last_sequence = sequence;
    return true;
}

bool audit_reader_next(struct audit_reader *reader, const struct audit_entry **ret_entry,
                       struct err *err)
{
    for (;;) {
        size_t before = reader->cursor.offset;
        struct span payload;
        uint64_t sequence;
        enum audit_step step = AUDIT_STEP_END;

        if (reader->has_segment)
            step = audit_cursor_next(&reader->cursor, &payload, &sequence);
        if (step == AUDIT_STEP_RECORD) {
            if (!fill_entry(reader, payload, sequence, reader->cursor.offset - before, err))
                return false;
            *ret_entry = &reader->entry;
            return true;
        }
        if (step == AUDIT_STEP_CORRUPT ||
            (step == AUDIT_STEP_TORN && reader->next_path < reader->path_count))
            return err_set(err, ERR_STORE_CORRUPT, "%s is damaged at byte %zu",
                           current_path(reader), reader->cursor.offset);
        if (step == AUDIT_STEP_TORN)
            reader->torn_bytes = reader->cursor.segment.length - reader->cursor.offset;
        if (reader->next_path == reader->path_count) {
            *ret_entry = NULL;
            return true;
        }
        if (!open_segment(reader, err))
            return false;
    }
}

size_t audit_reader_torn_bytes(const struct audit_reader *reader)
{
    return reader->torn_bytes;
}
