/* SPDX-License-Identifier: Apache-2.0 */
/* What exists, in what order, and who knows whom. */
#include "base/json.h"
#include "base/memory.h"
#include "base/secret.h"
#include "keys/refused_certificate.h"
#include "server/parts.h"
#include "server/sources.h"
#include "telemetry/process.h"
#include "verification/change_document.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

enum {
    EXECUTOR_THREADS = 2,
    EXECUTOR_QUEUE = 256,
    CLAIM_SETS_COUNT = 3,
    MAX_AGE_MS = 5000,
    SHUTDOWN_GRACE_MS = 5000,
    DEAF_GRACE_MS = 1000, /* who cannot get in has waited for long enough */
};

static uint64_t directive_set_in_force(void *context)
{
    struct server *server = context;
    struct directive_set *set = snapshot_get(&server->directives);
    uint64_t number = set ? directive_set_number(set) : 0;

    directive_set_unref(set);
    return number;
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

    server->watches = watches_new(&(struct watches_options){
        .changes = server->changes,
        .store = server->store,
        .names = &server->names,
        .directives = &server->directives,
        .clock = &clock_system,
        .heartbeat_ms = WATCHES_HEARTBEAT_MS,
    });
    server->entitlement = entitlement_new(&(struct entitlement_options){
        .directives = &server->directives,
        .shadow = &server->shadow_set,
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
        .lease_ms = config->directives.lease_ms,
        .store_timeout_ms = config->store.read_timeout_ms,
        .watches = server->watches,
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
        .retention_key = &server->retention.key,
        .change_document_bytes_max =
            audit_payload_bytes(config, CHANGE_DOCUMENT_BYTES_MIN, CHANGE_DOCUMENT_BYTES_MAX),
        .groups = server->groups,
    };
    server->claims = (struct claim_options){
        .store = server->store,
        .names = &server->names,
        .keys = &server->keys,
        .audit = server->audit,
        .metrics = server->metrics,
        .clock = &clock_system,
        .issuer = span_text(config->realm.issuer),
        .needs_synchronized_clock = config->claims.clock == CONFIG_CLAIMS_CLOCK_SYNCHRONIZED,
        .lifetime_ms = config->claims.lifetime_ms,
        .read_timeout_ms = config->store.read_timeout_ms,
        .write_timeout_ms = config->store.write_timeout_ms,
        .directive_set_number = directive_set_in_force,
        .context = server,
    };
    choose_claim_sets(server);
    server->caller = (struct caller_options){
        .callers = &server->callers.set,
        .audit = server->audit,
        .metrics = server->metrics,
        .clock = &clock_system,
    };
}

/* What operators and auditors ask for. */
static void fill_operation_options(struct server *server)
{
    const struct config *config = server->config;

    server->admin = (struct admin_options){
        .realm = config->realm.name,
        .issuer = config->realm.issuer,
        .started_at_ms = clock_wall_ms(&clock_system),
        .directives = &server->directives,
        .shadow = &server->shadow_set,
        .keys = &server->keys,
        .store = server->store,
        .names = &server->names,
        .read_timeout_ms = config->store.read_timeout_ms,
        .write_timeout_ms = config->store.write_timeout_ms,
        .audit = server->audit,
        .groups = server->groups,
        .retention_key = &server->retention.key,
        .clock = &clock_system,
    };
    server->audit_service = (struct audit_service_options){
        .audit = server->audit,
        .folder = config->audit.folder,
        .names = &server->names,
        .directives = &server->directives,
        .executor = server->executor,
        .clock = &clock_system,
    };
    server->web =
        (struct web_options){&server->keys, server->metrics, server->readiness, &clock_system};
}

static void add_service(struct server *server, struct rpc_service service)
{
    assert(server->service_count < SERVER_SERVICES_MAX);
    server->services[server->service_count++] = service;
}

static void list_services(struct server *server)
{
    struct rpc_service reflection[REFLECTION_SERVICES];

    add_service(server, entitlement_service(server->entitlement));
    add_service(server, verification_service(&server->verification));
    add_service(server, claim_service(&server->claims));
    add_service(server, admin_service(&server->admin));
    add_service(server, audit_service(&server->audit_service));
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

/* The main thread waits for signals. */
static void on_deaf(void *context)
{
    struct server *server = context;

    LOG(ERROR, "server.deaf",
        "new connections are not taken any more: ending, to be started again");
    atomic_store(&server->is_deaf, true);
    kill(getpid(), SIGTERM);
}

/* What runs beside the calls, once they are served. */
static void start_threads(struct server *server)
{
    const struct config *config = server->config;

    outbox_start(server->outbox);
    archiving_start(server);
    server->maintenance = maintenance_start(&(struct maintenance_options){
        .callers = &server->callers,
        .directives = server->folder,
        .shadow = server->shadow_folder,
        .watches = server->watches,
        .mailbox = &server->maintenance_mailbox,
        .keys_folder = config->keys.folder,
        .keys_keep_ms = foundation_keys_keep_ms(server),
        .keys = &server->keys,
        .certificates = server->certificates,
        .retention = &server->retention,
        .store = server->store,
        .readiness = server->readiness,
        .lease_ms = config->directives.lease_ms,
        .clock = &clock_system,
        .needs_synchronized_clock = config->claims.clock == CONFIG_CLAIMS_CLOCK_SYNCHRONIZED,
        .interval_ms = config->directives.poll_ms,
    });
    server->watchdog = watchdog_start(&(struct watchdog_options){
        .probes = server->probes,
        .probe_count = server->probe_count,
        .interval_ms = config->rpc.probe_interval_ms,
        .failures_max = (uint32_t)config->rpc.probe_failures,
        .rpc = server->rpc,
        .metrics = server->metrics,
        .readiness = server->readiness,
        .on_deaf = on_deaf,
        .context = server,
    });
}

static void on_config_loaded(void *context)
{
    struct server *server = context;

    archive_kick(server->archive);
}

static bool start_all(struct server *server, struct diagnostics *diagnostics, struct err *err)
{
    const struct config *config = server->config;
    uint32_t worker_count = (uint32_t)config->rpc.workers;

    if (worker_count == 0)
        worker_count = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    server->metrics = metrics_new(worker_count);
    process_add_metrics(server->metrics, &clock_system);
    callers_init(&server->callers, config, server->metrics);
    server->callers.on_loaded = on_config_loaded;
    server->callers.context = server;
    server->readiness = readiness_new();
    server->certificates = certificates_new(server->metrics, &clock_system);
    make_health(server);
    server->executor = executor_new(EXECUTOR_THREADS, EXECUTOR_QUEUE);
    executor_bound_age(server->executor, config->rpc.executor_age_target_ms,
                       config->rpc.queue_age_interval_ms);
    read_queue_init(&server->reads, config->store.queue_age_target_ms,
                    config->rpc.queue_age_interval_ms);
    if (!foundation_open(server, diagnostics, err))
        return false;
    make_entitlement(server);
    fill_options(server);
    fill_operation_options(server);
    server->admin.worker_count = worker_count;
    list_services(server);
    publish_health(server);
    sources_connect(&(struct sources){server->metrics, server->cache, server->store, server->audit,
                                      server->readiness, &server->rpc, config->directives.lease_ms,
                                      server->executor, &server->reads},
                    &server->arena);
    if (!doors_open(server, worker_count, err))
        return false;
    start_threads(server);
    return true;
}

bool server_start(const struct config *config, struct diagnostics *diagnostics,
                  struct server **ret_server, struct err *err)
{
    struct server *server = memory_new(struct server);

    json_prepare();
    refused_certificate_log_all();
    server->config = config;
    arena_init(&server->arena, 16 * 1024);
    mailbox_init(&server->maintenance_mailbox);
    key_ring_snapshot_init(&server->keys, NULL);
    directive_set_snapshot_init(&server->directives, NULL);
    directive_set_snapshot_init(&server->shadow_set, NULL);
    retention_init(&server->retention);
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

bool server_is_deaf(const struct server *server)
{
    return atomic_load(&server->is_deaf);
}

/*
 * Doors first, then what they stand on.  Results that come after a worker has stopped wait in its
 * inbox until rpc_server_free() runs them: by then the store and the log must have answered
 * everything.
 */
void server_stop(struct server *server)
{
    const unsigned grace_ms = server_is_deaf(server) ? DEAF_GRACE_MS : SHUTDOWN_GRACE_MS;

    watchdog_stop(server->watchdog);
    maintenance_stop(server->maintenance);
    if (server->rpc) {
        rpc_server_end_streams(server->rpc);
        rpc_server_stop(server->rpc, grace_ms);
    }
    http_server_free(server->http_authzen, grace_ms);
    http_server_free(server->http, grace_ms);
    http_server_free(server->ops, grace_ms);
    authzen_stop(server->authzen);
    executor_free(server->executor);
    outbox_stop(server->outbox);
    watches_stop(server->watches);
    if (server->cache)
        facts_cache_stop(server->cache);
    store_free(server->store);
    read_queue_release(&server->reads);
    archive_leave_log(server->archive);
    audit_close(server->audit);
    archive_stop(server->archive, grace_ms);
    authzen_free(server->authzen);
    rpc_server_free(server->rpc);
    facts_cache_free(server->cache);
    watches_free(server->watches);
    change_log_free(server->changes);
    outbox_free(server->outbox);
    shadow_folder_free(server->shadow_folder);
    directive_folder_free(server->folder);
    entitlement_free(server->entitlement);
    reflection_free(server->reflection);
    health_free(server->health);
    snapshot_release(&server->shadow_set);
    snapshot_release(&server->directives);
    snapshot_release(&server->keys);
    retention_release(&server->retention);
    certificates_free(server->certificates);
    callers_release(&server->callers);
    metrics_free(server->metrics);
    readiness_free(server->readiness);
    mailbox_release(&server->maintenance_mailbox);
    secret_wipe(&server->names.key, sizeof(server->names.key));
    arena_release(&server->arena);
    memory_free(server);
}
