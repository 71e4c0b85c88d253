/* SPDX-License-Identifier: Apache-2.0 */
/* What is written about subjects, through the door and into a real store. */
#include "unit/product/evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct answer submit(struct world *world, struct passport passport)
{
    return submit_passport(world, &passport);
}

static const Passgate__V1__SubmitVerificationResponse *accepted(struct answer answer)
{
    return world_expect_ok(answer);
}

static struct answer get(struct world *world, const char *subject)
{
    Passgate__V1__GetSubjectRequest request = PASSGATE__V1__GET_SUBJECT_REQUEST__INIT;

    request.subject = (char *)(uintptr_t)subject;
    return world_call(world, NULL, "VerificationService/GetSubject", &request.base,
                      &passgate__v1__get_subject_response__descriptor);
}

static const Passgate__V1__GetSubjectResponse *known(struct world *world, const char *subject)
{
    return world_expect_ok(get(world, subject));
}

/* How many pieces of evidence count. */
static size_t count_active(struct world *world, const char *subject)
{
    const Passgate__V1__GetSubjectResponse *response = known(world, subject);
    size_t count = 0;

    for (size_t i = 0; i < response->n_evidence; i++)
        count += !response->evidence[i]->revoked;
    return count;
}

static void a_passport_is_kept_and_shown(void **state)
{
    const Passgate__V1__SubmitVerificationResponse *response =
        accepted(submit(*state, (struct passport){.request_id = "r1"}));
    const Passgate__V1__GetSubjectResponse *subject = known(*state, "alice");

    assert_false(response->already_known || response->superseded || response->dry_run);
    assert_string_equal(response->revision, subject->revision);
    assert_int_equal(subject->n_evidence, 1);
    assert_string_equal(subject->evidence[0]->evidence_id, response->evidence_id);
    assert_string_equal(subject->evidence[0]->nationality, "DEU");
    assert_int_equal(subject->subject_kind, PASSGATE__V1__SUBJECT_KIND__SUBJECT_KIND_USER);
    assert_string_equal(world_outbox(*state), "verification_submitted: ");
}

static void the_same_request_gets_the_same_answer(void **state)
{
    struct passport passport = {.request_id = "r1"};
    const Passgate__V1__SubmitVerificationResponse *first = accepted(submit(*state, passport)),
                                                   *again;

    again = accepted(submit(*state, passport));
    assert_string_equal(again->evidence_id, first->evidence_id);
    assert_string_equal(again->revision, first->revision);
    assert_false(again->already_known);
    assert_string_equal(world_outbox(*state), "verification_submitted: ");
    passport.nationality = "FRA";
    world_expect_refused(submit(*state, passport), GRPC_STATUS_FAILED_PRECONDITION,
                         "REQUEST_ID_REUSED", "request_id");
    test_clock_advance(world_clock(*state), 24 * INT64_C(3600000) + 1);
    accepted(submit(*state, passport)); /* a day later the id is free */
}

static void a_result_that_is_known_already_changes_nothing(void **state)
{
    const Passgate__V1__SubmitVerificationResponse *response;
    struct passport passport = {.request_id = "r1"};

    accepted(submit(*state, passport));
    world_outbox(*state);
    passport.request_id = "r2";
    response = accepted(submit(*state, passport));
    assert_true(response->already_known);
    assert_int_equal(known(*state, "alice")->n_evidence, 1);
    assert_string_equal(world_outbox(*state), "verification_submitted:UNCHANGED ");
    passport.nationality = "FRA"; /* this id was answered, too */
    world_expect_refused(submit(*state, passport), GRPC_STATUS_FAILED_PRECONDITION,
                         "REQUEST_ID_REUSED", "request_id");
}

static void of_several_results_the_newest_counts(void **state)
{
    accepted(submit(*state, (struct passport){.request_id = "r1", .verified_at = "20:00"}));
    assert_true(accepted(submit(*state, (struct passport){.request_id = "r2",
                                                          .verified_at = "19:59",
                                                          .nationality = "FRA"}))
                    ->superseded);
    assert_string_equal(known(*state, "alice")->evidence[0]->nationality, "DEU");
    accepted(submit(*state, (struct passport){
                                .request_id = "r3", .verified_at = "20:01", .nationality = "FRA"}));
    assert_int_equal(known(*state, "alice")->n_evidence, 1);
    assert_string_equal(known(*state, "alice")->evidence[0]->nationality, "FRA");
}

