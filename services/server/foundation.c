/* SPDX-License-Identifier: Apache-2.0 */
/* What the services stand on: country sets, storage, keys, directives. */
#include "server/parts.h"

#include "base/file.h"
#include "keys/token.h"
#include "storage/owner.h"
#include "storage/redis.h"
#include "storage/sqlite.h"

#include <libgen.h>

bool foundation_of(const char *option, bool is_done, struct err *err)
{
    if (!is_done && err->field[0] == '\0')
        err_prefix_field(err, "%s", option);
    return is_done;
}

static bool load_groups(struct server *server, struct diagnostics *diagnostics, struct err *err)
{
    const char *path = server->config->directives.country_sets_file;
    struct span content = country_groups_default();

    if (path[0] != '\0' &&
        !foundation_of(
            "directives.country_sets_file",
            file_read(path, FOUNDATION_COUNTRY_SETS_BYTES_MAX, &server->arena, &content, err), err))
        return false;
    server->groups = country_groups_load(content, path[0] != '\0' ? path : "country sets",
                                         &server->arena, diagnostics);
    if (!server->groups)
        return err_field(err, ERR_FILE_INVALID, "directives.country_sets_file",
                         "the country sets have errors");
    server->environment.groups = server->groups;
    server->environment.organizations = &server->config->organizations;
    server->environment.keeps_files = server->config->directives.shadow_folder[0] != '\0';
    return true;
}

static bool read_hash_key(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    const char *path = config->store.hash_key_file, *folder;

    if (path[0] != '\0')
        return foundation_of("store.hash_key_file",
                             names_read_key(path, false, &server->names.key, err), err);
    /* One node: made beside the store at first use. */
    folder = dirname(arena_text(&server->arena, span_text(config->store.place.path)));
    return file_make_folder(folder, err) &&
           names_read_key(arena_printf(&server->arena, "%s/hash.key", folder), true,
                          &server->names.key, err);
}

static void observe_store(void *observer, int64_t duration_ns)
{
    struct server *server = observer;

    metrics_observe(metrics_shared(server->metrics), METRIC_STORE_DURATION, duration_ns);
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static const struct redis_place *sentinels_of(struct server *server)
{
    const struct config_addresses *addresses = &server->config->store.place.sentinels;
    struct redis_place *places =
        arena_new_array(&server->arena, struct redis_place, addresses->count);

    for (size_t i = 0; i < addresses->count; i++)
        places[i] = (struct redis_place){addresses->rows[i].host, addresses->rows[i].port};
    return places;
}

static bool open_redis(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    const struct config_store_place *place = &config->store.place;
    const struct redis_options options = {
        .host = or_null(place->host),
        .port = place->port,
        .unix_path = or_null(place->path),
        .sentinels = sentinels_of(server),
        .sentinel_count = place->sentinels.count,
        .sentinel_primary = or_null(place->primary),
        .sentinel_user = or_null(config->store.sentinel_user),
        .sentinel_password_file = or_null(config->store.sentinel_password_file),
        .is_tls = place->is_tls,
        .tls_ca_file = or_null(config->store.ca_file),
        .tls_certificate_file = or_null(config->store.certificate_file),
        .tls_key_file = or_null(config->store.key_file),
        .database = (int)config->store.database,
        .user = or_null(config->store.user),
        .password_file = or_null(config->store.password_file),
        .prefix = config->store.prefix,
        .hash_key_id = config->store.hash_key_id,
        .partition_count = (uint16_t)config->store.partitions,
        .clock = &clock_system,
        .pending_max = (size_t)config->store.pending_max,
        .is_durability_managed = config->store.durability == CONFIG_STORE_MANAGED,
        .fsync = (enum redis_fsync)config->store.fsync,
        .replicas_min = (uint32_t)config->store.replicas_min,
        .connect_timeout_ms = config->store.write_timeout_ms,
        .stall_timeout_ms = config->store.write_timeout_ms,
    };

    return redis_open(&options, &server->store, err);
}

static bool open_store(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    const struct sqlite_options sqlite = {
        .path = config->store.place.path,
        .clock = &clock_system,
        .pending_max = (size_t)config->store.pending_max,
    };

    return foundation_of("store.url",
                         config->store.place.kind == CONFIG_STORE_REDIS
                             ? open_redis(server, err)
                             : sqlite_open(&sqlite, &server->store, err),
                         err);
}

static bool check_owner(struct server *server, struct err *err)
{
    const struct owner owner = {
        .realm = server->config->realm.name,
        .names = &server->names,
        .clock = &clock_system,
    };

    return owner_check(&owner, server->store, &server->maintenance_mailbox, err);
}

/* The log is there before the keys are: it asks again. */
static bool sign_head(void *context, struct span payload, int64_t now_ms, struct arena *arena,
                      struct span *ret_jws, struct err *err)
{
    struct server *server = context;
    struct key_ring *ring = snapshot_get(&server->keys);
    bool is_signed = true;

    *ret_jws = span_of(NULL, 0);
    if (ring)
        is_signed = token_sign(ring, &token_kind_tree_head, payload, now_ms, arena, ret_jws, err);
    key_ring_unref(ring);
    return is_signed;
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
        .sign = sign_head,
        .sign_context = server,
    };

    if (!read_hash_key(server, err) ||
        !foundation_of("audit.folder", audit_open(&audit, &server->audit, err), err) ||
        !open_store(server, err))
        return false;
    server->store->observe = observe_store;
    server->store->observer = server;
    server->store->reads = &server->reads;
    server->names.partition_count = server->store->partition_count;
    server->changes = change_log_new(server->store, CHANGE_LOG_ENTRIES);
    server->cache = facts_cache_new(&(struct facts_cache_options){
        .store = server->store,
        .names = &server->names,
        .clock = &clock_system,
        .bytes_max = (size_t)config->cache.bytes,
        .fresh_ms = config->cache.fresh_ms,
        .grace_ms = config->cache.grace_ms,
        .read_timeout_ms = config->store.read_timeout_ms,
    });
    server->outbox = outbox_new(&(struct outbox_options){
        .store = server->store, .audit = server->audit, .clock = &clock_system});
    readiness_meet(server->readiness, READINESS_STORE);
    return true;
}

