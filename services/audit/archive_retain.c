/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of an audit log: what is removed, and what is not because of a hold. */
#include "audit/archive_state.h"

#include "audit/retention.h"
#include "base/file.h"
#include "base/log.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <unistd.h>

enum { RETAIN_EVERY_MS = 60 * 1000, WAIT_MS = 1000, HOLDS_BYTES_MAX = 4 * 1024 * 1024 };

/* ---- records of its own ---- */

struct waiting {
    struct audit_waiter waiter;
    bool is_done;
};

static void on_known(struct task *task)
{
    CONTAINER_OF(task, struct waiting, waiter.done)->is_done = true;
}

/* Returns when the record is durable: what it speaks of is done after it.  The log fails at once
 * when it cannot write, so that nobody waits for long behind the lock. */
static bool append(struct archive *archive, struct audit_log *audit, struct span payload,
                   struct err *err)
{
    struct waiting waiting = {
        .waiter = {.done.run = on_known, .reply_to = &archive->mailbox.inbox}};
    const struct audit_record record = {
        .kind = AUDIT_ADMINISTRATION,
        .time_ms = clock_wall_ms(archive->options.clock),
        .payload = payload,
    };
    uint64_t sequence;

    if (!audit_append(audit, &record, &sequence, err))
        return false;
    audit_wait(audit, sequence, &waiting.waiter);
    while (!waiting.is_done)
        mailbox_wait(&archive->mailbox, WAIT_MS);
    if (!waiting.waiter.is_durable)
        return err_set(err, ERR_AUDIT_UNAVAILABLE, "a record of the archive could not be written");
    return true;
}

static bool record(struct archive *archive, struct span payload, struct err *err)
{
    bool is_recorded;

    pthread_mutex_lock(&archive->log_lock);
    is_recorded = archive->audit ? append(archive, archive->audit, payload, err)
                                 : err_set(err, ERR_AUDIT_UNAVAILABLE, "the log is being closed");
    pthread_mutex_unlock(&archive->log_lock);
    return is_recorded;
}

/* ---- holds ---- */

struct change {
    struct archive *archive;
    struct arena *arena;
    const char *what;
    bool is_recorded;
    struct err err;
};

static void record_change(void *context, struct span line)
{
    struct change *change = context;

    if (!change->is_recorded)
        return;
    change->is_recorded = record(change->archive,
                                 span_text(arena_printf(change->arena, "legal_hold=%s %.*s",
                                                        change->what, SPAN_FORMAT(line))),
                                 &change->err);
    if (change->is_recorded)
        LOG(INFO, "audit.legal_hold", "a legal hold was set or lifted",
            log_text("what", change->what), log_span("hold", line));
}

static bool record_changes(struct archive *archive, struct span before, struct span after,
                           struct arena *arena, struct err *err)
{
    struct change change = {archive, arena, "set", true, ERR_NONE};

    legal_holds_each_new(after, before, record_change, &change);
    change.what = "lifted";
    legal_holds_each_new(before, after, record_change, &change);
    *err = change.err;
    return change.is_recorded;
}

/* The lines that the log knows of are in a file beside it, written after its records. */
static bool take_up(struct archive *archive, const struct legal_holds *holds, struct err *err)
{
    struct span before = {0}, after;
    struct arena arena;
    const char *path;
    bool is_done;

    arena_init(&arena, 4096);
    path = arena_printf(&arena, "%s/legal_holds", archive->options.folder);
    after = legal_holds_lines(holds, &arena);
    is_done = access(path, F_OK) != 0 || file_read(path, HOLDS_BYTES_MAX, &arena, &before, err);
    if (is_done && !span_equal(before, after))
        is_done = record_changes(archive, before, after, &arena, err) &&
                  file_write_durably(path, after, 0600, err);
    arena_release(&arena);
    return is_done;
}

void archive_keep_holds(struct archive *archive)
{
    struct legal_holds *holds = snapshot_get(archive->options.holds);
    struct err err;

    if (holds == archive->holds) {
        legal_holds_unref(holds);
        return;
    }
    metrics_set(archive->options.metrics, METRIC_AUDIT_HOLDS, (double)legal_holds_count(holds));
    if (take_up(archive, holds, &err)) {
        legal_holds_unref(archive->holds);
        archive->holds = holds;
        return;
    }
    log_err("audit.holds_failed", "nothing is removed until legal holds are on record", &err);
    legal_holds_unref(archive->holds);
    archive->holds = NULL;
    legal_holds_unref(holds);
}

/* ---- removing ---- */

static struct retention_rule rule_of(const struct archive *archive)
{
    const struct archive_options *options = &archive->options;
    bool is_shorter_here = archive->route.place && options->keep_local_ms > 0;

    return (struct retention_rule){
        .folder = options->folder,
        .keep_ms = is_shorter_here ? options->keep_local_ms : options->retention_ms,
        .holds = archive->holds,
        .marks_folder = archive->marks_folder,
    };
}

/* The record first: nothing goes without one. */
static bool remove_planned(struct archive *archive, const struct retention_plan *plan,
                           struct err *err)
{
    char latest[TIMESTAMP_TEXT_MAX], text[256];
    int length = snprintf(text, sizeof(text),
                          "segments_removed=%zu records=%" PRIu64 " first=%" PRIu64 " last=%" PRIu64
                          " latest_record=%s",
                          plan->segments, plan->records, plan->first_sequence, plan->last_sequence,
                          timestamp_format(plan->latest_ms, latest));

    if (!record(archive, span_of(text, (size_t)length), err) ||
        !retention_remove(archive->options.folder, plan->next_sequence, err))
        return false;
    metrics_count(metrics_shared(archive->options.metrics), METRIC_AUDIT_REMOVED, 0,
                  plan->segments);
    LOG(INFO, "audit.removed", "segments whose time was over were removed",
        log_number("segments", (int64_t)plan->segments),
        log_number("first", (int64_t)plan->first_sequence),
        log_number("last", (int64_t)plan->last_sequence));
    return true;
}

static bool remove_what_may_go(struct archive *archive, struct err *err)
{
    const struct retention_rule rule = rule_of(archive);
    struct retention_plan plan;

    if (!retention_find(&rule, clock_wall_ms(archive->options.clock), &plan, err))
        return false;
    if (!archive->is_swept &&
        !retention_remove(rule.folder, plan.segments > 0 ? plan.first_sequence : plan.next_sequence,
                          err))
        return false;
    archive->is_swept = true;
    return plan.segments == 0 || remove_planned(archive, &plan, err);
}

void archive_retain(struct archive *archive, bool is_kicked)
{
    int64_t now_ms = clock_monotonic_ms(archive->options.clock);
    struct err err;

    if (!archive->holds || rule_of(archive).keep_ms == 0 ||
        (!is_kicked && now_ms < archive->next_retain_ms))
        return;
    archive->next_retain_ms = now_ms + RETAIN_EVERY_MS;
    if (!remove_what_may_go(archive, &err))
        log_err("audit.retention_failed", "what is over stays for now", &err);
}
