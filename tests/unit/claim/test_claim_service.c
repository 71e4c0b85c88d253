/* SPDX-License-Identifier: Apache-2.0 */
/* ClaimService: issued once, given again while it may be, examined by those whom it concerns. */
#include "base/json.h"
#include "passgate/v1/claim.pb-c.h"
#include "storage/revision.h"
#include "unit/product/evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void submit(struct world *world, const char *request_id, const char *check_id)
{
    world_expect_ok(
        submit_passport(world, &(struct passport){.request_id = request_id, .check_id = check_id}));
}

static struct answer issue(struct world *world, const char *audience, const char *more)
{
    const char *json = arena_printf(
        world_arena(world), "{\"subject\": \"alice\", \"audience\": \"%s\"%s}", audience, more);

    return world_call_json(world, NULL, "ClaimService/IssueClaim",
                           &passgate__v1__issue_claim_request__descriptor, json,
                           &passgate__v1__issue_claim_response__descriptor);
}

static struct answer issue_as(struct world *world, const char *caller, const char *disclosure)
{
    const char *json = arena_printf(world_arena(world),
                                    "{\"subject\": \"alice\", \"audience\": \"https://shop.test\","
                                    "\"disclosure\": \"DISCLOSURE_%s\"}",
                                    disclosure);

    return world_call_json(world, caller, "ClaimService/IssueClaim",
                           &passgate__v1__issue_claim_request__descriptor, json,
                           &passgate__v1__issue_claim_response__descriptor);
}

static const Passgate__V1__IssueClaimResponse *issued(struct world *world, const char *more)
{
    return world_expect_ok(issue(world, "https://shop.test", more));
}

static const Passgate__V1__IntrospectClaimResponse *introspect(struct world *world,
                                                               const char *token)
{
    Passgate__V1__IntrospectClaimRequest request = PASSGATE__V1__INTROSPECT_CLAIM_REQUEST__INIT;

    request.token = (char *)(uintptr_t)token;
    return world_expect_ok(world_call(world, NULL, "ClaimService/IntrospectClaim", &request.base,
                                      &passgate__v1__introspect_claim_response__descriptor));
}

static void a_claim_is_issued_once_and_given_again(void **state)
{
    const Passgate__V1__IssueClaimResponse *first, *again;

    submit(*state, "r1", "c-1");
    world_outbox(*state);
    first = issued(*state, "");
    again = issued(*state, "");
    assert_false(first->cached);
    assert_true(again->cached);
    assert_string_equal(first->token, again->token);
    assert_string_equal(first->jti, again->jti);
    assert_int_equal(first->expires_at->seconds,
                     clock_wall_ms(&world_clock(*state)->clock) / 1000 + 300);
    assert_string_equal(world_outbox(*state), "claim_issued: ");
}

/* Also one that was issued before: it begins where the clock is not any more. */
static void a_clock_that_went_back_issues_nothing(void **state)
{
    struct test_clock *clock = world_clock(*state);

    submit(*state, "r1", "c-1");
    issued(*state, "");
    atomic_store(&clock->behind_ms, CLOCK_BEHIND_MAX_MS + 1);
    world_expect_refused(issue(*state, "https://shop.test", ""), GRPC_STATUS_UNAVAILABLE,
                         "CLOCK_BEHIND", "");
    world_expect_refused(issue(*state, "https://bank.test", ""), GRPC_STATUS_UNAVAILABLE,
                         "CLOCK_BEHIND", "");
    atomic_store(&clock->behind_ms, CLOCK_BEHIND_MAX_MS);
    assert_true(issued(*state, "")->cached);
}

