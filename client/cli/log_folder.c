/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of an audit log. */
#include "client/cli/log_folder.h"

#include "base/clock.h"
#include "base/file.h"
#include "domain/audit/segment.h"
#include "keys/token.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

const char *log_folder_file(const struct log_folder *folder, uint64_t first_sequence,
                            const char *suffix, struct arena *arena)
{
    char name[AUDIT_FILE_NAME_MAX];

    audit_file_name(first_sequence, suffix, name);
    return arena_printf(arena, "%s/%s", folder->segments, name);
}

static bool read_segment(void *context, uint64_t first_sequence, struct arena *arena,
                         struct span *ret_bytes, struct err *err)
{
    return file_read(log_folder_file(context, first_sequence, AUDIT_SEGMENT_SUFFIX, arena),
                     AUDIT_SEGMENT_FILE_BYTES_MAX, arena, ret_bytes, err);
}

static bool read_index(void *context, uint64_t first_sequence, struct arena *arena,
                       struct span *ret_bytes, struct err *err)
{
    const char *path = log_folder_file(context, first_sequence, AUDIT_INDEX_SUFFIX, arena);

    *ret_bytes = span_of(NULL, 0);
    return access(path, F_OK) != 0 ||
           file_read(path, AUDIT_INDEX_FILE_BYTES_MAX, arena, ret_bytes, err);
}

bool log_folder_list(struct log_folder *folder, struct err *err)
{
    const char *const *names;
    uint64_t *first_sequences;
    size_t count;

    if (!file_list(folder->segments, AUDIT_SEGMENT_SUFFIX, folder->arena, &names, &count, err))
        return false;
    first_sequences = arena_new_array(folder->arena, uint64_t, count);
    for (size_t i = 0; i < count; i++)
        if (!audit_file_number(names[i], AUDIT_SEGMENT_SUFFIX, &first_sequences[i]))
            return err_set(err, ERR_FILE_INVALID, "%s/%s is not the name of a segment",
                           folder->segments, names[i]);
    folder->files.first_sequences = first_sequences;
    folder->files.count = count;
    return true;
}

bool log_folder_open(const struct cli *cli, const char *path, struct log_folder *ret_folder)
{
    const char *inner = arena_printf(cli->arena, "%s/" AUDIT_SEGMENTS_FOLDER, path);
    struct err err;

    *ret_folder = (struct log_folder){
        .path = path,
        .segments = is_folder(inner) ? inner : path,
        .arena = cli->arena,
        .files = {.context = ret_folder, .read_segment = read_segment, .read_index = read_index},
    };
    if (log_folder_list(ret_folder, &err))
        return true;
    cli_fail_err(cli, &err);
    return false;
}

/* ---- heads ---- */

static void judge(const struct key_ring *ring, struct arena *arena, struct log_head *line)
{
    const struct token_expectation expectation = {
        .kind = &token_kind_tree_head,
        .now_ms = clock_wall_ms(&clock_system),
        .leeway_ms = TOKEN_LEEWAY_MAX_MS,
    };
    enum token_refusal refusal = TOKEN_REFUSED_NONE;
    struct token token;
    struct err err;

    if (!ring)
        line->is_good = audit_head_peek(line->jws, &line->head, &err);
    else
        line->is_good = token_open(ring, line->jws, &expectation, arena, &token, &refusal, &err) &&
                        audit_head_parse(token.payload, &line->head, &err);
    if (!line->is_good)
        line->complaint = arena_text(arena, span_text(err.detail));
}

static bool read_heads(const char *path, bool is_newest, const struct key_ring *ring,
                       void (*each)(void *context, const struct log_head *head), void *context,
                       struct err *err)
{
    struct arena file_arena, line_arena;
    struct span file, text;
    size_t offset = 0, before = 0;
    bool is_whole, is_read;

    arena_init(&file_arena, 4096);
    arena_init(&line_arena, 4096);
    is_read = file_read(path, AUDIT_HEADS_FILE_BYTES_MAX, &file_arena, &file, err);
    for (; is_read && audit_heads_next(file, &offset, &text, &is_whole); before = offset) {
        struct log_head line = {
            .file = path,
            .offset = before,
            .jws = text,
            .is_torn = !is_whole,
            .is_newest = is_newest,
            .complaint = "",
        };

        if (is_whole)
            judge(ring, &line_arena, &line);
        each(context, &line);
        arena_reset(&line_arena);
    }
    arena_release(&line_arena);
    arena_release(&file_arena);
    return is_read;
}

