/* SPDX-License-Identifier: Apache-2.0 */
/* GetSubject: what is known of a subject, for auditors and operators. */
#include "base/memory.h"
#include "domain/field/field.h"
#include "interceptors/caller.h"
#include "passgate/v1/verification.pb-c.h"
#include "rpc/call.h"
#include "rpc/wire_time.h"
#include "storage/record.h"
#include "storage/revision.h"
#include "verification/verification.h"

struct getting {
    struct rpc_call *call; /* NULL: nobody waits any more */
    const struct verification_options *options;
    struct store_request *request;
    struct hash128 hash;
};

static char *country_text(country_id country)
{
    return (char *)country_get(country)->alpha3;
}

static char *day_text(int32_t day, struct arena *arena)
{
    return day == DAY_NONE ? (char *)""
                           : (char *)day_format(day, arena_alloc(arena, TIMESTAMP_TEXT_MAX));
}

static Passgate__V1__EvidenceRecord *evidence_message(const struct evidence *evidence,
                                                      struct arena *arena)
{
    Passgate__V1__EvidenceRecord *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__evidence_record__init(message);
    message->evidence_id = arena_text(arena, evidence->id);
    message->evidence_class = (Passgate__V1__EvidenceClass)evidence->class;
    message->vendor = arena_text(arena, evidence->vendor);
    message->check_id = arena_text(arena, evidence->check_id);
    message->issuer = country_text(evidence->issuer);
    message->nationality = country_text(evidence->nationality);
    message->proof = (Passgate__V1__Proof)evidence->proof;
    message->verified_at = wire_timestamp(evidence->verified_at_ms, arena);
    message->accepted_at = wire_timestamp(evidence->accepted_at_ms, arena);
    message->expires_on = day_text(evidence->expires_day, arena);
    message->revoked = evidence->is_revoked;
    message->statement_kind = (Passgate__V1__StatementKind)evidence->statement;
    message->country = country_text(evidence->country);
    return message;
}

static Passgate__V1__AffiliationRecord *affiliation_message(const struct affiliation *affiliation,
                                                            struct arena *arena)
{
    static const struct {
        uint8_t bit;
        Passgate__V1__AffiliationAs as;
    } kinds[] = {
        {AFFILIATION_EMPLOYEE, PASSGATE__V1__AFFILIATION_AS__AFFILIATION_AS_EMPLOYEE},
        {AFFILIATION_CONTRACTOR, PASSGATE__V1__AFFILIATION_AS__AFFILIATION_AS_CONTRACTOR},
        {AFFILIATION_AGENT, PASSGATE__V1__AFFILIATION_AS__AFFILIATION_AS_AGENT},
    };
    Passgate__V1__AffiliationRecord *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__affiliation_record__init(message);
    message->organization = arena_text(arena, affiliation->organization);
    message->affiliations = arena_new_array(arena, Passgate__V1__AffiliationAs, ARRAY_LEN(kinds));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (affiliation->as & kinds[i].bit)
            message->affiliations[message->n_affiliations++] = kinds[i].as;
    message->complete = affiliation->is_complete;
    message->until = day_text(affiliation->until_day, arena);
    message->attested_at = wire_timestamp(affiliation->attested_at_ms, arena);
    return message;
}

static void write_facts(const struct record *record, const struct organizations *organizations,
                        int64_t now_ms, struct arena *arena,
                        Passgate__V1__GetSubjectResponse *response)
{
    struct facts_input input = record_facts_input(record);
    struct facts_content content;
    const char *const *lines;

    facts_derive(&input, now_ms, &content);
    response->n_facts = facts_describe(facts_pack(&content, arena), organizations, arena, &lines);
    response->facts = (char **)lines;
    if (content.header.valid_until_ms != TIMESTAMP_NEVER_MS)
        response->valid_until = wire_timestamp(content.header.valid_until_ms, arena);
}