int64_t foundation_keys_keep_ms(const struct server *server)
{
    return server->config->claims.lifetime_ms + TOKEN_LEEWAY_MAX_MS;
}

static bool load_keys(struct server *server, struct err *err)
{
    struct key_ring *ring;

    bool is_loaded =
        key_ring_load_or_make(server->config->keys.folder, foundation_keys_keep_ms(server),
                              clock_wall_ms(&clock_system), &ring, err);

    if (!foundation_of("keys.folder", is_loaded, err))
        return false;
    snapshot_replace(&server->keys, ring);
    readiness_meet(server->readiness, READINESS_KEYS);
    return true;
}

size_t audit_payload_bytes(const struct config *config, size_t least, size_t most)
{
    size_t half = (size_t)config->audit.ring_bytes / 4;

    return half > most ? most : half < least ? least : half;
}

static bool load_directives(struct server *server, struct diagnostics *diagnostics, struct err *err)
{
    server->in_force = (struct in_force){
        .audit = server->audit,
        .groups = server->groups,
        .mailbox = &server->maintenance_mailbox,
        .bytes_max = audit_payload_bytes(server->config, IN_FORCE_BYTES_MIN, IN_FORCE_BYTES_MAX),
    };
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
        .in_force = &server->in_force,
    });
    return foundation_of("directives.folder",
                         directive_folder_load(server->folder, diagnostics, err), err);
}

/* Those of the folder; nobody else has directives tried in this release. */
static void load_shadow(struct server *server)
{
    const char *path = server->config->directives.shadow_folder;
    const struct shadow shadow = {
        .directives = &server->directives,
        .set = &server->shadow_set,
        .environment = &server->environment,
        .audit = server->audit,
        .metrics = server->metrics,
        .clock = &clock_system,
        .mailbox = &server->maintenance_mailbox,
        .caller = span_text("local"),
        .method = span_text("directives.shadow_folder"),
    };

    if (path[0] == '\0')
        return;
    server->shadow_folder = shadow_folder_new(path, &shadow);
    maintenance_look_at_shadow(server->shadow_folder, true);
}

bool foundation_open(struct server *server, struct diagnostics *diagnostics, struct err *err)
{
    if (!load_groups(server, diagnostics, err) || !open_storage(server, err) ||
        !check_owner(server, err) || !load_keys(server, err) ||
        !foundation_of(
            "audit.retention_key_file",
            retention_load(&server->retention, server->config->audit.retention_key_file, err),
            err) ||
        !load_directives(server, diagnostics, err))
        return false;
    load_shadow(server);
    return true;
}
