/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directives that are tried: evaluated beside those in force, on the same questions and facts.
 * What they would have answered goes on record and is counted; nobody is ever given it.
 *
 * The shadow set is always that of the set in force (directive_set_compile_shadow()), and is asked
 * only together with it: when another set comes into force, nothing is tried until shadow_renew()
 * has compiled the same files over that one.  Where the files come from is not of concern here.
 */
#ifndef DIRECTIVE_SHADOW_H
#define DIRECTIVE_SHADOW_H

#include "base/clock.h"
#include "base/mailbox.h"
#include "domain/directive/directive.h"
#include "telemetry/audit.h"
#include "telemetry/metrics.h"

struct shadow {
    struct snapshot *directives; /* of struct directive_set: the set in force, which keeps files */
    struct snapshot *set; /* the same: where the shadow set is put; empty: nothing is tried */
    const struct directive_environment *environment; /* keeps_files */
    struct audit_log *audit;
    struct metrics *metrics;
    const struct clock *clock;
    struct mailbox *mailbox; /* of the thread that calls */
    struct span caller;      /* who has them tried, and by which means: for the record */
    struct span method;
};

/*
 * Try these from now on, instead of what was tried before; none: try nothing.  On record
 * (`shadow_activated`) before anything is answered by them.  False, and what was tried before still
 * is: FILE_INVALID (the findings are in `diagnostics`), AUDIT_UNAVAILABLE.  One thread at a time,
 * the one that replaces the set in force, and none that must not wait.
 */
MUST_CHECK bool shadow_try(const struct shadow *shadow, const struct directive_file *files,
                           size_t count, struct diagnostics *diagnostics, struct err *err);

/* Is what is tried that of another set than the one in force? */
bool shadow_is_behind(const struct shadow *shadow);

/* Try the same files beside the set that is in force by now.  False: they do not go together with
 * it; nothing is tried any more. */
MUST_CHECK bool shadow_renew(const struct shadow *shadow, struct diagnostics *diagnostics,
                             struct err *err);

#endif
