/* SPDX-License-Identifier: Apache-2.0 */
/* The decision itself: parties with their facts, one directive set, one moment.  Pure. */
#ifndef ENTITLEMENT_DECIDE_H
#define ENTITLEMENT_DECIDE_H

#include "entitlement/check.h"

/*
 * Fill `ret_result`, which is zeroed, for `parties`, of whom there is at least one and all must
 * pass.  The lease of what is asked for has not lapsed; it bounds how long the answer may be
 * reused, and what may be named `instead`.
 */
void decide(const struct directive_set *set, const struct check_input *input,
            const struct check_party *parties, size_t party_count, int64_t now_ms,
            int64_t max_age_ms, const struct lease *lease, struct check_result *ret_result);

/*
 * What the directives of `shadow` would have said to the same question about the same parties.
 * Needs nothing that decide() did not have: what it cannot know it calls UNKNOWN.
 */
void decide_shadow(const struct directive_set *shadow, const struct check_input *input,
                   const struct check_party *parties, size_t party_count, int64_t now_ms,
                   struct check_shadow *ret_shadow);

/* A refusal that rests on nothing that may be told. */
void decide_refused(struct check_result *ret_result);

/* What is asked about one party: of the decision and of its explanation. */
struct directive_question decide_question(const struct check_input *input,
                                          const struct check_party *party, int64_t now_ms);

/* One party alone. */
void decide_party(const struct directive_set *set, const struct check_input *input,
                  const struct check_party *party, int64_t now_ms,
                  struct directive_answer *ret_answer);

#endif
