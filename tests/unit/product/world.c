/* SPDX-License-Identifier: Apache-2.0 */
/* A small Passgate in this process. */
#include "unit/product/world.h"

#include "base/file.h"
#include "base/memory.h"
#include "claim/claim_service.h"
#include "entitlement/service.h"
#include "interceptors/admission.h"
#include "keys/key_ring.h"
#include "keys/sealed.h"
#include "storage/blocking.h"
#include "storage/sqlite.h"
#include "verification/change_document.h"
#include "verification/verification.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STORE_TIMEOUT_MS = 10000,
    KEEP_MS = 960 * 1000,
    CLIENTS_MAX = 8,
    STOP_MS = 2000,
};

/* A client for each caller that has called. */
struct known_client {
    const char *caller;
    struct core_client *client;
};

struct world {
    struct arena arena;
    char folder[64];
    struct test_clock clock;
    struct names names;
    struct country_groups *groups;
    struct directive_environment environment;
    struct metrics *metrics;
    struct audit_log *audit;
    struct store *store;
    struct change_log *changes;
    struct facts_cache *cache;
    struct snapshot set;
    struct snapshot shadow;
    struct snapshot keys;
    struct snapshot retention_key;
    struct span payload;
    struct watches *watches;
    struct entitlement *entitlement;
    struct verification_options verification;
    struct claim_options claims;
    struct snapshot callers;
    struct caller_options caller;
    struct rpc_interceptor caller_interceptor;
    struct rpc_server *rpc;
    bool has_tls;
    struct mailbox mailbox;
    struct known_client clients[CLIENTS_MAX];
    size_t client_count;
};

static const struct span attesters[] = {
    {(const uint8_t *)"spiffe://corp/ns/shop/sa/checkout",
     sizeof("spiffe://corp/ns/shop/sa/checkout") - 1},
};

static const struct organization organization_rows[] = {
    {.id = {(const uint8_t *)"org/lab", 7}, .is_self = true},
    {.id = {(const uint8_t *)"org/partner", 11}, .attesters = attesters, .attester_count = 1},
};

static const struct organizations organizations = {organization_rows, ARRAY_LEN(organization_rows)};

static const char directives[] =
    "directive: us-persons-only\nlanguage: 1\ntitle: US persons\nauthority: {text: a letter}\n"
    "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/closed]\n"
    "require:\n  all:\n    - foreign_person: {regime: ear_772_1, is: false}\n"
    "    - location: any\n      location_authority: {text: a letter}\n"
    "instead: [model/open]\n";

static const char resources[] = "resources:\n"
                                "  - {id: model/closed, base: allow}\n"
                                "  - {id: model/open, base: allow}\n";

static void give_up(const char *what, const struct err *err)
{
    fprintf(stderr, "world: %s: %s\n", what, err->detail);
    abort();
}

static uint64_t set_number(void *context)
{
    (void)context;
    return 1;
}

static struct directive_set *compile(struct world *world)
{
    const struct directive_file files[] = {{"directives.yaml", span_text(directives)},
                                           {"resources.yaml", span_text(resources)}};
    struct diagnostics diagnostics;
    struct directive_set *set;

    diagnostics_init(&diagnostics, &world->arena);
    world->groups =
        country_groups_load(country_groups_default(), "groups", &world->arena, &diagnostics);
    world->environment.groups = world->groups;
    world->environment.organizations = &organizations;
    world->environment.keeps_files = true;
    set = directive_set_compile(files, ARRAY_LEN(files), &world->environment, &diagnostics);
    if (!set) {
        diagnostics_print(&diagnostics, stderr);
        abort();
    }
    directive_set_assign(set, 1);
    return set;
}

static const char *path_of(struct world *world, const char *name)
{
    return arena_printf(&world->arena, "%s/%s", world->folder, name);
}

static struct key_ring *load_keys(struct world *world)
{
    struct key_ring *ring;
    struct err err;

