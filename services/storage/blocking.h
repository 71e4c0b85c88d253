/* SPDX-License-Identifier: Apache-2.0 */
/* The store for background threads that have nothing better to do than to wait.  Never on a worker.
 */
#ifndef STORAGE_BLOCKING_H
#define STORAGE_BLOCKING_H

#include "base/mailbox.h"
#include "storage/store.h"

/* An empty request that will be waited for with `mailbox`. */
struct store_request *store_request_new_blocking(enum store_operation operation, uint16_t partition,
                                                 struct mailbox *mailbox);

/* Submit it and wait.  The request's own results apply; false with its error when it failed. */
MUST_CHECK bool store_call(struct store *store, struct store_request *request,
                           struct mailbox *mailbox, struct err *err);

#endif
