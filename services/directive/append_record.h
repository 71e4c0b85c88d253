/* SPDX-License-Identifier: Apache-2.0 */
/* A record without which directives must not count: it waits for a log that is full. */
#ifndef DIRECTIVE_APPEND_RECORD_H
#define DIRECTIVE_APPEND_RECORD_H

#include "base/mailbox.h"
#include "telemetry/audit.h"

/* Append it within a second, on the thread of the mailbox.  AUDIT_UNAVAILABLE when there is no room
 * all that time; nor is it dropped in mode ring. */
MUST_CHECK bool append_record(struct audit_log *audit, struct mailbox *mailbox,
                              const struct audit_record *record, struct err *err);

#endif
