/* SPDX-License-Identifier: Apache-2.0 */
/* Names in Redis. */
#include "storage/redis_names.h"

#include "base/encoding.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

enum { VALUE_PREFIX_MAX = REDIS_PREFIX_MAX + REDIS_HASH_KEY_ID_MAX + 16 };

static const char *const part_names[] = {
    [REDIS_EPOCH] = "epoch",         [REDIS_COUNTER] = "counter", [REDIS_FEED] = "feed",
    [REDIS_OUTBOX] = "outbox",       [REDIS_CLAIM] = "claim",     [REDIS_LAYOUT] = "layout",
    [REDIS_INHERITED] = "inherited", [REDIS_ROSTER] = "roster",
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
        return err_field(err, ERR_CONFIG_INVALID, "store.prefix",
                         "the prefix must be 1 to %d characters of a-z 0-9 . _ -",
                         REDIS_PREFIX_MAX);
    if (!is_word(hash_key_id, REDIS_HASH_KEY_ID_MAX, LETTERS_AND_DIGITS))
        return err_field(err, ERR_CONFIG_INVALID, "store.hash_key_id",
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

/* What stands before the space; neither prefix nor id has a character that a pattern knows. */
static int value_prefix(const struct redis_names *names, uint16_t partition,
                        char text[static VALUE_PREFIX_MAX])
{
    return snprintf(text, VALUE_PREFIX_MAX, "%s:{p%02u}:%s:", names->prefix, partition,
                    names->hash_key_id);
}

struct span redis_name_values(const struct redis_names *names, uint16_t partition,
                              struct arena *arena)
{
    char prefix[VALUE_PREFIX_MAX];

    value_prefix(names, partition, prefix);
    return span_text(arena_printf(arena, "%s*", prefix));
}

/* Big-endian, as it is printed. */
static uint64_t read_half(const uint8_t *bytes)
{
    uint64_t big;

    memcpy(&big, bytes, sizeof(big));
    return be64toh(big);
}

bool redis_name_value_decode(const struct redis_names *names, uint16_t partition, struct span name,
                             struct store_key *ret_key)
{
    char prefix[VALUE_PREFIX_MAX];
    size_t length = (size_t)value_prefix(names, partition, prefix);
    struct span rest = span_from(name, length);
    uint8_t id[sizeof(struct hash128)];
    unsigned space = 0;
    size_t digits = 0;

    if (!span_starts_with(name, span_of(prefix, length)))
        return false;
    for (;
         digits < rest.length && digits < 3 && rest.data[digits] >= '0' && rest.data[digits] <= '9';
         digits++)
        space = space * 10 + rest.data[digits] - '0';
    if (digits == 0 || rest.data[0] == '0' || space > UINT8_MAX || digits == rest.length ||
        rest.data[digits] != ':')
        return false;
    rest = span_from(rest, digits + 1);
    if (rest.length != 2 * sizeof(id) || !hex_decode(rest, id))
        return false;
    *ret_key = (struct store_key){
        .space = (enum store_space)space,
        .id = {.high = read_half(id), .low = read_half(id + sizeof(uint64_t))},
    };
    return true;
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
