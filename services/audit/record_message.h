/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the audit log as a message. */
#ifndef AUDIT_RECORD_MESSAGE_H
#define AUDIT_RECORD_MESSAGE_H

#include "domain/directive/directive.h"
#include "passgate/v1/audit.pb-c.h"
#include "telemetry/audit_reader.h"

/* In the arena, with all that it points to.  `set` is the one in force, for the names of its
 * directives, or NULL. */
Passgate__V1__AuditRecord *record_message(const struct audit_entry *entry,
                                          const struct directive_set *set, struct arena *arena);

#endif
