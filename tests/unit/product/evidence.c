/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence that tests submit. */
#include "unit/product/evidence.h"

static const char * or (const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static struct answer submit(struct world *world, const char *caller, const char *json)
{
    return world_call_json(world, caller, "VerificationService/SubmitVerification",
                           &passgate__v1__submit_verification_request__descriptor, json,
                           &passgate__v1__submit_verification_response__descriptor);
}

struct answer submit_passport(struct world *world, const struct passport *passport)
{
    const char *nationality = or (passport->nationality, "DEU");

    return submit(world, NULL,
                  arena_printf(world_arena(world),
                               "{\"request_id\": \"%s\", \"subject\": \"%s\", \"evidence\": {"
                               "\"evidence_class\": \"EVIDENCE_CLASS_PASSPORT\","
                               "\"vendor\": \"veriff\", \"check_id\": \"%s\","
                               "\"result\": \"VENDOR_RESULT_%s\","
                               "\"verified_at\": \"2026-06-12T%s:00Z\", \"document\": {"
                               "\"issuer\": \"%s\", \"nationality\": \"%s\","
                               "\"proof\": \"PROOF_CHIP\"}%s}%s}",
                               passport->request_id, or (passport->subject, "alice"),
                               or (passport->check_id, "c-1"), or (passport->result, "PASSED"),
                               or (passport->verified_at, "20:00"), nationality, nationality,
                               or (passport->and, ""), or (passport->more, "")));
}

const char *submit_statement(struct world *world, const struct statement *statement)
{
    const char *json =
        arena_printf(world_arena(world),
                     "{\"request_id\": \"%s-%s\", \"subject\": \"%s\", \"evidence\": {"
                     "\"evidence_class\": \"EVIDENCE_CLASS_STATEMENT\", \"vendor\": \"hr\","
                     "\"check_id\": \"%s-%s\", \"result\": \"VENDOR_RESULT_PASSED\","
                     "\"verified_at\": \"2026-06-12T20:00:00Z\", \"statement\": {"
                     "\"kind\": \"STATEMENT_KIND_%s\", \"source\": \"STATEMENT_SOURCE_REGISTER\","
                     "\"attester\": \"registrar\", \"authority\": \"civil register\","
                     "\"signed_at\": \"2026-06-01T00:00:00Z\","
                     "\"as_of\": \"2026-06-01\", \"country\": \"%s\"}}}",
                     statement->subject, statement->id, statement->subject, statement->subject,
                     statement->id, statement->kind, or (statement->country, ""));
    const Passgate__V1__SubmitVerificationResponse *response =
        world_expect_ok(submit(world, WORLD_TOLD, json));

    return response->revision;
}

int world_set_up_american_and_foreigner(void **state)
{
    static const struct statement statements[] = {
        {"american", "1", "CITIZEN_OF", "USA"},
        {"foreigner", "1", "CITIZEN_OF", "RUS"},
        {"foreigner", "2", "CITIZENSHIPS_COMPLETE", ""},
        {"foreigner", "3", "US_STATUS_NONE", ""},
    };

    world_set_up_callers(state);
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        submit_statement(*state, &statements[i]);
    return 0;
}
