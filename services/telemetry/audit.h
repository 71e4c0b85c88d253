/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log of this replica: append-only, numbered, durable within milliseconds.
 *
 * Appending puts the record into memory and returns; a thread of the log writes what has gathered
 * every few milliseconds, syncs, and tells who waited.  Sequence numbers start at 1, are
 * consecutive within a run of the program, and are never given twice, whatever is lost in a crash:
 * after an unclean end the numbers that may have been given are skipped.
 *
 * Modes: `bounded` refuses records when its memory is full, so that no answer is without a record;
 * a crash of the process loses what was appended since the last write, AUDIT_FLUSH_MS and the time
 * of one flush.  `durable` is the same log; callers wait for every record.  `ring` drops records
 * when the memory is full, and the log says how many.
 *
 * Every record is a leaf of a Merkle tree (RFC 6962), whose heads are signed at least once in every
 * second in which something was recorded, and at the end.
 *
 * The folder holds `log.id`, `segments/` and `heads/`; docs/audit.md describes the files.
 */
#ifndef TELEMETRY_AUDIT_H
#define TELEMETRY_AUDIT_H

#include "base/clock.h"
#include "base/err.h"
#include "base/inbox.h"
#include "domain/audit/files.h"
#include "domain/audit/prove.h"
#include "domain/audit/record.h"
#include "telemetry/metrics.h"
#include "telemetry/readiness.h"

enum audit_mode { AUDIT_BOUNDED, AUDIT_DURABLE, AUDIT_RING };

enum {
    AUDIT_FLUSH_MS = 7,   /* and the write: 10 ms are promised, and every sync costs */
    AUDIT_RETRY_MS = 100, /* after a failed write */
    AUDIT_BUFFER_BYTES_MIN = 4 * 1024,
    AUDIT_BUFFER_BYTES_DEFAULT = 4 * 1024 * 1024,
    AUDIT_BUFFER_BYTES_MAX = 16 * 1024 * 1024,
    AUDIT_SEGMENT_BYTES_DEFAULT = 64 * 1024 * 1024,
    AUDIT_SEGMENT_BYTES_MAX = 512 * 1024 * 1024,
    /* How far numbering jumps after an unclean end: more than two full buffers can hold. */
    AUDIT_SEQUENCE_SKIP = 1 << 22,
};

/* Signs a tree head: `payload` as a JWS of the type AUDIT_HEAD_TYPE, in the arena.  Called by the
 * log's thread, and before it exists by that of audit_open().  An empty one: there is no key yet,
 * and it is asked again soon. */
typedef bool audit_sign(void *context, struct span payload, int64_t now_ms, struct arena *arena,
                        struct span *ret_jws, struct err *err);

struct audit_options {
    const char *folder; /* made when it is not there */
    enum audit_mode mode;
    size_t buffer_bytes;  /* of each of two buffers; 0: default */
    size_t segment_bytes; /* a segment that has more is followed by a new one; 0: default */
    const struct clock *clock;
    struct metrics *metrics;     /* or NULL; must outlive the log */
    struct readiness *readiness; /* or NULL; READINESS_AUDIT is the log's to set */
    audit_sign *sign;            /* or NULL: the tree has no signed heads */
    void *sign_context;          /* must outlive the log */
};

struct audit_log;

/*
 * Open the log of the folder, which can be written when this is done: one process at a time.  A
 * tail that a crash has torn is cut, and what was cut is logged.  STORE_CORRUPT when something is
 * damaged that had been durable: then a person has to decide.
 */
MUST_CHECK bool audit_open(const struct audit_options *options, struct audit_log **ret_log,
                           struct err *err);

/* Write everything, stop, free.  Gives up after a few attempts when the disk does not take it.  The
 * inboxes of all waiters must still be there.  NULL is allowed. */
void audit_close(struct audit_log *log);

uint64_t audit_log_id(const struct audit_log *log);
enum audit_mode audit_log_mode(const struct audit_log *log);

/*
 * Any thread; never waits for the disk.  AUDIT_UNAVAILABLE when the memory is full: then the answer
 * must not be given.  In mode ring a record that is dropped gets the number 0.
 */
MUST_CHECK bool audit_append(struct audit_log *log, const struct audit_record *record,
                             uint64_t *ret_sequence, struct err *err);

/* Embedded in what waits. */
struct audit_waiter {
    struct task done; /* posted once the outcome is known */
    struct inbox *reply_to;
    bool is_durable; /* false: it could not be written when it was tried; it may still be later */
    bool is_covered; /* of audit_wait_head(): and the newest head has it */

    uint64_t sequence; /* the log's own */
    struct audit_waiter *next;
};

/* Any thread: post `waiter->done` when the record is durable or failed; always later, never within
 * the call.  The caller sets `done.run` and `reply_to`. */
void audit_wait(struct audit_log *log, uint64_t sequence, struct audit_waiter *waiter);

/* The same until a signed head covers the record, a second at most; not covered: there is no such
 * record, or it could not be written or signed when that was tried. */
void audit_wait_head(struct audit_log *log, uint64_t sequence, struct audit_waiter *waiter);

struct audit_state {
    bool is_failing; /* the last attempt to write failed */
    uint64_t next_sequence;
    uint64_t durable_sequence; /* this one and all before */
    uint64_t covered_sequence; /* this one and all before: by the newest head; 0: there is none */
    uint64_t refused;
    uint64_t dropped;
    size_t backlog_bytes;
    uint64_t written_bytes; /* since the log was opened */
};

void audit_get_state(struct audit_log *log, struct audit_state *ret_state);

/* The newest signed head of the log's Merkle tree, and its JWS in the arena; false while there is
 * none.  Any thread. */
bool audit_get_head(struct audit_log *log, struct arena *arena, struct audit_head *ret_head,
                    struct span *ret_jws);

/*
 * That a record is in the tree of that head: RECORD_UNKNOWN when it is not, TREE_HEAD_BEHIND when
 * it is not yet (heads are at most a second apart).  Reads a segment from the disk: only where one
 * may wait.
 */
MUST_CHECK bool audit_prove_record(struct audit_log *log, const struct audit_head *head,
                                   uint64_t sequence, struct audit_inclusion *ret_inclusion,
                                   struct err *err);
/* That the tree of the first `old_size` records is a prefix of that of this head: as
 * audit_prove_consistency() in domain/audit/prove.h. */
MUST_CHECK bool audit_prove_old_size(struct audit_log *log, const struct audit_head *head,
                                     uint64_t old_size, struct tree_proof *ret_proof,
                                     struct err *err);

#endif
