/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations: a decision, test by test. */
#include "client/src/method.h"
#include "client/src/project.h"

static const struct passgate_test *const *project_tests(Passgate__V1__TestExplanation *const *tests,
                                                        size_t count, struct arena *arena)
{
    const struct passgate_test **result =
        arena_new_array(arena, const struct passgate_test *, count);

    for (size_t i = 0; i < count; i++) {
        struct passgate_test *test = arena_new(arena, struct passgate_test);

        *test = (struct passgate_test){
            .depth = tests[i]->depth,
            .name = tests[i]->test,
            .text = tests[i]->text,
            .because = tests[i]->because,
            .truth = project_truth(tests[i]->truth),
            .missing = project_reason(tests[i]->missing),
        };
        result[i] = test;
    }
    return result;
}

static const struct passgate_exemption *const *
project_exemptions(Passgate__V1__ExemptionExplanation *const *exemptions, size_t count,
                   struct arena *arena)
{
    const struct passgate_exemption **result =
        arena_new_array(arena, const struct passgate_exemption *, count);

    for (size_t i = 0; i < count; i++) {
        struct passgate_exemption *exemption = arena_new(arena, struct passgate_exemption);

        *exemption = (struct passgate_exemption){
            .authority = project_authority(exemptions[i]->authority, arena),
            .is_in_time = exemptions[i]->in_time,
            .is_for_resource = exemptions[i]->for_resource,
            .test_count = exemptions[i]->n_tests,
            .tests = project_tests(exemptions[i]->tests, exemptions[i]->n_tests, arena),
        };
        result[i] = exemption;
    }
    return result;
}

static const struct passgate_directive *
project_directive(const Passgate__V1__DirectiveExplanation *from, struct arena *arena)
{
    struct passgate_directive *directive = arena_new(arena, struct passgate_directive);

    *directive = (struct passgate_directive){
        .directive = from->directive,
        .version = from->version,
        .digest = from->digest,
        .title = from->title,
        .authority = project_authority(from->authority, arena),
        .truth = project_truth(from->truth),
        .test_count = from->n_require,
        .tests = project_tests(from->require, from->n_require, arena),
        .exemption_count = from->n_exemptions,
        .exemptions = project_exemptions(from->exemptions, from->n_exemptions, arena),
        .out_of_force = from->out_of_force,
    };
    return directive;
}

static const struct passgate_directive *const *
project_directives(Passgate__V1__DirectiveExplanation *const *from, size_t count,
                   struct arena *arena)
{
    const struct passgate_directive **result =
        arena_new_array(arena, const struct passgate_directive *, count);

    for (size_t i = 0; i < count; i++)
        result[i] = project_directive(from[i], arena);
    return result;
}

static const struct passgate_party *project_party(const Passgate__V1__PartyExplanation *from,
                                                  struct arena *arena)
{
    struct passgate_party *party = arena_new(arena, struct passgate_party);

    *party = (struct passgate_party){
        .role = from->role,
        .fact_count = from->n_facts,
        .facts = (const char *const *)from->facts,
        .truth = project_truth(from->truth),
        .reason = project_reason(from->reason),
        .directive_count = from->n_directives,
        .directives = project_directives(from->directives, from->n_directives, arena),
        .tried_directive_count = from->n_tried_directives,
        .tried_directives =
            project_directives(from->tried_directives, from->n_tried_directives, arena),
    };
    return party;
}

const struct passgate_shadow *project_shadow(const Passgate__V1__ShadowAnswer *from,
                                             struct arena *arena)
{
    struct passgate_shadow *shadow;

    if (!from)
        return NULL;
    shadow = arena_new(arena, struct passgate_shadow);
    *shadow = (struct passgate_shadow){
        .truth = project_truth(from->truth),
        .reason = project_reason(from->reason),
        .comparison = (unsigned)from->comparison <= PASSGATE_COMPARISON_DIFFERS
                          ? (enum passgate_comparison)from->comparison
                          : PASSGATE_COMPARISON_UNSPECIFIED,
        .directive = from->directive,
        .directive_digest = from->directive_digest,
    };
    return shadow;
}

static void project_explanation(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__ExplainEntitlementResponse *reply =
        (const Passgate__V1__ExplainEntitlementResponse *)message;
    static const Passgate__V1__CheckEntitlementResponse no_decision =
        PASSGATE__V1__CHECK_ENTITLEMENT_RESPONSE__INIT;
    struct passgate_decision *decision = arena_new(arena, struct passgate_decision);
    const struct passgate_party **parties =
        arena_new_array(arena, const struct passgate_party *, reply->n_parties);

    project_decision(reply->decision ? &reply->decision->base : &no_decision.base, arena, decision);
    for (size_t i = 0; i < reply->n_parties; i++)
        parties[i] = project_party(reply->parties[i], arena);
    *(struct passgate_explanation *)value = (struct passgate_explanation){
        .decision = decision,
        .party_count = reply->n_parties,
        .parties = parties,
        .authority = project_authority(reply->authority, arena),
        .directive = reply->directive,
        .shadow = project_shadow(reply->shadow, arena),
    };
}

const struct method method_explain = {
    .path = "/passgate.v1.EntitlementService/ExplainEntitlement",
    .reply = &passgate__v1__explain_entitlement_response__descriptor,
    .value_size = sizeof(struct passgate_explanation),
    .project = project_explanation,
};

struct passgate_explanation *passgate_explain(struct passgate_client *client,
                                              const struct passgate_check *check, int64_t at_ms,
                                              const struct passgate_call *call,
                                              struct passgate_error *error)
{
    Passgate__V1__ExplainEntitlementRequest request;
    struct passgate_explanation *explanation;
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    passgate__v1__explain_entitlement_request__init(&request);
    request.check = build_check(check, &arena);
    request.at = at_ms ? build_timestamp(at_ms, &arena) : NULL;
    explanation = method_call(&method_explain, client, &request.base, call, error);
    arena_release(&arena);
    return explanation;
}
