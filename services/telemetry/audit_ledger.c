/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of an audit log. */
#include "telemetry/audit_ledger.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "domain/audit/prove.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

/* ---- starting ---- */

static const char *index_path(const struct audit_folder *folder, uint64_t first_sequence,
                              struct arena *arena)
{
    return audit_folder_path(folder, AUDIT_SEGMENTS_FOLDER, first_sequence, AUDIT_INDEX_SUFFIX,
                             arena);
}

static const char *heads_path(const struct audit_folder *folder, uint64_t first_sequence,
                              struct arena *arena)
{
    return audit_folder_path(folder, AUDIT_HEADS_FOLDER, first_sequence, AUDIT_HEADS_SUFFIX, arena);
}

static bool write_index(const struct audit_folder *folder, const struct audit_index *index,
                        struct err *err)
{
    struct arena arena;
    size_t length;
    uint8_t *bytes = audit_index_encode(index, &length);
    bool is_written;

    arena_init(&arena, 512);
    is_written = file_write_durably(index_path(folder, index->first_sequence, &arena),
                                    span_of(bytes, length), 0600, err);
    arena_release(&arena);
    memory_free(bytes);
    return is_written;
}

/* Those behind the last one that is there: of a run that was killed, or of a version that made
 * none.  A full disk is no reason not to start: they are only a convenience. */
static bool make_indices(const struct audit_folder *folder, const struct audit_files *files,
                         struct arena *arena, struct err *err)
{
    size_t at = files->count;
    struct err write_err;

    while (at > 0 && access(index_path(folder, files->first_sequences[at - 1], arena), F_OK) != 0)
        at--;
    for (; at < files->count; at++) {
        struct audit_index index;

        if (!audit_index_load(files, at, &index, err))
            return false;
        if (!write_index(folder, &index, &write_err))
            log_err("audit.index_failed", "the index of a segment cannot be written", &write_err);
        audit_index_release(&index);
    }
    return true;
}

/* The largest tree of which a whole line of the file speaks. */
static bool newest_head(const char *path, struct audit_head *head, struct err *err)
{
    struct span file, line;
    struct arena arena;
    size_t offset = 0;
    bool is_whole, is_read;

    arena_init(&arena, 4096);
    is_read = file_read(path, AUDIT_HEADS_FILE_BYTES_MAX, &arena, &file, err);
    while (is_read && audit_heads_next(file, &offset, &line, &is_whole)) {
        struct audit_head found;
        struct err unreadable;

        /* What a crash has torn is no head; what somebody has changed `passgate audit verify`
         * finds. */
        if (is_whole && audit_head_peek(line, &found, &unreadable) && found.size >= head->size)
            *head = found;
    }
    arena_release(&arena);
    return is_read;
}

/* A head is signed when its records are durable: with fewer of them, some were lost that were. */
static bool check_heads(const struct audit_folder *folder, uint64_t record_count,
                        struct arena *arena, struct err *err)
{
    const char *path = arena_printf(arena, "%s/" AUDIT_HEADS_FOLDER, folder->path);
    struct audit_head head = {.size = 0};
    const char *const *names;
    size_t count;

    if (!file_make_folder(path, err) ||
        !file_list(path, AUDIT_HEADS_SUFFIX, arena, &names, &count, err))
        return false;
    while (count-- > 0 && head.size == 0)
        if (!newest_head(arena_printf(arena, "%s/%s", path, names[count]), &head, err))
            return false;
    if (head.size > record_count)
        return err_set(err, ERR_STORE_CORRUPT,
                       "the log has %" PRIu64 " records, a tree head of it %" PRIu64, record_count,
                       head.size);
    if (head.size > 0 && head.log_id != folder->log_id)
        return err_set(err, ERR_STORE_CORRUPT, "%s has heads of another log", path);
    return true;
}

/* The tree of all records that are there, in `ledger->index.before`. */
static bool find_tree(struct audit_ledger *ledger, const struct audit_files *files,
                      const struct audit_recovery *recovery, struct err *err)
{
    struct audit_index last;

    tree_range_init(&ledger->index.before, 0);
    if (files->count > 0) {
        if (!audit_index_load(files, files->count - 1, &last, err))
            return false;
        audit_index_tree(&last, &ledger->index.before);
        audit_index_release(&last);
    }
    tree_range_init(&ledger->index.records, ledger->index.before.end);
    if (ledger->index.before.end == recovery->record_count)
        return true;
    return err_set(err, ERR_STORE_CORRUPT,
                   "the log has %" PRIu64 " records, its last index says %" PRIu64,
                   recovery->record_count, ledger->index.before.end);
}

bool audit_ledger_open(struct audit_ledger *ret_ledger, const struct audit_options *options,
                       const struct audit_folder *folder, const struct audit_recovery *recovery,
                       struct err *err)
{
    struct audit_files files;
    struct arena arena;
    bool is_open;

    *ret_ledger = (struct audit_ledger){
        .folder = folder,
        .clock = options->clock,
        .sign = options->sign,
        .sign_context = options->sign_context,
        .heads_fd = -1,
    };
    arena_init(&arena, 4096);
    is_open = audit_folder_files(folder, &arena, &files, err) &&
              make_indices(folder, &files, &arena, err) &&
              find_tree(ret_ledger, &files, recovery, err) &&
              check_heads(folder, recovery->record_count, &arena, err);
    arena_release(&arena);
    return is_open;
}

static void close_heads(struct audit_ledger *ledger)
{
    if (ledger->heads_fd >= 0)
        close(ledger->heads_fd);
    ledger->heads_fd = -1;
    ledger->heads_offset = 0;
}