static void who_asks_otherwise_gets_another_claim(void **state)
{
    static const char *const others[] = {
        ", \"disclosure\": \"DISCLOSURE_FULL\"",
        ", \"lifetime\": \"60s\"",
    };
    const Passgate__V1__IssueClaimResponse *first, *other;

    submit(*state, "r1", "c-1");
    first = issued(*state, "");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        other = issued(*state, others[i]);
        assert_false(other->cached);
        assert_string_not_equal(other->jti, first->jti);
    }
    other = world_expect_ok(issue(*state, "https://bank.test", ""));
    assert_false(other->cached);
    assert_true(issued(*state, "")->cached);
    assert_true(issued(*state, ", \"disclosure\": \"DISCLOSURE_PREDICATES\"")->cached);
}

static void a_change_of_the_subject_ends_the_claim_that_is_given(void **state)
{
    const Passgate__V1__IssueClaimResponse *first, *later;

    submit(*state, "r1", "c-1");
    first = issued(*state, "");
    submit(*state, "r2", "c-2");
    later = issued(*state, "");
    assert_false(later->cached);
    assert_string_not_equal(later->jti, first->jti);
}

static void half_of_its_life_ahead_is_the_least_that_is_given(void **state)
{
    submit(*state, "r1", "c-1");
    issued(*state, "");
    test_clock_advance(world_clock(*state), WORLD_LIFETIME_MS / 2);
    assert_true(issued(*state, "")->cached);
    test_clock_advance(world_clock(*state), 1);
    assert_false(issued(*state, "")->cached);
}

static void a_claim_of_a_key_that_was_taken_away_is_not_given_again(void **state)
{
    const Passgate__V1__IssueClaimResponse *first, *later;

    submit(*state, "r1", "c-1");
    first = issued(*state, "");
    assert_true(introspect(*state, first->token)->active);
    world_replace_keys(*state);
    assert_false(introspect(*state, first->token)->active);
    later = issued(*state, "");
    assert_false(later->cached);
    assert_true(introspect(*state, later->token)->active);
}

static void what_cannot_be_claimed_is_said(void **state)
{
    static const struct {
        const char *audience, *more, *reason, *field;
    } rows[] = {
        {"", "", "FIELD_REQUIRED", "audience"},
        {"a\\nb", "", "FIELD_CHARACTERS", "audience"},
        {"a", ", \"lifetime\": \"29.999s\"", "FIELD_RANGE", "lifetime"},
        {"a", ", \"lifetime\": \"300.001s\"", "FIELD_RANGE", "lifetime"},
        {"a", ", \"min_revision\": \"?\"", "FIELD_CHARACTERS", "min_revision"},
        {"a", ", \"subject\": \"a b\"", "FIELD_CHARACTERS", "subject"},
        {"a", "", "NOTHING_TO_CLAIM", "subject"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *json =
            arena_printf(world_arena(*state), "{%s\"audience\": \"%s\"%s}",
                         strstr(rows[i].more, "subject") ? "" : "\"subject\": \"alice\", ",
                         rows[i].audience, rows[i].more);
        struct answer answer = world_call_json(*state, NULL, "ClaimService/IssueClaim",
                                               &passgate__v1__issue_claim_request__descriptor, json,
                                               &passgate__v1__issue_claim_response__descriptor);

        assert_int_not_equal(answer.status, GRPC_STATUS_OK);
        assert_string_equal(answer.reason, rows[i].reason);
        assert_string_equal(answer.field, rows[i].field);
    }
}

/* world_set_up_callers(): one is told decisions, the other reasons, and neither facts. */
static void a_claim_tells_no_more_than_its_caller_is_told(void **state)
{
    static const char *const callers[] = {WORLD_TERSE, WORLD_TOLD};
    static const char *const disclosures[] = {"NATIONALITIES", "FULL"};

    submit_statement(*state, &(struct statement){"alice", "1", "CITIZEN_OF", "DEU"});
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        world_expect_ok(issue_as(*state, callers[i], "PREDICATES"));
        for (size_t j = 0; j < ARRAY_LEN(disclosures); j++)
            world_expect_refused(issue_as(*state, callers[i], disclosures[j]),
                                 GRPC_STATUS_PERMISSION_DENIED, "DISCLOSURE_MISSING", "disclosure");
    }
}

