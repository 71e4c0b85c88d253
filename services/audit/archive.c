/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of an audit log: its thread. */
#include "audit/archive_state.h"

#include "audit/segment_list.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 1000,         /* whether a segment has ended */
    LOOK_ANYWAY_MS = 60000, /* what two changes in one tick of a file system's clock have hidden */
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 5 * 60 * 1000,
};

/* ---- what happened ---- */

/* A result that is no success has a name here. */
static const struct kind {
    enum metrics_ship_failure metric;
    const char *name;
} kinds[] = {
    [SHIP_OTHER_CONTENT] = {METRICS_SHIP_OTHER_CONTENT, "other_content"},
    [SHIP_UNREACHABLE] = {METRICS_SHIP_UNREACHABLE, "unreachable"},
    [SHIP_REFUSED] = {METRICS_SHIP_REFUSED, "refused"},
    [SHIP_FAILED] = {METRICS_SHIP_FAILED, "failed"},
};

/* Said when it is another one than before, and once more when it is over. */
static void note_failure(struct archive *archive, enum ship_result result, const struct err *err)
{
    metrics_count(metrics_shared(archive->options.metrics), METRIC_AUDIT_SHIP_FAILURES,
                  kinds[result].metric, 1);
    if (archive->last_failure != result)
        LOG(ERROR, "audit.ship_failed", "the audit log is not shipped",
            log_text("kind", kinds[result].name), log_text("detail", err->detail));
    archive->last_failure = result;
    archive->round.has_failed = true;
    archive->round.has_conflict |= result == SHIP_OTHER_CONTENT;
}

bool archive_note(struct archive *archive, enum ship_result result, const struct err *err)
{
    if (!ship_is_done(result))
        note_failure(archive, result, err);
    return ship_is_done(result) || result == SHIP_OTHER_CONTENT;
}

static bool is_late(const struct archive *archive, int64_t age_ms)
{
    return archive->options.late_ms > 0 && age_ms > archive->options.late_ms;
}

static void tell_readiness(struct archive *archive, int64_t age_ms)
{
    struct readiness *readiness = archive->options.readiness;
    int64_t head_age_ms = clock_monotonic_ms(archive->options.clock) - archive->head_shipped_ms;

    if (archive->round.has_conflict)
        readiness_fail(readiness, READINESS_SHIPPING,
                       "something else is where the audit log is to be shipped to");
    else if (is_late(archive, age_ms) || (archive->last_failure && is_late(archive, head_age_ms)))
        readiness_fail(readiness, READINESS_SHIPPING, "the audit log is shipped too late");
    else
        readiness_meet(readiness, READINESS_SHIPPING);
}

/* ---- segments ---- */

/* Those that have an index have ended; heads are there before it. */
static bool find_waiting(const struct archive *archive, struct arena *arena,
                         struct segment_list *ret_waiting, struct err *err)
{
    struct segment_list ended, marks;

    if (!segment_list_read(archive->segments_folder, AUDIT_INDEX_SUFFIX, arena, &ended, err) ||
        !segment_list_read(archive->marks_folder, AUDIT_MARK_SUFFIX, arena, &marks, err))
        return false;
    ret_waiting->numbers = arena_new_array(arena, uint64_t, ended.count);
    ret_waiting->count = 0;
    for (size_t i = 0; i < ended.count; i++)
        if (!segment_list_has(&marks, ended.numbers[i]))
            ret_waiting->numbers[ret_waiting->count++] = ended.numbers[i];
    return true;
}

static int64_t age_of(const struct archive *archive, uint64_t number)
{
    struct audit_index index;
    struct err err;
    int64_t age_ms;

    if (!segment_list_index(archive->segments_folder, number, &index, &err))
        return 0;
    age_ms = clock_wall_ms(archive->options.clock) - index.latest_ms;
    audit_index_release(&index);
    return age_ms > 0 ? age_ms : 0;
}

/* What waits, for those who look. */
static void tell_waiting(struct archive *archive)
{
    struct segment_list waiting = {0};
    int64_t age_ms = 0;
    struct arena arena;
    struct err err;

    arena_init(&arena, 4096);
    if (find_waiting(archive, &arena, &waiting, &err) && waiting.count > 0)
        age_ms = age_of(archive, waiting.numbers[0]);
    metrics_set(archive->options.metrics, METRIC_AUDIT_SHIP_WAITING, (double)waiting.count);
    metrics_set(archive->options.metrics, METRIC_AUDIT_SHIP_AGE, (double)age_ms / 1000);
    tell_readiness(archive, age_ms);
    arena_release(&arena);
}

/* False when the place is not to be asked for more now. */
static bool ship_one(struct archive *archive, uint64_t number)
{
    struct err err = ERR_NONE;
    uint64_t bytes;
    enum ship_result result = ship_segment(&archive->route, number, &bytes, &err);

    metrics_count(metrics_shared(archive->options.metrics), METRIC_AUDIT_SHIPPED, 0, bytes);
    if (ship_is_done(result))
        LOG(INFO, "audit.shipped", "a segment of the audit log is where it was to be shipped to",
            log_number("segment", (int64_t)number), log_number("stored_bytes", (int64_t)bytes));
    return archive_note(archive, result, &err);
}

static bool ship_segments(struct archive *archive)
{
    struct segment_list waiting = {0};
    struct err err = ERR_NONE;
    struct arena arena;
    bool goes_on;

    arena_init(&arena, 4096);
    goes_on =
        find_waiting(archive, &arena, &waiting, &err) || archive_note(archive, SHIP_FAILED, &err);
    for (size_t i = 0; goes_on && i < waiting.count && !atomic_load(&archive->is_cancelled); i++)
        goes_on = ship_one(archive, waiting.numbers[i]) && archive_ship_head(archive);
    arena_release(&arena);
    return goes_on;
}

