/* SPDX-License-Identifier: Apache-2.0 */
/* SubmitVerification: one result goes in. */
#include "base/encoding.h"
#include "passgate/v1/verification.pb-c.h"
#include "verification/evidence_read.h"
#include "verification/subject_write.h"

enum { EVIDENCE_ID_TEXT_MAX = 32 };

/* What is remembered for the same request_id: the evidence's id behind one byte of flags. */
enum note_flags { NOTE_ALREADY_KNOWN = 1 << 0, NOTE_SUPERSEDED = 1 << 1 };

struct submission {
    struct evidence evidence;
    bool proves;
    struct err why_not;
};

static void note(struct subject_write *write, uint8_t flags)
{
    const struct submission *submission = write->detail;
    struct span id = submission->evidence.id;

    write->note[0] = flags;
    memcpy(write->note + 1, id.data, id.length);
    write->note_length = 1 + id.length;
}

static struct evidence *find_check(struct record *record, const struct evidence *evidence)
{
    for (size_t i = 0; i < record->evidence_count; i++)
        if (span_equal(record->evidence[i].vendor, evidence->vendor) &&
            span_equal(record->evidence[i].check_id, evidence->check_id))
            return &record->evidence[i];
    return NULL;
}

/* The same but for when it came here. */
static bool is_same_reading(const struct evidence *a, const struct evidence *b)
{
    return a->class == b->class && a->proof == b->proof && a->nationality == b->nationality &&
           a->issuer == b->issuer && a->assurance == b->assurance &&
           a->us_endorsement == b->us_endorsement && a->i94_class == b->i94_class &&
           a->i797_type == b->i797_type && a->statement == b->statement &&
           a->country == b->country && a->as_of_day == b->as_of_day && a->source == b->source &&
           a->acquired.precision == b->acquired.precision && a->acquired.day == b->acquired.day &&
           a->expires_day == b->expires_day && a->accredited_to == b->accredited_to &&
           memcmp(a->i551_category, b->i551_category, sizeof(a->i551_category)) == 0 &&
           memcmp(a->ead_category, b->ead_category, sizeof(a->ead_category)) == 0 &&
           memcmp(a->document_hash, b->document_hash, sizeof(a->document_hash)) == 0 &&
           memcmp(a->person_hash, b->person_hash, sizeof(a->person_hash)) == 0;
}

static bool append(struct subject_write *write, struct record *record,
                   const struct evidence *evidence, struct err *err)
{
    struct evidence *list;

    if (record->evidence_count == FACTS_EVIDENCE_MAX)
        return err_field(err, ERR_SUBJECT_FULL, "evidence", "%d pieces on record",
                         FACTS_EVIDENCE_MAX);
    list = arena_new_array(&write->arena, struct evidence, record->evidence_count + 1);
    if (record->evidence_count > 0)
        memcpy(list, record->evidence, record->evidence_count * sizeof(*list));
    list[record->evidence_count++] = *evidence;
    record->evidence = list;
    return true;
}

/* GREEN then RED: the newer word of the vendor takes back what the check had proven. */
static enum change_outcome take_back(struct subject_write *write, struct evidence *known,
                                     const struct submission *submission, struct err *err)
{
    *err = submission->why_not;
    if (!known || known->is_revoked || known->verified_at_ms > submission->evidence.verified_at_ms)
        return CHANGE_REFUSED;
    known->is_revoked = true;
    known->verified_at_ms = submission->evidence.verified_at_ms;
    write->audit_kind = AUDIT_EVIDENCE_REVOKED;
    return CHANGE_THEN_FAIL;
}

static enum change_outcome change(struct subject_write *write, struct record *record,
                                  struct err *err)
{
    const Passgate__V1__SubmitVerificationRequest *request =
        (const Passgate__V1__SubmitVerificationRequest *)write->request;
    struct submission *submission = write->detail;
    struct evidence *known = find_check(record, &submission->evidence);