void audit_ledger_release(struct audit_ledger *ledger)
{
    close_heads(ledger);
    audit_index_release(&ledger->index);
}

/* ---- records ---- */

void audit_ledger_begin_segment(struct audit_ledger *ledger,
                                const struct audit_segment_header *header)
{
    struct tree_range tree;

    if (ledger->has_segment)
        audit_ledger_seal(ledger);
    audit_index_tree(&ledger->index, &tree);
    audit_index_release(&ledger->index);
    audit_index_init(&ledger->index, header, &tree);
    ledger->has_segment = true;
}

void audit_ledger_add(struct audit_ledger *ledger, struct span block, uint64_t first_sequence,
                      uint64_t offset)
{
    struct audit_cursor cursor;
    struct span payload;
    uint64_t sequence;

    audit_cursor_init_block(&cursor, block, first_sequence);
    while (audit_cursor_next(&cursor, &payload, &sequence) == AUDIT_STEP_RECORD)
        audit_index_add(&ledger->index, &cursor, offset, sequence, payload);
}

/* ---- heads ---- */

/* Said once, and once more when it is over. */
static bool fail_head(struct audit_ledger *ledger, const struct err *err)
{
    if (!ledger->is_failing)
        log_err("audit.head_failed", "the audit log's tree head cannot be signed or written", err);
    ledger->is_failing = true;
    return false;
}

/* False without an error, too: there is no key yet. */
static bool make_head(struct audit_ledger *ledger, struct arena *arena, struct audit_head *ret_head,
                      struct span *ret_line)
{
    char payload[AUDIT_HEAD_PAYLOAD_MAX];
    struct tree_range tree;
    struct span jws;
    struct err err;
    size_t length;

    if (!ledger->sign)
        return false;
    audit_index_tree(&ledger->index, &tree);
    *ret_head = (struct audit_head){
        .log_id = ledger->folder->log_id,
        .size = tree.end,
        .time_ms = clock_wall_ms(ledger->clock),
        .root = tree_range_root(&tree),
    };
    length = audit_head_format(ret_head, payload);
    if (!ledger->sign(ledger->sign_context, span_of(payload, length), ret_head->time_ms, arena,
                      &jws, &err))
        return fail_head(ledger, &err);
    if (jws.length == 0 || jws.length >= AUDIT_HEAD_LINE_MAX)
        return false;
    *ret_line = span_text(arena_printf(arena, "%.*s\n", SPAN_FORMAT(jws)));
    return true;
}

/* Always at its own place: what a full disk has torn is written over. */
static bool append_line(struct audit_ledger *ledger, struct span line, struct arena *arena,
                        struct err *err)
{
    if (ledger->heads_fd < 0)
        ledger->heads_fd = open(heads_path(ledger->folder, ledger->index.first_sequence, arena),
                                O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (ledger->heads_fd < 0 || pwrite(ledger->heads_fd, line.data, line.length,
                                       ledger->heads_offset) != (ssize_t)line.length)
        return err_set(err, ERR_IO, "audit: cannot write a tree head: %s", strerrordesc_np(errno));
    ledger->heads_offset += (off_t)line.length;
    return true;
}

static void keep_head(struct audit_ledger *ledger, const struct audit_head *head, struct span line)
{
    if (ledger->is_failing)
        LOG(INFO, "audit.head_recovered", "tree heads can be signed and written again");
    ledger->is_failing = false;
    ledger->head = *head;
    ledger->jws_length = line.length - 1; /* without its end */
    memcpy(ledger->jws, line.data, ledger->jws_length);
}

int64_t audit_ledger_due_ns(const struct audit_ledger *ledger)
{
    bool is_signed = ledger->head.size == ledger->index.records.end;

    return !ledger->sign || is_signed ? INT64_MAX : ledger->next_head_ns;
}

bool audit_ledger_sign(struct audit_ledger *ledger)
{
    int interval_ms = AUDIT_HEAD_RETRY_MS;
    struct audit_head head;
    struct arena arena;
    struct span line;
    struct err err;
    bool is_made;

    arena_init(&arena, 4096);
    is_made = make_head(ledger, &arena, &head, &line);
    if (is_made && !append_line(ledger, line, &arena, &err))
        is_made = fail_head(ledger, &err);
    if (is_made) {
        keep_head(ledger, &head, line);
        interval_ms = AUDIT_HEAD_INTERVAL_MS;
    }
    ledger->next_head_ns = clock_now_ns() + interval_ms * INT64_C(1000000);
    arena_release(&arena);
    return is_made;
}

/* ---- the end of a segment ---- */

static void seal_heads(struct audit_ledger *ledger, struct arena *arena)
{
    struct audit_head head;
    struct span line;
    struct err err;

    if (!make_head(ledger, arena, &head, &line))
        return;
    if (file_write_durably(heads_path(ledger->folder, ledger->index.first_sequence, arena), line,
                           0600, &err))
        keep_head(ledger, &head, line);
    else
        fail_head(ledger, &err);
}

void audit_ledger_seal(struct audit_ledger *ledger)
{
    struct arena arena;
    struct err err;

    if (!ledger->has_segment)
        return;
    arena_init(&arena, 4096);
    close_heads(ledger);
    seal_heads(ledger, &arena);
    if (!write_index(ledger->folder, &ledger->index, &err))
        log_err("audit.index_failed", "the index of a segment cannot be written", &err);
    arena_release(&arena);
}
