/* SPDX-License-Identifier: Apache-2.0 */
/* The store for background threads. */
#include "storage/blocking.h"

enum { LOOK_AGAIN_MS = 1000 };

static void on_done(struct store_request *request)
{
    *(bool *)request->owner = true;
}

struct store_request *store_request_new_blocking(enum store_operation operation, uint16_t partition,
                                                 struct mailbox *mailbox)
{
    return store_request_new(operation, partition, &mailbox->inbox, on_done, NULL);
}

bool store_call(struct store *store, struct store_request *request, struct mailbox *mailbox,
                struct err *err)
{
    bool is_done = false;

    request->owner = &is_done;
    store_submit(store, request);
    while (!is_done)
        mailbox_wait(mailbox, LOOK_AGAIN_MS);
    if (!request->is_ok)
        *err = request->err;
    return request->is_ok;
}
