/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tag that knows what to do: every completion-queue tag is a `struct rpc_op *`, embedded in the
 * object that it belongs to.  No allocation per tag, and no switch over kinds of tags in the loop.
 */
#ifndef RPC_OP_H
#define RPC_OP_H

#include <stdbool.h>

struct rpc_op {
    void (*on_done)(struct rpc_op *op, bool is_ok);
};

#endif
