/* SPDX-License-Identifier: Apache-2.0 */
/* What exists, in what order, and who knows whom.  The only file that knows everything. */
#include "admin/admin.h"
#include "audit/outbox.h"
#include "base/file.h"
#include "base/memory.h"
#include "claim/claim_service.h"
#include "entitlement/service.h"
#include "health/health.h"
#include "interceptors/access_log.h"
#include "interceptors/caller.h"
#include "interceptors/measure.h"
#include "interceptors/trace.h"
#include "keys/token.h"
#include "reflection/reflection.h"
#include "rpc/server.h"
#include "server/maintenance.h"
#include "server/server.h"
#include "server/sources.h"
#include "storage/sqlite.h"
#include "verification/verification.h"
#include "web/web.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
    EXECUTOR_THREADS = 2,
    EXECUTOR_QUEUE = 256,
    SERVICES_MAX = 10,
    LISTENERS_MAX = 16,
    CLAIM_SETS_COUNT = 3,
    MAX_AGE_MS = 5000,
    SHUTDOWN_GRACE_MS = 5000,
    COUNTRY_SETS_BYTES_MAX = 1024 * 1024,
};

struct server {
    const struct config *config;
    struct arena arena; /* of what lives as long as the server */
    struct country_groups *groups;
    struct directive_environment environment;
    struct caller_bindings callers;
    struct names names;
    struct metrics *metrics;
    struct readiness *readiness;
    struct readiness_listener readiness_listener;
    struct executor *executor;
    struct audit_log *audit;
    struct store *store;
    struct outbox *outbox;
    struct facts_cache *cache;
    struct snapshot keys;
    struct snapshot directives;
    struct mailbox maintenance_mailbox;
    struct directive_folder *folder;
    struct maintenance *maintenance;
    struct entitlement *entitlement;
    struct health *health;
    struct reflection *reflection;
    struct verification_options verification;
    struct claim_options claims;
    struct admin_options admin;
    struct web_options web;
    struct measure measure;
    struct rpc_interceptor caller_interceptor;
    struct rpc_interceptor measure_interceptor;
    struct rpc_service services[SERVICES_MAX];
    size_t service_count;
    struct rpc_server *rpc;
    struct http_server *http;
    struct http_server *ops;
};

static void *ref_directives(void *set)
{
    return directive_set_ref(set);
}

static void unref_directives(void *set)
{
    directive_set_unref(set);
}

static void *ref_keys(void *ring)
{
    return key_ring_ref(ring);
}

static void unref_keys(void *ring)
{
    key_ring_unref(ring);
}

static uint64_t directive_set_in_force(void *context)
{
    struct server *server = context;
    struct directive_set *set = snapshot_get(&server->directives);
    uint64_t number = set ? directive_set_number(set) : 0;

    directive_set_unref(set);
    return number;
}

static bool load_groups(struct server *server, struct diagnostics *diagnostics, struct err *err)
{
    const char *path = server->config->directives.country_sets_file;
    struct span content = country_groups_default();

    if (path[0] != '\0' && !file_read(path, COUNTRY_SETS_BYTES_MAX, &server->arena, &content, err))
        return false;
    server->groups = country_groups_load(content, path[0] != '\0' ? path : "country sets",
                                         &server->arena, diagnostics);
    if (!server->groups)
        return err_set(err, ERR_FILE_INVALID, "the country sets have errors");
    server->environment.groups = server->groups;
    server->environment.organizations = &server->config->organizations;
    return true;
}

/* The configuration's words are the interceptor's bits: both count roles from submitter. */
static void bind_callers(struct server *server)
{
    const struct config *config = server->config;
    struct caller *rows = arena_new_array(&server->arena, struct caller, config->caller_count);

    for (size_t i = 0; i < config->caller_count; i++)
        rows[i] = (struct caller){
            .id = span_text(config->callers[i].id),
            .roles = config->callers[i].roles | ROLE_ANYONE,
            .disclose = (enum disclose)config->callers[i].disclose,
            .authentication = RPC_MTLS,
        };
    server->callers = (struct caller_bindings){rows, config->caller_count};
}

