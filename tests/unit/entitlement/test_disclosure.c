/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller is told, method by method: with `decision` no refusal differs from another. */
#include "entitlement/message.h"
#include "passgate/v1/entitlement.pb-c.h"
#include "unit/product/evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TERSE WORLD_TERSE
#define TOLD  WORLD_TOLD

static struct answer check(struct world *world, const char *caller, const char *subject,
                           const char *resource, const char *more)
{
    const char *json = arena_printf(world_arena(world),
                                    "{\"subject\": \"%s\", \"action\": \"use\","
                                    "\"resource\": {\"type\": \"model\", \"id\": \"%s\"}%s}",
                                    subject, resource, more);

    return world_call_json(world, caller, "EntitlementService/CheckEntitlement",
                           &passgate__v1__check_entitlement_request__descriptor, json,
                           &passgate__v1__check_entitlement_response__descriptor);
}

/* As bytes, without the id, which differs by itself. */
static struct span without_id(struct world *world, struct answer answer)
{
    Passgate__V1__CheckEntitlementResponse response;
    uint8_t *bytes = arena_alloc(world_arena(world), 4096);

    response = *(const Passgate__V1__CheckEntitlementResponse *)world_expect_ok(answer);
    assert_string_not_equal(response.decision_id, "");
    response.decision_id = (char *)(uintptr_t) "";
    return span_of(bytes, passgate__v1__check_entitlement_response__pack(&response, bytes));
}

static void with_decision_every_refusal_is_the_same(void **state)
{
    static const struct {
        const char *what, *subject, *resource, *more;
    } refusals[] = {
        {"forbidden", "foreigner", "closed", ""},
        {"unknown person", "nobody", "closed", ""},
        {"unknown resource", "american", "unheard-of", ""},
        {"unknown organization", "american", "closed", ", \"on_behalf_of\": \"org/unheard-of\""},
        {"unknown organization, open resource", "american", "open",
         ", \"on_behalf_of\": \"org/unheard-of\""},
        {"registered organization", "american", "closed", ", \"on_behalf_of\": \"org/partner\""},
        {"with reasons", "foreigner", "closed", ", \"want_reasons\": true"},
        {"somebody else too", "american", "closed", ", \"also_subjects\": [\"foreigner\"]"},
    };
    struct span first = without_id(*state, check(*state, TERSE, "foreigner", "closed", ""));

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (!span_equal(first, without_id(*state, check(*state, TERSE, refusals[i].subject,
                                                        refusals[i].resource, refusals[i].more))))
            fail_msg("%s", refusals[i].what);
}

static void with_decision_a_permission_says_for_how_long(void **state)
{
    const Passgate__V1__CheckEntitlementResponse *response =
        world_expect_ok(check(*state, TERSE, "american", "closed", ""));

    assert_int_equal(response->decision, PASSGATE__V1__DECISION__DECISION_ALLOW);
    assert_int_equal(response->max_age->seconds, 5);
    assert_int_equal(response->reason, PASSGATE__V1__REASON__REASON_UNSPECIFIED);
    assert_string_equal(response->revision, "");
    assert_int_equal(response->directive_set, 0);
    assert_null(response->evaluated_at);
    assert_null(response->facts_age);
}

static void what_may_be_used_again_says_for_which_questions(void **state)
{
    const struct check_result allowed = {.is_allowed = true, .max_age_ms = 1, .vary_context = 2};
    const struct check_result once = {.is_allowed = true, .vary_context = 2};
    const struct check_result refused = {.max_age_ms = 1, .vary_context = 2};

    (void)state;
    assert_int_equal(vary_shown(&allowed, DISCLOSE_DECISION), 2);
    assert_int_equal(vary_shown(&once, DISCLOSE_DECISION), 0);
    assert_int_equal(vary_shown(&refused, DISCLOSE_DECISION), 0);
    assert_int_equal(vary_shown(&once, DISCLOSE_NEXT_STEP), 2);
    assert_int_equal(vary_shown(&refused, DISCLOSE_NEXT_STEP), 2);
}

static void with_reasons_the_directive_and_another_resource_are_named(void **state)
{
    const Passgate__V1__CheckEntitlementResponse *response =
        world_expect_ok(check(*state, TOLD, "foreigner", "closed", ", \"want_reasons\": true"));
    struct answer unknown =
        check(*state, TOLD, "american", "closed", ", \"on_behalf_of\": \"org/unheard-of\"");

    assert_int_equal(response->reason, PASSGATE__V1__REASON__REASON_NOT_PERMITTED);
    assert_string_equal(response->instead->id, "open");
    assert_int_equal(response->n_directives, 1);
    assert_string_equal(response->directives[0]->directive, "us-persons-only");
    assert_int_equal(response->directive_set, 1);
    response = world_expect_ok(check(*state, TOLD, "foreigner", "closed", ""));
    assert_int_equal(response->n_directives, 0); /* nobody asked */
    world_expect_refused(unknown, GRPC_STATUS_FAILED_PRECONDITION, "ORGANIZATION_UNKNOWN",
                         "on_behalf_of");
}

