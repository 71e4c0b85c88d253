/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outcome: a truth, and for UNKNOWN what is missing.
 *
 * Only operands that made a result UNKNOWN contribute to what is missing, so that nobody is asked
 * for something that would change nothing.  Invariant: `missing` is empty unless the truth is
 * UNKNOWN.
 */
#ifndef DOMAIN_DIRECTIVE_OUTCOME_H
#define DOMAIN_DIRECTIVE_OUTCOME_H

#include "domain/directive/evaluate.h"

/* Finer than enum decision_reason, because what has to be done differs; in the order of reasons. */
enum missing {
    MISSING_CONTEXT = 1 << 0,
    MISSING_AGREEMENT = 1 << 1,    /* evidence contradicts itself */
    MISSING_FRESHNESS = 1 << 2,    /* the facts are older than the bound: nothing to verify */
    MISSING_RENEWAL = 1 << 3,      /* what was proven has ended */
    MISSING_PROOF = 1 << 4,        /* known, and not well enough */
    MISSING_VERIFICATION = 1 << 5, /* not known */
    MISSING_AFFILIATION = 1 << 6,  /* only an organization's attester can tell */
};

struct outcome {
    enum truth truth;
    uint32_t missing; /* enum missing */
};

static inline struct outcome outcome_known(bool is_true)
{
    return (struct outcome){is_true ? TRUTH_TRUE : TRUTH_FALSE, 0};
}

static inline struct outcome outcome_unknown(uint32_t missing)
{
    return (struct outcome){TRUTH_UNKNOWN, missing};
}

static inline struct outcome outcome_of(enum truth truth, uint32_t missing)
{
    return (struct outcome){truth, truth == TRUTH_UNKNOWN ? missing : 0};
}

static inline struct outcome outcome_and(struct outcome a, struct outcome b)
{
    return outcome_of(truth_and(a.truth, b.truth), a.missing | b.missing);
}

static inline struct outcome outcome_or(struct outcome a, struct outcome b)
{
    return outcome_of(truth_or(a.truth, b.truth), a.missing | b.missing);
}

static inline struct outcome outcome_not(struct outcome a)
{
    return (struct outcome){truth_not(a.truth), a.missing};
}

/* The first reason that fits. */
enum decision_reason outcome_reason(uint32_t missing);

#endif
