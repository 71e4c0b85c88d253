/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods of the server as rows: what a call needs to know beside the request.
 *
 * A result is made in two steps.  The reply is unpacked into an arena of its own; then the row's
 * `project` fills the public struct, which points into the reply, with what C cannot express there
 * (arrays of public structs) in the same arena.  One passgate_free() ends it all.
 */
#ifndef CLIENT_SRC_METHOD_H
#define CLIENT_SRC_METHOD_H

#include "base/arena.h"
#include "client/include/passgate/client.h"

#include <protobuf-c/protobuf-c.h>

struct method {
    const char *path; /* "/passgate.v1.EntitlementService/CheckEntitlement" */
    const ProtobufCMessageDescriptor *reply;
    bool is_check;     /* takes the check timeout, else the write timeout */
    size_t value_size; /* of the public struct */
    void (*project)(const ProtobufCMessage *reply, struct arena *arena, void *value);
};

extern const struct method method_check;
extern const struct method method_batch;
extern const struct method method_explain;
extern const struct method method_list;
extern const struct method method_submit;
extern const struct method method_revoke;
extern const struct method method_affiliate;
extern const struct method method_set_principals;
extern const struct method method_get_subject;
extern const struct method method_issue_claim;
extern const struct method method_introspect_claim;
extern const struct method method_get_jwks;
extern const struct method method_who_am_i;
extern const struct method method_get_server;
extern const struct method method_list_keys;
extern const struct method method_get_health;
extern const struct method method_get_store_stats;
extern const struct method method_check_store;
extern const struct method method_export_store;
extern const struct method method_import_store;
extern const struct method method_get_tree_head;
extern const struct method method_get_inclusion_proof;
extern const struct method method_list_decisions;

/* One unary call: the public struct of the row, or NULL after filling *error.  Any thread. */
void *method_call(const struct method *method, struct passgate_client *client,
                  const ProtobufCMessage *request, const struct passgate_call *call,
                  struct passgate_error *error);

/* The result for a reply that has been packed; NULL when the bytes are no such message. */
void *method_result(const struct method *method, const uint8_t *reply, size_t length);

/* A result that no server sent: `size` zeroed bytes for a public struct, and the arena for what it
 * points to.  `json` is what passgate_json() gives, from malloc(). */
void *result_new(size_t size, char *json, struct arena **ret_arena);

#endif
