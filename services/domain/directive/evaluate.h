/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The question and the answer: one subject, one action, one resource, one moment, one directive
 * set.
 *
 * Pure, allocates nothing, and takes no longer when there are more directives that do not match.
 */
#ifndef DOMAIN_DIRECTIVE_EVALUATE_H
#define DOMAIN_DIRECTIVE_EVALUATE_H

#include "domain/directive/directive.h"
#include "domain/directive/truth.h"

/*
 * Why an answer is what it is.  For UNKNOWN the first that fits in this order.
 *
 *   X(name, number in passgate.v1.Reason)
 */
#define DECISION_REASON_LIST(X) \
    X(UNSPECIFIED, 0)           \
    X(ALLOWED, 1)               \
    X(NOT_PERMITTED, 2)         \
    X(RESOURCE_UNKNOWN, 3)      \
    X(CONTEXT_REQUIRED, 4)      \
    X(EVIDENCE_CONFLICT, 5)     \
    X(EVIDENCE_EXPIRED, 6)      \
    X(ASSURANCE_TOO_LOW, 7)     \
    X(VERIFICATION_REQUIRED, 8)

enum decision_reason {
#define X(name, number) DECISION_REASON_##name = (number),
    DECISION_REASON_LIST(X)
#undef X
};

const char *decision_reason_name(enum decision_reason reason);

struct directive_context {
    struct span key;
    struct span value;
};

enum { DIRECTIVE_CONTEXT_MAX = 32, DIRECTIVE_FINDINGS_MAX = 16, DIRECTIVE_OBLIGATIONS_MAX = 8 };

struct directive_question {
    const struct facts *facts;
    struct span resource_type;
    struct span resource_id;
    struct span action;
    const struct directive_context *context; /* keys stand once */
    size_t context_count;
    int64_t now_ms;
    bool is_stale; /* the facts are older than the freshness bound */
};

/* What one matching directive said. */
struct directive_finding {
    const struct directive *directive;
    const struct directive_exemption *exemption; /* the one that made it TRUE, or NULL */
    enum truth truth;
};

/* `obligations` and `findings` are filled up to their counts, and not beyond. */
struct directive_answer {
    enum truth truth; /* base AND every matching directive */
    enum decision_reason reason;
    uint32_t vary_context;  /* bits of the set's context keys that were looked at */
    int64_t valid_until_ms; /* the next moment at which a directive or exemption changes by itself;
                               the facts' own limit is not in it */
    bool is_record_durable; /* a matching directive wants the answer to wait for its record */
    int64_t lease_ms;       /* the shortest that a matching directive asks for;
                               DIRECTIVE_LEASE_UNSAID */
    const struct directive_obligation *obligation; /* what UNKNOWN asks for first, or NULL */
    size_t obligation_count; /* all that it asks for: to prove one of several affiliations, what a
                                second directive wants to know.  More are left out */
    const struct directive_obligation *obligations[DIRECTIVE_OBLIGATIONS_MAX];
    const struct directive *decisive; /* the first that made the answer what it is; NULL when the
                                         base did */
    size_t finding_count; /* matching directives; more than DIRECTIVE_FINDINGS_MAX are counted and
                             evaluated, not listed */
    struct directive_finding findings[DIRECTIVE_FINDINGS_MAX];
};

/* FALSE, for no reason yet. */
static inline void directive_answer_clear(struct directive_answer *answer)
{
    answer->truth = TRUTH_FALSE;
    answer->reason = DECISION_REASON_UNSPECIFIED;
    answer->vary_context = 0;
    answer->valid_until_ms = TIMESTAMP_NEVER_MS;
    answer->is_record_durable = false;
    answer->lease_ms = DIRECTIVE_LEASE_UNSAID;
    answer->obligation = NULL;
    answer->obligation_count = 0;
    answer->decisive = NULL;
    answer->finding_count = 0;
}

/*
 * Is what is asked for restricted: does a directive in force name the resource and the action?
 * *ret_lease_ms is the shortest lease that one of them asks for, as the answer would have it. Needs
 * no facts: who cannot hear of changes must not ask what they are.
 */
bool directive_is_restricted(const struct directive_set *set,
                             const struct directive_question *question, int64_t *ret_lease_ms);

/*
 * Evaluate `question`.  A resource that is not declared gives FALSE, RESOURCE_UNKNOWN.  Everything
 * in the question is bounded by the caller; the answer points into `set`.
 */
void directive_evaluate(const struct directive_set *set, const struct directive_question *question,
                        struct directive_answer *ret_answer);

/*
 * What a shadow set would answer.  False, and nothing is evaluated, when nothing that is tried has
 * to do with the resource: then it would be the answer that is given.
 */
bool directive_evaluate_shadow(const struct directive_set *shadow,
                               const struct directive_question *question,
                               struct directive_answer *ret_answer);

#endif
