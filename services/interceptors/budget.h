/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: how much of the service a caller may use up.
 *
 * A budget says how many calls a second, how many at once, and about how many different subjects
 * within an hour; what is 0 is not limited.  What was used up is kept apart (struct usage), so that
 * it outlives a reload that changes the numbers.  A budget may have one above it, a person's, which
 * holds for all callers of that person together.
 *
 * Calls a second are a bucket that holds the calls of one second and fills steadily.  Subjects are
 * counted exactly, but for two of which 64 bits of a keyed hash are the same; one counts until the
 * hour after it was last asked about is over, to the minute, so that no hour sees more than the
 * budget.
 *
 * Everything here may be called on any thread.
 */
#ifndef INTERCEPTORS_BUDGET_H
#define INTERCEPTORS_BUDGET_H

#include "base/err.h"
#include "base/keyed_hash.h"

#include <stdint.h>

enum {
    BUDGET_CALLS_PER_SECOND_MAX = 1000000,
    BUDGET_CALLS_IN_FLIGHT_MAX = 100000,
    BUDGET_SUBJECTS_PER_HOUR_MAX = 100000, /* 4 MiB of memory, the least power of 2 above twice as
                                              many entries of 16 bytes */
};

struct budget_limits {
    uint32_t calls_per_second;
    uint32_t calls_in_flight;
    uint32_t subjects_per_hour;
};

static inline bool budget_limits_are_none(const struct budget_limits *limits)
{
    return (limits->calls_per_second | limits->calls_in_flight | limits->subjects_per_hour) == 0;
}

/* What was used up; counted. */
struct usage;

struct usage *usage_new(uint32_t subjects_per_hour);
struct usage *usage_ref(struct usage *usage);
/* NULL is allowed. */
void usage_unref(struct usage *usage);

/* Neither owns its usage nor what is above it. */
struct budget {
    struct budget_limits limits;
    struct usage *usage;
    const struct budget *above;
};

/* One call more, which is given back when it is over: BUDGET_RATE or BUDGET_IN_FLIGHT. */
MUST_CHECK bool budget_take_call(const struct budget *budget, int64_t now_ns, struct err *err);
void budget_give_call(const struct budget *budget);

/* One item of a stream that is a call already: BUDGET_RATE. */
MUST_CHECK bool budget_take_item(const struct budget *budget, int64_t now_ns, struct err *err);

/* For how long a call would be refused for its rate; at least 1. */
int64_t budget_wait_ms(const struct budget *budget, int64_t now_ns);

/* A question about this subject, also the first of many about it: BUDGET_SUBJECTS.  NULL: there is
 * no budget. */
MUST_CHECK bool budget_take_subject(const struct budget *budget, struct hash128 subject,
                                    int64_t now_ms, struct err *err);

#endif
