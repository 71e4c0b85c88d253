/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox: the inbox of a background thread, which sleeps until something comes. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include "base/inbox.h"

#include <pthread.h>
#include <stdint.h>

struct mailbox {
    struct inbox inbox;
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    bool is_rung;
};

void mailbox_init(struct mailbox *mailbox);
void mailbox_release(struct mailbox *mailbox);

/* Any thread: end the owner's sleep. */
void mailbox_wake(struct mailbox *mailbox);

/* The owner: sleep until something is posted, mailbox_wake() is called or `timeout_ms` have passed,
 * then run what was posted. */
void mailbox_wait(struct mailbox *mailbox, int64_t timeout_ms);

#endif
