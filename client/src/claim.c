/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: issue one, ask whether one holds, get the keys to verify them with. */
#include "client/src/method.h"
#include "client/src/project.h"

#include "passgate/v1/claim.pb-c.h"

static void project_claim(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__IssueClaimResponse *reply =
        (const Passgate__V1__IssueClaimResponse *)message;

    (void)arena;
    *(struct passgate_claim *)value = (struct passgate_claim){
        .token = reply->token,
        .expires_at_ms = project_timestamp_ms(reply->expires_at),
        .jti = reply->jti,
        .is_cached = reply->cached,
        .revision = reply->revision,
    };
}

static void project_introspection(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__IntrospectClaimResponse *reply =
        (const Passgate__V1__IntrospectClaimResponse *)message;

    (void)arena;
    *(struct passgate_introspection *)value = (struct passgate_introspection){
        .is_active = reply->active,
        .issuer = reply->issuer,
        .subject = reply->subject,
        .audience = reply->audience,
        .authorized_party = reply->authorized_party,
        .jti = reply->jti,
        .issued_at_ms = project_timestamp_ms(reply->issued_at),
        .expires_at_ms = project_timestamp_ms(reply->expires_at),
        .payload_json = reply->payload_json,
    };
}

static void project_jwks(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__GetJwksResponse *reply = (const Passgate__V1__GetJwksResponse *)message;

    (void)arena;
    *(struct passgate_jwks *)value = (struct passgate_jwks){
        .json = reply->jwks_json,
        .max_age_ms = project_duration_ms(reply->max_age),
    };
}

const struct method method_issue_claim = {
    .path = "/passgate.v1.ClaimService/IssueClaim",
    .reply = &passgate__v1__issue_claim_response__descriptor,
    .value_size = sizeof(struct passgate_claim),
    .project = project_claim,
};

const struct method method_introspect_claim = {
    .path = "/passgate.v1.ClaimService/IntrospectClaim",
    .reply = &passgate__v1__introspect_claim_response__descriptor,
    .value_size = sizeof(struct passgate_introspection),
    .project = project_introspection,
};

const struct method method_get_jwks = {
    .path = "/passgate.v1.ClaimService/GetJwks",
    .reply = &passgate__v1__get_jwks_response__descriptor,
    .value_size = sizeof(struct passgate_jwks),
    .project = project_jwks,
};

struct passgate_claim *passgate_issue_claim(struct passgate_client *client,
                                            const struct passgate_issue *issue,
                                            const struct passgate_call *call,
                                            struct passgate_error *error)
{
    Passgate__V1__IssueClaimRequest request;
    Google__Protobuf__Duration lifetime;

    google__protobuf__duration__init(&lifetime);
    lifetime.seconds = issue->lifetime_ms / 1000;
    lifetime.nanos = (int32_t)(issue->lifetime_ms % 1000) * 1000000;
    passgate__v1__issue_claim_request__init(&request);
    request.subject = build_text(issue->subject);
    request.audience = build_text(issue->audience);
    request.disclosure = (Passgate__V1__Disclosure)issue->disclosure;
    request.lifetime = issue->lifetime_ms ? &lifetime : NULL;
    request.min_revision = build_text(issue->min_revision);
    return method_call(&method_issue_claim, client, &request.base, call, error);
}

struct passgate_introspection *passgate_introspect_claim(struct passgate_client *client,
                                                         const char *token,
                                                         const struct passgate_call *call,
                                                         struct passgate_error *error)
{
    Passgate__V1__IntrospectClaimRequest request;

    passgate__v1__introspect_claim_request__init(&request);
    request.token = build_text(token);
    return method_call(&method_introspect_claim, client, &request.base, call, error);
}

struct passgate_jwks *passgate_get_jwks(struct passgate_client *client,
                                        const struct passgate_call *call,
                                        struct passgate_error *error)
{
    Passgate__V1__GetJwksRequest request;

    passgate__v1__get_jwks_request__init(&request);
    return method_call(&method_get_jwks, client, &request.base, call, error);
}
