/* SPDX-License-Identifier: Apache-2.0 */
/* RevokeEvidence: a piece of evidence counts for nothing from now on. */
#include "domain/field/field.h"
#include "passgate/v1/verification.pb-c.h"
#include "verification/subject_write.h"

enum { NOTE_ALREADY_REVOKED = 1 };

static bool is_meant(const Passgate__V1__RevokeEvidenceRequest *request,
                     const struct evidence *evidence)
{
    if (request->evidence_id[0] != '\0')
        return span_is(evidence->id, request->evidence_id);
    return span_is(evidence->vendor, request->vendor) &&
           span_is(evidence->check_id, request->check_id);
}

/* Later results of the vendor for the same check count again only if they are newer than this
 * moment. */
static enum change_outcome change(struct subject_write *write, struct record *record,
                                  struct err *err)
{
    const Passgate__V1__RevokeEvidenceRequest *request =
        (const Passgate__V1__RevokeEvidenceRequest *)write->request;
    size_t found = 0, changed = 0;

    for (size_t i = 0; i < record->evidence_count; i++) {
        struct evidence *evidence = &record->evidence[i];

        if (!is_meant(request, evidence))
            continue;
        found++;
        if (evidence->is_revoked)
            continue;
        evidence->is_revoked = true;
        if (evidence->verified_at_ms < write->now_ms)
            evidence->verified_at_ms = write->now_ms;
        changed++;
    }
    if (found == 0) {
        err_field(err, ERR_NOT_FOUND, request->evidence_id[0] ? "evidence_id" : "check_id",
                  "no such evidence");
        return CHANGE_REFUSED;
    }
    write->note_length = 1;
    write->note[0] = changed == 0 ? NOTE_ALREADY_REVOKED : 0;
    return changed == 0 ? CHANGE_NOTHING : CHANGE_WRITE;
}

static void respond(struct subject_write *write)
{
    Passgate__V1__RevokeEvidenceResponse response = PASSGATE__V1__REVOKE_EVIDENCE_RESPONSE__INIT;

    response.revision = subject_write_revision(write);
    response.already_revoked = write->note_length > 0 && write->note[0] == NOTE_ALREADY_REVOKED;
    rpc_call_reply(write->call, &response.base);
}

static bool check(const Passgate__V1__RevokeEvidenceRequest *request, struct err *err)
{
    bool has_id = request->evidence_id[0] != '\0';
    bool has_check = request->vendor[0] != '\0' || request->check_id[0] != '\0';

    if (has_id && has_check)
        return err_field(err, ERR_FIELD_CONFLICT, "evidence_id", "vendor is set as well");
    if (has_id)
        return field_check(FIELD_KIND_EVIDENCE_ID, span_text(request->evidence_id), "evidence_id",
                           err) &&
               field_check(FIELD_KIND_REASON, span_text(request->reason), "reason", err);
    return field_check(FIELD_KIND_VENDOR, span_text(request->vendor), "vendor", err) &&
           field_check(FIELD_KIND_CHECK_ID, span_text(request->check_id), "check_id", err) &&
           field_check(FIELD_KIND_REASON, span_text(request->reason), "reason", err);
}

void revoke_evidence(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__RevokeEvidenceRequest *request =
        (const Passgate__V1__RevokeEvidenceRequest *)message;
    struct subject_write *write = subject_write_new(call, message, context);
    struct err err;

    write->subject = span_text(request->subject);
    write->request_id = span_text(request->request_id);
    write->audit_kind = AUDIT_EVIDENCE_REVOKED;
    write->change = change;
    write->respond = respond;
    if (!check(request, &err)) {
        subject_write_refuse(write, &err);
        return;
    }
    subject_write_note_id(
        write, span_text(request->evidence_id[0] ? request->evidence_id : request->check_id));
    subject_write_note_id(write, span_text(request->reason));
    subject_write_note_circumstance(write, "reason", span_text(request->reason));
    subject_write_start(write);
}
