/* SPDX-License-Identifier: Apache-2.0 */
/* What the methods about the store say: messages in an arena, and the record of who asked. */
#ifndef ADMIN_STORE_MESSAGE_H
#define ADMIN_STORE_MESSAGE_H

#include "admin/admin.h"
#include "passgate/v1/admin.pb-c.h"
#include "storage/entry_check.h"

Passgate__V1__StoreDescription *store_description(const struct admin_options *options,
                                                  struct arena *arena);

/* UNSPECIFIED for a space that the contract does not have. */
Passgate__V1__StoreSpace store_space_message(enum store_space space);

Passgate__V1__StoreFinding *store_finding(struct store_key key, uint16_t partition,
                                          Passgate__V1__StoreProblem problem, const char *detail,
                                          struct arena *arena);

/* A key as it is told: 32 lower-case hex digits, the high half first. */
char *store_hash_text(struct hash128 hash, struct arena *arena);
MUST_CHECK bool store_hash_read(const char *text, struct hash128 *ret_hash, struct err *err);

/* The bytes stay where they are. */
ProtobufCBinaryData store_bytes(struct span span);
struct span store_span(ProtobufCBinaryData bytes);

/* Put on record that the caller has done this; AUDIT_UNAVAILABLE, or OUTSIDE_LIMITS for who reaches
 * some subjects only: then it must not be done. */
MUST_CHECK bool store_audit(const struct rpc_call *call, const struct admin_options *options,
                            struct err *err);

#endif
