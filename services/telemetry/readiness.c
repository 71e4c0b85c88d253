/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness: a mask that is read without a lock, and reasons behind one. */
#include "telemetry/readiness.h"

#include "base/attributes.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct condition_row {
    const char *name;
    const char *at_first;
    bool counts;
};

static const struct condition_row conditions[] = {
#define X(identifier, name, at_first, counts) [READINESS_##identifier] = {name, at_first, counts},
    READINESS_LIST(X)
#undef X
};

static const unsigned counting =
#define X(identifier, name, at_first, counts) (counts) << READINESS_##identifier |
    READINESS_LIST(X)
#undef X
        0;

struct readiness {
    atomic_uint failing; /* a bit per condition; written under the lock */
    pthread_mutex_t lock;
    char reasons[READINESS_COUNT][READINESS_REASON_MAX];
    struct readiness_listener *listeners;
};

struct readiness *readiness_new(void)
{
    struct readiness *readiness = memory_new(struct readiness);
    unsigned failing = 0;

    pthread_mutex_init(&readiness->lock, NULL);
    for (size_t i = 0; i < READINESS_COUNT; i++) {
        if (!conditions[i].at_first)
            continue;
        failing |= 1U << i;
        snprintf(readiness->reasons[i], READINESS_REASON_MAX, "%s", conditions[i].at_first);
    }
    atomic_init(&readiness->failing, failing);
    return readiness;
}

void readiness_free(struct readiness *readiness)
{
    if (!readiness)
        return;
    pthread_mutex_destroy(&readiness->lock);
    memory_free(readiness);
}

void readiness_listen(struct readiness *readiness, struct readiness_listener *listener)
{
    listener->next = readiness->listeners;
    readiness->listeners = listener;
}

/* Listeners are told under the lock, so that they hear of changes in their order. */
static void change(struct readiness *readiness, unsigned failing)
{
    unsigned before = atomic_load(&readiness->failing);

    atomic_store(&readiness->failing, failing);
    before &= counting;
    failing &= counting;
    if ((before == 0) == (failing == 0))
        return;
    for (struct readiness_listener *l = readiness->listeners; l; l = l->next)
        l->on_change(l, failing == 0);
}

void readiness_meet(struct readiness *readiness, enum readiness_condition condition)
{
    unsigned bit = 1U << condition;

    if (!(atomic_load_explicit(&readiness->failing, memory_order_relaxed) & bit))
        return;
    pthread_mutex_lock(&readiness->lock);
    if (atomic_load(&readiness->failing) & bit) {
        LOG(INFO, "readiness.met", "a condition holds",
            log_text("condition", conditions[condition].name));
        change(readiness, atomic_load(&readiness->failing) & ~bit);
    }
    pthread_mutex_unlock(&readiness->lock);
}

void readiness_fail(struct readiness *readiness, enum readiness_condition condition,
                    const char *reason)
{
    unsigned bit = 1U << condition;

    pthread_mutex_lock(&readiness->lock);
    snprintf(readiness->reasons[condition], READINESS_REASON_MAX, "%s", reason);
    if (!(atomic_load(&readiness->failing) & bit)) {
        LOG(WARN, "readiness.failed", "a condition does not hold any more",
            log_text("condition", conditions[condition].name), log_text("reason", reason));
        change(readiness, atomic_load(&readiness->failing) | bit);
    }
    pthread_mutex_unlock(&readiness->lock);
}

bool readiness_is_ready(const struct readiness *readiness)
{
    return (atomic_load(&readiness->failing) & counting) == 0;
}

struct span readiness_render(struct readiness *readiness, struct arena *arena)
{
    char text[READINESS_COUNT * (READINESS_REASON_MAX + 32)];
    size_t length = 0;
    unsigned failing;

    pthread_mutex_lock(&readiness->lock);
    failing = atomic_load(&readiness->failing);
    for (size_t i = 0; i < READINESS_COUNT; i++)
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, "%s: %s\n", conditions[i].name,
                             failing & 1U << i ? readiness->reasons[i] : "ok");
    pthread_mutex_unlock(&readiness->lock);
    return arena_copy(arena, span_of(text, length));
}