static void a_batch_and_a_list_tell_no_more_than_a_check(void **state)
{
    const Passgate__V1__BatchCheckEntitlementsResponse *batch = world_expect_ok(world_call_json(
        *state, TERSE, "EntitlementService/BatchCheckEntitlements",
        &passgate__v1__batch_check_entitlements_request__descriptor,
        "{\"checks\": ["
        "{\"subject\": \"foreigner\", \"action\": \"use\", \"resource\": {\"type\": \"model\", "
        "\"id\": \"closed\"}},"
        "{\"subject\": \"nobody\", \"action\": \"use\", \"resource\": {\"type\": \"model\", "
        "\"id\": \"closed\"}},"
        "{\"subject\": \"american\", \"on_behalf_of\": \"org/no\", \"action\": \"use\","
        " \"resource\": {\"type\": \"model\", \"id\": \"open\"}}]}",
        &passgate__v1__batch_check_entitlements_response__descriptor));
    const Passgate__V1__ListEntitlementsResponse *list =
        world_expect_ok(world_call_json(*state, TERSE, "EntitlementService/ListEntitlements",
                                        &passgate__v1__list_entitlements_request__descriptor,
                                        "{\"subject\": \"nobody\", \"action\": \"use\"}",
                                        &passgate__v1__list_entitlements_response__descriptor));

    assert_int_equal(batch->n_decisions, 3);
    for (size_t i = 0; i < batch->n_decisions; i++) {
        assert_int_equal(batch->decisions[i]->decision, PASSGATE__V1__DECISION__DECISION_DENY);
        assert_int_equal(passgate__v1__batch_decision__get_packed_size(batch->decisions[i]),
                         passgate__v1__batch_decision__get_packed_size(batch->decisions[0]));
    }
    assert_string_equal(batch->revision, "");
    assert_int_equal(batch->directive_set, 0);
    assert_int_equal(list->n_entitlements, 2);
    assert_string_equal(list->entitlements[0]->resource->id, "closed");
    assert_int_equal(list->entitlements[0]->reason, PASSGATE__V1__REASON__REASON_UNSPECIFIED);
    assert_int_equal(list->entitlements[0]->max_age->seconds, 0);
    assert_string_equal(list->revision, "");
    assert_int_equal(list->directive_set, 0);
}

static struct answer explain(struct world *world, const char *caller, const char *more)
{
    const char *json = arena_printf(world_arena(world),
                                    "{\"check\": {\"subject\": \"foreigner\", \"action\": \"use\","
                                    "\"resource\": {\"type\": \"model\", \"id\": \"closed\"}%s}}",
                                    more);

    return world_call_json(world, caller, "EntitlementService/ExplainEntitlement",
                           &passgate__v1__explain_entitlement_request__descriptor, json,
                           &passgate__v1__explain_entitlement_response__descriptor);
}

static void an_explanation_explains_as_far_as_the_caller_is_told(void **state)
{
    const Passgate__V1__ExplainEntitlementResponse *terse =
        world_expect_ok(explain(*state, TERSE, ""));
    const Passgate__V1__ExplainEntitlementResponse *told =
        world_expect_ok(explain(*state, TOLD, ""));
    struct answer hidden = explain(*state, TERSE, ", \"on_behalf_of\": \"org/no\"");
    struct answer named = explain(*state, TOLD, ", \"on_behalf_of\": \"org/no\"");

    assert_int_equal(terse->n_parties, 0);
    assert_string_equal(terse->directive, "");
    assert_int_equal(terse->decision->reason, PASSGATE__V1__REASON__REASON_UNSPECIFIED);
    assert_int_equal(told->n_parties, 1);
    assert_string_equal(told->directive, "us-persons-only");
    assert_int_equal(told->parties[0]->n_facts, 0); /* facts are another level */
    assert_string_equal(told->parties[0]->directives[0]->require[0]->because, "");
    terse = world_expect_ok(hidden);
    assert_int_equal(terse->decision->decision, PASSGATE__V1__DECISION__DECISION_DENY);
    world_expect_refused(named, GRPC_STATUS_FAILED_PRECONDITION, "ORGANIZATION_UNKNOWN",
                         "check.on_behalf_of");
}

