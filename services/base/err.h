/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: one list, one struct.
 *
 * A function that can fail returns bool (true = done) and takes `struct err *err` as its last
 * parameter.  On failure it fills *err and touches no other output.  Only a boundary (the end of an
 * RPC or of an HTTP request, main, a background job) logs an error, once; everything below returns
 * it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attributes.h"

#include <stdbool.h>

/* google.rpc.Code, the canonical status codes of gRPC. */
enum err_status {
    ERR_STATUS_OK = 0,
    ERR_STATUS_CANCELLED = 1,
    ERR_STATUS_UNKNOWN = 2,
    ERR_STATUS_INVALID_ARGUMENT = 3,
    ERR_STATUS_DEADLINE_EXCEEDED = 4,
    ERR_STATUS_NOT_FOUND = 5,
    ERR_STATUS_ALREADY_EXISTS = 6,
    ERR_STATUS_PERMISSION_DENIED = 7,
    ERR_STATUS_RESOURCE_EXHAUSTED = 8,
    ERR_STATUS_FAILED_PRECONDITION = 9,
    ERR_STATUS_ABORTED = 10,
    ERR_STATUS_OUT_OF_RANGE = 11,
    ERR_STATUS_UNIMPLEMENTED = 12,
    ERR_STATUS_INTERNAL = 13,
    ERR_STATUS_UNAVAILABLE = 14,
    ERR_STATUS_DATA_LOSS = 15,
    ERR_STATUS_UNAUTHENTICATED = 16,
};

enum err_level { ERR_LEVEL_DEBUG, ERR_LEVEL_INFO, ERR_LEVEL_WARN, ERR_LEVEL_ERROR };

/*
 * One row per error that Passgate can report.  The name is the stable `reason` of
 * google.rpc.ErrorInfo (domain "passgate"); names are never renamed or reused.
 *
 *   X(reason, gRPC status, HTTP status, log level, text that is safe to show)
 */
