/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of AdminService that are about the store; each has a file of its name. */
#ifndef ADMIN_STORE_METHODS_H
#define ADMIN_STORE_METHODS_H

#include "rpc/method.h"

enum {
    STORE_IMPORT_ENTRIES_MAX = 16,
    STORE_IMPORT_BYTES_MAX = 512 * 1024, /* of a batch; one of the longest values is an eighth */
};

rpc_handler_fn get_store_stats;
rpc_handler_fn check_store;
rpc_handler_fn export_store;
rpc_item_fn import_store;

#endif
