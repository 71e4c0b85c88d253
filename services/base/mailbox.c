/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox. */
#include "base/mailbox.h"

#include "base/attributes.h"

#include <time.h>

static void ring(struct inbox *inbox)
{
    mailbox_wake(CONTAINER_OF(inbox, struct mailbox, inbox));
}

void mailbox_init(struct mailbox *mailbox)
{
    pthread_condattr_t attributes;

    inbox_init(&mailbox->inbox, ring);
    pthread_mutex_init(&mailbox->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&mailbox->rung, &attributes);
    pthread_condattr_destroy(&attributes);
    mailbox->is_rung = false;
}

void mailbox_release(struct mailbox *mailbox)
{
    pthread_cond_destroy(&mailbox->rung);
    pthread_mutex_destroy(&mailbox->mutex);
}

void mailbox_wake(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->is_rung = true;
    pthread_cond_signal(&mailbox->rung);
    pthread_mutex_unlock(&mailbox->mutex);
}

void mailbox_wait(struct mailbox *mailbox, int64_t timeout_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&mailbox->mutex);
    while (!mailbox->is_rung &&
           pthread_cond_timedwait(&mailbox->rung, &mailbox->mutex, &until) == 0)
        continue;
    mailbox->is_rung = false;
    pthread_mutex_unlock(&mailbox->mutex);
    inbox_run(&mailbox->inbox);
}
