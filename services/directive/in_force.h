/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force, on record: the directives that decide on this replica, whole, in its own audit
 * log, before the first decision by them.
 *
 * A decision's record has the number of its set and the place of the decisive directive in it.
 * Which directives those were, and on whose authority, is in records of the kind
 * AUDIT_DIRECTIVES_IN_FORCE: when a set comes into force, at every start, and again in every
 * segment that a day begins, so that old segments can go without taking it along.
 */
#ifndef DIRECTIVE_IN_FORCE_H
#define DIRECTIVE_IN_FORCE_H

#include "base/mailbox.h"
#include "domain/directive/directive.h"
#include "telemetry/audit.h"

enum { IN_FORCE_BYTES_MAX = 48 * 1024, IN_FORCE_BYTES_MIN = 16 * 1024 };

struct in_force {
    struct audit_log *audit;
    const struct country_groups *groups; /* in use; or NULL */
    struct mailbox *mailbox;             /* of the thread that calls */
    size_t bytes_max;                    /* of one record, from IN_FORCE_BYTES_MIN on */
};

/*
 * Append the set, as many records as it takes.  Waits for a log that is full; AUDIT_UNAVAILABLE
 * when it stays so: then the set must not come into force.
 */
MUST_CHECK bool in_force_record(const struct in_force *in_force, const struct directive_set *set,
                                int64_t now_ms, struct err *err);

#endif