    if (!key_ring_load_or_make(path_of(world, "keys"), KEEP_MS, clock_wall_ms(&world->clock.clock),
                               &ring, &err))
        give_up("keys", &err);
    return ring;
}

static void open_storage(struct world *world)
{
    const struct sqlite_options sqlite = {
        .path = path_of(world, "passgate.db"),
        .clock = &world->clock.clock,
        .pending_max = 1000,
    };
    const struct audit_options audit = {.folder = path_of(world, "audit"),
                                        .clock = &world->clock.clock};
    struct err err;

    if (!audit_open(&audit, &world->audit, &err) || !sqlite_open(&sqlite, &world->store, &err))
        give_up("storage", &err);
    world->names =
        (struct names){.key = {.bytes = {5}}, .partition_count = world->store->partition_count};
    world->changes = change_log_new(world->store, WORLD_CHANGES_MAX);
    world->cache = facts_cache_new(&(struct facts_cache_options){
        .store = world->store,
        .names = &world->names,
        .clock = &world->clock.clock,
        .bytes_max = 1 << 20,
        .fresh_ms = 8000,
        .grace_ms = 10000,
        .read_timeout_ms = STORE_TIMEOUT_MS,
    });
}

static void fill_options(struct world *world)
{
    world->watches = watches_new(&(struct watches_options){
        .changes = world->changes,
        .store = world->store,
        .names = &world->names,
        .directives = &world->set,
        .clock = &world->clock.clock,
        .heartbeat_ms = WORLD_HEARTBEAT_MS,
    });
    world->entitlement = entitlement_new(&(struct entitlement_options){
        .directives = &world->set,
        .shadow = &world->shadow,
        .keys = &world->keys,
        .cache = world->cache,
        .store = world->store,
        .names = &world->names,
        .organizations = &organizations,
        .audit = world->audit,
        .metrics = world->metrics,
        .clock = &world->clock.clock,
        .issuer = span_text(WORLD_ISSUER),
        .realm_audience = span_text(WORLD_AUDIENCE),
        .lease_ms = 10000,
        .max_age_ms = 5000,
        .store_timeout_ms = STORE_TIMEOUT_MS,
        .watches = world->watches,
    });
    world->verification = (struct verification_options){
        .store = world->store,
        .names = &world->names,
        .organizations = &organizations,
        .audit = world->audit,
        .metrics = world->metrics,
        .clock = &world->clock.clock,
        .read_timeout_ms = STORE_TIMEOUT_MS,
        .write_timeout_ms = STORE_TIMEOUT_MS,
        .directive_set_number = set_number,
        .retention_key = &world->retention_key,
        .change_document_bytes_max = CHANGE_DOCUMENT_BYTES_MAX,
        .groups = world->groups,
    };
    world->claims = (struct claim_options){
        .store = world->store,
        .names = &world->names,
        .keys = &world->keys,
        .audit = world->audit,
        .metrics = world->metrics,
        .clock = &world->clock.clock,
        .issuer = span_text(WORLD_ISSUER),
        .lifetime_ms = WORLD_LIFETIME_MS,
        .read_timeout_ms = STORE_TIMEOUT_MS,
        .write_timeout_ms = STORE_TIMEOUT_MS,
        .directive_set_number = set_number,
    };
}

static void make_certificates(struct world *world)
{
    const char *source = getenv("PASSGATE_SOURCE_DIR");
    const char *command =
        arena_printf(&world->arena, "%s/tests/unit/rpc/make_certificates.sh %s >%s/log 2>&1",
                     source ? source : ".", world->folder, world->folder);

    if (system(command) != 0)
        abort();
}

static const char *pem_of(struct world *world, const char *name, const char *suffix)
{
    struct span content;
    struct err err;

    if (!file_read(arena_printf(&world->arena, "%s/%s.%s", world->folder, name, suffix), 64 * 1024,
                   &world->arena, &content, &err))
        give_up("certificate", &err);
    return (const char *)content.data;
}

