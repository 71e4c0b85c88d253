/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: the list turned into look-ups. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *reason;
    const char *text;
    enum err_status status;
    enum err_level level;
    int http;
};

static const struct err_row rows[] = {
#define X(reason, status, http, level, text) \
    [ERR_##reason] = {#reason, text, ERR_STATUS_##status, ERR_LEVEL_##level, http},
    ERR_LIST(X)
#undef X
};

static const struct err_row *row_of(enum err_code code)
{
    return (unsigned)code < ERR_COUNT ? &rows[code] : &rows[ERR_INTERNAL];
}

void err_set_at(struct err *err, enum err_code code, const char *file, int line, const char *field,
                const char *format, ...)
{
    va_list arguments;

    *err = (struct err){.code = code, .file = file, .line = line};
    if (field)
        snprintf(err->field, sizeof(err->field), "%s", field);
    va_start(arguments, format);
    vsnprintf(err->detail, sizeof(err->detail), format, arguments);
    va_end(arguments);
}

void err_prefix_field(struct err *err, const char *format, ...)
{
    char prefix[ERR_FIELD_MAX], whole[2 * ERR_FIELD_MAX];
    bool has_dot = err->field[0] != '\0' && err->field[0] != '[';
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(prefix, sizeof(prefix), format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof(whole), "%s%s%s", prefix, has_dot ? "." : "", err->field);
    snprintf(err->field, sizeof(err->field), "%.*s", ERR_FIELD_MAX - 1, whole);
}

const char *err_reason(enum err_code code)
{
    return row_of(code)->reason;
}

const char *err_public_text(enum err_code code)
{
    return row_of(code)->text;
}

enum err_status err_grpc_status(enum err_code code)
{
    return row_of(code)->status;
}

int err_http_status(enum err_code code)
{
    return row_of(code)->http;
}

enum err_level err_log_level(enum err_code code)
{
    return row_of(code)->level;
}

const char *err_status_name(enum err_status status)
{
    static const char *const names[] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };

    return (unsigned)status < ARRAY_LEN(names) ? names[status] : "UNKNOWN";
}