/* ---- when ---- */

/* What stat(2) says of the folder changes with every file that comes. */
static bool has_folder_changed(struct archive *archive)
{
    struct stat status;
    bool has_changed = stat(archive->segments_folder, &status) != 0 ||
                       status.st_mtim.tv_sec != archive->seen.tv_sec ||
                       status.st_mtim.tv_nsec != archive->seen.tv_nsec;

    archive->seen = status.st_mtim;
    return has_changed;
}

/* Full jitter over the upper half: replicas that failed together do not come back together. */
static int64_t pause_after(unsigned failures)
{
    int64_t pause_ms = BACKOFF_MIN_MS;

    while (--failures > 0 && pause_ms < BACKOFF_MAX_MS)
        pause_ms *= 2;
    if (pause_ms > BACKOFF_MAX_MS)
        pause_ms = BACKOFF_MAX_MS;
    return pause_ms / 2 + (int64_t)(random_u64() % (uint64_t)(pause_ms / 2 + 1));
}

static void settle_round(struct archive *archive)
{
    int64_t now_ms = clock_monotonic_ms(archive->options.clock);

    archive->next_look_ms = now_ms + LOOK_ANYWAY_MS;
    if (archive->round.has_failed) {
        archive->next_try_ms = now_ms + pause_after(++archive->failures);
        return;
    }
    if (archive->last_failure)
        LOG(INFO, "audit.ship_recovered", "the audit log is shipped again");
    archive->last_failure = SHIP_STORED;
    archive->failures = 0;
}

static void ship_round(struct archive *archive)
{
    archive->round = (struct archive_round){0};
    if (archive_ship_head(archive))
        ship_segments(archive);
    settle_round(archive);
    tell_waiting(archive);
}

static void ship_if_due(struct archive *archive)
{
    int64_t now_ms = clock_monotonic_ms(archive->options.clock);
    bool has_changed = has_folder_changed(archive);

    archive->is_due |= has_changed || now_ms >= archive->next_look_ms ||
                       now_ms >= archive->next_head_ms || archive->failures > 0;
    if (!archive->is_due || (archive->failures > 0 && now_ms < archive->next_try_ms))
        return;
    archive->is_due = false;
    ship_round(archive);
}

static void *run(void *argument)
{
    struct archive *archive = argument;

    thread_lower_priority();
    while (!atomic_load(&archive->is_stopping)) {
        bool is_kicked = atomic_exchange(&archive->is_kicked, false);

        archive_keep_holds(archive);
        if (archive->route.place)
            ship_if_due(archive);
        archive_retain(archive, is_kicked);
        if (!atomic_load(&archive->is_stopping) && !atomic_load(&archive->is_kicked))
            mailbox_wait(&archive->mailbox, LOOK_MS);
    }
    if (archive->route.place && !atomic_load(&archive->is_cancelled)) {
        archive->round = (struct archive_round){0};
        if (ship_segments(archive))
            archive_ship_last_head(archive);
    }
    mailbox_wake(&archive->ended);
    return NULL;
}

/* ---- its life ---- */

static void set_up_route(struct archive *archive)
{
    const struct archive_options *options = &archive->options;

    audit_log_id_encode(audit_log_id(options->audit), archive->log_id);
    archive->route = (struct ship_route){
        .folder = options->folder,
        .log_id = archive->log_id,
        .place_name = options->place_name,
        .retain_ms = options->retain_ms,
    };
    if (!options->place_name)
        return;
    archive->route.place = options->open_place(&archive->is_cancelled, options->context);
    archive->marks_folder =
        ship_marks_folder(options->folder, options->place_name, &archive->arena);
}

struct archive *archive_start(const struct archive_options *options)
{
    struct archive *archive = memory_new(struct archive);

    archive->options = *options;
    arena_init(&archive->arena, 1024);
    archive->segments_folder =
        arena_printf(&archive->arena, "%s/" AUDIT_SEGMENTS_FOLDER, options->folder);
    archive->audit = options->audit;
    archive->head_shipped_ms = clock_monotonic_ms(options->clock);
    archive->size_at_start = archive_first_index(archive);
    archive->is_due = true;
    pthread_mutex_init(&archive->log_lock, NULL);
    mailbox_init(&archive->mailbox);
    mailbox_init(&archive->ended);
    set_up_route(archive);
    thread_start(&archive->thread, "archive", run, archive);
    return archive;
}

void archive_kick(struct archive *archive)
{
    if (!archive)
        return;
    atomic_store(&archive->is_kicked, true);
    mailbox_wake(&archive->mailbox);
}

void archive_leave_log(struct archive *archive)
{
    if (!archive)
        return;
    pthread_mutex_lock(&archive->log_lock);
    archive->audit = NULL;
    pthread_mutex_unlock(&archive->log_lock);
}

void archive_stop(struct archive *archive, int64_t grace_ms)
{
    if (!archive)
        return;
    atomic_store(&archive->is_stopping, true);
    mailbox_wake(&archive->mailbox);
    mailbox_wait(&archive->ended, grace_ms);
    atomic_store(&archive->is_cancelled, true);
    pthread_join(archive->thread, NULL);
    ship_place_free(archive->route.place);
    legal_holds_unref(archive->holds);
    mailbox_release(&archive->ended);
    mailbox_release(&archive->mailbox);
    pthread_mutex_destroy(&archive->log_lock);
    arena_release(&archive->arena);
    memory_free(archive);
}
