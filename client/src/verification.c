/* SPDX-License-Identifier: Apache-2.0 */
/* Verification results going in: submit, and take back. */
#include "base/random.h"
#include "client/src/method.h"
#include "client/src/project.h"

#include "passgate/v1/verification.pb-c.h"

static void project_submission(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__SubmitVerificationResponse *reply =
        (const Passgate__V1__SubmitVerificationResponse *)message;

    (void)arena;
    *(struct passgate_submission *)value = (struct passgate_submission){
        .evidence_id = reply->evidence_id,
        .revision = reply->revision,
        .already_known = reply->already_known,
        .superseded = reply->superseded,
        .dry_run = reply->dry_run,
    };
}

static void project_revoked(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__RevokeEvidenceResponse *reply =
        (const Passgate__V1__RevokeEvidenceResponse *)message;

    (void)arena;
    *(struct passgate_written *)value = (struct passgate_written){
        .revision = reply->revision,
        .already_revoked = reply->already_revoked,
    };
}

const struct method method_submit = {
    .path = "/passgate.v1.VerificationService/SubmitVerification",
    .reply = &passgate__v1__submit_verification_response__descriptor,
    .value_size = sizeof(struct passgate_submission),
    .project = project_submission,
};

const struct method method_revoke = {
    .path = "/passgate.v1.VerificationService/RevokeEvidence",
    .reply = &passgate__v1__revoke_evidence_response__descriptor,
    .value_size = sizeof(struct passgate_written),
    .project = project_revoked,
};

static void build_document(const struct passgate_document_check *from,
                           Passgate__V1__Document *document)
{
    passgate__v1__document__init(document);
    document->issuer = build_text(from->issuer);
    document->nationality = build_text(from->nationality);
    document->proof = (Passgate__V1__Proof)from->proof;
    document->mrz = build_text(from->mrz);
    document->number = build_text(from->number);
    document->issued_on = build_text(from->issued_on);
    document->expires_on = build_text(from->expires_on);
}

static void build_evidence(const struct passgate_document_check *from, struct arena *arena,
                           Passgate__V1__Evidence *evidence)
{
    passgate__v1__evidence__init(evidence);
    evidence->evidence_class = (Passgate__V1__EvidenceClass)from->evidence_class;
    evidence->vendor = build_text(from->vendor);
    evidence->check_id = build_text(from->check_id);
    evidence->result = (Passgate__V1__VendorResult)from->result;
    evidence->test_mode = from->test_mode;
    evidence->verified_at =
        from->verified_at_ms ? build_timestamp(from->verified_at_ms, arena) : NULL;
    evidence->assurance_level = from->assurance_level;
    evidence->document = arena_new(arena, Passgate__V1__Document);
    build_document(from, evidence->document);
    if (from->us_endorsement) {
        evidence->us = arena_new(arena, Passgate__V1__UsPapers);
        passgate__v1__us_papers__init(evidence->us);
        evidence->us->endorsement = (Passgate__V1__UsEndorsement)from->us_endorsement;
    }
    evidence->binding = arena_new(arena, Passgate__V1__Binding);
    passgate__v1__binding__init(evidence->binding);
    evidence->binding->face_match = (Passgate__V1__BindingCheck)from->face_match;
    evidence->binding->liveness = (Passgate__V1__BindingCheck)from->liveness;
    evidence->collection = arena_new(arena, Passgate__V1__Collection);
    passgate__v1__collection__init(evidence->collection);
    evidence->collection->notice_version = build_text(from->notice_version);
    evidence->collection->purpose = build_text(from->purpose);
    evidence->collection->legal_basis = build_text(from->legal_basis);
}

struct passgate_submission *passgate_submit(struct passgate_client *client,
                                            const struct passgate_document_check *document,
                                            const struct passgate_call *call,
                                            struct passgate_error *error)
{
    Passgate__V1__SubmitVerificationRequest request;
    struct passgate_submission *submission;
    char request_id[RANDOM_ID_MAX];
    Passgate__V1__Evidence evidence;
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    random_id(request_id);
    build_evidence(document, &arena, &evidence);
    passgate__v1__submit_verification_request__init(&request);
    request.request_id = build_text(document->request_id ? document->request_id : request_id);
    request.subject = build_text(document->subject);
    request.subject_kind = (Passgate__V1__SubjectKind)document->subject_kind;
    request.evidence = &evidence;
    request.dry_run = document->dry_run;
    submission = method_call(&method_submit, client, &request.base, call, error);
    arena_release(&arena);
    return submission;
}

struct passgate_submission *passgate_submit_json(struct passgate_client *client, const char *json,
                                                 const struct passgate_call *call,
                                                 struct passgate_error *error)
{
    Passgate__V1__SubmitVerificationRequest *request;
    struct passgate_submission *submission = NULL;
    char request_id[RANDOM_ID_MAX];
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    request = (Passgate__V1__SubmitVerificationRequest *)build_from_json(
        json, &passgate__v1__submit_verification_request__descriptor, &arena, error);
    if (request) {
        random_id(request_id);
        if (request->request_id[0] == '\0')
            request->request_id = request_id;
        submission = method_call(&method_submit, client, &request->base, call, error);
    }
    arena_release(&arena);
    return submission;
}

struct passgate_written *passgate_revoke(struct passgate_client *client,
                                         const struct passgate_revoke *revoke,
                                         const struct passgate_call *call,
                                         struct passgate_error *error)
{
    Passgate__V1__RevokeEvidenceRequest request;
    char request_id[RANDOM_ID_MAX];

    random_id(request_id);
    passgate__v1__revoke_evidence_request__init(&request);
    request.request_id = build_text(revoke->request_id ? revoke->request_id : request_id);
    request.subject = build_text(revoke->subject);
    request.evidence_id = build_text(revoke->evidence_id);
    request.vendor = build_text(revoke->vendor);
    request.check_id = build_text(revoke->check_id);
    request.reason = build_text(revoke->reason);
    return method_call(&method_revoke, client, &request.base, call, error);
}
