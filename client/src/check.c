/* SPDX-License-Identifier: Apache-2.0 */
/* Checks: one, and many at once. */
#include "client/src/failure.h"
#include "client/src/method.h"
#include "client/src/project.h"

#include <stdio.h>

bool passgate_is_allowed(const struct passgate_decision *decision)
{
    return decision && decision->is_allowed && !decision->error;
}

/* ---- arguments to requests ---- */

static Passgate__V1__CheckEntitlementRequest__ContextEntry **
build_context(const struct passgate_pair *pairs, size_t count, struct arena *arena)
{
    Passgate__V1__CheckEntitlementRequest__ContextEntry **entries =
        arena_new_array(arena, Passgate__V1__CheckEntitlementRequest__ContextEntry *, count);

    for (size_t i = 0; i < count; i++) {
        entries[i] = arena_new(arena, Passgate__V1__CheckEntitlementRequest__ContextEntry);
        passgate__v1__check_entitlement_request__context_entry__init(entries[i]);
        entries[i]->key = build_text(pairs[i].key);
        entries[i]->value = build_text(pairs[i].value);
    }
    return entries;
}

Passgate__V1__CheckEntitlementRequest *build_check(const struct passgate_check *check,
                                                   struct arena *arena)
{
    Passgate__V1__CheckEntitlementRequest *request =
        arena_new(arena, Passgate__V1__CheckEntitlementRequest);

    passgate__v1__check_entitlement_request__init(request);
    request->subject = build_text(check->subject);
    request->claim_token = build_text(check->claim_token);
    request->on_behalf_of = build_text(check->on_behalf_of);
    request->n_also_subjects = check->also_subject_count;
    request->also_subjects = build_texts(check->also_subjects, check->also_subject_count, arena);
    request->resource = arena_new(arena, Passgate__V1__Resource);
    passgate__v1__resource__init(request->resource);
    request->resource->type = build_text(check->resource_type);
    request->resource->id = build_text(check->resource_id);
    request->action = build_text(check->action);
    request->n_context = check->context_count;
    request->context = build_context(check->context, check->context_count, arena);
    request->min_revision = build_text(check->min_revision);
    request->want_reasons = check->want_reasons;
    request->want_receipt = check->want_receipt;
    return request;
}

/* ---- replies to results ---- */

static const struct passgate_obligation *
project_obligation(const Passgate__V1__Obligation *obligation, struct arena *arena)
{
    size_t count = obligation->n_properties;
    struct passgate_pair *properties = arena_new_array(arena, struct passgate_pair, count);
    struct passgate_obligation *result = arena_new(arena, struct passgate_obligation);

    for (size_t i = 0; i < count; i++)
        properties[i] = (struct passgate_pair){obligation->properties[i]->key,
                                               obligation->properties[i]->value};
    *result = (struct passgate_obligation){obligation->type, count, properties};
    return result;
}

static const struct passgate_obligation *const *
project_obligations(Passgate__V1__Obligation *const *obligations, size_t count, struct arena *arena)
{
    const struct passgate_obligation **result =
        arena_new_array(arena, const struct passgate_obligation *, count);

    for (size_t i = 0; i < count; i++)
        result[i] = project_obligation(obligations[i], arena);
    return result;
}

static const struct passgate_finding *const *
project_findings(Passgate__V1__DirectiveFinding *const *findings, size_t count, struct arena *arena)
{
    const struct passgate_finding **result =
        arena_new_array(arena, const struct passgate_finding *, count);

    for (size_t i = 0; i < count; i++) {
        const Passgate__V1__DirectiveFinding *from = findings[i];
        struct passgate_finding *finding = arena_new(arena, struct passgate_finding);

        *finding = (struct passgate_finding){
            .directive = from->directive,
            .version = from->version,
            .authority = project_authority(from->authority, arena),
            .truth = project_truth(from->truth),
            .exemption = project_authority(from->exemption, arena),
        };
        result[i] = finding;
    }
    return result;
}

void project_decision(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__CheckEntitlementResponse *reply =
        (const Passgate__V1__CheckEntitlementResponse *)message;
    struct passgate_decision *decision = value;

    *decision = (struct passgate_decision){
        .is_allowed = reply->decision == PASSGATE__V1__DECISION__DECISION_ALLOW,
        .reason = project_reason(reply->reason),
        .obligation_count = reply->n_obligations,
        .obligations = project_obligations(reply->obligations, reply->n_obligations, arena),
        .instead = project_resource(reply->instead, arena),
        .revision = reply->revision,
        .directive_set = reply->directive_set,
        .evaluated_at_ms = project_timestamp_ms(reply->evaluated_at),
        .max_age_ms = project_duration_ms(reply->max_age),
        .vary_context_count = reply->n_vary_context,
        .vary_context = (const char *const *)reply->vary_context,
        .facts_age_ms = project_duration_ms(reply->facts_age),
        .is_stale = reply->stale,
        .decision_id = reply->decision_id,
        .finding_count = reply->n_directives,
        .findings = project_findings(reply->directives, reply->n_directives, arena),
        .receipt = reply->receipt,
    };
}

static const struct passgate_error *project_check_error(const Passgate__V1__CheckError *from,
                                                        struct arena *arena)
{
    struct passgate_error *error;

