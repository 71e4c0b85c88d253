/* SPDX-License-Identifier: Apache-2.0 */
/* An inbox: a stack that is pushed by compare-and-swap, taken whole, and turned around. */
#include "base/inbox.h"

void inbox_init(struct inbox *inbox, void (*ring)(struct inbox *inbox))
{
    atomic_init(&inbox->newest, NULL);
    inbox->ring = ring;
}

void inbox_post(struct inbox *inbox, struct task *task)
{
    struct task *newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);

    do
        task->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&inbox->newest, &newest, task,
                                                  memory_order_release, memory_order_relaxed));
    if (!newest)
        inbox->ring(inbox);
}

size_t inbox_run(struct inbox *inbox)
{
    struct task *task = atomic_exchange_explicit(&inbox->newest, NULL, memory_order_acquire);
    struct task *oldest = NULL;
    size_t count = 0;

    while (task) {
        struct task *older = task->next;

        task->next = oldest;
        oldest = task;
        task = older;
    }
    while (oldest) {
        struct task *next = oldest->next;

        oldest->run(oldest);
        oldest = next;
        count++;
    }
    return count;
}

bool inbox_is_empty(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->newest, memory_order_relaxed) == NULL;
}
