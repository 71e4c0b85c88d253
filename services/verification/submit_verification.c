/* SPDX-License-Identifier: Apache-2.0 */
/* SubmitVerification: one result goes in. */
#include "base/encoding.h"
#include "domain/field/field.h"
#include "passgate/v1/verification.pb-c.h"
#include "verification/evidence_read.h"
#include "verification/subject_write.h"

enum { EVIDENCE_ID_TEXT_MAX = 32 };

/* What is remembered for the same request_id: the evidence's id behind one byte of flags. */
enum note_flags { NOTE_ALREADY_KNOWN = 1 << 0, NOTE_SUPERSEDED = 1 << 1 };

struct submission {
    struct evidence evidence;
    struct err why_not; /* a code: the result proves nothing */
};

static void note(struct subject_write *write, uint8_t flags)
{
    const struct submission *submission = write->detail;
    struct span id = submission->evidence.id;

    write->note[0] = flags;
    memcpy(write->note + 1, id.data, id.length);
    write->note_length = 1 + id.length;
}

static bool is_of_check(const struct evidence *a, const struct evidence *b)
{
    return span_equal(a->vendor, b->vendor) && span_equal(a->check_id, b->check_id);
}

/* The id of what is on record of the check: none, where only words that did not pass were said. */
static struct span known_id(const struct record *record, const struct evidence *evidence)
{
    struct span id = span_text("");

    for (size_t i = 0; i < record->evidence_count; i++)
        if (is_of_check(&record->evidence[i], evidence))
            id = record->evidence[i].id;
    return id;
}

static enum change_outcome supersede(struct subject_write *write, const struct record *record)
{
    struct submission *submission = write->detail;

    submission->evidence.id = known_id(record, &submission->evidence);
    note(write, NOTE_SUPERSEDED);
    return CHANGE_NOTHING;
}

/* RevokeEvidence is a word about the check as well. */
static int64_t newest_word_ms(const struct subject_write *write, const struct record *record,
                              const struct evidence *evidence)
{
    int64_t newest_ms = write->last_said_at_ms;

    for (size_t i = 0; i < record->evidence_count; i++)
        if (is_of_check(&record->evidence[i], evidence) &&
            record->evidence[i].verified_at_ms > newest_ms)
            newest_ms = record->evidence[i].verified_at_ms;
    return newest_ms;
}

/* The new reading behind the others: beside those of the same check, or in their place. */
static enum change_outcome put(struct subject_write *write, struct record *record, bool is_beside,
                               struct err *err)
{
    const struct submission *submission = write->detail;
    struct evidence *list =
        arena_new_array(&write->arena, struct evidence, record->evidence_count + 1);
    size_t count = 0;

    for (size_t i = 0; i < record->evidence_count; i++)
        if (is_beside || !is_of_check(&record->evidence[i], &submission->evidence))
            list[count++] = record->evidence[i];
    if (count == FACTS_EVIDENCE_MAX) {
        err_field(err, ERR_SUBJECT_FULL, "evidence", "%d pieces on record", FACTS_EVIDENCE_MAX);
        return CHANGE_REFUSED;
    }
    list[count++] = submission->evidence;
    record->evidence = list;
    record->evidence_count = count;
    note(write, 0);
    return CHANGE_WRITE;
}

/* GREEN then RED: the newer word of the vendor takes back what the check had proven. */
static enum change_outcome take_back(struct subject_write *write, struct record *record)
{
    const struct submission *submission = write->detail;
    enum change_outcome outcome = CHANGE_NOTHING;

    for (size_t i = 0; i < record->evidence_count; i++) {
        struct evidence *evidence = &record->evidence[i];

        if (!is_of_check(evidence, &submission->evidence) || evidence->is_revoked)
            continue;
        evidence->is_revoked = true;
        evidence->verified_at_ms = submission->evidence.verified_at_ms;
        outcome = CHANGE_WRITE;
    }
    if (outcome == CHANGE_WRITE)
        write->audit_kind = AUDIT_EVIDENCE_REVOKED;
    return outcome;
}

/* Another word of the same instant: the same again, or a contradiction, which stays on record as
 * two readings.  Nothing counts beside a word that did not pass. */
static enum change_outcome compare(struct subject_write *write, struct record *record,
                                   struct err *err)
{
    struct submission *submission = write->detail;
    size_t readings = 0;

    for (size_t i = 0; i < record->evidence_count; i++) {
        const struct evidence *known = &record->evidence[i];

        if (!is_of_check(known, &submission->evidence))
            continue;
        readings++;
        if (known->is_revoked || evidence_is_same_reading(known, &submission->evidence)) {
            submission->evidence.id = known->id;
            note(write, known->is_revoked ? NOTE_SUPERSEDED : NOTE_ALREADY_KNOWN);
            return CHANGE_NOTHING;
        }
    }
    if (readings == 0)
        return supersede(write, record);
    submission->evidence.id = span_text(arena_printf(
        &write->arena, "%.*s-%zu", SPAN_FORMAT(submission->evidence.id), readings + 1));
    return put(write, record, true, err);
}

/* A service stays one and a person stays one: papers of the one say nothing of the other. */
static bool set_kind(const struct subject_write *write, struct record *record,
                     enum subject_kind kind, struct err *err)
{
    if (kind == SUBJECT_KIND_UNSPECIFIED)
        return true;
    if (write->is_stored && (kind == SUBJECT_SERVICE) != (record->kind == SUBJECT_SERVICE))
        return err_field(err, ERR_SUBJECT_KIND_FIXED, "subject_kind", "of kind %d",
                         (int)record->kind);
    record->kind = kind;
    return true;
}

