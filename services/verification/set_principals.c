/* SPDX-License-Identifier: Apache-2.0 */
/* SetPrincipals: which natural persons stand behind a service. */
#include "domain/field/field.h"
#include "interceptors/caller.h"
#include "passgate/v1/verification.pb-c.h"
#include "verification/subject_write.h"

#include <stdio.h>

/* Nobody stands behind a person: that would be a way around what is known of that person. */
static enum change_outcome change(struct subject_write *write, struct record *record,
                                  struct err *err)
{
    const Passgate__V1__SetPrincipalsRequest *request =
        (const Passgate__V1__SetPrincipalsRequest *)write->request;

    if (write->is_stored && record->kind != SUBJECT_SERVICE) {
        err_field(err, ERR_SUBJECT_KIND_FIXED, "subject", "not a service");
        return CHANGE_REFUSED;
    }
    record->kind = SUBJECT_SERVICE;
    record->principal_count = request->n_principals;
    record->principals = arena_new_array(&write->arena, struct span, request->n_principals);
    for (size_t i = 0; i < request->n_principals; i++)
        record->principals[i] = span_text(request->principals[i]);
    return CHANGE_WRITE;
}

static void respond(struct subject_write *write)
{
    Passgate__V1__SetPrincipalsResponse response = PASSGATE__V1__SET_PRINCIPALS_RESPONSE__INIT;

    response.revision = subject_write_revision(write);
    rpc_call_reply(write->call, &response.base);
}

static bool check_one(const Passgate__V1__SetPrincipalsRequest *request,
                      const struct caller *caller, size_t index, struct err *err)
{
    struct span principal = span_text(request->principals[index]);
    char field[40];

    snprintf(field, sizeof(field), "principals[%zu]", index);
    if (!field_check(FIELD_KIND_SUBJECT, principal, field, err))
        return false;
    if (!caller_reaches(caller, principal, err))
        return false;
    if (span_is(principal, request->subject))
        return err_field(err, ERR_FIELD_CONFLICT, field, "the service itself");
    for (size_t i = 0; i < index; i++)
        if (span_is(principal, request->principals[i]))
            return err_field(err, ERR_FIELD_CONFLICT, field, "stands twice");
    return true;
}

static bool check(const Passgate__V1__SetPrincipalsRequest *request, const struct caller *caller,
                  struct err *err)
{
    if (request->n_principals > RECORD_PRINCIPALS_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "principals", "%zu of them",
                         request->n_principals);
    for (size_t i = 0; i < request->n_principals; i++)
        if (!check_one(request, caller, i, err))
            return false;
    return true;
}

void set_principals(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__SetPrincipalsRequest *request =
        (const Passgate__V1__SetPrincipalsRequest *)message;
    struct subject_write *write = subject_write_new(call, message, context);
    struct err err;

    write->subject = span_text(request->subject);
    write->request_id = span_text(request->request_id);
    write->audit_kind = AUDIT_PRINCIPALS_SET;
    write->change = change;
    write->respond = respond;
    if (check(request, caller_of(call), &err))
        subject_write_start(write);
    else
        subject_write_refuse(write, &err);
}
