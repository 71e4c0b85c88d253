/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of an audit log: the Merkle tree over its durable records, the index of each segment,
 * and the signed heads.
 *
 * It is told of blocks when they are durable, by the log's thread; nothing waits for it, and what
 * it cannot write it writes later or leaves to the next start, which makes missing indices again.
 */
#ifndef TELEMETRY_AUDIT_LEDGER_H
#define TELEMETRY_AUDIT_LEDGER_H

#include "base/clock.h"
#include "domain/audit/head.h"
#include "domain/audit/index.h"
#include "telemetry/audit.h"
#include "telemetry/audit_folder.h"

#include <sys/types.h>

enum {
    AUDIT_HEAD_INTERVAL_MS = 900, /* with the flush before it: one at least in every second */
    AUDIT_HEAD_RETRY_MS = 100,    /* when it could not be signed or written */
};

struct audit_ledger {
    const struct audit_folder *folder;
    const struct clock *clock;
    audit_sign *sign;
    void *sign_context;
    struct audit_index index; /* of the segment that is being written */
    bool has_segment;
    int64_t next_head_ns; /* monotonic: not before */
    bool is_failing;
    int heads_fd; /* of the segment; -1: there is no file yet */
    off_t heads_offset;

    struct audit_head head; /* the newest; size 0: none */
    char jws[AUDIT_HEAD_LINE_MAX];
    size_t jws_length;
};

/*
 * Find the tree of what is there, and make indices that are missing.  STORE_CORRUPT when the log
 * has fewer records than its last index or one of its heads: what was durable is lost, and a person
 * has to decide.  Does not keep `recovery`.
 */
MUST_CHECK bool audit_ledger_open(struct audit_ledger *ret_ledger,
                                  const struct audit_options *options,
                                  const struct audit_folder *folder,
                                  const struct audit_recovery *recovery, struct err *err);
void audit_ledger_release(struct audit_ledger *ledger);

/* A segment has begun; the one before has ended. */
void audit_ledger_begin_segment(struct audit_ledger *ledger,
                                const struct audit_segment_header *header);
/* A sealed block that is durable at `offset` of the segment. */
void audit_ledger_add(struct audit_ledger *ledger, struct span block, uint64_t first_sequence,
                      uint64_t offset);

/* When the next head is to be signed, monotonic; INT64_MAX while the newest has everything. */
int64_t audit_ledger_due_ns(const struct audit_ledger *ledger);
/* Sign the tree as it is.  True when there is a new head. */
bool audit_ledger_sign(struct audit_ledger *ledger);

/* The segment has ended: its last head takes the place of all others, and it gets its index. */
void audit_ledger_seal(struct audit_ledger *ledger);

#endif
