/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox: an inbox whose owner, a test, sleeps until something arrives. */
#include "contract/mailbox.h"

#include "base/attributes.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PATIENCE_S = 30 };

static void ring(struct inbox *inbox)
{
    struct mailbox *mailbox = CONTAINER_OF(inbox, struct mailbox, inbox);

    pthread_mutex_lock(&mailbox->mutex);
    mailbox->is_rung = true;
    pthread_cond_signal(&mailbox->rung);
    pthread_mutex_unlock(&mailbox->mutex);
}

void mailbox_init(struct mailbox *mailbox)
{
    inbox_init(&mailbox->inbox, ring);
    pthread_mutex_init(&mailbox->mutex, NULL);
    pthread_cond_init(&mailbox->rung, NULL);
    mailbox->is_rung = false;
}

void mailbox_release(struct mailbox *mailbox)
{
    pthread_cond_destroy(&mailbox->rung);
    pthread_mutex_destroy(&mailbox->mutex);
}

void mailbox_wait(struct mailbox *mailbox, const size_t *count, size_t least)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (inbox_run(&mailbox->inbox), *count < least) {
        int status = 0;

        pthread_mutex_lock(&mailbox->mutex);
        while (!mailbox->is_rung && status == 0)
            status = pthread_cond_timedwait(&mailbox->rung, &mailbox->mutex, &until);
        mailbox->is_rung = false;
        pthread_mutex_unlock(&mailbox->mutex);
        if (status != 0) {
            fprintf(stderr, "mailbox: %zu of %zu answers after %d s\n", *count, least, PATIENCE_S);
            abort();
        }
    }
}
