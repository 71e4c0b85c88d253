/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: taking records. */
#include "telemetry/audit.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "base/timestamp.h"
#include "telemetry/audit_log.h"

#include <inttypes.h>
#include <stdio.h>

/* A record behind AUDIT_SEQUENCE_SKIP others would not be behind all that were lost. */
_Static_assert(2 * (AUDIT_BUFFER_BYTES_MAX / 8) <= AUDIT_SEQUENCE_SKIP,
               "numbers of lost records could be given again");

/* A day ends for a segment when the first record of another one comes. */
static bool is_segment_over(const struct audit_log *log, int64_t now_ms)
{
    return log->planned_bytes == 0 || log->planned_bytes >= log->segment_bytes ||
           log->segment_day != day_of_ms(now_ms);
}

/* `filling` is empty: begin a block, and with it a segment where that is due.  The dictionary is
 * that of the segment, which is why this is decided here and not by the writer. */
static void begin_block(struct audit_log *log)
{
    struct audit_buffer *buffer = log->filling;
    int64_t now_ms = clock_wall_ms(log->clock);

    *buffer = (struct audit_buffer){
        .bytes = buffer->bytes,
        .first_sequence = log->next_sequence,
        .begins_segment = is_segment_over(log, now_ms),
        .base_ms = now_ms,
        .begun_ns = clock_now_ns(),
    };
    if (buffer->begins_segment) {
        buffer->header = (struct audit_segment_header){log->folder.log_id, log->next_sequence,
                                                       log->next_index, now_ms};
        audit_dictionary_clear(log->dictionary);
        log->planned_bytes = AUDIT_SEGMENT_HEADER_BYTES;
        log->segment_day = day_of_ms(now_ms);
    }
    buffer->length =
        (size_t)(audit_block_put(buffer->bytes, log->next_sequence, now_ms) - buffer->bytes);
    pthread_cond_signal(&log->wake);
}

static uint64_t put_record(struct audit_log *log, const struct audit_record *record,
                           size_t bytes_max)
{
    struct audit_buffer *buffer = log->filling;
    uint8_t *frame, *payload, *end;

    if (buffer->length == 0)
        begin_block(log);
    frame = buffer->bytes + buffer->length;
    payload = audit_frame_payload(frame, bytes_max);
    end = audit_record_put(payload, record, log->dictionary, buffer->base_ms);
    audit_frame_close(frame, bytes_max, (size_t)(end - payload));
    buffer->length = (size_t)(end - buffer->bytes);
    buffer->record_count++;
    log->next_index++;
    return log->next_sequence++;
}

void audit_append_own(struct audit_log *log, const struct audit_record *record)
{
    put_record(log, record, AUDIT_OWN_RECORD_BYTES_MAX);
}

/* Room is kept for what the log has to say about itself: drops, and its end. */
static bool has_room(const struct audit_log *log, size_t bytes_max)
{
    size_t kept = 2 * (AUDIT_OWN_RECORD_BYTES_MAX + AUDIT_FRAME_HEAD_BYTES_MAX);
    size_t used = log->filling->length ? log->filling->length : AUDIT_BLOCK_FRAME_BYTES_MAX;

    return used + AUDIT_FRAME_HEAD_BYTES_MAX + bytes_max + kept <= log->buffer_bytes;
}

static void hurry(struct audit_log *log)
{
    if (log->is_urgent)
        return;
    log->is_urgent = true;
    pthread_cond_signal(&log->wake);
}

/* Under the lock.  The number of a dropped record is 0. */
static bool take(struct audit_log *log, const struct audit_record *record, size_t bytes_max,
                 uint64_t *ret_sequence)
{
    if (!has_room(log, bytes_max)) {
        hurry(log);
        if (log->mode != AUDIT_RING) {
            log->state.refused++;
            return false;
        }
        log->state.dropped++;
        log->unsaid_drops++;
        *ret_sequence = 0;
        return true;
    }
    if (log->unsaid_drops > 0) {
        audit_append_own(log, &(struct audit_record){.kind = AUDIT_RECORDS_DROPPED,
                                                     .time_ms = record->time_ms,
                                                     .number = log->unsaid_drops});
        log->unsaid_drops = 0;
    }
    *ret_sequence = put_record(log, record, bytes_max);
    if (log->filling->length > log->buffer_bytes / 2)
        hurry(log);
    return true;
}

