/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of EntitlementService: questions read from them, results written into them. */
#ifndef ENTITLEMENT_MESSAGE_H
#define ENTITLEMENT_MESSAGE_H

#include "entitlement/check.h"
#include "interceptors/caller.h"
#include "passgate/v1/entitlement.pb-c.h"

/* Read and validate; the input points into the message. */
MUST_CHECK bool check_input_read(const Passgate__V1__CheckEntitlementRequest *request,
                                 struct arena *arena, struct check_input *ret_input,
                                 struct err *err);

/* For how long an answer may be reused, as far as the caller is told: where only the decision is
 * disclosed, every refusal says the same. */
int64_t max_age_shown(const struct check_result *result, enum disclose disclose);

/* The context keys that an answer hangs on, as far as the caller is told: always where it may be
 * reused, or it would be for questions that it does not answer. */
uint32_t vary_shown(const struct check_result *result, enum disclose disclose);

/* Write as much as the caller is told. */
void check_response_write(const struct check_order *order, const struct check_result *result,
                          enum disclose disclose, bool wants_reasons, struct arena *arena,
                          Passgate__V1__CheckEntitlementResponse *ret_response);
void batch_decision_write(const struct check_order *order, const struct check_result *result,
                          enum disclose disclose, struct arena *arena,
                          Passgate__V1__BatchDecision *ret_decision);

/* The parts that several responses have, in the arena. */
Passgate__V1__Decision decision_message(const struct check_result *result);
Passgate__V1__CheckError *check_error_message(const struct err *err, struct arena *arena);
Passgate__V1__Resource *resource_message(struct span name, struct arena *arena);
Passgate__V1__Authority *authority_message(const struct directive_authority *authority,
                                           struct arena *arena);
Passgate__V1__Truth truth_message(enum truth truth);
char *decision_id_message(const struct check_order *order, struct arena *arena);
char *revision_message(const struct revision *revision, struct arena *arena);
/* What this caller is told in the place of subjects. */
char **handles_message(const struct entitlement_options *options, struct span caller,
                       const struct hash128 *subjects, size_t count, struct arena *arena);

#endif
