/* SPDX-License-Identifier: Apache-2.0 */
/* What an AuthZEN request is answered: decisions with their context, errors, and the metadata. */
#ifndef ENTITLEMENT_AUTHZEN_WRITE_H
#define ENTITLEMENT_AUTHZEN_WRITE_H

#include "entitlement/check.h"
#include "interceptors/caller.h"

/* The response, in the arena: of one question, or with the list of `evaluations`.  Its context
 * tells as much as the caller's binding discloses, and no more than the gRPC door does. */
struct span authzen_answer_text(const struct check_order *order, enum disclose disclose,
                                struct arena *arena);

/* {"code": 400, "reason": "FIELD_REQUIRED", "field": "subject.id", "message": "…"} */
struct span authzen_error_text(const struct err *err, struct arena *arena);

/* Section 9, for a decision point that is reached below `url`. */
struct span authzen_configuration_text(const char *url, struct arena *arena);

#endif