static void what_is_tried_is_explained_to_who_is_told_reasons(void **state)
{
    const Passgate__V1__ExplainEntitlementResponse *terse, *told;
    const Passgate__V1__DirectiveExplanation *tried;

    world_try(*state, "directive: everybody\nlanguage: 1\ntitle: Everybody\n"
                      "authority: {text: a draft}\neffective: {from: 2099-01-01T00:00:00Z}\n"
                      "resources: [model/closed]\nrequire: {location: {in: [USA]}}\n");
    terse = world_expect_ok(explain(*state, TERSE, ""));
    assert_null(terse->shadow);
    told = world_expect_ok(explain(*state, TOLD, ""));
    assert_int_equal(told->shadow->truth, PASSGATE__V1__TRUTH__TRUTH_FALSE);
    assert_int_equal(told->shadow->comparison,
                     PASSGATE__V1__SHADOW_COMPARISON__SHADOW_COMPARISON_AGREES);
    assert_string_equal(told->shadow->directive, "us-persons-only");
    assert_int_equal(told->parties[0]->n_tried_directives, 1);
    tried = told->parties[0]->tried_directives[0];
    assert_string_equal(tried->directive, "everybody");
    assert_string_equal(tried->out_of_force, ""); /* it counts as begun */
    assert_int_equal(tried->truth, PASSGATE__V1__TRUTH__TRUTH_UNKNOWN);
    assert_string_equal(tried->require[0]->because, ""); /* facts are another level */
}

static void a_list_goes_on_where_the_page_before_ended(void **state)
{
    const char *token = "";

    for (int page = 0; page < 2; page++) {
        const Passgate__V1__ListEntitlementsResponse *list = world_expect_ok(
            world_call_json(*state, TOLD, "EntitlementService/ListEntitlements",
                            &passgate__v1__list_entitlements_request__descriptor,
                            arena_printf(world_arena(*state),
                                         "{\"subject\": \"american\", \"action\": \"use\","
                                         "\"page_size\": 1, \"page_token\": \"%s\"}",
                                         token),
                            &passgate__v1__list_entitlements_response__descriptor));

        assert_int_equal(list->n_entitlements, 1);
        assert_string_equal(list->entitlements[0]->resource->id, page == 0 ? "closed" : "open");
        assert_int_equal(list->entitlements[0]->decision, PASSGATE__V1__DECISION__DECISION_ALLOW);
        token = list->next_page_token;
        assert_int_equal(*token != '\0', page == 0);
    }
}

static struct answer list_from(struct world *world, const char *caller, const char *subject,
                               const char *token)
{
    return world_call_json(world, caller, "EntitlementService/ListEntitlements",
                           &passgate__v1__list_entitlements_request__descriptor,
                           arena_printf(world_arena(world),
                                        "{\"subject\": \"%s\", \"action\": \"use\","
                                        "\"page_size\": 1, \"page_token\": \"%s\"}",
                                        subject, token),
                           &passgate__v1__list_entitlements_response__descriptor);
}

static void a_page_is_of_whom_its_token_was_given_for(void **state)
{
    /* Base64url of "model/closed", of NULs, and of as many bytes as vouch for a token. */
    static const char *const invented[] = {"bW9kZWwvY2xvc2Vk", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA"};
    const Passgate__V1__ListEntitlementsResponse *first =
        world_expect_ok(list_from(*state, TOLD, "american", ""));
    const char *token = first->next_page_token;

    world_expect_ok(list_from(*state, TOLD, "american", token));
    world_expect_refused(list_from(*state, TOLD, "foreigner", token), GRPC_STATUS_INVALID_ARGUMENT,
                         "FIELD_CONFLICT", "page_token");
    world_expect_refused(list_from(*state, TERSE, "american", token), GRPC_STATUS_INVALID_ARGUMENT,
                         "FIELD_CONFLICT", "page_token");
    for (size_t i = 0; i < ARRAY_LEN(invented); i++)
        world_expect_refused(list_from(*state, TOLD, "american", invented[i]),
                             GRPC_STATUS_INVALID_ARGUMENT, "FIELD_CONFLICT", "page_token");
    world_expect_refused(list_from(*state, TOLD, "american", "???"), GRPC_STATUS_INVALID_ARGUMENT,
                         "FIELD_CHARACTERS", "page_token");
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, world_set_up_american_and_foreigner, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(with_decision_every_refusal_is_the_same),
        TEST(with_decision_a_permission_says_for_how_long),
        cmocka_unit_test(what_may_be_used_again_says_for_which_questions),
        TEST(with_reasons_the_directive_and_another_resource_are_named),
        TEST(a_batch_and_a_list_tell_no_more_than_a_check),
        TEST(an_explanation_explains_as_far_as_the_caller_is_told),
        TEST(what_is_tried_is_explained_to_who_is_told_reasons),
        TEST(a_list_goes_on_where_the_page_before_ended),
        TEST(a_page_is_of_whom_its_token_was_given_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
