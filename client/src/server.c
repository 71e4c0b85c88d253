/* SPDX-License-Identifier: Apache-2.0 */
/* The server: what it is, whether it is well, and who it says that we are. */
#include "client/src/method.h"
#include "client/src/project.h"

#include "grpc/health/v1/health.pb-c.h"
#include "passgate/v1/admin.pb-c.h"

static void project_caller(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__WhoAmIResponse *reply = (const Passgate__V1__WhoAmIResponse *)message;

    (void)arena;
    *(struct passgate_caller *)value = (struct passgate_caller){
        .caller = reply->caller,
        .role_count = reply->n_roles,
        .roles = (const char *const *)reply->roles,
        .disclose = reply->disclose,
        .authentication = reply->authentication,
    };
}

static void project_server(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__GetServerInfoResponse *reply =
        (const Passgate__V1__GetServerInfoResponse *)message;

    (void)arena;
    *(struct passgate_server *)value = (struct passgate_server){
        .version = reply->version,
        .realm = reply->realm,
        .issuer = reply->issuer,
        .started_at_ms = project_timestamp_ms(reply->started_at),
        .directive_set = reply->directive_set,
        .directive_set_digest = reply->directive_set_digest,
        .directive_count = reply->directive_count,
        .store = reply->store,
        .store_durability = reply->store_durability,
        .is_store_up = reply->store_up,
        .audit_log_id = reply->audit_log_id,
        .audit_mode = reply->audit_mode,
        .workers = reply->workers,
        .grpc_version = reply->grpc_version,
        .directive_language = reply->directive_language,
        .country_groups_as_of = reply->country_groups_as_of,
        .shadow_set_digest = reply->shadow_set_digest,
        .shadow_directive_count = reply->shadow_directive_count,
        .retention_key_id = reply->retention_key_id,
    };
}

static void project_keys(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__ListKeysResponse *reply = (const Passgate__V1__ListKeysResponse *)message;
    const struct passgate_key **keys =
        arena_new_array(arena, const struct passgate_key *, reply->n_keys);

    for (size_t i = 0; i < reply->n_keys; i++) {
        struct passgate_key *key = arena_new(arena, struct passgate_key);

        *key = (struct passgate_key){
            .kid = reply->keys[i]->kid,
            .algorithm = reply->keys[i]->algorithm,
            .state = (unsigned)reply->keys[i]->state <= PASSGATE_KEY_STATE_RETIRING
                         ? (enum passgate_key_state)reply->keys[i]->state
                         : PASSGATE_KEY_STATE_UNSPECIFIED,
            .activates_at_ms = project_timestamp_ms(reply->keys[i]->activates_at),
        };
        keys[i] = key;
    }
    *(struct passgate_keys *)value = (struct passgate_keys){reply->n_keys, keys};
}

static void project_health(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Grpc__Health__V1__HealthCheckResponse *reply =
        (const Grpc__Health__V1__HealthCheckResponse *)message;
    const ProtobufCEnumValue *status = protobuf_c_enum_descriptor_get_value(
        &grpc__health__v1__health_check_response__serving_status__descriptor, (int)reply->status);

    (void)arena;
    *(struct passgate_health *)value = (struct passgate_health){
        .is_serving =
            reply->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING,
        .status = status ? status->name : "UNKNOWN",
    };
}

const struct method method_who_am_i = {
    .path = "/passgate.v1.AdminService/WhoAmI",
    .reply = &passgate__v1__who_am_iresponse__descriptor,
    .value_size = sizeof(struct passgate_caller),
    .project = project_caller,
};

const struct method method_get_server = {
    .path = "/passgate.v1.AdminService/GetServerInfo",
    .reply = &passgate__v1__get_server_info_response__descriptor,
    .value_size = sizeof(struct passgate_server),
    .project = project_server,
};

const struct method method_list_keys = {
    .path = "/passgate.v1.AdminService/ListKeys",
    .reply = &passgate__v1__list_keys_response__descriptor,
    .value_size = sizeof(struct passgate_keys),
    .project = project_keys,
};

const struct method method_get_health = {
    .path = "/grpc.health.v1.Health/Check",
    .reply = &grpc__health__v1__health_check_response__descriptor,
    .value_size = sizeof(struct passgate_health),
    .project = project_health,
};

struct passgate_caller *passgate_who_am_i(struct passgate_client *client,
                                          const struct passgate_call *call,
                                          struct passgate_error *error)
{
    Passgate__V1__WhoAmIRequest request;

    passgate__v1__who_am_irequest__init(&request);
    return method_call(&method_who_am_i, client, &request.base, call, error);
}

struct passgate_server *passgate_get_server(struct passgate_client *client,
                                            const struct passgate_call *call,
                                            struct passgate_error *error)
{
    Passgate__V1__GetServerInfoRequest request;

    passgate__v1__get_server_info_request__init(&request);
    return method_call(&method_get_server, client, &request.base, call, error);
}

struct passgate_keys *passgate_list_keys(struct passgate_client *client,
                                         const struct passgate_call *call,
                                         struct passgate_error *error)
{
    Passgate__V1__ListKeysRequest request;

    passgate__v1__list_keys_request__init(&request);
    return method_call(&method_list_keys, client, &request.base, call, error);
}

struct passgate_health *passgate_get_health(struct passgate_client *client, const char *service,
                                            const struct passgate_call *call,
                                            struct passgate_error *error)
{
    Grpc__Health__V1__HealthCheckRequest request;

    grpc__health__v1__health_check_request__init(&request);
    request.service = build_text(service);
    return method_call(&method_get_health, client, &request.base, call, error);
}