bool log_folder_heads(const struct cli *cli, const struct log_folder *folder,
                      const struct key_ring *ring,
                      void (*each)(void *context, const struct log_head *head), void *context,
                      struct err *err)
{
    const char *heads = arena_printf(cli->arena, "%s/" AUDIT_HEADS_FOLDER, folder->path);
    const char *const *names = NULL;
    size_t count = 0;

    if (is_folder(heads) && !file_list(heads, AUDIT_HEADS_SUFFIX, cli->arena, &names, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_heads(arena_printf(cli->arena, "%s/%s", heads, names[i]),
                        strcmp(names[i], AUDIT_NEWEST_HEAD_FILE) == 0, ring, each, context, err))
            return false;
    return !cli->flags.head || read_heads(cli->flags.head, false, ring, each, context, err);
}

struct newest {
    struct arena *arena;
    uint64_t log_id;
    struct audit_head head; /* size 0: none */
    struct span jws;
};

static void consider(void *context, const struct log_head *line)
{
    struct newest *newest = context;

    if (!line->is_good || line->is_newest || line->head.log_id != newest->log_id ||
        line->head.size < newest->head.size)
        return;
    newest->head = line->head;
    newest->jws = arena_copy(newest->arena, line->jws);
}

bool log_folder_newest_head(const struct cli *cli, const struct log_folder *folder,
                            const struct key_ring *ring, uint64_t log_id,
                            struct audit_head *ret_head, struct span *ret_jws, struct err *err)
{
    struct newest newest = {.arena = cli->arena, .log_id = log_id};

    if (!log_folder_heads(cli, folder, ring, consider, &newest, err))
        return false;
    if (newest.head.size == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no good head of this log in %s", folder->path);
    *ret_head = newest.head;
    *ret_jws = newest.jws;
    return true;
}

/* ---- records ---- */

static bool scan(const struct log_folder *folder, struct span segment, bool is_last,
                 struct audit_dictionary *dictionary,
                 void (*each)(void *context, const struct log_record *met), void *context,
                 struct err *err)
{
    struct audit_segment_header header;
    struct audit_cursor cursor;
    struct log_record met;
    enum audit_step step;
    struct span payload;
    struct arena arena;
    bool is_read = true;

    if (segment.length < AUDIT_SEGMENT_HEADER_BYTES && is_last)
        return true;
    if (!audit_segment_header_get(segment, &header, err))
        return false;
    met.log_id = header.log_id;
    audit_cursor_init(&cursor, segment, &header);
    arena_init(&arena, 16 * 1024);
    while ((step = audit_cursor_next(&cursor, &payload, &met.sequence)) == AUDIT_STEP_RECORD &&
           is_read) {
        struct audit_record record;

        is_read = audit_record_get(payload, dictionary, cursor.base_ms, &arena, &record, err);
        met.record = &record;
        if (is_read)
            each(context, &met);
        arena_reset(&arena);
    }
    arena_release(&arena);
    if (is_read && step != AUDIT_STEP_END && !(step == AUDIT_STEP_TORN && is_last))
        is_read = err_set(err, ERR_STORE_CORRUPT,
                          "a segment of %s is damaged at byte %zu: passgate audit verify",
                          folder->path, cursor.offset);
    return is_read;
}

bool log_folder_scan_segment(const struct log_folder *folder, size_t at,
                             void (*each)(void *context, const struct log_record *met),
                             void *context, struct err *err)
{
    const struct audit_files *files = &folder->files;
    struct audit_dictionary *dictionary = audit_dictionary_new();
    struct span segment;
    struct arena arena;
    bool is_read;

    arena_init(&arena, 4096);
    is_read =
        files->read_segment(files->context, files->first_sequences[at], &arena, &segment, err) &&
        scan(folder, segment, at + 1 == files->count, dictionary, each, context, err);
    arena_release(&arena);
    audit_dictionary_free(dictionary);
    return is_read;
}

bool log_folder_scan(const struct log_folder *folder,
                     void (*each)(void *context, const struct log_record *met), void *context,
                     struct err *err)
{
    for (size_t at = 0; at < folder->files.count; at++)
        if (!log_folder_scan_segment(folder, at, each, context, err))
            return false;
    return true;
}

bool log_folder_keys(const struct cli *cli, struct key_ring **ret_ring)
{
    struct span text;
    struct err err;

    *ret_ring = NULL;
    if (!cli->flags.jwks)
        return true;
    if (!cli_read_file(cli, cli->flags.jwks, &text))
        return false;
    if (span_starts_with(text, span_text("-----BEGIN")) ? key_ring_from_pem(text, ret_ring, &err)
                                                        : key_ring_from_jwks(text, ret_ring, &err))
        return true;
    cli_fail_with(cli, "%s: %s", cli->flags.jwks, err.detail);
    return false;
}