static void serve(struct world *world, const struct caller_bindings *bindings)
{
    static const struct caller_bindings nobody;
    const struct rpc_service services[] = {entitlement_service(world->entitlement),
                                           verification_service(&world->verification),
                                           claim_service(&world->claims)};
    const struct rpc_interceptor *chain[] = {&world->caller_interceptor, &admission_interceptor};
    struct rpc_listener listener = {.address = "127.0.0.1:0"};
    struct rpc_options options = {
        .listeners = &listener,
        .listener_count = 1,
        .services = services,
        .service_count = ARRAY_LEN(services),
        .interceptors = chain,
        .interceptor_count = ARRAY_LEN(chain),
        .worker_count = 2,
        .in_flight_max = 4000,
        .streams_max = 2000,
        .message_bytes_max = 512 * 1024,
        .metadata_bytes_max = 16 * 1024,
    };
    struct err err;

    world->has_tls = bindings != NULL;
    caller_set_snapshot_init(&world->callers, caller_set_new(bindings ? bindings : &nobody, NULL));
    world->caller = (struct caller_options){
        .callers = &world->callers,
        .audit = world->audit,
        .metrics = world->metrics,
        .clock = &world->clock.clock,
    };
    world->caller_interceptor = caller_interceptor(&world->caller);
    if (world->has_tls) {
        make_certificates(world);
        listener.tls = (struct rpc_tls){pem_of(world, "server", "pem"),
                                        pem_of(world, "server", "key"), pem_of(world, "ca", "pem")};
    }
    if (!rpc_server_start(&options, &world->rpc, &err))
        give_up("rpc", &err);
}

struct world *world_new(const struct caller_bindings *bindings)
{
    struct world *world = memory_new(struct world);

    arena_init(&world->arena, 64 * 1024);
    test_clock_init(&world->clock);
    mailbox_init(&world->mailbox);
    snprintf(world->folder, sizeof(world->folder), "/tmp/passgate-world-XXXXXX");
    if (!mkdtemp(world->folder))
        abort();
    world->metrics = metrics_new(2);
    open_storage(world);
    directive_set_snapshot_init(&world->set, compile(world));
    directive_set_snapshot_init(&world->shadow, NULL);
    key_ring_snapshot_init(&world->keys, load_keys(world));
    seal_key_snapshot_init(&world->retention_key, NULL);
    fill_options(world);
    serve(world, bindings);
    return world;
}

void world_free(struct world *world)
{
    char *command = arena_printf(&world->arena, "rm -rf '%s'", world->folder);

    for (size_t i = 0; i < world->client_count; i++)
        core_client_free(world->clients[i].client);
    rpc_server_stop(world->rpc, STOP_MS);
    facts_cache_stop(world->cache);
    watches_stop(world->watches);
    store_free(world->store);
    audit_close(world->audit);
    rpc_server_free(world->rpc);
    facts_cache_free(world->cache);
    watches_free(world->watches);
    change_log_free(world->changes);
    entitlement_free(world->entitlement);
    snapshot_release(&world->shadow);
    snapshot_release(&world->set);
    snapshot_release(&world->keys);
    snapshot_release(&world->retention_key);
    snapshot_release(&world->callers);
    metrics_free(world->metrics);
    mailbox_release(&world->mailbox);
    if (system(command) != 0)
        abort();
    arena_release(&world->arena);
    memory_free(world);
}

int world_set_up(void **state)
{
    *state = world_new(NULL);
    return 0;
}

int world_set_up_callers(void **state)
{
    static const struct caller rows[] = {
        WORLD_CALLER("checkout", ROLE_BOUND, DISCLOSE_DECISION),
        WORLD_CALLER("spiffe://corp/ns/shop/sa/checkout", ROLE_BOUND, DISCLOSE_REASONS),
    };
    static const struct caller_bindings bindings = {.rows = rows, .count = ARRAY_LEN(rows)};

    *state = world_new(&bindings);
    return 0;
}

int world_tear_down(void **state)
{
    world_free(*state);
    return 0;
}

struct test_clock *world_clock(struct world *world)
{
    return &world->clock;
}

