/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts of checks: signed, no more than the caller was told, and good for nothing else. */
#include "base/digest.h"
#include "domain/claim/claim.h"
#include "domain/claim/receipt.h"
#include "keys/token.h"
#include "passgate/v1/claim.pb-c.h"
#include "passgate/v1/entitlement.pb-c.h"
#include "unit/product/evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TERSE    WORLD_TERSE
#define TOLD     WORLD_TOLD
#define TERSE_ID "checkout"
#define TOLD_ID  "spiffe://corp/ns/shop/sa/checkout"
#define WANTED   ", \"want_receipt\": true"

static struct answer check(struct world *world, const char *caller, const char *subject,
                           const char *more)
{
    const char *json = arena_printf(world_arena(world),
                                    "{\"subject\": \"%s\", \"action\": \"use\","
                                    "\"resource\": {\"type\": \"model\", \"id\": \"closed\"}%s}",
                                    subject, more);

    return world_call_json(world, caller, "EntitlementService/CheckEntitlement",
                           &passgate__v1__check_entitlement_request__descriptor, json,
                           &passgate__v1__check_entitlement_response__descriptor);
}

static const char *jwks(struct world *world)
{
    Passgate__V1__GetJwksRequest request = PASSGATE__V1__GET_JWKS_REQUEST__INIT;
    const Passgate__V1__GetJwksResponse *response =
        world_expect_ok(world_call(world, TOLD, "ClaimService/GetJwks", &request.base,
                                   &passgate__v1__get_jwks_response__descriptor));

    return response->jwks_json;
}

/* Through the door, with the published keys. */
static enum token_refusal opened_as(struct world *world, const struct token_kind *kind,
                                    const char *text, struct token *ret_token)
{
    const struct token_expectation expectation = {
        .kind = kind,
        .issuer = span_text(WORLD_ISSUER),
        .is_any_audience = kind == &token_kind_claim,
        .now_ms = clock_wall_ms(&world_clock(world)->clock),
    };
    enum token_refusal refusal = TOKEN_REFUSAL_COUNT;
    struct key_ring *keys;
    struct err err = ERR_NONE;

    assert_true(key_ring_from_jwks(span_text(jwks(world)), &keys, &err));
    (void)!token_open(keys, span_text(text), &expectation, world_arena(world), ret_token, &refusal,
                      &err);
    key_ring_unref(keys);
    return refusal;
}

static struct receipt receipt_of(struct world *world,
                                 const Passgate__V1__CheckEntitlementResponse *response)
{
    struct receipt receipt;
    struct token token;
    struct err err = ERR_NONE;

    assert_int_equal(opened_as(world, &token_kind_receipt, response->receipt, &token),
                     TOKEN_REFUSED_NONE);
    if (!receipt_read(token.payload, world_arena(world), &receipt, &err))
        fail_msg("%s", err.detail);
    return receipt;
}

static const char *name_of(struct world *world, const char *subject, const char *caller)
{
    const struct names *names = world_names(world);
    char *name = arena_alloc(world_arena(world), CLAIM_SUBJECT_MAX);

    claim_pairwise_subject(&names->key, names_subject_hash(names, span_text(subject)),
                           span_text(caller), name);
    return name;
}

static void a_receipt_says_what_was_asked_and_answered(void **state)
{
    const Passgate__V1__CheckEntitlementResponse *response = world_expect_ok(
        check(*state, TOLD, "american",
              WANTED ", \"context\": {\"purpose\": \"research\", \"location\": \"USA\"},"
                     "\"also_subjects\": [\"foreigner\"], \"on_behalf_of\": \"org/partner\""));
    struct receipt receipt = receipt_of(*state, response);
    char digest[SHA256_HEX_MAX];

    assert_true(span_is(receipt.issuer, WORLD_ISSUER));
    assert_true(span_is(receipt.id, response->decision_id));
    assert_true(span_is(receipt.caller, TOLD_ID));
    assert_true(span_is(receipt.subject, name_of(*state, "american", TOLD_ID)));
    assert_int_equal(receipt.also_subject_count, 1);
    assert_true(span_is(receipt.also_subjects[0], name_of(*state, "foreigner", TOLD_ID)));
    assert_true(span_is(receipt.on_behalf_of, "org/partner"));
    assert_true(span_is(receipt.resource_type, "model"));
    assert_true(span_is(receipt.resource_id, "closed"));
    assert_true(span_is(receipt.action, "use"));
    digest_sha256_hex(span_text("location=USA\npurpose=research\n"), digest);
    assert_true(span_is(receipt.context_digest, digest));
    assert_false(receipt.is_allowed);
    assert_int_equal(receipt.evaluated_at_ms, clock_wall_ms(&world_clock(*state)->clock));
    assert_int_equal(receipt.issued_at_ms, receipt.evaluated_at_ms / 1000 * 1000);
    assert_true(span_is(receipt.revision, response->revision));
    assert_int_equal(receipt.directive_set, 1);
    assert_int_equal(receipt.directive_set_digest.length, 64);
}

static void who_is_told_the_reasons_has_them_signed(void **state)
{
    struct receipt refused =
        receipt_of(*state, world_expect_ok(check(*state, TOLD, "foreigner", WANTED)));
    struct receipt allowed =
        receipt_of(*state, world_expect_ok(check(*state, TOLD, "american", WANTED)));

    assert_true(span_is(refused.reason, "NOT_PERMITTED"));
    assert_true(span_is(refused.directive, "us-persons-only"));
    assert_int_equal(refused.directive_digest.length, 64);
    assert_true(allowed.is_allowed);
    assert_true(span_is(allowed.reason, "ALLOWED"));
    assert_int_equal(allowed.max_age_ms, 5000);
}

