/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of an audit log: the newest signed head, which shows a tail that was cut. */
#include "audit/archive_state.h"

#include "audit/segment_list.h"
#include "base/file.h"
#include "domain/audit/head.h"
#include "domain/audit/segment.h"

#include <fcntl.h>
#include <unistd.h>

uint64_t archive_first_index(const struct archive *archive)
{
    uint8_t bytes[AUDIT_SEGMENT_HEADER_BYTES];
    struct audit_segment_header header = {0};
    struct segment_list segments;
    struct arena arena;
    struct err err;
    int fd = -1;

    arena_init(&arena, 4096);
    if (segment_list_read(archive->segments_folder, AUDIT_SEGMENT_SUFFIX, &arena, &segments,
                          &err) &&
        segments.count > 0)
        fd = open(segment_list_path(archive->segments_folder, segments.numbers[segments.count - 1],
                                    AUDIT_SEGMENT_SUFFIX, &arena),
                  O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
        !audit_segment_header_get(span_of(bytes, sizeof(bytes)), &header, &err))
        header.first_index = 0;
    if (fd >= 0)
        close(fd);
    arena_release(&arena);
    return header.first_index;
}

static bool newest_head(struct archive *archive, struct arena *arena, struct audit_head *ret_head,
                        struct span *ret_jws)
{
    bool is_there;

    pthread_mutex_lock(&archive->log_lock);
    is_there = archive->audit && audit_get_head(archive->audit, arena, ret_head, ret_jws);
    pthread_mutex_unlock(&archive->log_lock);
    return is_there && ret_head->size != archive->shipped_size;
}

/* Once in a run: what this run signs is ahead of what was there before. */
static enum ship_result look_once(struct archive *archive, struct err *err)
{
    enum ship_result result;

    if (archive->is_head_looked_at)
        return SHIP_SAME;
    result = ship_look_at_head(&archive->route, archive->size_at_start, err);
    if (result == SHIP_ABSENT)
        result = SHIP_SAME;
    archive->is_head_looked_at = result == SHIP_SAME;
    return result;
}

/* A head that could not be shipped stays due. */
static bool ship(struct archive *archive, const struct audit_head *head, struct span jws)
{
    int64_t now_ms = clock_monotonic_ms(archive->options.clock);
    struct err err = ERR_NONE;
    enum ship_result result = look_once(archive, &err);

    if (ship_is_done(result))
        result = ship_head(&archive->route, jws, &err);
    if (ship_is_done(result)) {
        archive->shipped_size = head->size;
        archive->head_shipped_ms = now_ms;
        archive->next_head_ms = now_ms + archive->options.heads_every_ms;
        metrics_set(archive->options.metrics, METRIC_AUDIT_SHIP_HEAD, (double)head->time_ms / 1000);
    }
    archive->round.is_head_given_up = !ship_is_done(result);
    return archive_note(archive, result, &err);
}

bool archive_ship_head(struct archive *archive)
{
    int64_t now_ms = clock_monotonic_ms(archive->options.clock);
    struct audit_head head;
    bool goes_on = true;
    struct arena arena;
    struct span jws;

    if (now_ms < archive->next_head_ms || archive->round.is_head_given_up)
        return true;
    arena_init(&arena, 4096);
    if (newest_head(archive, &arena, &head, &jws)) {
        goes_on = ship(archive, &head, jws);
    } else if (archive->shipped_size > 0) { /* nothing new; else there is none yet, and soon */
        archive->head_shipped_ms = now_ms;
        archive->next_head_ms = now_ms + archive->options.heads_every_ms;
    }
    arena_release(&arena);
    return goes_on;
}

/* The last whole line of a file of heads. */
static bool last_line(const char *path, struct arena *arena, struct audit_head *ret_head,
                      struct span *ret_jws)
{
    struct span file, line;
    size_t offset = 0;
    bool is_whole, is_found = false;
    struct err err;

    if (!file_read(path, AUDIT_HEADS_FILE_BYTES_MAX, arena, &file, &err))
        return false;
    while (audit_heads_next(file, &offset, &line, &is_whole))
        if (is_whole && audit_head_peek(line, ret_head, &err)) {
            *ret_jws = line;
            is_found = true;
        }
    return is_found;
}

void archive_ship_last_head(struct archive *archive)
{
    struct segment_list heads;
    struct audit_head head;
    struct arena arena;
    struct span jws;
    struct err err;
    const char *folder;

    arena_init(&arena, 4096);
    folder = arena_printf(&arena, "%s/" AUDIT_HEADS_FOLDER, archive->options.folder);
    if (segment_list_read(folder, AUDIT_HEADS_SUFFIX, &arena, &heads, &err) && heads.count > 0 &&
        last_line(
            segment_list_path(folder, heads.numbers[heads.count - 1], AUDIT_HEADS_SUFFIX, &arena),
            &arena, &head, &jws) &&
        head.size > archive->shipped_size)
        ship(archive, &head, jws);
    arena_release(&arena);
}
