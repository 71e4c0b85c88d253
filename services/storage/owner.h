/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of a store: the realm whose it is, and the hash key that its names are made with.
 *
 * The first server that ever uses a store writes both down, and whoever comes with others is
 * refused: with another hash key nobody who is known would be found, and what was revoked would
 * look like what was never there; two realms would take each other's directives for their own.
 */
#ifndef STORAGE_OWNER_H
#define STORAGE_OWNER_H

#include "base/clock.h"
#include "base/mailbox.h"
#include "storage/names.h"

struct owner {
    const char *realm; /* as `realm.name` is */
    const struct names *names;
    const struct clock *clock;
};

/*
 * Is the store this owner's?  One that is nobody's is from now on.  CONFIG_INVALID with the option
 * as its field when it is somebody else's; STORE_CORRUPT, or an error of the store.  Waits.
 */
MUST_CHECK bool owner_check(const struct owner *owner, struct store *store, struct mailbox *mailbox,
                            struct err *err);

#endif