/* Whatever the refusal rests on, everything but the id of the decision and the name of the person
 * is the same. */
static void who_is_told_decisions_has_nothing_else_signed(void **state)
{
    static const char *const subjects[] = {"foreigner", "nobody"};

    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        struct receipt receipt =
            receipt_of(*state, world_expect_ok(check(*state, TERSE, subjects[i], WANTED)));

        assert_false(receipt.is_allowed);
        assert_true(span_is(receipt.subject, name_of(*state, subjects[i], TERSE_ID)));
        assert_int_equal(receipt.max_age_ms, 0);
        assert_int_equal(receipt.reason.length, 0);
        assert_int_equal(receipt.evaluated_at_ms, 0);
        assert_int_equal(receipt.revision.length, 0);
        assert_int_equal(receipt.directive_set, 0);
        assert_int_equal(receipt.directive_set_digest.length, 0);
        assert_int_equal(receipt.directive.length, 0);
    }
    assert_int_equal(
        receipt_of(*state, world_expect_ok(check(*state, TERSE, "american", WANTED))).max_age_ms,
        5000);
}

static void nobody_gets_a_receipt_who_did_not_want_one(void **state)
{
    const Passgate__V1__CheckEntitlementResponse *response =
        world_expect_ok(check(*state, TOLD, "american", ""));

    assert_string_equal(response->receipt, "");
}

static void a_batch_has_no_receipts(void **state)
{
    struct answer answer = world_call_json(
        *state, TOLD, "EntitlementService/BatchCheckEntitlements",
        &passgate__v1__batch_check_entitlements_request__descriptor,
        "{\"checks\": [{\"subject\": \"american\", \"action\": \"use\", \"want_receipt\": true,"
        "\"resource\": {\"type\": \"model\", \"id\": \"closed\"}}]}",
        &passgate__v1__batch_check_entitlements_response__descriptor);

    world_expect_refused(answer, GRPC_STATUS_INVALID_ARGUMENT, "FIELD_CONFLICT",
                         "checks[0].want_receipt");
}

/* Where the other kind is wanted: by the door, by a check, by IntrospectClaim. */
static void a_receipt_is_no_claim_and_a_claim_no_receipt(void **state)
{
    const Passgate__V1__CheckEntitlementResponse *checked =
        world_expect_ok(check(*state, TOLD, "american", WANTED));
    const Passgate__V1__IssueClaimResponse *claim = world_expect_ok(world_call_json(
        *state, TOLD, "ClaimService/IssueClaim", &passgate__v1__issue_claim_request__descriptor,
        "{\"subject\": \"american\", \"audience\": \"" WORLD_AUDIENCE "\"}",
        &passgate__v1__issue_claim_response__descriptor));
    Passgate__V1__IntrospectClaimRequest request = PASSGATE__V1__INTROSPECT_CLAIM_REQUEST__INIT;
    const Passgate__V1__IntrospectClaimResponse *examined;
    struct token token;

    assert_int_equal(opened_as(*state, &token_kind_receipt, claim->token, &token),
                     TOKEN_REFUSED_TYPE);
    assert_int_equal(opened_as(*state, &token_kind_claim, claim->token, &token),
                     TOKEN_REFUSED_NONE);
    assert_int_equal(opened_as(*state, &token_kind_claim, checked->receipt, &token),
                     TOKEN_REFUSED_TYPE);
    world_expect_refused(
        check(*state, TOLD, "",
              arena_printf(world_arena(*state), ", \"claim_token\": \"%s\"", checked->receipt)),
        GRPC_STATUS_INVALID_ARGUMENT, "TOKEN_INVALID", "claim_token");
    request.token = checked->receipt;
    examined =
        world_expect_ok(world_call(*state, TOLD, "ClaimService/IntrospectClaim", &request.base,
                                   &passgate__v1__introspect_claim_response__descriptor));
    assert_false(examined->active);
}

/* The name in a receipt is the one that claims for this caller have. */
static void a_caller_knows_a_person_by_one_name(void **state)
{
    const Passgate__V1__IssueClaimResponse *claim = world_expect_ok(world_call_json(
        *state, TOLD, "ClaimService/IssueClaim", &passgate__v1__issue_claim_request__descriptor,
        "{\"subject\": \"american\", \"audience\": \"" TOLD_ID "\"}",
        &passgate__v1__issue_claim_response__descriptor));
    struct receipt receipt =
        receipt_of(*state, world_expect_ok(check(*state, TOLD, "american", WANTED)));
    struct token token;

    assert_int_equal(opened_as(*state, &token_kind_claim, claim->token, &token),
                     TOKEN_REFUSED_NONE);
    assert_true(span_equal(token.subject, receipt.subject));
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, world_set_up_american_and_foreigner, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_receipt_says_what_was_asked_and_answered),
        TEST(who_is_told_the_reasons_has_them_signed),
        TEST(who_is_told_decisions_has_nothing_else_signed),
        TEST(nobody_gets_a_receipt_who_did_not_want_one),
        TEST(a_batch_has_no_receipts),
        TEST(a_receipt_is_no_claim_and_a_claim_no_receipt),
        TEST(a_caller_knows_a_person_by_one_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
