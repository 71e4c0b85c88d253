/* SPDX-License-Identifier: Apache-2.0 */
/* The receipt of a check: what was asked and what the caller is told, signed. */
#ifndef ENTITLEMENT_CHECK_RECEIPT_H
#define ENTITLEMENT_CHECK_RECEIPT_H

#include "entitlement/check.h"
#include "interceptors/caller.h"

/*
 * Of the order's one question, which was decided and recorded.  Signs on the thread that calls:
 * about 25 µs of computing, which is no waiting, and less than it takes to hand it to another
 * thread and back.  INTERNAL when no key signs; FIELD_TOO_LONG on `azp` when the caller's id has
 * more than RECEIPT_TEXT_MAX bytes.
 */
MUST_CHECK bool check_receipt_sign(const struct check_order *order, enum disclose disclose,
                                   struct arena *arena, char **ret_receipt, struct err *err);

#endif
