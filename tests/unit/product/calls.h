/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a world's services, and what they came to. */
#ifndef TESTS_UNIT_PRODUCT_CALLS_H
#define TESTS_UNIT_PRODUCT_CALLS_H

#include "unit/product/world.h"

/* What a call came to.  Texts and the response live in the arena of the world. */
struct answer {
    grpc_status_code status;
    const char *reason; /* of ErrorInfo; "" when it is OK */
    const char *field;
    const char *text;
    const char *ended;    /* method and all of the above in one line, for who reads a failure */
    const void *response; /* the unpacked message; NULL when there is none */
};

/* Call "Service/Method" of passgate.v1 as `caller`, the name of a certificate of
 * tests/unit/rpc/make_certificates.sh (NULL in plaintext). */
struct answer world_call(struct world *world, const char *caller, const char *method,
                         const ProtobufCMessage *request,
                         const ProtobufCMessageDescriptor *response);

/* The request as JSON, with the names of the .proto file. */
struct answer world_call_json(struct world *world, const char *caller, const char *method,
                              const ProtobufCMessageDescriptor *type, const char *json,
                              const ProtobufCMessageDescriptor *response);

/* The response of a call that must succeed, and the refusal of one that must not: a test that fails
 * here says how the call ended. */
const void *world_expect_ok(struct answer answer);
void world_expect_refused(struct answer answer, grpc_status_code status, const char *reason,
                          const char *field);

#endif
