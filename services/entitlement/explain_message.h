/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of ExplainEntitlement, as much of it as the caller is told. */
#ifndef ENTITLEMENT_EXPLAIN_MESSAGE_H
#define ENTITLEMENT_EXPLAIN_MESSAGE_H

#include "entitlement/message.h"

void explain_response_write(const struct check_order *order, const struct check_result *result,
                            const struct check_party *parties, size_t party_count,
                            enum disclose disclose, struct arena *arena,
                            Passgate__V1__ExplainEntitlementResponse *ret_response);

#endif