#define ERR_LIST(X)                                                                               \
    X(OK, OK, 200, DEBUG, "ok")                                                                   \
    /* A field of the request is wrong; google.rpc.BadRequest names it. */                        \
    X(FIELD_REQUIRED, INVALID_ARGUMENT, 400, INFO, "a required field is missing")                 \
    X(FIELD_TOO_LONG, INVALID_ARGUMENT, 400, INFO, "a field is too long")                         \
    X(FIELD_TOO_MANY, INVALID_ARGUMENT, 400, INFO, "a field has too many elements")               \
    X(FIELD_CHARACTERS, INVALID_ARGUMENT, 400, INFO,                                              \
      "a field has characters that it may not have")                                              \
    X(FIELD_NUL, INVALID_ARGUMENT, 400, INFO, "a text field contains a NUL byte")                 \
    X(FIELD_UTF8, INVALID_ARGUMENT, 400, INFO, "a text field is not valid UTF-8")                 \
    X(FIELD_ENUM, INVALID_ARGUMENT, 400, INFO, "a field has an unknown enum number")              \
    X(FIELD_DUPLICATE_KEY, INVALID_ARGUMENT, 400, INFO, "a map has the same key twice")           \
    X(FIELD_TOO_DEEP, INVALID_ARGUMENT, 400, INFO, "the message is nested too deeply")            \
    X(FIELD_RANGE, INVALID_ARGUMENT, 400, INFO, "a field is out of its range")                    \
    X(FIELD_CONFLICT, INVALID_ARGUMENT, 400, INFO,                                                \
      "a field does not go with the rest of the request")                                         \
    X(FIELD_COUNTRY, INVALID_ARGUMENT, 400, INFO, "a field is not an ISO 3166-1 code")            \
    X(FIELD_DATE, INVALID_ARGUMENT, 400, INFO, "a field is not a calendar date, as 2026-06-12")   \
    X(FIELD_REVISION, INVALID_ARGUMENT, 400, INFO,                                                \
      "a field is not a revision as this service gives them out")                                 \
    X(MESSAGE_MALFORMED, INVALID_ARGUMENT, 400, INFO, "the message cannot be parsed")             \
    X(FILE_INVALID, INVALID_ARGUMENT, 400, INFO, "a file has errors")                             \
    X(TOKEN_INVALID, INVALID_ARGUMENT, 400, INFO, "the token is not acceptable")                  \
    /* The request is well formed, what it says cannot be accepted. */                            \
    X(MRZ_LENGTH, FAILED_PRECONDITION, 409, INFO, "the machine-readable zone has a wrong length") \
    X(MRZ_CHARACTER, FAILED_PRECONDITION, 409, INFO,                                              \
      "the machine-readable zone has a character that it may not have")                           \
    X(MRZ_CHECK_DIGIT, FAILED_PRECONDITION, 409, INFO,                                            \
      "a check digit of the machine-readable zone is wrong")                                      \
    X(MRZ_DATE, FAILED_PRECONDITION, 409, INFO,                                                   \
      "a date in the machine-readable zone is impossible")                                        \
    X(MRZ_DOCUMENT_CODE, FAILED_PRECONDITION, 409, INFO,                                          \
      "the document code is not one of ICAO 9303 for such a document")                            \
    X(MRZ_MISMATCH, FAILED_PRECONDITION, 409, INFO,                                               \
      "the machine-readable zone contradicts a field beside it")                                  \
    X(UNKNOWN_COUNTRY_CODE, FAILED_PRECONDITION, 409, INFO,                                       \
      "a country code stands for no country")                                                     \
    X(NATIONALITY_UNPROVEN, FAILED_PRECONDITION, 409, INFO,                                       \
      "the result does not prove a nationality")                                                  \
    X(NATIONALITY_MISMATCH, FAILED_PRECONDITION, 409, INFO,                                       \
      "two parts of the result name different nationalities")                                     \
    X(SANDBOX_RESULT, FAILED_PRECONDITION, 409, INFO,                                             \
      "results of a vendor's test mode do not count")                                             \
    X(RESULT_NOT_PASSED, FAILED_PRECONDITION, 409, INFO, "the vendor did not pass the document")  \
    X(DOCUMENT_EXPIRED, FAILED_PRECONDITION, 409, INFO, "the document's dates are impossible")    \
    X(DOCUMENT_REVOKED, FAILED_PRECONDITION, 409, INFO,                                           \
      "the document is reported revoked, lost or stolen")                                         \
    X(EVIDENCE_PURPOSE, FAILED_PRECONDITION, 409, INFO,                                           \
      "evidence made for Form I-9 or E-Verify is not accepted")                                   \
    X(BINDING_FAILED, FAILED_PRECONDITION, 409, INFO,                                             \
      "the document could not be bound to its holder")                                            \
    X(CHECK_ID_REUSED, FAILED_PRECONDITION, 409, INFO,                                            \
      "the vendor's check id belongs to another subject")                                         \
    X(ATTESTER_UNKNOWN, FAILED_PRECONDITION, 409, INFO,                                           \
      "the caller is not an attester of the organization")                                        \
    X(ORGANIZATION_UNKNOWN, FAILED_PRECONDITION, 409, INFO, "the organization is not registered") \
    X(SUBJECT_ORGANIZATION, FAILED_PRECONDITION, 409, INFO,                                       \
      "the subject is an organization, and evidence is about persons")                            \
    X(SUBJECT_KIND_FIXED, FAILED_PRECONDITION, 409, INFO,                                         \
      "the subject is on record as one of another kind")                                          \
    X(SUBJECT_FULL, FAILED_PRECONDITION, 409, INFO,                                               \
      "the subject has as many entries as it may have")                                           \
    X(REQUEST_ID_REUSED, FAILED_PRECONDITION, 409, INFO,                                          \
      "the request id was used with another body")                                                \
    X(REVISION_AHEAD, FAILED_PRECONDITION, 409, INFO, "the revision is ahead of the store")       \
    X(HASH_KEY_OTHER, FAILED_PRECONDITION, 409, INFO,                                             \
      "the names were made with another hash key than this store's")                              \
    X(STORE_NOT_EMPTY, FAILED_PRECONDITION, 409, INFO, "the store knows subjects already")        \
    X(RECORD_OF_OTHER_LOG, FAILED_PRECONDITION, 409, INFO,                                        \
      "the record is in the log of another replica")                                              \
    X(TREE_HEAD_BEHIND, FAILED_PRECONDITION, 409, INFO,                                           \
      "no signed tree head goes so far yet, try again in a second")                               \
    X(NOTHING_TO_CLAIM, FAILED_PRECONDITION, 409, INFO,                                           \
      "nothing is known that a claim could state")                                                \
    /* Who asks, and for what. */                                                                 \
    X(UNAUTHENTICATED, UNAUTHENTICATED, 401, INFO, "the caller is not authenticated")             \
    X(CALLER_DENIED, PERMISSION_DENIED, 403, WARN, "the caller is not served")                    \
    X(ROLE_MISSING, PERMISSION_DENIED, 403, INFO, "the caller may not do this")                   \
    X(DISCLOSURE_MISSING, PERMISSION_DENIED, 403, INFO,                                           \
      "the caller's binding does not disclose this")                                              \
    X(OUTSIDE_LIMITS, PERMISSION_DENIED, 403, INFO, "the caller's binding does not reach this")   \
    X(NOT_FOUND, NOT_FOUND, 404, INFO, "not found")                                               \
    X(RECORD_UNKNOWN, NOT_FOUND, 404, INFO, "the log has no such record")                         \
    X(METHOD_UNKNOWN, UNIMPLEMENTED, 404, INFO, "no such method")                                 \
    /* Limits. */                                                                                 \
    X(MESSAGE_TOO_LARGE, RESOURCE_EXHAUSTED, 413, INFO, "the message is too large")               \
    X(METADATA_TOO_LARGE, RESOURCE_EXHAUSTED, 431, INFO, "the metadata is too large")             \
    X(OVERLOADED, RESOURCE_EXHAUSTED, 429, WARN, "too many calls, try again later")               \
    X(BUDGET_RATE, RESOURCE_EXHAUSTED, 429, INFO,                                                 \
      "the caller has made as many calls as it may make in a second")                             \
    X(BUDGET_IN_FLIGHT, RESOURCE_EXHAUSTED, 429, INFO,                                            \
      "the caller has as many calls in flight as it may have")                                    \
    X(BUDGET_SUBJECTS, RESOURCE_EXHAUSTED, 429, INFO,                                             \
      "the caller has named as many subjects as it may name in an hour")                          \
    X(DEADLINE, DEADLINE_EXCEEDED, 504, INFO, "the deadline passed")                              \
    X(CANCELLED, CANCELLED, 499, DEBUG, "the caller cancelled")                                   \
    /* Our side. */                                                                               \
    X(CONFLICT, ABORTED, 409, INFO, "changed at the same time by another call, try again")        \
    X(STORE_UNAVAILABLE, UNAVAILABLE, 503, WARN, "the store does not answer, try again later")    \
    X(AUDIT_UNAVAILABLE, UNAVAILABLE, 503, ERROR, "the answer could not be recorded")             \
    X(DIRECTIVES_UNAVAILABLE, UNAVAILABLE, 503, ERROR, "no directive set can be evaluated")       \
    X(LEASE_LAPSED, UNAVAILABLE, 503, WARN,                                                       \
      "this replica does not hear of changes, try another one")                                   \
    X(CLOCK_BEHIND, UNAVAILABLE, 503, WARN, "this replica's clock went back, try another one")    \
    X(CLOCK_UNSYNCHRONIZED, UNAVAILABLE, 503, WARN,                                               \
      "this replica's clock is not synchronized, try another one")                                \
    X(DRAINING, UNAVAILABLE, 503, INFO, "the server is going away, try another one")              \
    X(STREAM_AGE, UNAVAILABLE, 503, INFO, "the stream reached its age, open a new one")           \
    X(CONFIG_INVALID, INTERNAL, 500, ERROR, "the configuration has errors")                       \
    X(IO, INTERNAL, 500, ERROR, "input or output failed")                                         \
    X(STORE_CORRUPT, DATA_LOSS, 500, ERROR, "a stored value is damaged")                          \
    X(INTERNAL, INTERNAL, 500, ERROR, "internal error")

