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
static const struct caller_bindings bindings = {rows, ARRAY_LEN(rows)};

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
    assert_string_equal(answer.reason, "ROLE_MISSING");
    assert_string_equal(answer.field, "");
}

static void who_has_no_binding_may_do_nothing_here(void **state)
{
    static const char *const names[] = {"bare", "two_uris", "other_uri"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(check(*state, names[i]).status, GRPC_STATUS_PERMISSION_DENIED);
        assert_int_equal(get_subject(*state, names[i]).status, GRPC_STATUS_PERMISSION_DENIED);
    }
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
        TEST(who_has_no_binding_may_do_nothing_here),
        TEST(an_attester_attests_for_its_own_organization_only),
        cmocka_unit_test(roles_and_disclosures_have_the_names_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
