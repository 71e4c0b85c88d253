/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot. */
#include "base/snapshot.h"

#include <stddef.h>

void snapshot_init(struct snapshot *snapshot, void *version, void *(*ref)(void *version),
                   void (*unref)(void *version))
{
    pthread_mutex_init(&snapshot->mutex, NULL);
    atomic_init(&snapshot->current, version);
    snapshot->ref = ref;
    snapshot->unref = unref;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot->current)
        snapshot->unref(snapshot->current);
    pthread_mutex_destroy(&snapshot->mutex);
}

void *snapshot_get(struct snapshot *snapshot)
{
    void *version;

    if (!atomic_load_explicit(&snapshot->current, memory_order_relaxed))
        return NULL;
    pthread_mutex_lock(&snapshot->mutex);
    version = snapshot->current ? snapshot->ref(snapshot->current) : NULL;
    pthread_mutex_unlock(&snapshot->mutex);
    return version;
}

void snapshot_replace(struct snapshot *snapshot, void *version)
{
    void *old;

    pthread_mutex_lock(&snapshot->mutex);
    old = snapshot->current;
    snapshot->current = version;
    pthread_mutex_unlock(&snapshot->mutex);
    if (old)
        snapshot->unref(old);
}
