/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects: what is known of one, its affiliations, the persons behind it. */
#include "base/random.h"
#include "client/src/method.h"
#include "client/src/project.h"

#include "passgate/v1/verification.pb-c.h"

static void project_affiliated(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    (void)arena;
    *(struct passgate_written *)value = (struct passgate_written){
        .revision = ((const Passgate__V1__SetAffiliationsResponse *)message)->revision,
    };
}

static void project_principals(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    (void)arena;
    *(struct passgate_written *)value = (struct passgate_written){
        .revision = ((const Passgate__V1__SetPrincipalsResponse *)message)->revision,
    };
}

static const char *enum_name(const ProtobufCEnumDescriptor *type, int number, struct arena *arena)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);

    return value ? value->name : arena_printf(arena, "%d", number);
}

static const struct passgate_evidence *project_evidence(const Passgate__V1__EvidenceRecord *from,
                                                        struct arena *arena)
{
    struct passgate_evidence *evidence = arena_new(arena, struct passgate_evidence);

    *evidence = (struct passgate_evidence){
        .evidence_id = from->evidence_id,
        .evidence_class =
            enum_name(&passgate__v1__evidence_class__descriptor, (int)from->evidence_class, arena),
        .vendor = from->vendor,
        .check_id = from->check_id,
        .issuer = from->issuer,
        .nationality = from->nationality,
        .proof = (unsigned)from->proof <= PASSGATE_PROOF_CHIP ? (enum passgate_proof)from->proof
                                                              : PASSGATE_PROOF_UNSPECIFIED,
        .verified_at_ms = project_timestamp_ms(from->verified_at),
        .accepted_at_ms = project_timestamp_ms(from->accepted_at),
        .expires_on = from->expires_on,
        .is_revoked = from->revoked,
        .statement_kind = from->statement_kind
                              ? enum_name(&passgate__v1__statement_kind__descriptor,
                                          (int)from->statement_kind, arena)
                              : "",
        .country = from->country,
    };
    return evidence;
}

static const struct passgate_affiliation *
project_affiliation(const Passgate__V1__AffiliationRecord *from, struct arena *arena)
{
    struct passgate_affiliation *affiliation = arena_new(arena, struct passgate_affiliation);
    enum passgate_affiliation_as *as =
        arena_new_array(arena, enum passgate_affiliation_as, from->n_affiliations);

    for (size_t i = 0; i < from->n_affiliations; i++)
        as[i] = (unsigned)from->affiliations[i] <= PASSGATE_AFFILIATION_AS_AGENT
                    ? (enum passgate_affiliation_as)from->affiliations[i]
                    : PASSGATE_AFFILIATION_AS_UNSPECIFIED;
    *affiliation = (struct passgate_affiliation){
        .organization = from->organization,
        .as_count = from->n_affiliations,
        .as = as,
        .is_complete = from->complete,
        .until = from->until,
        .attested_at_ms = project_timestamp_ms(from->attested_at),
    };
    return affiliation;
}

static void project_subject(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__GetSubjectResponse *reply =
        (const Passgate__V1__GetSubjectResponse *)message;
    const struct passgate_evidence **evidence =
        arena_new_array(arena, const struct passgate_evidence *, reply->n_evidence);
    const struct passgate_affiliation **affiliations =
        arena_new_array(arena, const struct passgate_affiliation *, reply->n_affiliations);

    for (size_t i = 0; i < reply->n_evidence; i++)
        evidence[i] = project_evidence(reply->evidence[i], arena);
    for (size_t i = 0; i < reply->n_affiliations; i++)
        affiliations[i] = project_affiliation(reply->affiliations[i], arena);
    *(struct passgate_subject *)value = (struct passgate_subject){
        .subject = reply->subject,
        .kind = (unsigned)reply->subject_kind <= PASSGATE_SUBJECT_KIND_ORGANIZATION
                    ? (enum passgate_subject_kind)reply->subject_kind
                    : PASSGATE_SUBJECT_KIND_UNSPECIFIED,
        .evidence_count = reply->n_evidence,
        .evidence = evidence,
        .affiliation_count = reply->n_affiliations,
        .affiliations = affiliations,
        .principal_count = reply->n_principals,
        .principals = (const char *const *)reply->principals,
        .fact_count = reply->n_facts,
        .facts = (const char *const *)reply->facts,
        .valid_until_ms = project_timestamp_ms(reply->valid_until),
        .revision = reply->revision,
        .created_at_ms = project_timestamp_ms(reply->created_at),
    };
}

