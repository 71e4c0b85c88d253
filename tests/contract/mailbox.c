/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting at a mailbox. */
#include "contract/mailbox.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_S = 30, LOOK_AGAIN_MS = 1000 };

void mailbox_wait_for(struct mailbox *mailbox, const size_t *count, size_t least)
{
    int64_t until_ns = clock_now_ns() + PATIENCE_S * INT64_C(1000000000);

    inbox_run(&mailbox->inbox);
    while (*count < least) {
        if (clock_now_ns() > until_ns) {
            fprintf(stderr, "mailbox: %zu of %zu answers after %d s\n", *count, least, PATIENCE_S);
            abort();
        }
        mailbox_wait(mailbox, LOOK_AGAIN_MS);
    }
}