static bool read_hash_key(struct server *server, struct err *err)
{
    const char *path = server->config->store.hash_key_file;
    char folder[PATH_MAX];

    if (path[0] == '\0') { /* one node: made beside the store at first use */
        snprintf(folder, sizeof(folder), "%s", server->config->store.path);
        path = arena_printf(&server->arena, "%s/hash.key", dirname(folder));
        if (!file_make_folder(arena_text(&server->arena, span_text(folder)), err))
            return false;
    }
    return names_read_key(path, server->config->store.hash_key_file[0] == '\0', &server->names.key,
                          err);
}

static void observe_store(void *observer, int64_t duration_ns)
{
    struct server *server = observer;

    metrics_observe(metrics_shared(server->metrics), METRIC_STORE_DURATION, duration_ns);
}

static bool open_storage(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    const struct audit_options audit = {
        .folder = config->audit.folder,
        .mode = (enum audit_mode)config->audit.mode,
        .buffer_bytes = (size_t)config->audit.ring_bytes / 2,
        .segment_bytes = (size_t)config->audit.segment_bytes,
        .clock = &clock_system,
        .metrics = server->metrics,
        .readiness = server->readiness,
    };
    const struct sqlite_options sqlite = {
        .path = config->store.path,
        .clock = &clock_system,
        .pending_max = (size_t)config->store.pending_max,
    };

    if (!read_hash_key(server, err) || !audit_open(&audit, &server->audit, err) ||
        !sqlite_open(&sqlite, &server->store, err))
        return false;
    server->store->observe = observe_store;
    server->store->observer = server;
    server->names.partition_count = server->store->partition_count;
    server->cache = facts_cache_new(&(struct facts_cache_options){
        .store = server->store,
        .names = &server->names,
        .clock = &clock_system,
        .bytes_max = (size_t)config->cache.bytes,
        .fresh_ms = config->cache.fresh_ms,
        .grace_ms = config->cache.grace_ms,
        .read_timeout_ms = config->store.read_timeout_ms,
    });
    server->outbox =
        outbox_new(&(struct outbox_options){server->store, server->audit, &clock_system});
    readiness_meet(server->readiness, READINESS_STORE);
    return true;
}

static bool load_keys(struct server *server, struct err *err)
{
    int64_t keep_ms = server->config->claims.lifetime_ms + TOKEN_LEEWAY_MAX_MS;
    struct key_ring *ring;

    if (!key_ring_load_or_make(server->config->keys.folder, keep_ms, clock_wall_ms(&clock_system),
                               &ring, err))
        return false;
    snapshot_replace(&server->keys, ring);
    readiness_meet(server->readiness, READINESS_KEYS);
    return true;
}

static bool load_directives(struct server *server, struct diagnostics *diagnostics, struct err *err)
{
    server->folder = directive_folder_new(&(struct directive_folder_options){
        .path = server->config->directives.folder,
        .environment = &server->environment,
        .store = server->store,
        .names = &server->names,
        .directives = &server->directives,
        .metrics = server->metrics,
        .readiness = server->readiness,
        .clock = &clock_system,
        .mailbox = &server->maintenance_mailbox,
    });
    return directive_folder_load(server->folder, diagnostics, err);
}

/* The sets that claims answer about: the embargoes that most directives ask for. */
static void choose_claim_sets(struct server *server)
{
    static const char *const wanted[CLAIM_SETS_COUNT] = {"EAR:D:5", "EAR:E:1", "EAR:E:2"};
    const struct country_group **sets =
        arena_new_array(&server->arena, const struct country_group *, CLAIM_SETS_COUNT);

    for (size_t i = 0; i < CLAIM_SETS_COUNT; i++) {
        const struct country_group *set = country_groups_find(server->groups, span_text(wanted[i]));

        if (set)
            sets[server->claims.set_count++] = set;
    }
    server->claims.sets = sets;
}

static void make_entitlement(struct server *server)
{
    const struct config *config = server->config;

    server->entitlement = entitlement_new(&(struct entitlement_options){
        .directives = &server->directives,
        .keys = &server->keys,
        .cache = server->cache,
        .store = server->store,
        .names = &server->names,
        .organizations = &config->organizations,
        .audit = server->audit,
        .is_every_answer_durable = config->audit.mode == CONFIG_AUDIT_DURABLE,
        .metrics = server->metrics,
        .clock = &clock_system,
        .issuer = span_text(config->realm.issuer),
        .realm_audience = span_text(config->realm.audience),
        .max_age_ms = MAX_AGE_MS,
        .store_timeout_ms = config->store.read_timeout_ms,
    });
}

