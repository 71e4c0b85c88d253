/* SPDX-License-Identifier: Apache-2.0 */
/* AdminService. */
#include "admin/admin.h"

#include "admin/store_methods.h"
#include "base/timestamp.h"
#include "domain/directive/directive.h"
#include "domain/directive/shadow.h"
#include "interceptors/caller.h"
#include "keys/key_ring.h"
#include "keys/sealed.h"
#include "passgate/v1/admin.pb-c.h"
#include "rpc/call.h"
#include "rpc/server.h"
#include "rpc/wire_time.h"

#include <inttypes.h>

static char *const_text(const char *text)
{
    return (char *)(text ? text : "");
}

static void who_am_i(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    enum { ROLES_MAX = 8 };
    Passgate__V1__WhoAmIResponse response = PASSGATE__V1__WHO_AM_IRESPONSE__INIT;
    const struct caller *caller = caller_of(call);
    char *roles[ROLES_MAX];

    (void)message;
    (void)context;
    response.caller = arena_text(rpc_call_arena(call), caller->id);
    response.roles = roles;
    for (uint32_t bit = 0; bit < ROLES_MAX; bit++)
        if (caller->roles >> bit & 1)
            roles[response.n_roles++] = const_text(role_name((enum role)(1U << bit)));
    response.disclose = const_text(disclose_name(caller->disclose));
    response.authentication = const_text(caller->authentication == RPC_MTLS ? "mtls" : "loopback");
    rpc_call_reply(call, &response.base);
}

static const char *audit_mode_word(enum audit_mode mode)
{
    static const char *const words[] = {"bounded", "durable", "ring"};

    return words[mode];
}

static void write_sets(const struct admin_options *options, struct arena *arena,
                       Passgate__V1__GetServerInfoResponse *response)
{
    struct directive_set *set = snapshot_get(options->directives);
    struct directive_set *shadow = options->shadow ? snapshot_get(options->shadow) : NULL;

    if (set) {
        response->directive_set = directive_set_number(set);
        response->directive_set_digest = arena_text(arena, span_text(directive_set_digest(set)));
        response->directive_count = (uint32_t)directive_set_count(set);
    }
    if (shadow) {
        response->shadow_set_digest = arena_text(arena, span_text(directive_set_digest(shadow)));
        response->shadow_directive_count = (uint32_t)directive_set_shadow_count(shadow);
    }
    directive_set_unref(shadow);
    directive_set_unref(set);
}

/* On the executor: the store is asked how it is. */
static void get_server_info(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const struct admin_options *options = context;
    struct arena *arena = rpc_call_arena(call);
    Passgate__V1__GetServerInfoResponse response = PASSGATE__V1__GET_SERVER_INFO_RESPONSE__INIT;
    struct seal_key *retention_key = snapshot_get(options->retention_key);
    struct store_state store;

    (void)message;
    store_get_state(options->store, &store);
    response.version = const_text(PASSGATE_VERSION);
    response.realm = const_text(options->realm);
    response.issuer = const_text(options->issuer);
    response.started_at = wire_timestamp(options->started_at_ms, arena);
    write_sets(options, arena, &response);
    response.store = const_text(options->store->ops->name);
    response.store_durability = const_text(options->store->durability);
    response.store_up = store.is_up;
    response.audit_log_id = arena_printf(arena, "%016" PRIx64, audit_log_id(options->audit));
    response.audit_mode = const_text(audit_mode_word(audit_log_mode(options->audit)));
    response.workers = options->worker_count;
    response.grpc_version = const_text(rpc_core_version());
    response.directive_language = DIRECTIVE_LANGUAGE;
    response.country_groups_as_of =
        (char *)day_format(options->groups->as_of_day, arena_alloc(arena, TIMESTAMP_TEXT_MAX));
    if (retention_key)
        response.retention_key_id = arena_text(arena, span_text(seal_key_id(retention_key)));
    seal_key_unref(retention_key);
    rpc_call_reply(call, &response.base);
}

