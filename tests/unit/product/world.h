/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small Passgate in this process: a SQLite store in a temporary folder, the product's services, a
 * gRPC server with the interceptor that knows callers, and clients made of core's own calls.
 */
#ifndef TESTS_UNIT_PRODUCT_WORLD_H
#define TESTS_UNIT_PRODUCT_WORLD_H

#include "contract/test_clock.h"
#include "entitlement/check.h"
#include "entitlement/watches.h"
#include "interceptors/caller_set.h"
#include "rpc/server.h"
#include "unit/rpc/core_client.h"

/* Of the realm; `org/partner` is attested for by spiffe://corp/ns/shop/sa/checkout. */
#define WORLD_ISSUER   "https://passgate.test"
#define WORLD_AUDIENCE "https://realm.test"

/* The texts of its directives: model/open without any, model/closed for US persons. */
enum { WORLD_LIFETIME_MS = 300 * 1000, WORLD_HEARTBEAT_MS = 200, WORLD_CHANGES_MAX = 4096 };

struct world;

/* Who may call, over mutual TLS; NULL: plaintext, everybody is local. */
struct world *world_new(const struct caller_bindings *bindings);
void world_free(struct world *world);

/* A row of bindings: an id of a certificate, what its owner may do and what it is told. */
#define WORLD_CALLER(name, role_bits, told)                                      \
    {                                                                            \
        .id = {(const uint8_t *)(name), sizeof(name) - 1}, .roles = (role_bits), \
        .disclose = (told), .authentication = RPC_MTLS,                          \
    }

/* Two callers that may do everything: one is told the decision, the other the reasons as well. */
#define WORLD_TERSE "dns"
#define WORLD_TOLD  "spiffe"

/* For cmocka, which keeps the world as its state: in plaintext; with the two callers above. */
int world_set_up(void **state);
int world_set_up_callers(void **state);
int world_tear_down(void **state);

struct test_clock *world_clock(struct world *world);
struct arena *world_arena(struct world *world);
const struct names *world_names(struct world *world);
struct store *world_store(struct world *world);

/* For calls that world_call() does not make.  `caller` as there. */
struct core_client *world_client(struct world *world, const char *caller);

/* The same directives are in force as the set of this number. */
void world_number_directives(struct world *world, uint64_t number);

/* This one is tried beside them. */
void world_try(struct world *world, const char *directive);

/* Take everything out of the store's outbox: the names of the kinds and the outcomes, one
 * "kind:outcome " each. */
const char *world_outbox(struct world *world);

/* The payload of the last record that world_outbox() has taken. */
struct span world_payload(const struct world *world);

/* Documents about changes are sealed from now on; NULL: not any more. */
void world_seal_for(struct world *world, const char *public_pem);

/* Another key signs from now on, and the one before is gone. */
void world_replace_keys(struct world *world);

#endif
