/* SPDX-License-Identifier: Apache-2.0 */
/* Names in Redis. */
#include "storage/redis_names.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const part_names[] = {
    [REDIS_EPOCH] = "epoch",   [REDIS_COUNTER] = "counter", [REDIS_FEED] = "feed",
    [REDIS_OUTBOX] = "outbox", [REDIS_LAYOUT] = "layout",
};

/* From one character to `length_max`, all of `alphabet`. */
static bool is_word(const char *text, size_t length_max, const char *alphabet)
{
    size_t length = text ? strlen(text) : 0;

    return length > 0 && length <= length_max && strspn(text, alphabet) == length;
}

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"

bool redis_names_init(struct redis_names *names, const char *prefix, const char *hash_key_id,
                      struct err *err)
{
    if (!is_word(prefix, REDIS_PREFIX_MAX, LETTERS_AND_DIGITS "._-"))
        return err_set(err, ERR_CONFIG_INVALID,
                       "the prefix must be 1 to %d characters of a-z 0-9 . _ -", REDIS_PREFIX_MAX);
    if (!is_word(hash_key_id, REDIS_HASH_KEY_ID_MAX, LETTERS_AND_DIGITS))
        return err_set(err, ERR_CONFIG_INVALID,
                       "the id of the hash key must be 1 to %d characters of a-z 0-9",
                       REDIS_HASH_KEY_ID_MAX);
    snprintf(names->prefix, sizeof(names->prefix), "%s", prefix);
    snprintf(names->hash_key_id, sizeof(names->hash_key_id), "%s", hash_key_id);
    return true;
}

struct span redis_name_value(const struct redis_names *names, uint16_t partition,
                             struct store_key key, struct arena *arena)
{
    return span_text(arena_printf(arena, "%s:{p%02u}:%s:%u:%016" PRIx64 "%016" PRIx64,
                                  names->prefix, partition, names->hash_key_id, (unsigned)key.space,
                                  key.id.high, key.id.low));
}

struct span redis_name_part(const struct redis_names *names, uint16_t partition,
                            enum redis_part part, struct arena *arena)
{
    return span_text(
        arena_printf(arena, "%s:{p%02u}:%s", names->prefix, partition, part_names[part]));
}

struct span redis_name_beat(const struct redis_names *names, uint64_t origin, struct arena *arena)
{
    return span_text(arena_printf(arena, "%s:{p00}:beat:%016" PRIx64, names->prefix, origin));
}