static void count_refusal(struct audit_log *log, enum metrics_audit_result result)
{
    if (log->shard)
        metrics_count(log->shard, METRIC_AUDIT_RECORDS, result, 1);
}

bool audit_append(struct audit_log *log, const struct audit_record *record, uint64_t *ret_sequence,
                  struct err *err)
{
    uint64_t sequence = 0;
    size_t bytes_max;
    bool is_taken;

    if (!audit_record_measure(record, &bytes_max, err))
        return false;
    pthread_mutex_lock(&log->lock);
    is_taken = take(log, record, bytes_max, &sequence);
    pthread_mutex_unlock(&log->lock);
    if (!is_taken) {
        count_refusal(log, METRICS_AUDIT_REFUSED);
        return err_set(err, ERR_AUDIT_UNAVAILABLE, "the memory of the audit log is full");
    }
    if (sequence == 0)
        count_refusal(log, METRICS_AUDIT_DROPPED);
    *ret_sequence = sequence;
    return true;
}

void audit_wait(struct audit_log *log, uint64_t sequence, struct audit_waiter *waiter)
{
    bool is_known;

    waiter->sequence = sequence;
    pthread_mutex_lock(&log->lock);
    waiter->is_durable = sequence > 0 && sequence <= log->state.durable_sequence;
    is_known = waiter->is_durable || sequence == 0 || sequence >= log->next_sequence ||
               log->state.is_failing;
    if (!is_known) {
        waiter->next = log->waiters;
        log->waiters = waiter;
        hurry(log);
    }
    pthread_mutex_unlock(&log->lock);
    if (is_known)
        inbox_post(waiter->reply_to, &waiter->done);
}

void audit_wait_head(struct audit_log *log, uint64_t sequence, struct audit_waiter *waiter)
{
    bool is_known;

    waiter->sequence = sequence;
    pthread_mutex_lock(&log->lock);
    waiter->is_durable = sequence > 0 && sequence <= log->state.durable_sequence;
    waiter->is_covered = sequence > 0 && sequence <= log->state.covered_sequence;
    is_known = waiter->is_covered || sequence == 0 || sequence >= log->next_sequence ||
               log->state.is_failing || log->is_closing || !log->ledger.sign;
    if (!is_known) {
        waiter->next = log->head_waiters;
        log->head_waiters = waiter;
    }
    pthread_mutex_unlock(&log->lock);
    if (is_known)
        inbox_post(waiter->reply_to, &waiter->done);
}

uint64_t audit_log_id(const struct audit_log *log)
{
    return log->folder.log_id;
}

enum audit_mode audit_log_mode(const struct audit_log *log)
{
    return log->mode;
}

void audit_get_state(struct audit_log *log, struct audit_state *ret_state)
{
    pthread_mutex_lock(&log->lock);
    *ret_state = log->state;
    ret_state->next_sequence = log->next_sequence;
    ret_state->backlog_bytes = log->filling->length + log->writing->length;
    pthread_mutex_unlock(&log->lock);
}

bool audit_get_head(struct audit_log *log, struct arena *arena, struct audit_head *ret_head,
                    struct span *ret_jws)
{
    bool is_there;

    pthread_mutex_lock(&log->lock);
    is_there = log->head.size > 0;
    if (is_there) {
        *ret_head = log->head;
        *ret_jws = arena_copy(arena, span_of(log->jws, log->jws_length));
    }
    pthread_mutex_unlock(&log->lock);
    return is_there;
}

bool audit_prove_record(struct audit_log *log, const struct audit_head *head, uint64_t sequence,
                        struct audit_inclusion *ret_inclusion, struct err *err)
{
    struct audit_files files;
    struct arena arena;
    bool is_proved;

    arena_init(&arena, 4096);
    is_proved = audit_folder_files(&log->folder, &arena, &files, err) &&
                audit_prove(&files, head, sequence, ret_inclusion, err);
    arena_release(&arena);
    return is_proved;
}

bool audit_prove_old_size(struct audit_log *log, const struct audit_head *head, uint64_t old_size,
                          struct tree_proof *ret_proof, struct err *err)
{
    struct audit_files files;
    struct arena arena;
    bool is_proved;

    arena_init(&arena, 4096);
    is_proved = audit_folder_files(&log->folder, &arena, &files, err) &&
                audit_prove_consistency(&files, head, old_size, ret_proof, err);
    arena_release(&arena);
    return is_proved;
}