    if (!submission->proves)
        return take_back(write, known, submission, err);
    if (request->subject_kind != PASSGATE__V1__SUBJECT_KIND__SUBJECT_KIND_UNSPECIFIED)
        record->kind = (enum subject_kind)request->subject_kind;
    record->is_minor = record->is_minor || request->evidence->minor;
    note(write, 0);
    if (!known)
        return append(write, record, &submission->evidence, err) ? CHANGE_WRITE : CHANGE_REFUSED;
    if (known->verified_at_ms > submission->evidence.verified_at_ms) {
        note(write, NOTE_SUPERSEDED);
        return CHANGE_NOTHING;
    }
    if (known->verified_at_ms == submission->evidence.verified_at_ms) {
        if (known->is_revoked || is_same_reading(known, &submission->evidence)) {
            note(write, NOTE_ALREADY_KNOWN);
            return CHANGE_NOTHING;
        }
        /* Two readings of one check at one instant contradict each other: both are kept. */
        return append(write, record, &submission->evidence, err) ? CHANGE_WRITE : CHANGE_REFUSED;
    }
    *known = submission->evidence;
    return CHANGE_WRITE;
}

static void respond(struct subject_write *write)
{
    Passgate__V1__SubmitVerificationResponse response =
        PASSGATE__V1__SUBMIT_VERIFICATION_RESPONSE__INIT;
    struct span id = span_of(write->note + 1, write->note_length > 0 ? write->note_length - 1 : 0);

    response.evidence_id = arena_text(&write->arena, id);
    response.revision = subject_write_revision(write);
    response.already_known = (write->note[0] & NOTE_ALREADY_KNOWN) != 0;
    response.superseded = (write->note[0] & NOTE_SUPERSEDED) != 0;
    response.dry_run = write->is_dry_run;
    rpc_call_reply(write->call, &response.base);
}

/* The id says nothing and is the same for every submission of the check. */
static struct span evidence_id(struct subject_write *write)
{
    char *text = arena_alloc(&write->arena, EVIDENCE_ID_TEXT_MAX);

    memcpy(text, "ev_", 3);
    base64url_encode(span_of(&write->check.id, sizeof(write->check.id)), text + 3);
    return span_text(text);
}

/* What the audit record says beside the evidence's id: on what terms, by whom, under which policy.
 */
static void note_circumstances(struct subject_write *write, const Passgate__V1__Evidence *submitted)
{
    subject_write_note_id(
        write, span_text(evidence_class_word((enum evidence_class)submitted->evidence_class)));
    subject_write_note_id(write, span_text(submitted->vendor));
    subject_write_note_id(write, span_text(submitted->vendor_policy_version));
    if (submitted->collection) {
        subject_write_note_id(write, span_text(submitted->collection->purpose));
        subject_write_note_id(write, span_text(submitted->collection->notice_version));
        subject_write_note_id(write, span_text(submitted->collection->legal_basis));
    }
    if (submitted->reviewer)
        subject_write_note_id(write, span_text(submitted->reviewer->id));
}

static bool prepare(struct subject_write *write, const Passgate__V1__Evidence *submitted,
                    struct err *err)
{
    const struct evidence_reader reader = {write->options->names, write->now_ms, &write->arena};
    struct submission *submission = arena_new(&write->arena, struct submission);

    if (!submitted)
        return err_field(err, ERR_FIELD_REQUIRED, "evidence", "missing");
    if (!evidence_read(&reader, submitted, &submission->evidence, &submission->proves, err)) {
        err_prefix_field(err, "evidence");
        return false;
    }
    if (!submission->proves) {
        submission->why_not = *err;
        err_prefix_field(&submission->why_not, "evidence");
    }
    write->has_check = true;
    write->check = names_check(write->options->names, submission->evidence.vendor,
                               submission->evidence.check_id);
    submission->evidence.id = evidence_id(write);
    write->detail = submission;
    subject_write_note_id(write, submission->evidence.id);
    note_circumstances(write, submitted);
    return true;
}

void submit_verification(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__SubmitVerificationRequest *request =
        (const Passgate__V1__SubmitVerificationRequest *)message;
    struct subject_write *write = subject_write_new(call, message, context);
    struct err err;

    write->subject = span_text(request->subject);
    write->request_id = span_text(request->request_id);
    write->is_dry_run = request->dry_run;
    write->audit_kind = AUDIT_VERIFICATION_SUBMITTED;
    write->change = change;
    write->respond = respond;
    if (prepare(write, request->evidence, &err))
        subject_write_start(write);
    else
        subject_write_refuse(write, &err);
}
