/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot: the place where the current version of something immutable and refcounted is found.
 *
 * A reload builds a new version and swaps it in; who took the old one keeps it until it lets go.
 * Looking into an empty one costs a comparison.
 */
#ifndef BASE_SNAPSHOT_H
#define BASE_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>

struct snapshot {
    pthread_mutex_t mutex; /* held for the two instructions between looking and counting */
    _Atomic(void *) current;
    void *(*ref)(void *version);
    void (*unref)(void *version);
};

/* Takes the caller's reference on `version` (may be NULL). */
void snapshot_init(struct snapshot *snapshot, void *version, void *(*ref)(void *version),
                   void (*unref)(void *version));
void snapshot_release(struct snapshot *snapshot);

/* A reference of the caller's own, to be given back with the version's unref.  NULL when there is
 * none. */
void *snapshot_get(struct snapshot *snapshot);

/* Takes the caller's reference on `version`. */
void snapshot_replace(struct snapshot *snapshot, void *version);

#endif