static enum change_outcome change(struct subject_write *write, struct record *record,
                                  struct err *err)
{
    const Passgate__V1__SubmitVerificationRequest *request =
        (const Passgate__V1__SubmitVerificationRequest *)write->request;
    struct submission *submission = write->detail;
    int64_t newest_ms = newest_word_ms(write, record, &submission->evidence);

    /* Also when the write is tried again. */
    submission->evidence.id = write->audit_ids[0];
    write->audit_kind = AUDIT_VERIFICATION_SUBMITTED;
    if (newest_ms > submission->evidence.verified_at_ms)
        return supersede(write, record);
    if (write->failure)
        return take_back(write, record);
    if (!set_kind(write, record, (enum subject_kind)request->subject_kind, err))
        return CHANGE_REFUSED;
    record->is_minor = record->is_minor || request->evidence->minor;
    if (newest_ms == submission->evidence.verified_at_ms)
        return compare(write, record, err);
    return put(write, record, false, err);
}

static void respond(struct subject_write *write)
{
    Passgate__V1__SubmitVerificationResponse response =
        PASSGATE__V1__SUBMIT_VERIFICATION_RESPONSE__INIT;
    struct span id = span_from(span_of(write->note, write->note_length), 1);

    response.evidence_id = arena_text(&write->arena, id);
    response.revision = subject_write_revision(write);
    response.already_known = (write->note[0] & NOTE_ALREADY_KNOWN) != 0;
    response.superseded = (write->note[0] & NOTE_SUPERSEDED) != 0;
    response.dry_run = write->is_dry_run;
    rpc_call_reply(write->call, &response.base);
}

/* The id says nothing, and is the same for every submission of the check (a reading that
 * contradicts another has a number behind it). */
static struct span evidence_id(struct subject_write *write)
{
    char *text = arena_alloc(&write->arena, EVIDENCE_ID_TEXT_MAX);

    memcpy(text, "ev_", 3);
    base64url_encode(span_of(&write->check.id, sizeof(write->check.id)), text + 3);
    return span_text(text);
}

/* In the record, and by its name in the sealed document about the change. */
static void tell(struct subject_write *write, const char *name, const char *text)
{
    subject_write_note_id(write, span_text(text));
    subject_write_note_circumstance(write, name, span_text(text));
}

/* Free text that may name somebody: sealed only. */
static void note_statement(struct subject_write *write, const Passgate__V1__Statement *statement)
{
    subject_write_note_circumstance(write, "attester", span_text(statement->attester));
    subject_write_note_circumstance(write, "relation", span_text(statement->relation));
    subject_write_note_circumstance(write, "authority", span_text(statement->authority));
    subject_write_note_circumstance(write, "statement_version",
                                    span_text(statement->statement_version));
}

/* What is said beside the evidence's id: on what terms, by whom, under which policy. */
static void note_circumstances(struct subject_write *write, const Passgate__V1__Evidence *submitted)
{
    subject_write_note_id(
        write, span_text(evidence_class_word((enum evidence_class)submitted->evidence_class)));
    subject_write_note_id(write, span_text(submitted->vendor));
    tell(write, "vendor_policy_version", submitted->vendor_policy_version);
    if (submitted->collection) {
        tell(write, "purpose", submitted->collection->purpose);
        tell(write, "notice_version", submitted->collection->notice_version);
        tell(write, "legal_basis", submitted->collection->legal_basis);
    }
    if (submitted->statement)
        note_statement(write, submitted->statement);
    if (submitted->reviewer) {
        subject_write_note_circumstance(write, "reviewer", span_text(submitted->reviewer->id));
        subject_write_note_id(write,
                              span_text(arena_printf(&write->arena, AUDIT_REVIEWER_LABEL "%s",
                                                     submitted->reviewer->id)));
    }
}

/* Its field in the request.  A machine-readable zone is one text, whatever is in it. */
static void place(struct err *err)
{
    static const char zone[] = "evidence.document.mrz.";

    err_prefix_field(err, "evidence");
    if (strncmp(err->field, zone, strlen(zone)) == 0)
        err->field[strlen(zone) - 1] = '#';
}

static bool prepare(struct subject_write *write,
                    const Passgate__V1__SubmitVerificationRequest *request, struct err *err)
{
    const Passgate__V1__Evidence *submitted = request->evidence;
    const struct evidence_reader reader = {write->options->names, write->now_ms};
    struct submission *submission = arena_new(&write->arena, struct submission);
    const struct evidence *evidence = &submission->evidence;

    if (!field_check(FIELD_KIND_SUBJECT, write->subject, "subject", err))
        return false;
    if (!submitted)
        return err_field(err, ERR_FIELD_REQUIRED, "evidence", "missing");
    if (request->subject_kind == PASSGATE__V1__SUBJECT_KIND__SUBJECT_KIND_ORGANIZATION)
        return err_field(err, ERR_SUBJECT_ORGANIZATION, "subject_kind", "an organization");
    if (!evidence_read(&reader, submitted, &submission->evidence, &submission->why_not, err)) {
        place(err);
        return false;
    }
    if (submission->why_not.code != ERR_OK) {
        place(&submission->why_not);
        write->failure = &submission->why_not;
    }
    write->has_check = true;
    write->check = names_check(write->options->names, evidence->vendor, evidence->check_id);
    write->said_at_ms = evidence->verified_at_ms;
    write->detail = submission;
    subject_write_note_id(write, evidence_id(write));
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
    write->change = change;
    write->respond = respond;
    if (prepare(write, request, &err))
        subject_write_start(write);
    else
        subject_write_refuse(write, &err);
}