static void write_record(const struct record *record, struct arena *arena,
                         Passgate__V1__GetSubjectResponse *response)
{
    response->subject = arena_text(arena, record->subject);
    response->subject_kind = (Passgate__V1__SubjectKind)record->kind;
    response->created_at = wire_timestamp(record->created_at_ms, arena);
    response->evidence =
        arena_new_array(arena, Passgate__V1__EvidenceRecord *, record->evidence_count);
    for (size_t i = 0; i < record->evidence_count; i++)
        response->evidence[response->n_evidence++] = evidence_message(&record->evidence[i], arena);
    response->affiliations =
        arena_new_array(arena, Passgate__V1__AffiliationRecord *, record->affiliation_count);
    for (size_t i = 0; i < record->affiliation_count; i++)
        response->affiliations[response->n_affiliations++] =
            affiliation_message(&record->affiliations[i], arena);
    response->principals = arena_new_array(arena, char *, record->principal_count);
    for (size_t i = 0; i < record->principal_count; i++)
        response->principals[response->n_principals++] = arena_text(arena, record->principals[i]);
}

static bool append_audit(const struct getting *getting, int64_t now_ms, struct err *err)
{
    const struct audit_item item = {.subject = getting->hash, .directive = AUDIT_NO_DIRECTIVE};
    const struct audit_record record = {
        .kind = AUDIT_SUBJECT_READ,
        .time_ms = now_ms,
        .caller = caller_of(getting->call)->id,
        .method = span_text(rpc_call_method(getting->call)->name),
        .partition = getting->request->partition,
        .number = getting->request->number,
        .items = &item,
        .item_count = 1,
    };
    uint64_t sequence;

    return audit_append(getting->options->audit, &record, &sequence, err);
}

static bool answer(struct getting *getting, struct err *err)
{
    const struct verification_options *options = getting->options;
    const struct store_value *value = &getting->request->values[0];
    struct arena *arena = &getting->request->arena;
    int64_t now_ms = clock_wall_ms(options->clock);
    Passgate__V1__GetSubjectResponse response = PASSGATE__V1__GET_SUBJECT_RESPONSE__INIT;
    struct revision revision = {
        .directive_set = options->directive_set_number(options->context),
        .number = getting->request->number,
        .partition = getting->request->partition,
    };
    struct record record;

    if (!getting->request->is_ok) {
        *err = getting->request->err;
        return false;
    }
    if (value->version == 0)
        return err_field(err, ERR_NOT_FOUND, "subject", "no record");
    if (!record_decode(value->data, getting->hash, arena, &record, err) ||
        !append_audit(getting, now_ms, err))
        return false;
    response.revision = arena_alloc(arena, REVISION_TEXT_MAX);
    revision_format(&revision, response.revision);
    write_record(&record, arena, &response);
    write_facts(&record, options->organizations, now_ms, arena, &response);
    rpc_call_reply(getting->call, &response.base);
    return true;
}

static void on_read(struct store_request *request)
{
    struct getting *getting = request->owner;
    struct err err;

    if (getting->call && !answer(getting, &err))
        rpc_call_fail(getting->call, &err);
    store_request_free(request);
    memory_free(getting);
}

static void on_abandoned(void *owner)
{
    struct getting *getting = owner;

    getting->call = NULL;
}

void get_subject(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__GetSubjectRequest *request =
        (const Passgate__V1__GetSubjectRequest *)message;
    const struct verification_options *options = context;
    struct getting *getting;
    struct hash128 hash;
    struct err err;

    if (!field_check(FIELD_KIND_SUBJECT, span_text(request->subject), "subject", &err)) {
        rpc_call_fail(call, &err);
        return;
    }
    if (caller_of(call)->disclose < DISCLOSE_FACTS) {
        err_set(&err, ERR_DISCLOSURE_MISSING, "the binding does not disclose facts");
        rpc_call_fail(call, &err);
        return;
    }
    hash = names_subject_hash(options->names, span_text(request->subject));
    if (!caller_reaches(caller_of(call), span_text(request->subject), &err) ||
        !budget_take_subject(caller_of(call)->budget, hash, clock_monotonic_ms(options->clock),
                             &err)) {
        rpc_call_fail(call, &err);
        return;
    }
    getting = memory_new(struct getting);
    getting->call = call;
    getting->options = options;
    getting->hash = hash;
    getting->request = store_request_new(STORE_READ, names_partition(options->names, getting->hash),
                                         rpc_call_inbox(call), on_read, getting);
    getting->request->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    getting->request->is_waited_for = true;
    store_request_key(getting->request, names_subject(getting->hash));
    rpc_call_park(call, on_abandoned, getting);
    store_submit(options->store, getting->request);
}