static void a_late_result_names_nothing_that_is_not_on_record(void **state)
{
    struct passport red = {.request_id = "r1", .verified_at = "20:01", .result = "FAILED"};
    const Passgate__V1__SubmitVerificationResponse *late;

    world_expect_refused(submit(*state, red), GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED",
                         "evidence.result");
    late = accepted(submit(*state, (struct passport){.request_id = "r2"}));
    assert_true(late->superseded);
    assert_string_equal(late->evidence_id, "");
    late = accepted(submit(*state, (struct passport){.request_id = "r3", .verified_at = "20:01"}));
    assert_true(late->superseded);
    assert_string_equal(late->evidence_id, "");
    late = accepted(submit(*state, (struct passport){.request_id = "r4", .verified_at = "20:02"}));
    assert_string_equal(known(*state, "alice")->evidence[0]->evidence_id, late->evidence_id);
}

static void green_then_somebody_else_s_face_revokes(void **state)
{
    struct passport red = {.request_id = "r2",
                           .verified_at = "20:01",
                           .and = ", \"binding\": {\"face_match\": \"BINDING_CHECK_FAILED\"}"};

    accepted(submit(*state, (struct passport){.request_id = "r1"}));
    world_outbox(*state);
    world_expect_refused(submit(*state, red), GRPC_STATUS_FAILED_PRECONDITION, "BINDING_FAILED",
                         "evidence.binding.face_match");
    assert_int_equal(count_active(*state, "alice"), 0);
    assert_string_equal(world_outbox(*state), "evidence_revoked:BINDING_FAILED ");
    world_expect_refused(submit(*state, red), GRPC_STATUS_FAILED_PRECONDITION, "BINDING_FAILED",
                         "evidence.binding.face_match");
}

static void what_a_red_result_was_made_for_does_not_matter(void **state)
{
    struct passport red = {.request_id = "r2",
                           .verified_at = "20:01",
                           .result = "FAILED",
                           .and = ", \"collection\": {\"purpose\": \"e_verify\"}"};

    accepted(submit(*state, (struct passport){.request_id = "r1"}));
    world_expect_refused(submit(*state, red), GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED",
                         "evidence.result");
    assert_int_equal(count_active(*state, "alice"), 0);
    red.request_id = "r3";
    red.verified_at = "20:02";
    red.result = NULL; /* a green one must not be used at all */
    world_expect_refused(submit(*state, red), GRPC_STATUS_FAILED_PRECONDITION, "EVIDENCE_PURPOSE",
                         "evidence.collection.purpose");
}

static void green_then_red_revokes(void **state)
{
    struct passport red = {.request_id = "r2", .verified_at = "20:01", .result = "FAILED"};

    accepted(submit(*state, (struct passport){.request_id = "r1"}));
    world_outbox(*state);
    world_expect_refused(submit(*state, red), GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED",
                         "evidence.result");
    assert_int_equal(count_active(*state, "alice"), 0);
    assert_string_equal(world_outbox(*state), "evidence_revoked:RESULT_NOT_PASSED ");
    world_expect_refused(submit(*state, red), GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED",
                         "evidence.result"); /* the same answer to the same request */
    assert_string_equal(world_outbox(*state), "");
    accepted(submit(*state, (struct passport){.request_id = "r3", .verified_at = "20:02"}));
    assert_int_equal(count_active(*state, "alice"), 1);
}

