/* SPDX-License-Identifier: Apache-2.0 */
/* The dictionary of a segment: a hash table with open addressing over texts that stay in place. */
#include "domain/audit/dictionary.h"

#include "base/memory.h"
#include "base/random.h"

#include <assert.h>

enum { SLOT_COUNT = 2 * AUDIT_DICTIONARY_ENTRIES_MAX };

struct slot {
    uint32_t hash;
    uint32_t number; /* 0: free */
};

struct audit_dictionary {
    uint64_t seed[2]; /* resource names come from outside: nobody may know what collides */
    uint32_t count;
    uint32_t bytes;
    uint32_t ends[AUDIT_DICTIONARY_ENTRIES_MAX + 1]; /* text n is [ends[n - 1], ends[n]) */
    struct slot slots[SLOT_COUNT];
    uint8_t texts[AUDIT_DICTIONARY_BYTES_MAX];
};

struct audit_dictionary *audit_dictionary_new(void)
{
    struct audit_dictionary *dictionary = memory_new(struct audit_dictionary);

    random_fill(dictionary->seed, sizeof(dictionary->seed));
    return dictionary;
}

void audit_dictionary_free(struct audit_dictionary *dictionary)
{
    memory_free(dictionary);
}

void audit_dictionary_clear(struct audit_dictionary *dictionary)
{
    dictionary->count = 0;
    dictionary->bytes = 0;
    memset(dictionary->slots, 0, sizeof(dictionary->slots));
}

static uint64_t multiply_and_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash_of(const struct audit_dictionary *dictionary, struct span text)
{
    const uint8_t *at = text.data, *end = at + text.length;
    uint64_t hash = dictionary->seed[0] ^ text.length, word;

    for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = multiply_and_fold(hash ^ word, dictionary->seed[1] | 1);
    }
    word = 0;
    if (at < end && text.length >= sizeof(word)) /* the last eight, some of them again */
        memcpy(&word, end - sizeof(word), sizeof(word));
    else
        for (; at < end; at++)
            word = word << 8 | *at;
    hash = multiply_and_fold(hash ^ word, dictionary->seed[1] | 1);
    return (uint32_t)(hash ^ hash >> 32);
}

uint32_t audit_dictionary_intern(struct audit_dictionary *dictionary, struct span text,
                                 bool *ret_is_new)
{
    uint32_t hash = hash_of(dictionary, text);
    struct slot *slot = &dictionary->slots[hash % SLOT_COUNT];

    for (; slot->number;
         slot = slot == &dictionary->slots[SLOT_COUNT - 1] ? dictionary->slots : slot + 1)
        if (slot->hash == hash &&
            span_equal(audit_dictionary_text(dictionary, slot->number), text)) {
            *ret_is_new = false;
            return slot->number;
        }
    *ret_is_new = true;
    if (dictionary->count == AUDIT_DICTIONARY_ENTRIES_MAX ||
        text.length > AUDIT_DICTIONARY_BYTES_MAX - dictionary->bytes)
        return 0;
    if (text.length > 0)
        memcpy(dictionary->texts + dictionary->bytes, text.data, text.length);
    dictionary->bytes += (uint32_t)text.length;
    *slot = (struct slot){hash, ++dictionary->count};
    dictionary->ends[dictionary->count] = dictionary->bytes;
    return dictionary->count;
}

uint32_t audit_dictionary_count(const struct audit_dictionary *dictionary)
{
    return dictionary->count;
}

struct span audit_dictionary_text(const struct audit_dictionary *dictionary, uint32_t number)
{
    uint32_t start;

    assert(number >= 1 && number <= dictionary->count);
    start = dictionary->ends[number - 1];
    return span_of(dictionary->texts + start, dictionary->ends[number] - start);
}