static void a_revision_ahead_of_the_store_is_refused(void **state)
{
    const Passgate__V1__IssueClaimResponse *first;
    struct revision revision;
    char text[REVISION_TEXT_MAX];
    struct answer answer;
    struct err err;

    submit(*state, "r1", "c-1");
    first = issued(*state, "");
    assert_true(issued(*state, arena_printf(world_arena(*state), ", \"min_revision\": \"%s\"",
                                            first->revision))
                    ->cached);
    assert_true(revision_parse(span_text(first->revision), "", &revision, &err));
    revision.number += 100;
    answer = issue(*state, "https://shop.test",
                   arena_printf(world_arena(*state), ", \"min_revision\": \"%s\"",
                                revision_format(&revision, text)));
    world_expect_refused(answer, GRPC_STATUS_FAILED_PRECONDITION, "REVISION_AHEAD", "min_revision");
    revision.partition = 1; /* says nothing about this subject */
    issued(*state, arena_printf(world_arena(*state), ", \"min_revision\": \"%s\"",
                                revision_format(&revision, text)));
}

static void an_active_claim_is_shown_and_anything_else_is_not(void **state)
{
    const Passgate__V1__IntrospectClaimResponse *response;
    const Passgate__V1__IssueClaimResponse *claim;
    const char *const tokens[] = {"", "a", "a.b.c", NULL};
    json_t *payload;
    struct err err;

    submit(*state, "r1", "c-1");
    claim = issued(*state, "");
    response = introspect(*state, claim->token);
    assert_true(response->active);
    assert_string_equal(response->issuer, WORLD_ISSUER);
    assert_string_equal(response->audience, "https://shop.test");
    assert_string_equal(response->authorized_party, "local");
    assert_string_equal(response->jti, claim->jti);
    assert_string_not_equal(response->subject, "alice");
    assert_true(json_read(span_text(response->payload_json), &payload, &err));
    json_decref(payload);
    for (size_t i = 0; tokens[i]; i++) {
        response = introspect(*state, tokens[i]);
        assert_false(response->active);
        assert_string_equal(response->jti, "");
        assert_string_equal(response->payload_json, "");
        assert_null(response->expires_at);
    }
    test_clock_advance(world_clock(*state), WORLD_LIFETIME_MS);
    assert_false(introspect(*state, claim->token)->active);
}

static void the_keys_are_given_without_their_secrets(void **state)
{
    Passgate__V1__GetJwksRequest request = PASSGATE__V1__GET_JWKS_REQUEST__INIT;
    const Passgate__V1__GetJwksResponse *response =
        world_expect_ok(world_call(*state, NULL, "ClaimService/GetJwks", &request.base,
                                   &passgate__v1__get_jwks_response__descriptor));
    json_t *jwks, *key;
    struct err err;

    assert_true(json_read(span_text(response->jwks_json), &jwks, &err));
    key = json_array_get(json_object_get(jwks, "keys"), 0);
    assert_non_null(json_object_get(key, "x"));
    assert_null(json_object_get(key, "d"));
    assert_int_equal(response->max_age->seconds, 300);
    json_decref(jwks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_is_issued_once_and_given_again),
        TEST(a_clock_that_went_back_issues_nothing),
        TEST(who_asks_otherwise_gets_another_claim),
        TEST(a_change_of_the_subject_ends_the_claim_that_is_given),
        TEST(half_of_its_life_ahead_is_the_least_that_is_given),
        TEST(a_claim_of_a_key_that_was_taken_away_is_not_given_again),
        TEST(what_cannot_be_claimed_is_said),
        cmocka_unit_test_setup_teardown(a_claim_tells_no_more_than_its_caller_is_told,
                                        world_set_up_callers, world_tear_down),
        TEST(a_revision_ahead_of_the_store_is_refused),
        TEST(an_active_claim_is_shown_and_anything_else_is_not),
        TEST(the_keys_are_given_without_their_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
