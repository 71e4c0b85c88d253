/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an audit log, shared by what appends (audit.c) and what writes (audit_writer.c). */
#ifndef TELEMETRY_AUDIT_LOG_H
#define TELEMETRY_AUDIT_LOG_H

#include "telemetry/audit.h"
#include "telemetry/audit_folder.h"
#include "telemetry/audit_ledger.h"

#include <pthread.h>
#include <sys/types.h>

/* A block in the making, or being written. */
struct audit_buffer {
    uint8_t *bytes;
    size_t length; /* 0: no block was begun */
    uint64_t first_sequence;
    uint64_t record_count;
    bool begins_segment;
    struct audit_segment_header header; /* of that segment */
    int64_t base_ms;
    int64_t begun_ns; /* monotonic */
};

struct audit_log {
    struct audit_folder folder;
    enum audit_mode mode;
    size_t buffer_bytes;
    size_t segment_bytes;
    const struct clock *clock;
    struct metrics *metrics;
    struct metrics_shard *shard;
    struct readiness *readiness;
    pthread_t thread;

    pthread_mutex_t lock; /* short: nothing under it waits for anything */
    pthread_cond_t wake;  /* the writer */
    struct audit_buffer buffers[2];
    struct audit_buffer *filling;
    struct audit_buffer *writing; /* the other one; the writer's alone while it has a length */
    struct audit_dictionary *dictionary; /* of the segment that `filling` goes to */
    uint64_t next_sequence;
    uint64_t next_index;
    size_t planned_bytes; /* of that segment, without `filling`; 0: there is none yet */
    int32_t segment_day;
    uint64_t unsaid_drops; /* dropped, and not yet in the log */
    struct audit_waiter *waiters;
    struct audit_waiter *head_waiters; /* for a head */
    bool is_urgent;                    /* somebody waits, or there is little room */
    bool is_closing;
    struct audit_state state; /* counters; the sequence numbers are filled in when asked */
    struct audit_head head;   /* the newest one that was signed; size 0: none */
    char jws[AUDIT_HEAD_LINE_MAX];
    size_t jws_length;

    /* The writer's own. */
    struct audit_ledger ledger;
    int segment_fd;
    uint64_t segment_first_sequence;
    off_t segment_offset;  /* everything before is durable */
    bool is_segment_named; /* the folder was synced since it was made */
};

/* Before the thread: make the first block durable, in one attempt. */
MUST_CHECK bool audit_writer_begin(struct audit_log *log, struct err *err);

/* The thread.  Ends after a last flush once `is_closing`. */
void *audit_writer_run(void *log);

/* Under the lock: append one record of the log's own, for which there must be room. */
void audit_append_own(struct audit_log *log, const struct audit_record *record);

/* What the log writes about itself takes less; there is always that much room for it. */
enum { AUDIT_OWN_RECORD_BYTES_MAX = 512 };

#endif
