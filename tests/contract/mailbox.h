/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting at a mailbox until so many answers are there. */
#ifndef CONTRACT_MAILBOX_H
#define CONTRACT_MAILBOX_H

#include "base/mailbox.h"

#include <stddef.h>

/* Run what arrives until *count, which that changes, is at least `least`; aborts after 30 s. */
void mailbox_wait_for(struct mailbox *mailbox, const size_t *count, size_t least);

#endif
