/* SPDX-License-Identifier: Apache-2.0 */
/* The key ring: who signs, who is published, at a given moment. */
#include "keys/key_ring.h"

#include "base/memory.h"
#include "keys/key_ring_internal.h"

struct key_ring *key_ring_new(void)
{
    struct key_ring *ring = memory_new(struct key_ring);

    atomic_init(&ring->references, 1);
    return ring;
}

struct key_ring *key_ring_ref(struct key_ring *ring)
{
    atomic_fetch_add_explicit(&ring->references, 1, memory_order_relaxed);
    return ring;
}

void key_ring_unref(struct key_ring *ring)
{
    if (!ring || atomic_fetch_sub_explicit(&ring->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < ring->count; i++)
        key_free(ring->entries[i].key);
    memory_free(ring);
}

static void *ref_version(void *ring)
{
    return key_ring_ref(ring);
}

static void unref_version(void *ring)
{
    key_ring_unref(ring);
}

void key_ring_snapshot_init(struct snapshot *snapshot, struct key_ring *ring)
{
    snapshot_init(snapshot, ring, ref_version, unref_version);
}

bool key_ring_equal(const struct key_ring *a, const struct key_ring *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct key_ring_entry *left = &a->entries[i], *right = &b->entries[i];

        if (left->active_from_ms != right->active_from_ms ||
            left->published_until_ms != right->published_until_ms ||
            strcmp(key_id(left->key), key_id(right->key)) != 0)
            return false;
    }
    return true;
}

static bool is_published(const struct key_ring_entry *entry, int64_t now_ms)
{
    return now_ms < entry->published_until_ms;
}

/* The last one whose time has come; ring->count when there is none. */
static size_t signer_index(const struct key_ring *ring, int64_t now_ms)
{
    size_t index = ring->count;

    for (size_t i = 0; i < ring->count && ring->entries[i].active_from_ms <= now_ms; i++)
        if (key_is_private(ring->entries[i].key))
            index = i;
    return index;
}

const struct key *key_ring_signer(const struct key_ring *ring, int64_t now_ms)
{
    size_t index = signer_index(ring, now_ms);

    return index < ring->count ? ring->entries[index].key : NULL;
}

const struct key_ring_entry *key_ring_entry_of(const struct key_ring *ring, struct span kid)
{
    for (size_t i = 0; i < ring->count; i++)
        if (span_equal(kid, span_of(key_id(ring->entries[i].key), KEY_ID_LENGTH)))
            return &ring->entries[i];
    return NULL;
}

enum key_ring_lookup key_ring_find(const struct key_ring *ring, struct span kid, int64_t now_ms,
                                   const struct key **ret_key)
{
    const struct key_ring_entry *entry = key_ring_entry_of(ring, kid);

    if (!entry)
        return KEY_RING_UNKNOWN;
    if (!is_published(entry, now_ms))
        return KEY_RING_RETIRED;
    *ret_key = entry->key;
    return KEY_RING_FOUND;
}

static char *put(char *at, struct span text)
{
    return (char *)mempcpy(at, text.data, text.length);
}

struct span key_ring_jwks(const struct key_ring *ring, int64_t now_ms, struct arena *arena)
{
    static const char head[] = "{\"keys\":[", tail[] = "]}";
    size_t room = sizeof(head) + sizeof(tail);
    bool is_first = true;
    char *text, *at;

    for (size_t i = 0; i < ring->count; i++)
        room += key_jwk(ring->entries[i].key).length + 1;
    text = arena_alloc(arena, room);
    at = put(text, span_text(head));
    for (size_t i = 0; i < ring->count; i++) {
        if (!is_published(&ring->entries[i], now_ms))
            continue;
        if (!is_first)
            *at++ = ',';
        is_first = false;
        at = put(at, key_jwk(ring->entries[i].key));
    }
    at = put(at, span_text(tail));
    *at = '\0';
    return span_of(text, (size_t)(at - text));
}

size_t key_ring_count(const struct key_ring *ring)
{
    return ring->count;
}

struct key_description key_ring_describe(const struct key_ring *ring, size_t index, int64_t now_ms)
{
    const struct key_ring_entry *entry = &ring->entries[index];
    struct key_description description = {
        .id = key_id(entry->key),
        .file = entry->file,
        .algorithm = key_algorithm(entry->key),
        .active_from_ms = entry->active_from_ms,
        .published_until_ms = entry->published_until_ms,
    };

    if (!is_published(entry, now_ms))
        description.state = KEY_STATE_RETIRED;
    else if (!key_is_private(entry->key) || index < signer_index(ring, now_ms))
        description.state = KEY_STATE_VERIFYING;
    else
        description.state = entry->active_from_ms <= now_ms ? KEY_STATE_SIGNING : KEY_STATE_NEXT;
    return description;
}

const char *key_state_word(enum key_state state)
{
    static const char *const words[] = {
        [KEY_STATE_NEXT] = "next",
        [KEY_STATE_SIGNING] = "signing",
        [KEY_STATE_VERIFYING] = "verifying",
        [KEY_STATE_RETIRED] = "retired",
    };

    return words[state];
}
