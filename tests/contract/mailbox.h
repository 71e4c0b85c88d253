/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox: an inbox whose owner, a test, sleeps until something arrives. */
#ifndef CONTRACT_MAILBOX_H
#define CONTRACT_MAILBOX_H

#include "base/inbox.h"

#include <pthread.h>

struct mailbox {
    struct inbox inbox;
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    bool is_rung;
};

void mailbox_init(struct mailbox *mailbox);
void mailbox_release(struct mailbox *mailbox);

/* Run what arrives until *count, which that changes, is at least `least`; aborts after 30 s. */
void mailbox_wait(struct mailbox *mailbox, const size_t *count, size_t least);

#endif
