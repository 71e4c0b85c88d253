/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: making records durable, and telling who waited. */
#include "base/failpoint.h"
#include "base/log.h"
#include "telemetry/audit_log.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

enum { ATTEMPTS_WHEN_CLOSING = 5 };

static bool io_error(struct err *err, const char *what)
{
    return err_set(err, ERR_AUDIT_UNAVAILABLE, "audit: cannot %s: %s", what,
                   strerrordesc_np(errno));
}

static bool failpoint_error(bool is_hit, int error)
{
    if (is_hit)
        errno = error;
    return is_hit;
}

static bool write_at(int fd, off_t offset, struct span bytes)
{
    if (failpoint_error(FAILPOINT("audit_write_error"), ENOSPC))
        return false;
    while (bytes.length > 0) {
        ssize_t put = pwrite(fd, bytes.data, bytes.length, offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes = span_from(bytes, (size_t)put);
        offset += put;
    }
    return true;
}

/* Nothing to do when an attempt before this one has got that far. */
static bool open_segment(struct audit_log *log, const struct audit_buffer *buffer, struct err *err)
{
    if (!buffer->begins_segment ||
        (log->segment_fd >= 0 && log->segment_first_sequence == buffer->header.first_sequence))
        return true;
    if (log->segment_fd >= 0)
        close(log->segment_fd);
    log->segment_fd = -1;
    if (!audit_folder_add_segment(&log->folder, &buffer->header, &log->segment_fd, err))
        return false;
    log->segment_first_sequence = buffer->header.first_sequence;
    log->segment_offset = AUDIT_SEGMENT_HEADER_BYTES;
    log->is_segment_named = false;
    return true;
}

static bool sync_segment(struct audit_log *log, struct err *err)
{
    if (failpoint_error(FAILPOINT("before_audit_fsync") || FAILPOINT("audit_fsync_error"), EIO) ||
        fdatasync(log->segment_fd) != 0)
        return io_error(err, "sync");
    if (!log->is_segment_named && !audit_folder_sync(&log->folder, err))
        return false;
    log->is_segment_named = true;
    return true;
}

/*
 * One attempt.  It starts at the same offset as the one before, also after a failed sync: the
 * system may have forgotten that pages are dirty, writing them again makes them so.
 */
static bool flush(struct audit_log *log, const struct audit_buffer *buffer, struct err *err)
{
    if (!open_segment(log, buffer, err))
        return false;
    if (failpoint_error(FAILPOINT("before_audit_write"), EIO) ||
        !write_at(log->segment_fd, log->segment_offset, span_of(buffer->bytes, buffer->length)))
        return io_error(err, "write");
    if (!sync_segment(log, err))
        return false;
    if (failpoint_error(FAILPOINT("after_audit_fsync"), EIO))
        return io_error(err, "go on after the sync");
    log->segment_offset += (off_t)buffer->length;
    return true;
}

/* Those whose record is among the first `sequence`, or all of them; put before `taken`. */
static struct audit_waiter *take_from(struct audit_log *log, struct audit_waiter **at,
                                      uint64_t sequence, bool is_all, struct audit_waiter *taken)
{
    while (*at) {
        struct audit_waiter *waiter = *at;

        if (!is_all && waiter->sequence > sequence) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->is_durable = waiter->sequence <= log->state.durable_sequence;
        waiter->is_covered = waiter->sequence <= log->state.covered_sequence;
        waiter->next = taken;
        taken = waiter;
    }
    return taken;
}

/* Those whose record is durable; all of them when writing failed: no head can cover it, either. */
static struct audit_waiter *take_waiters(struct audit_log *log, bool is_flushed)
{
    struct audit_waiter *taken =
        take_from(log, &log->waiters, log->state.durable_sequence, !is_flushed, NULL);

    return is_flushed ? taken : take_from(log, &log->head_waiters, 0, true, taken);
}

/* A waiter may be gone as soon as it is posted. */
static void post_waiters(struct audit_waiter *waiter)
{
    while (waiter) {
        struct audit_waiter *next = waiter->next;

        inbox_post(waiter->reply_to, &waiter->done);
        waiter = next;
    }
}

static void tell_metrics(struct audit_log *log, bool is_flushed, uint64_t records, size_t bytes,
                         size_t backlog_bytes, int64_t duration_ns)
{
    if (!log->metrics)
        return;
    metrics_set(log->metrics, METRIC_AUDIT_BACKLOG, (double)backlog_bytes);
    metrics_observe(log->shard, METRIC_AUDIT_FLUSH, duration_ns);
    if (!is_flushed) {
        metrics_count(log->shard, METRIC_AUDIT_ERRORS, 0, 1);
        return;
    }
    metrics_count(log->shard, METRIC_AUDIT_RECORDS, METRICS_AUDIT_TAKEN, records);
    metrics_count(log->shard, METRIC_AUDIT_WRITTEN, 0, bytes);
}

/* The writer is where errors of the log are handled: said once, and once more when it is over. */
static void tell_people(struct audit_log *log, bool was_failing, bool is_flushed,
                        const struct err *err)
{
    if (is_flushed && was_failing)
        LOG(INFO, "audit.recovered", "audit records can be written again");
    if (!is_flushed && !was_failing)
        log_err("audit.failed", "audit records cannot be written", err);
    if (!log->readiness)
        return;
    if (is_flushed)
        readiness_meet(log->readiness, READINESS_AUDIT);
    else if (!was_failing)
        readiness_fail(log->readiness, READINESS_AUDIT, "audit records cannot be written");
}

/* Under the lock: what follows from an attempt. */
static struct audit_waiter *settle(struct audit_log *log, bool is_flushed)
{
    struct audit_buffer *buffer = log->writing;

    log->state.is_failing = !is_flushed;
    if (is_flushed) {
        log->state.durable_sequence = buffer->first_sequence + buffer->record_count - 1;
        log->state.written_bytes += buffer->length;
        buffer->length = 0;
    }
    return take_waiters(log, is_flushed);
}

static bool attempt(struct audit_log *log)
{
    uint64_t records = log->writing->record_count;
    size_t bytes = log->writing->length, backlog_bytes;
    int64_t started_ns = clock_now_ns();
    struct err err = ERR_NONE;
    bool is_flushed = flush(log, log->writing, &err), was_failing;
    struct audit_waiter *waiters;

    pthread_mutex_lock(&log->lock);
    was_failing = log->state.is_failing;
    waiters = settle(log, is_flushed);
    backlog_bytes = log->filling->length + log->writing->length;
    pthread_mutex_unlock(&log->lock);
    tell_metrics(log, is_flushed, records, bytes, backlog_bytes, clock_now_ns() - started_ns);
    tell_people(log, was_failing, is_flushed, &err);
    post_waiters(waiters);
    return is_flushed;
}

static void wait_until(struct audit_log *log, int64_t until_ns, bool is_hurried)
{
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};

    while (!(is_hurried && (log->is_urgent || log->is_closing)))
        if (pthread_cond_timedwait(&log->wake, &log->lock, &until) == ETIMEDOUT)
            return;
}

