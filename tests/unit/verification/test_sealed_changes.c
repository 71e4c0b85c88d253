/* SPDX-License-Identifier: Apache-2.0 */
/* Writes leave a sealed document about what they changed, and only they do. */
#include "base/json.h"
#include "keys/sealed.h"
#include "unit/product/evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Nobody's. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfVs/Gd20Kt4S26Gt\n"
    "RiDlEXik6YPPAwv7OdrCwFkIpY+hRANCAAQpRqH1YnUcWinISs1cKuntvx9JuvsJ\n"
    "SWK+FvC4By1z8T9KOR+t2q01Y70GdmTL8i5TV8dOjgKg4rQIJNwoj4pd\n"
    "-----END PRIVATE KEY-----\n";
static const char public_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKUah9WJ1HFopyErNXCrp7b8fSbr7\n"
    "CUlivhbwuActc/E/SjkfrdqtNWO9BnZky/IuU1fHTo4CoOK0CCTcKI+KXQ==\n"
    "-----END PUBLIC KEY-----\n";

static int set_up(void **state)
{
    world_set_up(state);
    world_seal_for(*state, public_pem);
    return 0;
}

static const Passgate__V1__SubmitVerificationResponse *submit(struct world *world,
                                                              struct passport passport)
{
    return world_expect_ok(submit_passport(world, &passport));
}

static struct answer call(struct world *world, const char *method,
                          const ProtobufCMessageDescriptor *request, const char *json,
                          const ProtobufCMessageDescriptor *response)
{
    return world_call_json(world, NULL, method, request, json, response);
}

/* The document of the newest record, opened. */
static json_t *newest_document(struct world *world)
{
    enum sealed_refusal refusal;
    struct span text, payload;
    struct err err = ERR_NONE;
    struct seal_key *key;
    json_t *document;

    world_outbox(world);
    payload = world_payload(world);
    if (!seal_key_from_pem(span_text(private_pem), SEAL_PRIVATE, &key, &err) ||
        !sealed_open(key, SEALED_FACTS_TYPE, payload, world_arena(world), &text, &refusal, &err) ||
        !json_read(text, &document, &err))
        fail_msg("%s", err.detail);
    seal_key_unref(key);
    return document;
}

static const char *country_in(const json_t *document, const char *state)
{
    const json_t *list = json_object_get(json_object_get(document, state), "citizenships");

    return json_string_value(json_object_get(json_array_get(list, 0), "country"));
}

static void a_change_is_sealed_with_what_was_and_what_is(void **state)
{
    json_t *document;

    submit(*state, (struct passport){.request_id = "r1"});
    document = newest_document(*state);
    assert_string_equal(json_string_value(json_object_get(document, "subject")), "alice");
    assert_string_equal(country_in(document, "after"), "DEU");
    assert_null(json_object_get(document, "before"));
    assert_non_null(json_object_get(json_object_get(document, "countries"), "as_of"));
    json_decref(document);

    submit(*state,
           (struct passport){.request_id = "r2", .nationality = "FRA", .verified_at = "20:01"});
    document = newest_document(*state);
    assert_string_equal(country_in(document, "before"), "DEU");
    assert_string_equal(country_in(document, "after"), "FRA");
    assert_true(json_integer_value(json_object_get(json_object_get(document, "before"), "number")) >
                0);
    json_decref(document);
}

static void what_takes_back_is_sealed_too(void **state)
{
    json_t *document;

    submit(*state, (struct passport){.request_id = "r1"});
    world_expect_ok(call(*state, "VerificationService/RevokeEvidence",
                         &passgate__v1__revoke_evidence_request__descriptor,
                         "{\"request_id\": \"v1\", \"subject\": \"alice\", \"vendor\": \"veriff\","
                         "\"check_id\": \"c-1\", \"reason\": \"a mistake\"}",
                         &passgate__v1__revoke_evidence_response__descriptor));
    document = newest_document(*state);
    assert_string_equal(country_in(document, "before"), "DEU");
    assert_null(country_in(document, "after"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(document, "circumstances"), "reason")),
        "a mistake");
    json_decref(document);
}

static void affiliations_and_principals_are_sealed_too(void **state)
{
    const json_t *list;
    json_t *document;

    world_expect_ok(call(*state, "VerificationService/SetAffiliations",
                         &passgate__v1__set_affiliations_request__descriptor,
                         "{\"request_id\": \"a1\", \"subject\": \"alice\","
                         "\"organization\": \"org/lab\", \"complete\": true}",
                         &passgate__v1__set_affiliations_response__descriptor));
    document = newest_document(*state);
    list = json_object_get(json_object_get(document, "after"), "affiliations");
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "organization")),
                        "org/lab");
    json_decref(document);

    world_expect_ok(call(*state, "VerificationService/SetPrincipals",
                         &passgate__v1__set_principals_request__descriptor,
                         "{\"request_id\": \"p1\", \"subject\": \"bot\","
                         "\"principals\": [\"alice\"]}",
                         &passgate__v1__set_principals_response__descriptor));
    document = newest_document(*state);
    list = json_object_get(json_object_get(document, "after"), "principals");
    assert_string_equal(json_string_value(json_array_get(list, 0)), "alice");
    json_decref(document);
}

static void what_changes_nothing_has_no_document(void **state)
{
    submit(*state, (struct passport){.request_id = "r1"});
    world_outbox(*state);
    assert_true(world_payload(*state).length > 0);
    submit(*state, (struct passport){.request_id = "r2"});
    assert_string_equal(world_outbox(*state), "verification_submitted:UNCHANGED ");
    assert_int_equal(world_payload(*state).length, 0);
}

static void without_a_key_nothing_is_sealed(void **state)
{
    world_seal_for(*state, NULL);
    submit(*state, (struct passport){.request_id = "r1"});
    assert_string_equal(world_outbox(*state), "verification_submitted: ");
    assert_int_equal(world_payload(*state).length, 0);
    world_seal_for(*state, public_pem); /* from the next change on, with what was before */
    submit(*state, (struct passport){.request_id = "r2", .verified_at = "20:01"});
    json_decref(newest_document(*state));
}

static void a_full_subject_is_sealed_whole(void **state)
{
    struct arena *arena = world_arena(*state);
    json_t *document;

    for (int i = 0; i < 64; i++)
        submit(*state, (struct passport){.request_id = arena_printf(arena, "r%d", i),
                                         .check_id = arena_printf(arena, "c-%d", i)});
    document = newest_document(*state);
    assert_int_equal(json_array_size(json_object_get(document, "evidence")), 64);
    assert_null(json_object_get(document, "left_out"));
    json_decref(document);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_sealed_with_what_was_and_what_is),
        TEST(what_takes_back_is_sealed_too),
        TEST(affiliations_and_principals_are_sealed_too),
        TEST(what_changes_nothing_has_no_document),
        TEST(without_a_key_nothing_is_sealed),
        TEST(a_full_subject_is_sealed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
