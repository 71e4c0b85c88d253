/* SPDX-License-Identifier: Apache-2.0 */
/* Failures as callers see them. */
#include "client/src/failure.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <stdarg.h>
#include <stdio.h>

#define TYPE_PREFIX "type.googleapis.com/"

void failure_set(struct passgate_error *error, enum passgate_code code, const char *reason,
                 const char *field, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return;
    *error = (struct passgate_error){.code = code};
    snprintf(error->reason, sizeof(error->reason), "%s", reason);
    snprintf(error->field, sizeof(error->field), "%s", field);
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
}

void failure_from_err(struct passgate_error *error, const struct err *err)
{
    failure_set(error, (enum passgate_code)err_grpc_status(err->code), err_reason(err->code),
                err->field, "%s%s%s", err->field, err->field[0] ? ": " : "", err->detail);
}

static void take_error_info(struct passgate_error *error, const ProtobufCBinaryData *value)
{
    Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, value->len, value->data);

    if (info && info->reason[0])
        snprintf(error->reason, sizeof(error->reason), "%s", info->reason);
    if (info)
        google__rpc__error_info__free_unpacked(info, NULL);
}

/* The first violation; servers that report several put the first in reading order first. */
static void take_bad_request(struct passgate_error *error, const ProtobufCBinaryData *value)
{
    Google__Rpc__BadRequest *request =
        google__rpc__bad_request__unpack(NULL, value->len, value->data);

    if (request && request->n_field_violations > 0)
        snprintf(error->field, sizeof(error->field), "%s", request->field_violations[0]->field);
    if (request)
        google__rpc__bad_request__free_unpacked(request, NULL);
}

static const struct {
    const char *type;
    void (*take)(struct passgate_error *error, const ProtobufCBinaryData *value);
} takers[] = {
    {TYPE_PREFIX "google.rpc.ErrorInfo", take_error_info},
    {TYPE_PREFIX "google.rpc.BadRequest", take_bad_request},
};

static void take_details(struct passgate_error *error, struct span details)
{
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, details.length, details.data);

    if (!status)
        return;
    for (size_t i = 0; i < status->n_details; i++)
        for (size_t k = 0; k < ARRAY_LEN(takers); k++)
            if (strcmp(status->details[i]->type_url, takers[k].type) == 0)
                takers[k].take(error, &status->details[i]->value);
    google__rpc__status__free_unpacked(status, NULL);
}

void failure_from_status(struct passgate_error *error, int code, const char *message,
                         struct span details)
{
    enum err_status status =
        code > 0 && code <= ERR_STATUS_UNAUTHENTICATED ? (enum err_status)code : ERR_STATUS_UNKNOWN;

    if (!error)
        return;
    failure_set(error, (enum passgate_code)status, err_status_name(status), "", "%s", message);
    if (details.length > 0)
        take_details(error, details);
}
