/* SPDX-License-Identifier: Apache-2.0 */
/* SetAffiliations: an organization's attester says how a subject is affiliated with it. */
#include "domain/field/field.h"
#include "interceptors/caller.h"
#include "passgate/v1/verification.pb-c.h"
#include "verification/evidence_read.h"
#include "verification/subject_write.h"

enum { AFFILIATION_KINDS = 3 };

/* What is said: one row for every end, and one that closes the list. */
struct saying {
    struct affiliation rows[AFFILIATION_KINDS + 1];
    size_t count;
};

/* Replace everything said before about this organization. */
static enum change_outcome change(struct subject_write *write, struct record *record,
                                  struct err *err)
{
    const Passgate__V1__SetAffiliationsRequest *request =
        (const Passgate__V1__SetAffiliationsRequest *)write->request;
    const struct saying *saying = write->detail;
    struct affiliation *list = arena_new_array(&write->arena, struct affiliation,
                                               record->affiliation_count + saying->count);
    size_t count = 0;

    for (size_t i = 0; i < record->affiliation_count; i++)
        if (!span_is(record->affiliations[i].organization, request->organization))
            list[count++] = record->affiliations[i];
    for (size_t i = 0; i < saying->count; i++) {
        list[count] = saying->rows[i];
        list[count++].attested_at_ms = write->now_ms;
    }
    if (count > FACTS_AFFILIATIONS_MAX) {
        err_field(err, ERR_SUBJECT_FULL, "affiliations", "%zu of at most %d on record", count,
                  FACTS_AFFILIATIONS_MAX);
        return CHANGE_REFUSED;
    }
    record->affiliations = list;
    record->affiliation_count = count;
    return CHANGE_WRITE;
}

static void respond(struct subject_write *write)
{
    Passgate__V1__SetAffiliationsResponse response = PASSGATE__V1__SET_AFFILIATIONS_RESPONSE__INIT;

    response.revision = subject_write_revision(write);
    rpc_call_reply(write->call, &response.base);
}

/* The same answer for an organization that does not exist to those who could not attest for it
 * anyway. */
static bool check_attester(const struct verification_options *options, const struct caller *caller,
                           struct span id, struct err *err)
{
    const struct organization *organization = organization_find(options->organizations, id);

    if (organization && caller->is_local)
        return true;
    for (size_t i = 0; organization && i < organization->attester_count; i++)
        if (span_equal(organization->attesters[i], caller->id))
            return true;
    if (!organization && caller->is_local)
        return err_field(err, ERR_ORGANIZATION_UNKNOWN, "organization", "not registered");
    return err_field(err, ERR_ATTESTER_UNKNOWN, "organization", "not attested by this caller");
}

static bool read_one(const Passgate__V1__Affiliation *affiliation, uint8_t *ret_as,
                     int32_t *ret_until_day, struct err *err)
{
    static const uint8_t bits[] = {
        [PASSGATE__V1__AFFILIATION_AS__AFFILIATION_AS_EMPLOYEE] = AFFILIATION_EMPLOYEE,
        [PASSGATE__V1__AFFILIATION_AS__AFFILIATION_AS_CONTRACTOR] = AFFILIATION_CONTRACTOR,
        [PASSGATE__V1__AFFILIATION_AS__AFFILIATION_AS_AGENT] = AFFILIATION_AGENT,
    };

    if (affiliation->affiliation_as == PASSGATE__V1__AFFILIATION_AS__AFFILIATION_AS_UNSPECIFIED)
        return err_field(err, ERR_FIELD_REQUIRED, "affiliation_as", "not said");
    *ret_as = bits[affiliation->affiliation_as];
    return date_read(affiliation->until, "until", ret_until_day, err);
}

/* The row with this end; a new one when there is none. */
static struct affiliation *row_until(struct saying *saying, const struct affiliation *blank,
                                     int32_t until_day)
{
    for (size_t i = 0; i < saying->count; i++)
        if (saying->rows[i].until_day == until_day)
            return &saying->rows[i];
    saying->rows[saying->count] = *blank;
    saying->rows[saying->count].until_day = until_day;
    return &saying->rows[saying->count++];
}

static bool read_saying(const Passgate__V1__SetAffiliationsRequest *request, struct saying *saying,
                        struct err *err)
{
    struct affiliation blank = {
        .organization = span_text(request->organization),
        .is_complete = request->complete,
    };
    uint8_t seen = 0;

    if (request->n_affiliations > AFFILIATION_KINDS)
        return err_field(err, ERR_FIELD_TOO_MANY, "affiliations", "%zu of them",
                         request->n_affiliations);
    if (!date_read(request->review_by, "review_by", &blank.review_by_day, err))
        return false;
    for (size_t i = 0; i < request->n_affiliations; i++) {
        int32_t until_day;
        uint8_t as;

        if (!read_one(request->affiliations[i], &as, &until_day, err)) {
            err_prefix_field(err, "affiliations[%zu]", i);
            return false;
        }
        if (seen & as) {
            err_field(err, ERR_FIELD_CONFLICT, NULL, "one kind twice");
            err_prefix_field(err, "affiliations[%zu]", i);
            return false;
        }
        seen |= as;
        row_until(saying, &blank, until_day)->as |= as;
    }
    if (request->complete) /* nothing else, also when the rest has ended */
        row_until(saying, &blank, DAY_NONE);
    return true;
}

void set_affiliations(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__SetAffiliationsRequest *request =
        (const Passgate__V1__SetAffiliationsRequest *)message;
    const struct caller *caller = caller_of(call);
    struct subject_write *write = subject_write_new(call, message, context);
    struct saying *saying = arena_new(&write->arena, struct saying);
    struct err err;

    write->subject = span_text(request->subject);
    write->request_id = span_text(request->request_id);
    write->on_behalf_of = span_text(request->organization);
    write->audit_kind = AUDIT_AFFILIATIONS_SET;
    write->detail = saying;
    write->change = change;
    write->respond = respond;
    if (field_check(FIELD_KIND_ORGANIZATION, span_text(request->organization), "organization",
                    &err) &&
        check_attester(context, caller, span_text(request->organization), &err) &&
        read_saying(request, saying, &err))
        subject_write_start(write);
    else
        subject_write_refuse(write, &err);
}