static void red_before_green_is_not_forgotten(void **state)
{
    world_expect_refused(
        submit(*state,
               (struct passport){.request_id = "r1", .verified_at = "20:01", .result = "FAILED"}),
        GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED", "evidence.result");
    world_expect_refused(get(*state, "alice"), GRPC_STATUS_NOT_FOUND, "NOT_FOUND", "subject");
    assert_true(
        accepted(submit(*state, (struct passport){.request_id = "r2", .verified_at = "20:00"}))
            ->superseded);
    assert_true(
        accepted(submit(*state, (struct passport){.request_id = "r3", .verified_at = "20:01"}))
            ->superseded);
    world_expect_refused(get(*state, "alice"), GRPC_STATUS_NOT_FOUND, "NOT_FOUND", "subject");
    accepted(submit(*state, (struct passport){.request_id = "r4", .verified_at = "20:02"}));
    assert_int_equal(count_active(*state, "alice"), 1);
}

static void an_older_red_takes_nothing_back(void **state)
{
    accepted(submit(*state, (struct passport){.request_id = "r1", .verified_at = "20:00"}));
    world_expect_refused(
        submit(*state,
               (struct passport){.request_id = "r2", .verified_at = "19:00", .result = "FAILED"}),
        GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED", "evidence.result");
    assert_int_equal(count_active(*state, "alice"), 1);
}

static void two_readings_at_one_instant_are_kept_as_a_contradiction(void **state)
{
    const Passgate__V1__GetSubjectResponse *subject;

    accepted(submit(*state, (struct passport){.request_id = "r1", .nationality = "DEU"}));
    accepted(submit(*state, (struct passport){.request_id = "r2", .nationality = "FRA"}));
    subject = known(*state, "alice");
    assert_int_equal(subject->n_evidence, 2);
    assert_string_not_equal(subject->evidence[0]->evidence_id, subject->evidence[1]->evidence_id);
    assert_true(
        accepted(submit(*state, (struct passport){.request_id = "r3", .nationality = "FRA"}))
            ->already_known);
    assert_int_equal(known(*state, "alice")->n_evidence, 2);
    world_expect_refused(
        submit(*state,
               (struct passport){.request_id = "r4", .verified_at = "20:00", .result = "FAILED"}),
        GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED", "evidence.result");
    assert_int_equal(count_active(*state, "alice"), 0); /* both */
    accepted(submit(*state, (struct passport){.request_id = "r5", .verified_at = "20:05"}));
    assert_int_equal(known(*state, "alice")->n_evidence, 1);
}

static void a_check_belongs_to_one_subject(void **state)
{
    accepted(submit(*state, (struct passport){.request_id = "r1"}));
    world_expect_refused(submit(*state, (struct passport){.request_id = "r2", .subject = "bob"}),
                         GRPC_STATUS_FAILED_PRECONDITION, "CHECK_ID_REUSED", "evidence.check_id");
    world_expect_refused(get(*state, "bob"), GRPC_STATUS_NOT_FOUND, "NOT_FOUND", "subject");
}

static void a_dry_run_keeps_nothing(void **state)
{
    const Passgate__V1__SubmitVerificationResponse *response = accepted(
        submit(*state, (struct passport){.request_id = "r1", .more = ", \"dry_run\": true"}));

    assert_true(response->dry_run);
    world_expect_refused(get(*state, "alice"), GRPC_STATUS_NOT_FOUND, "NOT_FOUND", "subject");
    accepted(submit(*state, (struct passport){.request_id = "r1"}));
    assert_string_equal(world_outbox(*state), "verification_submitted: ");
}

static void a_subject_is_full_at_some_point(void **state)
{
    struct arena *arena = world_arena(*state);

    for (int i = 0; i < 64; i++)
        accepted(submit(*state, (struct passport){.request_id = arena_printf(arena, "r%d", i),
                                                  .check_id = arena_printf(arena, "c-%d", i)}));
    world_expect_refused(
        submit(*state, (struct passport){.request_id = "last", .check_id = "last"}),
        GRPC_STATUS_FAILED_PRECONDITION, "SUBJECT_FULL", "evidence");
    world_expect_refused(submit(*state, (struct passport){.request_id = "red",
                                                          .check_id = "c-7",
                                                          .verified_at = "21:00",
                                                          .result = "FAILED"}),
                         GRPC_STATUS_FAILED_PRECONDITION, "RESULT_NOT_PASSED", "evidence.result");
    assert_int_equal(count_active(*state, "alice"), 63);
}

static void fields_of_the_request_are_named(void **state)
{
    world_expect_refused(submit(*state, (struct passport){.request_id = ""}),
                         GRPC_STATUS_INVALID_ARGUMENT, "FIELD_REQUIRED", "request_id");
    world_expect_refused(submit(*state, (struct passport){.request_id = "r1", .subject = "a b"}),
                         GRPC_STATUS_INVALID_ARGUMENT, "FIELD_CHARACTERS", "subject");
    world_expect_refused(
        submit(*state, (struct passport){.request_id = "r1", .nationality = "UTO"}),
        GRPC_STATUS_FAILED_PRECONDITION, "UNKNOWN_COUNTRY_CODE", "evidence.document.issuer");
}

static void evidence_about_an_organization_is_refused(void **state)
{
    world_expect_refused(
        submit(*state, (struct passport){.request_id = "r1", .subject = "org/lab"}),
        GRPC_STATUS_FAILED_PRECONDITION, "SUBJECT_ORGANIZATION", "subject");
    world_expect_refused(
        submit(*state, (struct passport){.request_id = "r1",
                                         .more = ", \"subject_kind\": \"SUBJECT_KIND_"
                                                 "ORGANIZATION\""}),
        GRPC_STATUS_FAILED_PRECONDITION, "SUBJECT_ORGANIZATION", "subject_kind");
    accepted(submit(*state, (struct passport){.request_id = "r1"}));
}

/* RevokeEvidence. */

static struct answer revoke(struct world *world, const char *json)
{
    return world_call_json(world, NULL, "VerificationService/RevokeEvidence",
                           &passgate__v1__revoke_evidence_request__descriptor, json,
                           &passgate__v1__revoke_evidence_response__descriptor);
}

static void revoked_evidence_counts_for_nothing_and_does_not_come_back(void **state)
{
    static const char request[] = "{\"request_id\": \"v1\", \"subject\": \"alice\","
                                  "\"vendor\": \"veriff\", \"check_id\": \"c-1\","
                                  "\"reason\": \"a mistake\"}";
    const Passgate__V1__RevokeEvidenceResponse *response;

    accepted(submit(*state, (struct passport){.request_id = "r1"}));
    world_outbox(*state);
    response = world_expect_ok(revoke(*state, request));
    assert_false(response->already_revoked);
    assert_int_equal(count_active(*state, "alice"), 0);
    assert_string_equal(world_outbox(*state), "evidence_revoked: ");
    response = world_expect_ok(revoke(*state, request));
    assert_false(response->already_revoked); /* the same answer to the same request */
    assert_true(
        accepted(submit(*state, (struct passport){.request_id = "r2", .verified_at = "21:00"}))
            ->superseded);
    test_clock_advance(world_clock(*state), 3600000);
    accepted(submit(*state, (struct passport){.request_id = "r3", .verified_at = "22:00"}));
    assert_int_equal(count_active(*state, "alice"), 1);
}

static void revoking_asks_for_one_thing_that_there_is(void **state)
{
    accepted(submit(*state, (struct passport){.request_id = "r1"}));
    world_expect_refused(revoke(*state, "{\"request_id\": \"v1\", \"subject\": \"alice\","
                                        "\"evidence_id\": \"ev_none\", \"reason\": \"x\"}"),
                         GRPC_STATUS_NOT_FOUND, "NOT_FOUND", "evidence_id");
    world_expect_refused(revoke(*state,
                                "{\"request_id\": \"v1\", \"subject\": \"alice\","
                                "\"evidence_id\": \"ev_1\", \"vendor\": \"v\", \"reason\": \"x\"}"),
                         GRPC_STATUS_INVALID_ARGUMENT, "FIELD_CONFLICT", "evidence_id");
    world_expect_refused(revoke(*state, "{\"request_id\": \"v1\", \"subject\": \"alice\","
                                        "\"vendor\": \"veriff\", \"check_id\": \"c-1\"}"),
                         GRPC_STATUS_INVALID_ARGUMENT, "FIELD_REQUIRED", "reason");
    world_expect_refused(revoke(*state, "{\"request_id\": \"v1\", \"subject\": \"alice\","
                                        "\"reason\": \"x\"}"),
                         GRPC_STATUS_INVALID_ARGUMENT, "FIELD_REQUIRED", "vendor");
    assert_int_equal(count_active(*state, "alice"), 1);
}

/* SetAffiliations and SetPrincipals. */

static struct answer affiliate(struct world *world, const char *request_id,
                               const char *organization, const char *more)
{
    const char *json = arena_printf(world_arena(world),
                                    "{\"request_id\": \"%s\", \"subject\": \"alice\","
                                    "\"organization\": \"%s\"%s}",
                                    request_id, organization, more);

    return world_call_json(world, NULL, "VerificationService/SetAffiliations",
                           &passgate__v1__set_affiliations_request__descriptor, json,
                           &passgate__v1__set_affiliations_response__descriptor);
}

#define EMPLOYEE "{\"affiliation_as\": \"AFFILIATION_AS_EMPLOYEE\"}"
#define AGENT    "{\"affiliation_as\": \"AFFILIATION_AS_AGENT\", \"until\": \"2030-01-01\"}"

static void affiliations_are_replaced_organization_by_organization(void **state)
{
    const Passgate__V1__GetSubjectResponse *subject;

    world_expect_ok(affiliate(*state, "a1", "org/lab", ", \"affiliations\": [" EMPLOYEE "]"));
    world_expect_ok(affiliate(*state, "a2", "org/partner",
                              ", \"affiliations\": [" EMPLOYEE ", " AGENT "], \"complete\": true"));
    subject = known(*state, "alice");
    assert_int_equal(subject->n_affiliations, 3); /* one row for every end */
    world_expect_ok(affiliate(*state, "a3", "org/partner", ", \"complete\": true"));
    subject = known(*state, "alice");
    assert_int_equal(subject->n_affiliations, 2);
    assert_string_equal(subject->affiliations[1]->organization, "org/partner");
    assert_int_equal(subject->affiliations[1]->n_affiliations, 0);
    assert_true(subject->affiliations[1]->complete);
    world_expect_ok(affiliate(*state, "a4", "org/partner", ""));
    assert_int_equal(known(*state, "alice")->n_affiliations, 1);
}

static void affiliations_that_say_nothing_clear_are_refused(void **state)
{
    world_expect_refused(affiliate(*state, "a1", "org/unheard-of", ""),
                         GRPC_STATUS_FAILED_PRECONDITION, "ORGANIZATION_UNKNOWN", "organization");
    world_expect_refused(affiliate(*state, "a1", "org/lab", ", \"affiliations\": [{}]"),
                         GRPC_STATUS_INVALID_ARGUMENT, "FIELD_REQUIRED",
                         "affiliations[0].affiliation_as");
    world_expect_refused(
        affiliate(*state, "a1", "org/lab", ", \"affiliations\": [" EMPLOYEE ", " EMPLOYEE "]"),
        GRPC_STATUS_INVALID_ARGUMENT, "FIELD_CONFLICT", "affiliations[1]");
    world_expect_refused(
        affiliate(*state, "a1", "org/lab",
                  ", \"affiliations\": [{\"affiliation_as\": 1, \"until\": \"soon\"}]"),
        GRPC_STATUS_INVALID_ARGUMENT, "FIELD_DATE", "affiliations[0].until");
}

static struct answer set_principals(struct world *world, const char *request_id, const char *list)
{
    const char *json = arena_printf(
        world_arena(world), "{\"request_id\": \"%s\", \"subject\": \"bot\", \"principals\": [%s]}",
        request_id, list);

    return world_call_json(world, NULL, "VerificationService/SetPrincipals",
                           &passgate__v1__set_principals_request__descriptor, json,
                           &passgate__v1__set_principals_response__descriptor);
}

static void the_persons_behind_a_service_are_on_record(void **state)
{
    const Passgate__V1__GetSubjectResponse *subject;

    world_expect_ok(set_principals(*state, "p1", "\"alice\", \"bob\""));
    subject = known(*state, "bot");
    assert_int_equal(subject->n_principals, 2);
    assert_int_equal(subject->subject_kind, PASSGATE__V1__SUBJECT_KIND__SUBJECT_KIND_SERVICE);
    world_expect_refused(set_principals(*state, "p2", "\"bot\""), GRPC_STATUS_INVALID_ARGUMENT,
                         "FIELD_CONFLICT", "principals[0]");
    world_expect_refused(set_principals(*state, "p2", "\"a\", \"b\", \"a\""),
                         GRPC_STATUS_INVALID_ARGUMENT, "FIELD_CONFLICT", "principals[2]");
    world_expect_refused(set_principals(*state, "p2", "\"\""), GRPC_STATUS_INVALID_ARGUMENT,
                         "FIELD_REQUIRED", "principals[0]");
    world_expect_ok(set_principals(*state, "p3", ""));
    assert_int_equal(known(*state, "bot")->n_principals, 0);
}

static struct answer submit_as(struct world *world, const char *request_id, const char *subject,
                               const char *check_id, const char *kind)
{
    return submit(world, (struct passport){.request_id = request_id,
                                           .subject = subject,
                                           .check_id = check_id,
                                           .more = arena_printf(world_arena(world),
                                                                ", \"subject_kind\": "
                                                                "\"SUBJECT_KIND_%s\"",
                                                                kind)});
}

static void nobody_stands_behind_a_person(void **state)
{
    const Passgate__V1__GetSubjectResponse *subject;

    accepted(submit(*state, (struct passport){.request_id = "r1", .subject = "bot"}));
    world_expect_refused(set_principals(*state, "p1", "\"alice\""), GRPC_STATUS_FAILED_PRECONDITION,
                         "SUBJECT_KIND_FIXED", "subject");
    world_expect_refused(set_principals(*state, "p2", ""), GRPC_STATUS_FAILED_PRECONDITION,
                         "SUBJECT_KIND_FIXED", "subject");
    subject = known(*state, "bot");
    assert_int_equal(subject->subject_kind, PASSGATE__V1__SUBJECT_KIND__SUBJECT_KIND_USER);
    assert_int_equal(subject->n_principals, 0);
}

static void a_person_stays_one_and_a_service_stays_one(void **state)
{
    const Passgate__V1__GetSubjectResponse *subject;

    world_expect_ok(set_principals(*state, "p1", "\"alice\""));
    world_expect_refused(submit_as(*state, "r1", "bot", "c-1", "USER"),
                         GRPC_STATUS_FAILED_PRECONDITION, "SUBJECT_KIND_FIXED", "subject_kind");
    subject = known(*state, "bot");
    assert_int_equal(subject->subject_kind, PASSGATE__V1__SUBJECT_KIND__SUBJECT_KIND_SERVICE);
    assert_int_equal(subject->n_evidence, 0);
    accepted(submit_as(*state, "r2", "carol", "c-2", "USER"));
    world_expect_refused(submit_as(*state, "r3", "carol", "c-3", "SERVICE"),
                         GRPC_STATUS_FAILED_PRECONDITION, "SUBJECT_KIND_FIXED", "subject_kind");
    accepted(submit_as(*state, "r4", "carol", "c-3", "EMPLOYEE"));
    assert_int_equal(known(*state, "carol")->subject_kind,
                     PASSGATE__V1__SUBJECT_KIND__SUBJECT_KIND_EMPLOYEE);
    accepted(submit_as(*state, "r5", "robot", "c-4", "SERVICE")); /* as a new one, what you like */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_passport_is_kept_and_shown),
        TEST(the_same_request_gets_the_same_answer),
        TEST(a_result_that_is_known_already_changes_nothing),
        TEST(of_several_results_the_newest_counts),
        TEST(green_then_red_revokes),
        TEST(a_late_result_names_nothing_that_is_not_on_record),
        TEST(green_then_somebody_else_s_face_revokes),
        TEST(what_a_red_result_was_made_for_does_not_matter),
        TEST(red_before_green_is_not_forgotten),
        TEST(an_older_red_takes_nothing_back),
        TEST(two_readings_at_one_instant_are_kept_as_a_contradiction),
        TEST(a_check_belongs_to_one_subject),
        TEST(a_dry_run_keeps_nothing),
        TEST(a_subject_is_full_at_some_point),
        TEST(fields_of_the_request_are_named),
        TEST(evidence_about_an_organization_is_refused),
        TEST(revoked_evidence_counts_for_nothing_and_does_not_come_back),
        TEST(revoking_asks_for_one_thing_that_there_is),
        TEST(affiliations_are_replaced_organization_by_organization),
        TEST(affiliations_that_say_nothing_clear_are_refused),
        TEST(the_persons_behind_a_service_are_on_record),
        TEST(nobody_stands_behind_a_person),
        TEST(a_person_stays_one_and_a_service_stays_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
