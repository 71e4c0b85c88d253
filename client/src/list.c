/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: what may a subject use? */
#include "client/src/method.h"
#include "client/src/project.h"

static void project_list(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__ListEntitlementsResponse *reply =
        (const Passgate__V1__ListEntitlementsResponse *)message;
    const struct passgate_entitlement **entitlements =
        arena_new_array(arena, const struct passgate_entitlement *, reply->n_entitlements);

    for (size_t i = 0; i < reply->n_entitlements; i++) {
        const Passgate__V1__Entitlement *from = reply->entitlements[i];
        struct passgate_entitlement *entitlement = arena_new(arena, struct passgate_entitlement);
        static const struct passgate_resource nowhere = {"", ""};

        *entitlement = (struct passgate_entitlement){
            .resource = from->resource ? project_resource(from->resource, arena) : &nowhere,
            .is_allowed = from->decision == PASSGATE__V1__DECISION__DECISION_ALLOW,
            .reason = project_reason(from->reason),
            .max_age_ms = project_duration_ms(from->max_age),
        };
        entitlements[i] = entitlement;
    }
    *(struct passgate_entitlements *)value = (struct passgate_entitlements){
        .entitlement_count = reply->n_entitlements,
        .entitlements = entitlements,
        .next_page_token = reply->next_page_token,
        .revision = reply->revision,
        .directive_set = reply->directive_set,
        .decision_id = reply->decision_id,
    };
}

const struct method method_list = {
    .path = "/passgate.v1.EntitlementService/ListEntitlements",
    .reply = &passgate__v1__list_entitlements_response__descriptor,
    .value_size = sizeof(struct passgate_entitlements),
    .project = project_list,
};

static void build_list(const struct passgate_list *list, struct arena *arena,
                       Passgate__V1__ListEntitlementsRequest *request)
{
    typedef Passgate__V1__ListEntitlementsRequest__ContextEntry entry;

    passgate__v1__list_entitlements_request__init(request);
    request->subject = build_text(list->subject);
    request->on_behalf_of = build_text(list->on_behalf_of);
    request->action = build_text(list->action);
    request->resource_type = build_text(list->resource_type);
    request->page_size = list->page_size;
    request->page_token = build_text(list->page_token);
    request->n_context = list->context_count;
    request->context = arena_new_array(arena, entry *, list->context_count);
    for (size_t i = 0; i < list->context_count; i++) {
        request->context[i] = arena_new(arena, entry);
        passgate__v1__list_entitlements_request__context_entry__init(request->context[i]);
        request->context[i]->key = build_text(list->context[i].key);
        request->context[i]->value = build_text(list->context[i].value);
    }
}

struct passgate_entitlements *passgate_list(struct passgate_client *client,
                                            const struct passgate_list *list,
                                            const struct passgate_call *call,
                                            struct passgate_error *error)
{
    Passgate__V1__ListEntitlementsRequest request;
    struct passgate_entitlements *entitlements;
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    build_list(list, &arena, &request);
    entitlements = method_call(&method_list, client, &request.base, call, error);
    arena_release(&arena);
    return entitlements;
}