static void fill_options(struct server *server)
{
    const struct config *config = server->config;

    server->verification = (struct verification_options){
        .store = server->store,
        .names = &server->names,
        .organizations = &config->organizations,
        .audit = server->audit,
        .metrics = server->metrics,
        .clock = &clock_system,
        .read_timeout_ms = config->store.read_timeout_ms,
        .write_timeout_ms = config->store.write_timeout_ms,
        .directive_set_number = directive_set_in_force,
        .context = server,
    };
    server->claims = (struct claim_options){
        .store = server->store,
        .names = &server->names,
        .keys = &server->keys,
        .audit = server->audit,
        .metrics = server->metrics,
        .clock = &clock_system,
        .issuer = span_text(config->realm.issuer),
        .lifetime_ms = config->claims.lifetime_ms,
        .read_timeout_ms = config->store.read_timeout_ms,
        .write_timeout_ms = config->store.write_timeout_ms,
        .directive_set_number = directive_set_in_force,
        .context = server,
    };
    choose_claim_sets(server);
    server->admin = (struct admin_options){
        .realm = config->realm.name,
        .issuer = config->realm.issuer,
        .started_at_ms = clock_wall_ms(&clock_system),
        .directives = &server->directives,
        .keys = &server->keys,
        .store = server->store,
        .audit = server->audit,
        .groups = server->groups,
        .clock = &clock_system,
    };
    server->web =
        (struct web_options){&server->keys, server->metrics, server->readiness, &clock_system};
}

static void add_service(struct server *server, struct rpc_service service)
{
    server->services[server->service_count++] = service;
}

static void list_services(struct server *server)
{
    struct rpc_service reflection[REFLECTION_SERVICES];

    add_service(server, entitlement_service(server->entitlement));
    add_service(server, verification_service(&server->verification));
    add_service(server, claim_service(&server->claims));
    add_service(server, admin_service(&server->admin));
    add_service(server, health_service(server->health));
    if (!server->config->reflection.enabled)
        return;
    reflection_services(server->reflection, reflection);
    for (size_t i = 0; i < REFLECTION_SERVICES; i++)
        add_service(server, reflection[i]);
    reflection_list(server->reflection, server->services, server->service_count);
}

/* Health follows readiness: a replica that cannot decide is not to be asked. */
static void on_readiness(struct readiness_listener *listener, bool is_ready)
{
    struct server *server = CONTAINER_OF(listener, struct server, readiness_listener);

    health_set_all(server->health, is_ready ? HEALTH_SERVING : HEALTH_NOT_SERVING);
}

static void make_health(struct server *server)
{
    server->health = health_new();
    server->reflection = reflection_new();
    health_set(server->health, "", HEALTH_NOT_SERVING);
    server->readiness_listener.on_change = on_readiness;
    readiness_listen(server->readiness, &server->readiness_listener);
}

/* Every service by its name, as it is overall. */
static void publish_health(struct server *server)
{
    enum health_status status =
        readiness_is_ready(server->readiness) ? HEALTH_SERVING : HEALTH_NOT_SERVING;

    health_set(server->health, "", status);
    for (size_t i = 0; i < server->service_count; i++)
        health_set(server->health, server->services[i].descriptor->name, status);
}

static size_t list_listeners(struct server *server, struct rpc_listener *listeners)
{
    const struct config *config = server->config;
    struct rpc_tls tls = {.certificate_file = NULL};
    size_t count = 0;

    if (config->tls.certificate_file[0] != '\0')
        tls = (struct rpc_tls){config->tls.certificate_file, config->tls.key_file,
                               config->tls.client_ca_file};
    for (size_t i = 0; i < config->listen.grpc.count && count < LISTENERS_MAX - 1; i++)
        listeners[count++] = (struct rpc_listener){config->listen.grpc.rows[i].text, tls};
    if (config->listen.grpc_socket[0] != '\0')
        listeners[count++] = (struct rpc_listener){
            .address = arena_printf(&server->arena, "unix:%s", config->listen.grpc_socket)};
    return count;
}