static Passgate__V1__SigningKey *key_message(const struct key_description *key, struct arena *arena)
{
    static const Passgate__V1__KeyState states[] = {
        [KEY_STATE_NEXT] = PASSGATE__V1__KEY_STATE__KEY_STATE_PUBLISHED,
        [KEY_STATE_SIGNING] = PASSGATE__V1__KEY_STATE__KEY_STATE_ACTIVE,
        [KEY_STATE_VERIFYING] = PASSGATE__V1__KEY_STATE__KEY_STATE_RETIRING,
        [KEY_STATE_RETIRED] = PASSGATE__V1__KEY_STATE__KEY_STATE_RETIRING,
    };
    Passgate__V1__SigningKey *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__signing_key__init(message);
    message->kid = arena_text(arena, span_text(key->id));
    message->algorithm = const_text(key_algorithm_name(key->algorithm));
    message->state = states[key->state];
    message->activates_at = wire_timestamp(key->active_from_ms, arena);
    return message;
}

static void list_keys(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const struct admin_options *options = context;
    struct arena *arena = rpc_call_arena(call);
    Passgate__V1__ListKeysResponse response = PASSGATE__V1__LIST_KEYS_RESPONSE__INIT;
    struct key_ring *keys = snapshot_get(options->keys);
    int64_t now_ms = clock_wall_ms(options->clock);

    (void)message;
    response.keys = arena_new_array(arena, Passgate__V1__SigningKey *, key_ring_count(keys));
    for (size_t i = 0; i < key_ring_count(keys); i++) {
        struct key_description key = key_ring_describe(keys, i, now_ms);

        if (key.state != KEY_STATE_RETIRED)
            response.keys[response.n_keys++] = key_message(&key, arena);
    }
    key_ring_unref(keys);
    rpc_call_reply(call, &response.base);
}

static const struct rpc_method methods[] = {
    {
        .name = "WhoAmI",
        .kind = RPC_UNARY,
        .handle = who_am_i,
        .roles = ROLE_BOUND | ROLE_ANYONE,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT | RPC_AGELESS,
    },
    {
        .name = "GetServerInfo",
        .kind = RPC_UNARY,
        .runs = RPC_RUNS_ON_EXECUTOR,
        .handle = get_server_info,
        .roles = ROLE_OPERATOR | ROLE_AUDITOR,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT | RPC_AGELESS,
    },
    {
        .name = "ListKeys",
        .kind = RPC_UNARY,
        .handle = list_keys,
        .roles = ROLE_OPERATOR | ROLE_AUDITOR,
        .deadline_cap_ms = 10000,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT | RPC_AGELESS,
    },
    {
        .name = "GetStoreStats",
        .kind = RPC_UNARY,
        .handle = get_store_stats,
        .roles = ROLE_OPERATOR,
        .deadline_cap_ms = 30000,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED | RPC_AGELESS,
    },
    {
        .name = "CheckStore",
        .kind = RPC_SERVER_STREAM,
        .handle = check_store,
        .roles = ROLE_OPERATOR,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED | RPC_AGELESS,
    },
    {
        .name = "ExportStore",
        .kind = RPC_SERVER_STREAM,
        .handle = export_store,
        .roles = ROLE_OPERATOR,
        .request_bytes_max = 1024,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED | RPC_AGELESS,
    },
    {
        .name = "ImportStore",
        .kind = RPC_BIDI_STREAM,
        .take_item = import_store,
        .roles = ROLE_OPERATOR,
        .request_bytes_max = STORE_IMPORT_BYTES_MAX,
        .flags = RPC_IDEMPOTENT | RPC_AUDITED | RPC_AGELESS,
    },
};

struct rpc_service admin_service(const struct admin_options *options)
{
    return (struct rpc_service){
        .descriptor = &passgate__v1__admin_service__descriptor,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
        .context = (void *)options,
    };
}