struct arena *world_arena(struct world *world)
{
    return &world->arena;
}

const struct names *world_names(struct world *world)
{
    return &world->names;
}

struct store *world_store(struct world *world)
{
    return world->store;
}

struct core_client *world_client(struct world *world, const char *caller)
{
    const grpc_arg as_localhost = {
        .type = GRPC_ARG_STRING,
        .key = (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
        .value.string = (char *)"localhost",
    };
    struct core_client_options options = {
        .target = arena_printf(&world->arena, "127.0.0.1:%d", rpc_server_port(world->rpc, 0)),
        .arguments = &as_localhost,
        .argument_count = 1,
    };
    struct known_client *known = world->clients;

    for (; known < world->clients + world->client_count; known++)
        if (!caller || strcmp(known->caller, caller) == 0)
            return known->client;
    if (world->client_count == CLIENTS_MAX)
        abort();
    if (world->has_tls) {
        options.ca_pem = pem_of(world, "ca", "pem");
        options.certificate_pem = pem_of(world, caller, "pem");
        options.key_pem = pem_of(world, caller, "key");
    }
    *known = (struct known_client){caller, core_client_new_with(&options)};
    world->client_count++;
    return known->client;
}

static const char *describe(struct world *world, const struct store_outbox_entry *entry)
{
    struct audit_record record;
    struct err err;

    if (!audit_record_decode(entry->record, &world->arena, &record, &err))
        give_up("audit record", &err);
    world->payload = arena_copy(&world->arena, record.payload);
    return arena_printf(&world->arena, "%s:%.*s ", audit_kind_name(record.kind),
                        SPAN_FORMAT(record.outcome));
}

const char *world_outbox(struct world *world)
{
    struct store_request *taken = store_request_new_blocking(STORE_OUTBOX_READ, 0, &world->mailbox);
    struct store_request *removal =
        store_request_new_blocking(STORE_OUTBOX_REMOVE, 0, &world->mailbox);
    const char *text = "";
    struct err err;

    taken->limit = STORE_OUTBOX_LIMIT_MAX;
    if (!store_call(world->store, taken, &world->mailbox, &err))
        give_up("outbox", &err);
    for (size_t i = 0; i < taken->outbox_count; i++) {
        text = arena_printf(&world->arena, "%s%s", text, describe(world, &taken->outbox[i]));
        removal->number = taken->outbox[i].number;
    }
    if (!store_call(world->store, removal, &world->mailbox, &err))
        give_up("outbox", &err);
    store_request_free(taken);
    store_request_free(removal);
    return text;
}

struct span world_payload(const struct world *world)
{
    return world->payload;
}

void world_seal_for(struct world *world, const char *public_pem)
{
    struct seal_key *key = NULL;
    struct err err;

    if (public_pem && !seal_key_from_pem(span_text(public_pem), SEAL_PUBLIC, &key, &err))
        give_up("retention key", &err);
    snapshot_replace(&world->retention_key, key);
}

void world_number_directives(struct world *world, uint64_t number)
{
    struct directive_set *set = compile(world);

    directive_set_assign(set, number);
    snapshot_replace(&world->set, set);
    watches_wake(world->watches);
}

void world_try(struct world *world, const char *directive)
{
    const struct directive_file file = {"tried.yaml", span_text(directive)};
    struct directive_set *set = snapshot_get(&world->set), *shadow;
    struct diagnostics diagnostics;

    diagnostics_init(&diagnostics, &world->arena);
    shadow = directive_set_compile_shadow(set, &file, 1, &world->environment, &diagnostics);
    directive_set_unref(set);
    if (!shadow) {
        diagnostics_print(&diagnostics, stderr);
        abort();
    }
    snapshot_replace(&world->shadow, shadow);
}

void world_replace_keys(struct world *world)
{
    char *command = arena_printf(&world->arena, "rm -rf '%s/keys'", world->folder);

    if (system(command) != 0)
        abort();
    snapshot_replace(&world->keys, load_keys(world));
}
