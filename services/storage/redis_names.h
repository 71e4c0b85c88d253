/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in Redis: every key that is ever used there.
 *
 *     PREFIX:{pNN}:HASHKEYID:SPACE:HEX32   a value
 *     PREFIX:{pNN}:epoch                   "EPOCH LIFE": the epoch, and the server it began on
 *     PREFIX:{pNN}:counter                 of the last write
 *     PREFIX:{pNN}:inherited               "EPOCH COUNTER TEXT": the last write that was there when
 *                                          EPOCH began, and what stood under epoch until then
 *     PREFIX:{pNN}:feed                    stream: one entry for every write
 *     PREFIX:{pNN}:outbox                  stream: audit records that nobody has taken over yet
 *     PREFIX:{pNN}:claim                   whose turn it is to take them over
 *     PREFIX:{p00}:layout                  "FORMAT PARTITIONS HASHKEYID", by who came first
 *     PREFIX:{p00}:beat:ORIGIN             stream of one entry: the last heartbeat of one replica
 *     PREFIX:{p00}:roster                  which replicas are there: see redis_beat.lua
 *
 * {pNN} is a hash tag: what a script touches is in one slot.  HEX32 is a keyed hash: no name says
 * who is known here.
 */
#ifndef STORAGE_REDIS_NAMES_H
#define STORAGE_REDIS_NAMES_H

#include "storage/store.h"

enum { REDIS_PREFIX_MAX = 32, REDIS_HASH_KEY_ID_MAX = 16 };

enum redis_part {
    REDIS_EPOCH,
    REDIS_COUNTER,
    REDIS_FEED,
    REDIS_OUTBOX,
    REDIS_CLAIM,
    REDIS_LAYOUT,
    REDIS_INHERITED,
    REDIS_ROSTER,
};

struct redis_names {
    char prefix[REDIS_PREFIX_MAX + 1];
    char hash_key_id[REDIS_HASH_KEY_ID_MAX + 1];
};

/* CONFIG_INVALID for other lengths or characters than storage/redis.h allows. */
MUST_CHECK bool redis_names_init(struct redis_names *names, const char *prefix,
                                 const char *hash_key_id, struct err *err);

/* The names, in the arena. */
struct span redis_name_value(const struct redis_names *names, uint16_t partition,
                             struct store_key key, struct arena *arena);
/* A pattern (of SCAN) for the values of a partition; and the key that such a name stands for: false
 * for any other name. */
struct span redis_name_values(const struct redis_names *names, uint16_t partition,
                              struct arena *arena);
MUST_CHECK bool redis_name_value_decode(const struct redis_names *names, uint16_t partition,
                                        struct span name, struct store_key *ret_key);
struct span redis_name_part(const struct redis_names *names, uint16_t partition,
                            enum redis_part part, struct arena *arena);
struct span redis_name_beat(const struct redis_names *names, uint64_t origin, struct arena *arena);

#endif