/* Outermost first.  Measured and logged outside of the caller's check, so that refused calls are
 * seen. */
static size_t chain(struct server *server, const struct rpc_interceptor **interceptors)
{
    size_t count = 0;

    server->measure_interceptor = measure_interceptor(&server->measure);
    server->caller_interceptor = caller_interceptor(&server->callers);
    interceptors[count++] = &server->measure_interceptor;
    interceptors[count++] = &access_log_interceptor;
    interceptors[count++] = &trace_interceptor;
    interceptors[count++] = &server->caller_interceptor;
    return count;
}

/* A line of metrics per method, known before the first call. */
static void register_methods(struct server *server)
{
    size_t count = 0, next = 0;

    for (size_t i = 0; i < server->service_count; i++)
        count += server->services[i].method_count;
    server->measure.metrics = server->metrics;
    server->measure.methods = arena_new_array(&server->arena, size_t, count + 1);
    for (size_t i = 0; i < server->service_count; i++)
        for (size_t k = 0; k < server->services[i].method_count; k++)
            server->measure.methods[next++] = metrics_add_method(
                server->metrics,
                arena_printf(&server->arena, "%s/%s", server->services[i].descriptor->name,
                             server->services[i].methods[k].name));
}

static bool start_rpc(struct server *server, uint32_t worker_count, struct err *err)
{
    const struct config *config = server->config;
    const struct rpc_interceptor *interceptors[8];
    struct rpc_listener listeners[LISTENERS_MAX];
    const struct rpc_options options = {
        .listeners = listeners,
        .listener_count = list_listeners(server, listeners),
        .services = server->services,
        .service_count = server->service_count,
        .interceptors = interceptors,
        .interceptor_count = chain(server, interceptors),
        .executor = server->executor,
        .worker_count = worker_count,
        .posted_calls = (uint32_t)config->rpc.calls_per_worker,
        .in_flight_max = (uint32_t)config->rpc.in_flight_max,
        .streams_max = (uint32_t)config->rpc.streams_max,
        .message_bytes_max = (size_t)config->rpc.message_bytes_max,
        .metadata_bytes_max = (size_t)config->rpc.metadata_bytes_max,
        .memory_quota_bytes = (size_t)config->rpc.memory_quota_bytes,
        .connection_age_ms = config->rpc.connection_age_ms,
        .connection_grace_ms = config->rpc.connection_grace_ms,
        .connection_idle_ms = config->rpc.connection_age_ms,
        .keepalive_ms = config->rpc.keepalive_ms,
        .keepalive_timeout_ms = config->rpc.keepalive_timeout_ms,
        .handshake_timeout_ms = config->rpc.handshake_timeout_ms,
    };

    if (!rpc_server_start(&options, &server->rpc, err))
        return false;
    for (size_t i = 0; i < options.listener_count; i++)
        LOG(INFO, "server.listen", "serving gRPC", log_text("address", listeners[i].address),
            log_number("port", rpc_server_port(server->rpc, i)));
    return true;
}

static void observe_http(void *owner, const struct http_observation *observation)
{
    struct server *server = owner;
    struct metrics_shard *shard = metrics_shared(server->metrics);

    if (observation->status == 0)
        return;
    metrics_count(shard, METRIC_HTTP_REQUESTS, (size_t)observation->status / 100, 1);
    metrics_observe(shard, METRIC_HTTP_DURATION, observation->duration_ns);
}

static bool start_listener(struct server *server, const struct config_address *address,
                           struct http_group group, bool is_ops, struct http_server **ret_http,
                           struct err *err)
{
    const struct config *config = server->config;
    const bool has_tls = !is_ops && config->http.tls_certificate_file[0] != '\0';
    const struct http_options options = {
        .address = address->text,
        .groups = &group,
        .group_count = 1,
        .certificate_file = has_tls ? config->http.tls_certificate_file : NULL,
        .key_file = has_tls ? config->http.tls_key_file : NULL,
        .is_plaintext_allowed = is_ops,
        .observe = observe_http,
        .observer = server,
    };

    if (address->text[0] == '\0')
        return true;
    if (!http_server_new(&options, ret_http, err))
        return false;
    LOG(INFO, "server.listen", is_ops ? "serving ops" : "serving HTTP",
        log_text("address", address->text), log_number("port", http_server_port(*ret_http)));
    return true;
}

