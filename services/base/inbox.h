/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inbox: how work finished on one thread gets back to the thread that owns it.
 *
 * Many threads post, one thread takes.  Posting is lock-free and never waits.  The owner is woken
 * by `ring`, which is called on the posting thread only when the inbox was empty: one wake-up for a
 * burst.
 */
#ifndef BASE_INBOX_H
#define BASE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Something to do on the owner's thread; embedded in what it is about. */
struct task {
    struct task *next;
    void (*run)(struct task *task);
};

struct inbox {
    _Atomic(struct task *) newest;
    void (*ring)(struct inbox *inbox);
};

void inbox_init(struct inbox *inbox, void (*ring)(struct inbox *inbox));

/* Any thread.  The task must not be posted again before it has run. */
void inbox_post(struct inbox *inbox, struct task *task);

/* The owner: run everything that is there, oldest first; tasks posted meanwhile wait for the next
 * call. Returns how many ran. */
size_t inbox_run(struct inbox *inbox);

bool inbox_is_empty(const struct inbox *inbox);

#endif
