/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease: for how long a replica that does not hear of changes may go on answering for
 * restricted resources.  Pure.
 *
 * It counts from the moment up to which the feed is known to have told everything.  A change that
 * was acknowledged later is at most that much older than the last answer that does not know of it:
 * within the lease after an acknowledgement every replica enforces it or refuses.
 */
#ifndef ENTITLEMENT_LEASE_H
#define ENTITLEMENT_LEASE_H

#include <stdint.h>

struct lease {
    int64_t longest_ms;  /* the configuration's; directives only shorten it */
    int64_t feed_age_ms; /* how long ago the feed last proved to be alive; 0 where it cannot lag */
};

/* What is left for a question whose directives ask for `asked_ms` (DIRECTIVE_LEASE_UNSAID: for none
 * of their own).  0: it has lapsed. */
int64_t lease_left_ms(const struct lease *lease, int64_t asked_ms);

/* For how long the answer may be reused at most: not past the end of the lease, and not for longer
 * than a lease is, so that of 0 nothing is used twice. */
int64_t lease_reuse_ms(const struct lease *lease, int64_t asked_ms);

#endif