/* Under the lock: what gathered is to be written, and what comes gathers elsewhere. */
static struct audit_buffer *swap(struct audit_log *log)
{
    struct audit_buffer *full = log->filling;

    log->filling = log->writing;
    log->writing = full;
    log->planned_bytes += full->length;
    log->is_urgent = false;
    return full;
}

/* Under the lock.  A new head is for everybody to see; what is durable has been entered by now. */
static void publish_head(struct audit_log *log)
{
    const struct audit_ledger *ledger = &log->ledger;

    log->head = ledger->head;
    log->jws_length = ledger->jws_length;
    memcpy(log->jws, ledger->jws, ledger->jws_length);
    log->state.covered_sequence = log->state.durable_sequence;
}

static void sign_if_due(struct audit_log *log)
{
    struct audit_waiter *waiters;
    bool is_signed;

    if (audit_ledger_due_ns(&log->ledger) > clock_now_ns())
        return;
    is_signed = audit_ledger_sign(&log->ledger);
    pthread_mutex_lock(&log->lock);
    if (is_signed)
        publish_head(log);
    waiters = take_from(log, &log->head_waiters, log->state.covered_sequence, !is_signed, NULL);
    pthread_mutex_unlock(&log->lock);
    post_waiters(waiters);
}

/* Into the tree, after whoever waited was told: hashing is nobody's business but this thread's. */
static void enter_block(struct audit_log *log, const struct audit_buffer *block, size_t length)
{
    if (block->begins_segment)
        audit_ledger_begin_segment(&log->ledger, &block->header);
    audit_ledger_add(&log->ledger, span_of(block->bytes, length), block->first_sequence,
                     (uint64_t)log->segment_offset - length);
    sign_if_due(log);
}