/* The first record of a run says how the one before ended: gaps in the numbers are explained. */
static void say_opened(struct audit_log *log, const struct audit_recovery *recovery)
{
    char text[160];
    int length = snprintf(text, sizeof(text),
                          "version=%s previous_end=%s last_sequence=%" PRIu64 " cut_bytes=%" PRIu64,
                          PASSGATE_VERSION,
                          recovery->was_closed           ? "closed"
                          : recovery->last_sequence == 0 ? "none"
                                                         : "unclean",
                          recovery->last_sequence, recovery->cut_bytes);

    audit_append_own(log, &(struct audit_record){.kind = AUDIT_LOG_OPENED,
                                                 .time_ms = clock_wall_ms(log->clock),
                                                 .payload = span_of(text, (size_t)length)});
}

static size_t or_default(size_t value, size_t fallback)
{
    return value ? value : fallback;
}

/* Everything but the folder. */
static void release(struct audit_log *log)
{
    pthread_cond_destroy(&log->wake);
    pthread_mutex_destroy(&log->lock);
    audit_dictionary_free(log->dictionary);
    for (size_t i = 0; i < ARRAY_LEN(log->buffers); i++)
        memory_free(log->buffers[i].bytes);
    memory_free(log);
}

static struct audit_log *create(const struct audit_options *options,
                                const struct audit_folder *folder,
                                const struct audit_recovery *recovery)
{
    struct audit_log *log = memory_new(struct audit_log);
    pthread_condattr_t monotonic;

    *log = (struct audit_log){
        .folder = *folder,
        .mode = options->mode,
        .buffer_bytes = or_default(options->buffer_bytes, AUDIT_BUFFER_BYTES_DEFAULT),
        .segment_bytes = or_default(options->segment_bytes, AUDIT_SEGMENT_BYTES_DEFAULT),
        .clock = options->clock,
        .metrics = options->metrics,
        .shard = options->metrics ? metrics_shared(options->metrics) : NULL,
        .readiness = options->readiness,
        .filling = &log->buffers[0],
        .writing = &log->buffers[1],
        .dictionary = audit_dictionary_new(),
        .next_index = recovery->record_count,
        .next_sequence = recovery->last_sequence + 1,
        .segment_fd = -1,
    };
    if (!recovery->was_closed && recovery->last_sequence > 0)
        log->next_sequence += AUDIT_SEQUENCE_SKIP;
    for (size_t i = 0; i < ARRAY_LEN(log->buffers); i++)
        log->buffers[i].bytes = memory_alloc(log->buffer_bytes);
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return log;
}

static bool check_options(const struct audit_options *options, struct err *err)
{
    size_t buffer_bytes = or_default(options->buffer_bytes, AUDIT_BUFFER_BYTES_DEFAULT);

    if (buffer_bytes < AUDIT_BUFFER_BYTES_MIN || buffer_bytes > AUDIT_BUFFER_BYTES_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "audit: buffers of %zu bytes", buffer_bytes);
    if (options->segment_bytes > AUDIT_SEGMENT_BYTES_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "audit: segments of %zu bytes",
                       options->segment_bytes);
    return true;
}

static bool begin(struct audit_log *log, const struct audit_options *options,
                  const struct audit_recovery *recovery, struct err *err)
{
    if (!audit_ledger_open(&log->ledger, options, &log->folder, recovery, err))
        return false;
    say_opened(log, recovery);
    return audit_writer_begin(log, err);
}

bool audit_open(const struct audit_options *options, struct audit_log **ret_log, struct err *err)
{
    struct audit_recovery recovery;
    struct audit_folder folder;
    struct audit_log *log;

    if (!check_options(options, err) ||
        !audit_folder_open(options->folder, &folder, &recovery, err))
        return false;
    log = create(options, &folder, &recovery);
    /* No number is given before one is on the disk: else the next run could not know of this. */
    if (!begin(log, options, &recovery, err)) {
        audit_ledger_release(&log->ledger);
        release(log);
        audit_folder_close(&folder);
        return false;
    }
    thread_start(&log->thread, "audit", audit_writer_run, log);
    *ret_log = log;
    return true;
}

void audit_close(struct audit_log *log)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->lock);
    log->is_closing = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    audit_ledger_release(&log->ledger);
    audit_folder_close(&log->folder);
    release(log);
}
