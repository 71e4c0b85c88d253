/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a run, which check_try() takes at once and a waiting run one by one; for this
 * folder. */
#ifndef ENTITLEMENT_ATTEMPT_H
#define ENTITLEMENT_ATTEMPT_H

#include "entitlement/check.h"

struct check_lookups;

/* Take the moment and the directive set, read min_revision.  FIELD_CHARACTERS, REVISION_AHEAD,
 * DIRECTIVES_UNAVAILABLE. */
MUST_CHECK bool attempt_begin(struct check_order *order, struct arena *arena, struct err *err);

/* Look how sure it is that changes are heard of: before any facts are looked up. */
void attempt_take_lease(struct check_order *order);

/* May this replica answer `input` at all?  LEASE_LAPSED when the resource is restricted and changes
 * may have been missed for longer than its directives bear. */
MUST_CHECK bool attempt_lease_holds(const struct check_order *order,
                                    const struct check_input *input, struct err *err);

/* Of who asks there is a budget: does it bear a question about these?  BUDGET_SUBJECTS. */
MUST_CHECK bool attempt_take_subjects(const struct check_order *order,
                                      const struct check_input *input, struct hash128 subject,
                                      struct err *err);

/* The question was decided: ask what is tried as well.  `parties` are those of the decision. */
void attempt_shadow(const struct check_order *order, const struct check_input *input,
                    const struct check_party *parties, size_t party_count,
                    struct check_result *result);

/* Count a question without a decision. */
void attempt_count_failure(const struct check_order *order, const struct err *err);

/* Decide every question whose facts are there.  False: something is missing; with `lookups` it has
 * been noted there, without them it is only said. */
bool attempt_decide(struct check_order *order, struct check_lookups *lookups, struct arena *arena);

/* One of the answers must not be given before its record is durable. */
bool attempt_must_wait_for_record(const struct check_order *order);

/* Append the one audit record of the run. */
MUST_CHECK bool attempt_record(struct check_order *order, struct arena *arena, bool is_waited_for,
                               struct err *err);

#endif