/* Under the lock, which is given up meanwhile.  False when the log closes and the disk does not
 * take what there is. */
static bool write_out(struct audit_log *log)
{
    struct audit_buffer *full = swap(log);
    int attempts_left = ATTEMPTS_WHEN_CLOSING;
    size_t length = full->length;

    pthread_mutex_unlock(&log->lock);
    audit_frames_seal(full->bytes, full->length);
    while (!attempt(log) && attempts_left > 0) {
        pthread_mutex_lock(&log->lock);
        wait_until(log, clock_now_ns() + AUDIT_RETRY_MS * INT64_C(1000000), false);
        if (log->is_closing)
            attempts_left--;
        pthread_mutex_unlock(&log->lock);
    }
    /* Its bytes stay where they are until the next swap. */
    if (full->length == 0)
        enter_block(log, full, length);
    pthread_mutex_lock(&log->lock);
    return full->length == 0;
}

bool audit_writer_begin(struct audit_log *log, struct err *err)
{
    struct audit_buffer *full = swap(log);
    size_t length = full->length;

    audit_frames_seal(full->bytes, full->length);
    if (!flush(log, full, err)) {
        if (log->segment_fd >= 0)
            close(log->segment_fd);
        return false;
    }
    settle(log, true);
    enter_block(log, full, length);
    if (log->readiness)
        readiness_meet(log->readiness, READINESS_AUDIT);
    return true;
}

/* Under the lock, which is given up meanwhile.  Until there is a record, or a head is due. */
static void rest(struct audit_log *log)
{
    int64_t due_ns = audit_ledger_due_ns(&log->ledger);

    if (due_ns == INT64_MAX) {
        pthread_cond_wait(&log->wake, &log->lock);
        return;
    }
    if (due_ns > clock_now_ns()) {
        struct timespec until = {due_ns / 1000000000, due_ns % 1000000000};

        pthread_cond_timedwait(&log->wake, &log->lock, &until);
        return;
    }
    pthread_mutex_unlock(&log->lock);
    sign_if_due(log);
    pthread_mutex_lock(&log->lock);
}

/* Under the lock.  The last record: whoever opens the log next knows that nothing is missing. */
static bool write_end(struct audit_log *log)
{
    if (log->filling->length > 0 && !write_out(log))
        return false;
    audit_append_own(log, &(struct audit_record){.kind = AUDIT_LOG_CLOSED,
                                                 .time_ms = clock_wall_ms(log->clock)});
    return write_out(log);
}

void *audit_writer_run(void *argument)
{
    struct audit_log *log = argument;
    struct audit_waiter *waiters;
    bool is_written = true, is_ended = false;

    pthread_mutex_lock(&log->lock);
    while (is_written && !log->is_closing) {
        if (log->filling->length == 0) {
            rest(log);
            continue;
        }
        wait_until(log, log->filling->begun_ns + AUDIT_FLUSH_MS * INT64_C(1000000), true);
        is_written = write_out(log);
    }
    if (!is_written || !write_end(log))
        LOG(ERROR, "audit.lost", "audit records could not be written before the end",
            log_number("records", (int64_t)(log->next_sequence - 1 - log->state.durable_sequence)));
    else
        is_ended = true;
    waiters = take_waiters(log, false);
    pthread_mutex_unlock(&log->lock);
    post_waiters(waiters);
    if (is_ended)
        audit_ledger_seal(&log->ledger);
    if (log->segment_fd >= 0)
        close(log->segment_fd);
    return NULL;
}
