/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is stored in Redis, as bytes; all integers big-endian.
 *
 *     value    format 1, space 1, id 16, version 8, expires_at_ms 8, data
 *     changes  of one write, in its feed entry: kind 1, id 16, as often as there are changes
 *     id       of a stream entry: "EPOCH-COUNTER", both decimal; the number of the write
 *     epoch    "EPOCH LIFE": of the server, see storage/redis_check.h
 *     inherited  "EPOCH COUNTER TEXT": the counter, and the text of the epoch before
 *
 * Format, space and id of a value are together its subject: whoever reads a value compares it with
 * what was asked for, so that a reply that belongs to another question is never an answer.
 */
#ifndef STORAGE_REDIS_VALUE_H
#define STORAGE_REDIS_VALUE_H

#include "storage/store.h"

enum {
    REDIS_VALUE_FORMAT = 1,
    REDIS_SUBJECT_BYTES = 18,
    REDIS_NUMBER_BYTES = 8,
    REDIS_HEAD_BYTES = REDIS_SUBJECT_BYTES + 2 * REDIS_NUMBER_BYTES,
    REDIS_CHANGE_BYTES = 17,
    REDIS_ID_MAX = 2 * 20 + 2,
    REDIS_LIFE_MAX = 40 + 1 + 40 + 1,
    REDIS_EPOCH_TEXT_MAX = 20 + 1 + REDIS_LIFE_MAX,
    REDIS_EPOCH_LIMIT = 1 << (64 - STORE_NUMBER_COUNTER_BITS), /* epochs are below */
};

void redis_subject_encode(struct store_key key, uint8_t subject[static REDIS_SUBJECT_BYTES]);
void redis_number_encode(uint64_t number, uint8_t bytes[static REDIS_NUMBER_BYTES]);
MUST_CHECK bool redis_number_decode(struct span bytes, uint64_t *ret_number);

/* Does it begin with another subject than the key's?  A value too short to tell does not. */
bool redis_value_is_foreign(struct span stored, struct store_key key);
/* The data stays where it is.  STORE_CORRUPT for another format or subject, and what is too short;
 * whether it has expired is the reader's to decide. */
MUST_CHECK bool redis_value_decode(struct span stored, struct store_key key,
                                   struct store_value *ret_value, struct err *err);

/* `bytes` has room for REDIS_CHANGE_BYTES each. */
void redis_changes_encode(const struct store_change *changes, size_t count, uint8_t *bytes);
/* STORE_CORRUPT for more than STORE_KEYS_MAX, a part of one, or a kind that is not known. */
MUST_CHECK bool redis_changes_decode(struct span bytes, uint64_t number, uint16_t partition,
                                     struct store_change changes[static STORE_KEYS_MAX],
                                     size_t *ret_count, struct err *err);

/* Decimal digits and nothing else, below 2^64. */
MUST_CHECK bool redis_decimal_decode(struct span text, uint64_t *ret_number);

/* Number of a stream id, and back.  False for other texts, and parts that are no epoch or counter.
 */
MUST_CHECK bool redis_id_decode(struct span text, uint64_t *ret_number);
size_t redis_id_encode(uint64_t number, char text[static REDIS_ID_MAX]);

/* False for anything but an epoch above 0, a blank, and the run id. */
MUST_CHECK bool redis_epoch_decode(struct span text, uint64_t *ret_epoch);

/* What a server had when that epoch began, for whoever was in the one with that text until then:
 * the number of the last write; 0 when it tells nothing about this. */
uint64_t redis_inherited_number(struct span inherited, uint64_t epoch, const char *text_before);

static inline uint64_t redis_number_of(uint64_t epoch, uint64_t counter)
{
    return epoch << STORE_NUMBER_COUNTER_BITS | counter;
}

static inline uint64_t redis_epoch_of(uint64_t number)
{
    return number >> STORE_NUMBER_COUNTER_BITS;
}

static inline uint64_t redis_counter_of(uint64_t number)
{
    return number & ((UINT64_C(1) << STORE_NUMBER_COUNTER_BITS) - 1);
}

#endif