static bool start_http(struct server *server, struct err *err)
{
    const struct config *config = server->config;

    return start_listener(server, &config->listen.http, web_public_group(&server->web), false,
                          &server->http, err) &&
           start_listener(server, &config->listen.ops, web_ops_group(&server->web), true,
                          &server->ops, err);
}

static bool start_all(struct server *server, struct diagnostics *diagnostics, struct err *err)
{
    const struct config *config = server->config;
    uint32_t worker_count = (uint32_t)config->rpc.workers;

    if (worker_count == 0)
        worker_count = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    server->metrics = metrics_new(worker_count);
    server->readiness = readiness_new();
    make_health(server);
    server->executor = executor_new(EXECUTOR_THREADS, EXECUTOR_QUEUE);
    bind_callers(server);
    if (!load_groups(server, diagnostics, err) || !open_storage(server, err) ||
        !load_keys(server, err) || !load_directives(server, diagnostics, err))
        return false;
    make_entitlement(server);
    fill_options(server);
    server->admin.worker_count = worker_count;
    list_services(server);
    publish_health(server);
    register_methods(server);
    sources_connect(&(struct sources){server->metrics, server->cache, server->store, server->audit,
                                      server->readiness, &server->rpc},
                    &server->arena);
    if (!start_rpc(server, worker_count, err) || !start_http(server, err))
        return false;
    outbox_start(server->outbox);
    server->maintenance = maintenance_start(&(struct maintenance_options){
        .directives = server->folder,
        .mailbox = &server->maintenance_mailbox,
        .keys_folder = config->keys.folder,
        .keys_keep_ms = config->claims.lifetime_ms + TOKEN_LEEWAY_MAX_MS,
        .keys = &server->keys,
        .store = server->store,
        .readiness = server->readiness,
        .clock = &clock_system,
        .interval_ms = config->directives.poll_ms,
    });
    return true;
}

bool server_start(const struct config *config, struct diagnostics *diagnostics,
                  struct server **ret_server, struct err *err)
{
    struct server *server = memory_new(struct server);

    json_object_seed(0);
    server->config = config;
    arena_init(&server->arena, 16 * 1024);
    mailbox_init(&server->maintenance_mailbox);
    snapshot_init(&server->keys, NULL, ref_keys, unref_keys);
    snapshot_init(&server->directives, NULL, ref_directives, unref_directives);
    if (!start_all(server, diagnostics, err)) {
        server_stop(server);
        return false;
    }
    readiness_meet(server->readiness, READINESS_SERVING);
    LOG(INFO, "server.ready", "ready", log_text("realm", config->realm.name),
        log_text("store", server->store->ops->name));
    *ret_server = server;
    return true;
}

void server_reload(struct server *server)
{
    maintenance_kick(server->maintenance);
}

void server_announce_drain(struct server *server)
{
    readiness_fail(server->readiness, READINESS_SERVING, "the server is going away");
}

/*
 * Doors first, then what they stand on.  Results that come after a worker has stopped wait in its
 * inbox until rpc_server_free() runs them: by then the store and the log must have answered
 * everything.
 */
void server_stop(struct server *server)
{
    maintenance_stop(server->maintenance);
    if (server->rpc) {
        rpc_server_end_streams(server->rpc);
        rpc_server_stop(server->rpc, SHUTDOWN_GRACE_MS);
    }
    http_server_free(server->http, SHUTDOWN_GRACE_MS);
    http_server_free(server->ops, SHUTDOWN_GRACE_MS);
    executor_free(server->executor);
    outbox_stop(server->outbox);
    if (server->cache)
        facts_cache_stop(server->cache);
    store_free(server->store);
    audit_close(server->audit);
    rpc_server_free(server->rpc);
    facts_cache_free(server->cache);
    outbox_free(server->outbox);
    directive_folder_free(server->folder);
    entitlement_free(server->entitlement);
    reflection_free(server->reflection);
    health_free(server->health);
    snapshot_release(&server->directives);
    snapshot_release(&server->keys);
    metrics_free(server->metrics);
    readiness_free(server->readiness);
    mailbox_release(&server->maintenance_mailbox);
    arena_release(&server->arena);
    memory_free(server);
}
