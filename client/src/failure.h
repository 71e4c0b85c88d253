/* SPDX-License-Identifier: Apache-2.0 */
/* Failures as callers see them: struct passgate_error from each of the places where one begins. */
#ifndef CLIENT_SRC_FAILURE_H
#define CLIENT_SRC_FAILURE_H

#include "base/err.h"
#include "base/span.h"
#include "client/include/passgate/client.h"

/* All of these accept error == NULL. */

/* Something of ours: a file, an argument. */
void failure_set(struct passgate_error *error, enum passgate_code code, const char *reason,
                 const char *field, const char *format, ...) PRINTF_LIKE(5, 6);

/* The code and reason of the row, the field and the detail of `err`. */
void failure_from_err(struct passgate_error *error, const struct err *err);

/*
 * The status of a call.  `details` is the google.rpc.Status of grpc-status-details-bin, or empty:
 * ErrorInfo gives the reason, BadRequest the field.  Without them the reason is the code's name.
 */
void failure_from_status(struct passgate_error *error, int code, const char *message,
                         struct span details);

#endif
