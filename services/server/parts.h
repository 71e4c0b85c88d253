/* SPDX-License-Identifier: Apache-2.0 */
/* What the server is made of, for the files of this folder: a new part is a member here, and a line
 * in wiring.c where it is made and where it goes. */
#ifndef SERVER_PARTS_H
#define SERVER_PARTS_H

#include "admin/admin.h"
#include "audit/archive.h"
#include "audit/audit_service.h"
#include "audit/outbox.h"
#include "claim/claim_service.h"
#include "entitlement/authzen.h"
#include "entitlement/service.h"
#include "entitlement/watches.h"
#include "health/health.h"
#include "interceptors/measure.h"
#include "keys/key_ring.h"
#include "reflection/reflection.h"
#include "rpc/server.h"
#include "server/callers.h"
#include "server/certificates.h"
#include "server/maintenance.h"
#include "server/retention.h"
#include "server/server.h"
#include "server/watchdog.h"
#include "storage/read_queue.h"
#include "verification/verification.h"
#include "web/web.h"

enum {
    SERVER_SERVICES_MAX = 10,
    SERVER_PROBES_MAX = 16,
    FOUNDATION_COUNTRY_SETS_BYTES_MAX = 1024 * 1024,
};

struct server {
    const struct config *config;
    struct arena arena; /* of what lives as long as the server */
    struct country_groups *groups;
    struct directive_environment environment;
    struct callers callers;
    struct names names;
    struct metrics *metrics;
    struct readiness *readiness;
    struct readiness_listener readiness_listener;
    struct executor *executor;
    struct audit_log *audit;
    struct read_queue reads; /* of the store, that callers wait for */
    struct store *store;
    struct outbox *outbox;
    struct archive *archive;
    struct change_log *changes;
    struct facts_cache *cache;
    struct snapshot keys;
    struct snapshot directives;
    struct snapshot shadow_set;
    struct retention retention;
    struct certificates *certificates;
    struct mailbox maintenance_mailbox;
    struct in_force in_force;
    struct directive_folder *folder;
    struct shadow_folder *shadow_folder; /* NULL: none is configured */
    struct maintenance *maintenance;
    struct watches *watches;
    struct entitlement *entitlement;
    struct health *health;
    struct reflection *reflection;
    struct verification_options verification;
    struct claim_options claims;
    struct admin_options admin;
    struct audit_service_options audit_service;
    struct web_options web;
    struct caller_options caller;
    struct measure measure;
    struct rpc_interceptor caller_interceptor;
    struct rpc_interceptor measure_interceptor;
    struct rpc_service services[SERVER_SERVICES_MAX];
    size_t service_count;
    struct rpc_server *rpc;
    struct rpc_probe probes[SERVER_PROBES_MAX]; /* of the listeners of gRPC */
    size_t probe_count;
    struct watchdog *watchdog;
    atomic_bool is_deaf;
    struct authzen *authzen; /* NULL: nothing is served over HTTP */
    struct http_server *http;
    struct http_server *http_authzen; /* where AuthZEN is served apart */
    struct http_server *ops;
};

/* foundation.c: country sets, storage, keys and directives, in this order. */
MUST_CHECK bool foundation_open(struct server *server, struct diagnostics *diagnostics,
                                struct err *err);
/* Yields `is_done`; what failed is of this option, unless it says itself of which. */
bool foundation_of(const char *option, bool is_done, struct err *err);
/* The largest payload of a record: half of what the memory of the log takes, within the bounds. */
size_t audit_payload_bytes(const struct config *config, size_t least, size_t most);
/* How long a key is kept after it has signed for the last time. */
int64_t foundation_keys_keep_ms(const struct server *server);

/* archiving.c: ship and remove what has ended of the audit log. */
void archiving_start(struct server *server);

/* doors.c: gRPC with its interceptors, HTTP and ops.  The services are listed before. */
MUST_CHECK bool doors_open(struct server *server, uint32_t worker_count, struct err *err);

#endif
