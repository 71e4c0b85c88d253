/* SPDX-License-Identifier: Apache-2.0 */
/* A ring from the inside: for those who fill one, key_folder.c and jwks.c. */
#ifndef KEYS_KEY_RING_INTERNAL_H
#define KEYS_KEY_RING_INTERNAL_H

#include "keys/key_ring.h"

#include <stdatomic.h>

struct key_ring_entry {
    struct key *key;
    int64_t active_from_ms;
    int64_t published_until_ms;
    char file[KEY_FILE_NAME_MAX];
};

struct key_ring {
    atomic_uint references;
    size_t count;
    struct key_ring_entry entries[KEY_RING_KEYS_MAX]; /* in order of active_from_ms */
};

/* Empty, with one reference. */
struct key_ring *key_ring_new(void);

/* The entry with this id, or NULL. */
const struct key_ring_entry *key_ring_entry_of(const struct key_ring *ring, struct span kid);

#endif