    if (!from)
        return NULL;
    error = arena_new(arena, struct passgate_error);
    failure_from_status(error, from->code, from->message, span_of(NULL, 0));
    if (from->reason[0])
        snprintf(error->reason, sizeof(error->reason), "%s", from->reason);
    return error;
}

static const struct passgate_decision *
project_batch_decision(const Passgate__V1__BatchDecision *from, struct arena *arena)
{
    struct passgate_decision *decision = arena_new(arena, struct passgate_decision);

    *decision = (struct passgate_decision){
        .is_allowed = !from->error && from->decision == PASSGATE__V1__DECISION__DECISION_ALLOW,
        .reason = project_reason(from->reason),
        .obligation_count = from->n_obligations,
        .obligations = project_obligations(from->obligations, from->n_obligations, arena),
        .instead = project_resource(from->instead, arena),
        .revision = "",
        .max_age_ms = project_duration_ms(from->max_age),
        .vary_context_count = from->n_vary_context,
        .vary_context = (const char *const *)from->vary_context,
        .facts_age_ms = project_duration_ms(from->facts_age),
        .is_stale = from->stale,
        .decision_id = "",
        .error = project_check_error(from->error, arena),
        .receipt = "",
    };
    return decision;
}

static void project_batch(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__BatchCheckEntitlementsResponse *reply =
        (const Passgate__V1__BatchCheckEntitlementsResponse *)message;
    const struct passgate_decision **decisions =
        arena_new_array(arena, const struct passgate_decision *, reply->n_decisions);

    for (size_t i = 0; i < reply->n_decisions; i++)
        decisions[i] = project_batch_decision(reply->decisions[i], arena);
    *(struct passgate_batch *)value = (struct passgate_batch){
        .decision_count = reply->n_decisions,
        .decisions = decisions,
        .revision = reply->revision,
        .directive_set = reply->directive_set,
        .evaluated_at_ms = project_timestamp_ms(reply->evaluated_at),
        .decision_id = reply->decision_id,
    };
}

const struct method method_check = {
    .path = "/passgate.v1.EntitlementService/CheckEntitlement",
    .reply = &passgate__v1__check_entitlement_response__descriptor,
    .is_check = true,
    .value_size = sizeof(struct passgate_decision),
    .project = project_decision,
};

const struct method method_batch = {
    .path = "/passgate.v1.EntitlementService/BatchCheckEntitlements",
    .reply = &passgate__v1__batch_check_entitlements_response__descriptor,
    .is_check = true,
    .value_size = sizeof(struct passgate_batch),
    .project = project_batch,
};

/* ---- the calls ---- */

struct passgate_decision *passgate_check(struct passgate_client *client,
                                         const struct passgate_check *check,
                                         const struct passgate_call *call,
                                         struct passgate_error *error)
{
    struct passgate_decision *decision;
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    decision = method_call(&method_check, client, &build_check(check, &arena)->base, call, error);
    arena_release(&arena);
    return decision;
}

/* A server that leaves out an answer, or adds one, would move the others to wrong checks. */
static struct passgate_batch *call_batch(struct passgate_client *client,
                                         const Passgate__V1__BatchCheckEntitlementsRequest *request,
                                         const struct passgate_call *call,
                                         struct passgate_error *error)
{
    struct passgate_batch *batch = method_call(&method_batch, client, &request->base, call, error);

    if (batch && batch->decision_count != request->n_checks) {
        failure_set(error, PASSGATE_INTERNAL, "MESSAGE_MALFORMED", "", "%zu answers to %zu checks",
                    batch->decision_count, request->n_checks);
        passgate_free(batch);
        return NULL;
    }
    return batch;
}

struct passgate_batch *passgate_check_batch(struct passgate_client *client,
                                            const struct passgate_check *checks, size_t count,
                                            const char *min_revision,
                                            const struct passgate_call *call,
                                            struct passgate_error *error)
{
    Passgate__V1__BatchCheckEntitlementsRequest request;
    struct passgate_batch *batch;
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    passgate__v1__batch_check_entitlements_request__init(&request);
    request.min_revision = build_text(min_revision);
    request.n_checks = count;
    request.checks = arena_new_array(&arena, Passgate__V1__CheckEntitlementRequest *, count);
    for (size_t i = 0; i < count; i++) {
        request.checks[i] = build_check(&checks[i], &arena);
        request.checks[i]->min_revision = build_text(NULL);
        request.checks[i]->want_reasons = false;
        request.checks[i]->want_receipt = false;
    }
    batch = call_batch(client, &request, call, error);
    arena_release(&arena);
    return batch;
}

struct passgate_batch *passgate_check_batch_json(struct passgate_client *client, const char *json,
                                                 const struct passgate_call *call,
                                                 struct passgate_error *error)
{
    struct passgate_batch *batch = NULL;
    ProtobufCMessage *request;
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    request = build_from_json(json, &passgate__v1__batch_check_entitlements_request__descriptor,
                              &arena, error);
    if (request)
        batch = call_batch(client, (const Passgate__V1__BatchCheckEntitlementsRequest *)request,
                           call, error);
    arena_release(&arena);
    return batch;
}
