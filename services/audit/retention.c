/* SPDX-License-Identifier: Apache-2.0 */
/* Retention of an audit log. */
#include "audit/retention.h"

#include "audit/segment_list.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- what may go ---- */

static bool is_over(const struct retention_rule *rule, const struct audit_index *index,
                    int64_t now_ms)
{
    return index->records.end > index->records.first && index->latest_ms < now_ms - rule->keep_ms &&
           !legal_holds_cover(rule->holds, index->earliest_ms, index->latest_ms);
}

/* False at the end of what may go, too: *ret_is_over says. */
static bool look_at(const struct retention_rule *rule, const char *segments, uint64_t number,
                    int64_t now_ms, struct retention_plan *plan, bool *ret_is_over, struct err *err)
{
    struct audit_index index;
    uint64_t count;

    if (!segment_list_index(segments, number, &index, err))
        return false;
    count = index.records.end - index.records.first;
    *ret_is_over = is_over(rule, &index, now_ms);
    if (*ret_is_over) {
        if (plan->segments++ == 0)
            plan->first_sequence = number;
        plan->records += count;
        plan->last_sequence = number + count - 1;
        plan->latest_ms = index.latest_ms;
    }
    audit_index_release(&index);
    return true;
}

static bool find(const struct retention_rule *rule, int64_t now_ms, struct arena *arena,
                 struct retention_plan *plan, struct err *err)
{
    const char *folder = arena_printf(arena, "%s/" AUDIT_SEGMENTS_FOLDER, rule->folder);
    struct segment_list segments, indices, marks = {0};
    bool is_over = true;

    if (!segment_list_read(folder, AUDIT_SEGMENT_SUFFIX, arena, &segments, err) ||
        !segment_list_read(folder, AUDIT_INDEX_SUFFIX, arena, &indices, err) ||
        (rule->marks_folder &&
         !segment_list_read(rule->marks_folder, AUDIT_MARK_SUFFIX, arena, &marks, err)))
        return false;
    for (size_t i = 0; i < segments.count && is_over; i++) {
        uint64_t number = segments.numbers[i];

        plan->next_sequence = number;
        if (indices.count == 0 || number >= indices.numbers[indices.count - 1] ||
            !segment_list_has(&indices, number) ||
            (rule->marks_folder && !segment_list_has(&marks, number)))
            break;
        if (!look_at(rule, folder, number, now_ms, plan, &is_over, err))
            return false;
    }
    return true;
}

bool retention_find(const struct retention_rule *rule, int64_t now_ms,
                    struct retention_plan *ret_plan, struct err *err)
{
    struct retention_plan plan = {0};
    struct arena arena;
    bool is_found;

    arena_init(&arena, 4096);
    is_found = find(rule, now_ms, &arena, &plan, err);
    arena_release(&arena);
    if (is_found)
        *ret_plan = plan;
    return is_found;
}

/* ---- removing ---- */

static bool sync_folder(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;

    if (!is_synced)
        err_set(err, ERR_IO, "cannot sync %s: %s", folder, strerrordesc_np(errno));
    if (fd >= 0)
        close(fd);
    return is_synced;
}

/* Every file of the folder whose number is below; the oldest first, so that no hole is left. */
static bool sweep(const char *folder, const char *suffix, uint64_t below, struct arena *arena,
                  struct err *err)
{
    struct segment_list list;
    size_t removed = 0;

    if (!segment_list_read(folder, suffix, arena, &list, err))
        return false;
    for (; removed < list.count && list.numbers[removed] < below; removed++) {
        const char *path = segment_list_path(folder, list.numbers[removed], suffix, arena);

        if (unlink(path) != 0 && errno != ENOENT)
            return err_set(err, ERR_IO, "cannot remove %s: %s", path, strerrordesc_np(errno));
    }
    return removed == 0 || sync_folder(folder, err);
}

/* Of all places that were ever shipped to. */
static bool sweep_marks(const char *folder, uint64_t below, struct arena *arena, struct err *err)
{
    const char *marks = arena_printf(arena, "%s/" AUDIT_MARKS_FOLDER, folder);
    const char *const *places;
    size_t count;

    if (access(marks, F_OK) != 0)
        return true;
    if (!file_list(marks, "", arena, &places, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!sweep(arena_printf(arena, "%s/%s", marks, places[i]), AUDIT_MARK_SUFFIX, below, arena,
                   err))
            return false;
    return true;
}

/* Segments first: what is left without its segment after a crash is found again by its number. */
bool retention_remove(const char *folder, uint64_t next_sequence, struct err *err)
{
    struct arena arena;
    const char *segments;
    bool is_removed;

    arena_init(&arena, 4096);
    segments = arena_printf(&arena, "%s/" AUDIT_SEGMENTS_FOLDER, folder);
    is_removed = sweep(segments, AUDIT_SEGMENT_SUFFIX, next_sequence, &arena, err) &&
                 sweep(segments, AUDIT_INDEX_SUFFIX, next_sequence, &arena, err) &&
                 sweep(arena_printf(&arena, "%s/" AUDIT_HEADS_FOLDER, folder), AUDIT_HEADS_SUFFIX,
                       next_sequence, &arena, err) &&
                 sweep_marks(folder, next_sequence, &arena, err);
    arena_release(&arena);
    return is_removed;
}