enum err_code {
#define X(reason, status, http, level, text) ERR_##reason,
    ERR_LIST(X)
#undef X
        ERR_COUNT
};

enum { ERR_FIELD_MAX = 96, ERR_DETAIL_MAX = 256 };

/*
 * Why an operation failed.  `field` is a path in the request ("checks[3].subject") and may be
 * shown; `detail` is for operators and never leaves the process.  Neither holds input.
 */
struct err {
    enum err_code code;
    const char *file;
    int line;
    char field[ERR_FIELD_MAX];
    char detail[ERR_DETAIL_MAX];
};

#define ERR_NONE ((struct err){.code = ERR_OK})

/*
 * Fill *err and yield false, so that a failure is one line:
 *     return err_set(err, ERR_STORE_CORRUPT, "value of format %d", format);
 *     return err_field(err, ERR_FIELD_TOO_LONG, "subject", "%zu bytes", length);
 * The `false` stands in the macro, so that the compiler sees which path leaves outputs unset.
 */
#define err_field(err, code, field, ...)                                     \
    __extension__({                                                          \
        err_set_at((err), (code), __FILE__, __LINE__, (field), __VA_ARGS__); \
        false;                                                               \
    })
#define err_set(err, code, ...) err_field((err), (code), NULL, __VA_ARGS__)

void err_set_at(struct err *err, enum err_code code, const char *file, int line, const char *field,
                const char *format, ...) PRINTF_LIKE(6, 7);

/* Put `prefix` and a dot (none before "[") in front of the field: a nested validator names its own
 * part. */
void err_prefix_field(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The row of a code; an impossible code reads as ERR_INTERNAL. */
const char *err_reason(enum err_code code);
const char *err_public_text(enum err_code code);
enum err_status err_grpc_status(enum err_code code);
int err_http_status(enum err_code code);
enum err_level err_log_level(enum err_code code);
const char *err_status_name(enum err_status status);

#endif
