/* SPDX-License-Identifier: Apache-2.0 */
/* Callers: who a certificate makes somebody, and what the binding lets him do. */
#include "passgate/v1/entitlement.pb-c.h"
#include "passgate/v1/verification.pb-c.h"
#include "unit/product/calls.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct caller rows[] = {
    WORLD_CALLER("spiffe://corp/ns/shop/sa/checkout", ROLE_CHECKER | ROLE_ATTESTER,
                 DISCLOSE_NEXT_STEP),
    WORLD_CALLER("checkout", ROLE_AUDITOR, DISCLOSE_DECISION),
};
static const struct caller_bindings bindings = {.rows = rows, .count = ARRAY_LEN(rows)};

static int set_up(void **state)
{
    *state = world_new(&bindings);
    return 0;
}

static struct answer check(struct world *world, const char *caller)
{
    return world_call_json(world, caller, "EntitlementService/CheckEntitlement",
                           &passgate__v1__check_entitlement_request__descriptor,
                           "{\"subject\": \"alice\", \"action\": \"use\","
                           "\"resource\": {\"type\": \"model\", \"id\": \"open\"}}",
                           &passgate__v1__check_entitlement_response__descriptor);
}

static struct answer get_subject(struct world *world, const char *caller)
{
    return world_call_json(world, caller, "VerificationService/GetSubject",
                           &passgate__v1__get_subject_request__descriptor,
                           "{\"subject\": \"alice\"}",
                           &passgate__v1__get_subject_response__descriptor);
}

static struct answer affiliate(struct world *world, const char *caller, const char *organization)
{
    return world_call_json(world, caller, "VerificationService/SetAffiliations",
                           &passgate__v1__set_affiliations_request__descriptor,
                           arena_printf(world_arena(world),
                                        "{\"request_id\": \"r1\", \"subject\": \"alice\","
                                        "\"organization\": \"%s\"}",
                                        organization),
                           &passgate__v1__set_affiliations_response__descriptor);
}

static void a_binding_gives_its_roles_and_no_others(void **state)
{
    world_expect_ok(check(*state, "spiffe"));
    world_expect_refused(get_subject(*state, "spiffe"), GRPC_STATUS_PERMISSION_DENIED,
                         "ROLE_MISSING", "");
}

static void a_name_of_the_certificate_may_have_the_binding(void **state)
{
    struct answer answer = get_subject(*state, "dns"); /* its second name */

    assert_int_equal(check(*state, "dns").status, GRPC_STATUS_PERMISSION_DENIED);
    /* The role is there; that the binding discloses no facts is said without looking. */
    assert_string_equal(answer.reason, "DISCLOSURE_MISSING");
    assert_string_equal(answer.field, "");
}

static void a_certificate_without_one_identity_is_nobodys(void **state)
{
    static const char *const names[] = {"bare", "two_uris", "other_uri"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        world_expect_refused(check(*state, names[i]), GRPC_STATUS_UNAUTHENTICATED,
                             "UNAUTHENTICATED", "");
        world_expect_refused(get_subject(*state, names[i]), GRPC_STATUS_UNAUTHENTICATED,
                             "UNAUTHENTICATED", "");
    }
}

static void who_has_no_binding_may_do_nothing_here(void **state)
{
    static const struct caller others[] = {
        WORLD_CALLER("spiffe://corp/ns/shop/sa/checkout-*", ROLE_BOUND, DISCLOSE_FACTS)};
    static const struct caller_bindings no_match = {.rows = others, .count = ARRAY_LEN(others)};
    struct world *world = world_new(&no_match);

    (void)state;
    world_expect_refused(check(world, "spiffe"), GRPC_STATUS_PERMISSION_DENIED, "ROLE_MISSING", "");
    world_expect_refused(get_subject(world, "dns"), GRPC_STATUS_PERMISSION_DENIED, "ROLE_MISSING",
                         "");
    world_free(world);
}

static void a_denied_id_is_refused_whatever_its_binding_says(void **state)
{
    static const struct span denied[] = {
        {(const uint8_t *)"checkout.shop", sizeof("checkout.shop") - 1}};
    static const struct caller_bindings with_denied = {
        .rows = rows, .count = ARRAY_LEN(rows), .denied = denied, .denied_count = 1};
    struct world *world = world_new(&with_denied);

    (void)state;
    /* Of both it is a name beside the one that has the binding. */
    world_expect_refused(check(world, "spiffe"), GRPC_STATUS_PERMISSION_DENIED, "CALLER_DENIED",
                         "");
    world_expect_refused(get_subject(world, "dns"), GRPC_STATUS_PERMISSION_DENIED, "CALLER_DENIED",
                         "");
    world_free(world);
}

static void a_pattern_gives_its_binding_under_the_callers_own_id(void **state)
{
    static const struct caller by_pattern[] = {WORLD_CALLER(
        "spiffe://corp/ns/*/sa/check*", ROLE_CHECKER | ROLE_ATTESTER, DISCLOSE_NEXT_STEP)};
    static const struct caller_bindings patterns = {.rows = by_pattern, .count = 1};
    struct world *world = world_new(&patterns);

    (void)state;
    world_expect_ok(check(world, "spiffe"));
    world_expect_ok(affiliate(world, "spiffe", "org/partner")); /* attested for by the exact id */
    world_free(world);
}

static void an_attester_attests_for_its_own_organization_only(void **state)
{
    struct answer other = affiliate(*state, "spiffe", "org/lab");
    struct answer none = affiliate(*state, "spiffe", "org/unheard-of");

    world_expect_ok(affiliate(*state, "spiffe", "org/partner"));
    assert_string_equal(other.reason, "ATTESTER_UNKNOWN");
    assert_string_equal(none.reason, other.reason); /* nor does it learn which there are */
    assert_string_equal(none.text, other.text);
    assert_string_equal(none.field, other.field);
}

static void roles_and_disclosures_have_the_names_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(role_name(ROLE_SUBMITTER), "submitter");
    assert_string_equal(role_name(ROLE_CHECKER), "checker");
    assert_string_equal(role_name(ROLE_OPERATOR), "operator");
    assert_string_equal(role_name(ROLE_ANYONE), "");
    assert_string_equal(disclose_name(DISCLOSE_DECISION), "decision");
    assert_string_equal(disclose_name(DISCLOSE_NEXT_STEP), "next_step");
    assert_string_equal(disclose_name(DISCLOSE_REASONS), "reasons");
    assert_string_equal(disclose_name(DISCLOSE_FACTS), "facts");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_binding_gives_its_roles_and_no_others),
        TEST(a_name_of_the_certificate_may_have_the_binding),
        TEST(a_certificate_without_one_identity_is_nobodys),
        cmocka_unit_test(who_has_no_binding_may_do_nothing_here),
        cmocka_unit_test(a_denied_id_is_refused_whatever_its_binding_says),
        cmocka_unit_test(a_pattern_gives_its_binding_under_the_callers_own_id),
        TEST(an_attester_attests_for_its_own_organization_only),
        cmocka_unit_test(roles_and_disclosures_have_the_names_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