const struct method method_affiliate = {
    .path = "/passgate.v1.VerificationService/SetAffiliations",
    .reply = &passgate__v1__set_affiliations_response__descriptor,
    .value_size = sizeof(struct passgate_written),
    .project = project_affiliated,
};

const struct method method_set_principals = {
    .path = "/passgate.v1.VerificationService/SetPrincipals",
    .reply = &passgate__v1__set_principals_response__descriptor,
    .value_size = sizeof(struct passgate_written),
    .project = project_principals,
};

const struct method method_get_subject = {
    .path = "/passgate.v1.VerificationService/GetSubject",
    .reply = &passgate__v1__get_subject_response__descriptor,
    .value_size = sizeof(struct passgate_subject),
    .project = project_subject,
};

struct passgate_written *passgate_affiliate(struct passgate_client *client,
                                            const struct passgate_affiliate *affiliate,
                                            const struct passgate_call *call,
                                            struct passgate_error *error)
{
    size_t count = affiliate->affiliation_count;
    Passgate__V1__SetAffiliationsRequest request;
    struct passgate_written *written;
    char request_id[RANDOM_ID_MAX];
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    random_id(request_id);
    passgate__v1__set_affiliations_request__init(&request);
    request.request_id = build_text(affiliate->request_id ? affiliate->request_id : request_id);
    request.subject = build_text(affiliate->subject);
    request.organization = build_text(affiliate->organization);
    request.complete = affiliate->complete;
    request.review_by = build_text(affiliate->review_by);
    request.n_affiliations = count;
    request.affiliations = arena_new_array(&arena, Passgate__V1__Affiliation *, count);
    for (size_t i = 0; i < count; i++) {
        request.affiliations[i] = arena_new(&arena, Passgate__V1__Affiliation);
        passgate__v1__affiliation__init(request.affiliations[i]);
        request.affiliations[i]->affiliation_as =
            (Passgate__V1__AffiliationAs)affiliate->affiliations[i].as;
        request.affiliations[i]->until = build_text(affiliate->affiliations[i].until);
    }
    written = method_call(&method_affiliate, client, &request.base, call, error);
    arena_release(&arena);
    return written;
}

struct passgate_written *passgate_set_principals(struct passgate_client *client,
                                                 const char *subject, const char *const *principals,
                                                 size_t count, const struct passgate_call *call,
                                                 struct passgate_error *error)
{
    Passgate__V1__SetPrincipalsRequest request;
    struct passgate_written *written;
    char request_id[RANDOM_ID_MAX];
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    random_id(request_id);
    passgate__v1__set_principals_request__init(&request);
    request.request_id = request_id;
    request.subject = build_text(subject);
    request.n_principals = count;
    request.principals = build_texts(principals, count, &arena);
    written = method_call(&method_set_principals, client, &request.base, call, error);
    arena_release(&arena);
    return written;
}

struct passgate_subject *passgate_get_subject(struct passgate_client *client, const char *subject,
                                              const struct passgate_call *call,
                                              struct passgate_error *error)
{
    Passgate__V1__GetSubjectRequest request;

    passgate__v1__get_subject_request__init(&request);
    request.subject = build_text(subject);
    return method_call(&method_get_subject, client, &request.base, call, error);
}
