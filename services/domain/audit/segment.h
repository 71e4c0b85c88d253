/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment: one file of the audit log, as bytes.
 *
 * A header, then frames: length, CRC-32C, payload.  What was made durable together is a block: its
 * first frame says the sequence number that follows and the time that records are relative to.
 * docs/audit.md describes the bytes.
 */
#ifndef DOMAIN_AUDIT_SEGMENT_H
#define DOMAIN_AUDIT_SEGMENT_H

#include "base/err.h"
#include "base/span.h"

enum {
    AUDIT_FORMAT = 1,
    AUDIT_SEGMENT_HEADER_BYTES = 48,
    AUDIT_FRAME_HEAD_BYTES_MAX = 3 + 4,
    AUDIT_BLOCK_FRAME_BYTES_MAX = 1 + 4 + 1 + 10 + 10,
};

struct audit_segment_header {
    uint64_t log_id;
    uint64_t first_sequence;
    uint64_t first_index; /* records of the log before this segment: what is lost is seen */
    int64_t created_ms;
};

void audit_segment_header_put(const struct audit_segment_header *header,
                              uint8_t bytes[static AUDIT_SEGMENT_HEADER_BYTES]);
/* STORE_CORRUPT: not a segment, damaged, or of a format that this program does not read. */
MUST_CHECK bool audit_segment_header_get(struct span segment,
                                         struct audit_segment_header *ret_header, struct err *err);

/* Where the payload of a frame begins that will be at most `payload_max` long; `at` is where the
 * frame begins. */
uint8_t *audit_frame_payload(uint8_t *at, size_t payload_max);
/* Fill in the length, once the payload is there; the checksum follows in audit_frames_seal(). */
void audit_frame_close(uint8_t *at, size_t payload_max, size_t payload_length);
uint8_t *audit_block_put(uint8_t *at, uint64_t first_sequence, int64_t base_ms);
/* Fill in the checksums of all frames, as far as they are whole. */
void audit_frames_seal(uint8_t *frames, size_t length);

/* Goes through the frames of a segment. */
struct audit_cursor {
    struct span segment;
    size_t offset;          /* of the next frame; where reading stopped */
    uint64_t next_sequence; /* of the next record */
    int64_t base_ms;
    size_t block_offset;  /* where the block begins that was entered last */
    size_t record_offset; /* where the frame of the last record begins */
    bool is_in_block;
};

enum audit_step {
    AUDIT_STEP_RECORD,
    AUDIT_STEP_END,
    AUDIT_STEP_TORN,    /* what follows `offset` was never made durable as a whole */
    AUDIT_STEP_CORRUPT, /* something that had been durable is damaged at `offset` */
};

void audit_cursor_init(struct audit_cursor *cursor, struct span segment,
                       const struct audit_segment_header *header);

/* Goes through frames that are no whole segment, but begin with a block. */
void audit_cursor_init_block(struct audit_cursor *cursor, struct span frames,
                             uint64_t first_sequence);

/* The payload of the next record. */
enum audit_step audit_cursor_next(struct audit_cursor *cursor, struct span *ret_payload,
                                  uint64_t *ret_sequence);

#endif
