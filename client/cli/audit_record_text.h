/* SPDX-License-Identifier: Apache-2.0 */
/* Audit records as lines, for people and for programs. */
#ifndef CLIENT_CLI_AUDIT_RECORD_TEXT_H
#define CLIENT_CLI_AUDIT_RECORD_TEXT_H

#include "client/cli/output.h"
#include "domain/audit/record.h"

/* "allow", "deny", "error", "done": what --outcome takes. */
const char *audit_outcome_word(const struct audit_record *record, const struct audit_item *item);

/* Would directives that were tried have made the decision otherwise, or for another reason? */
bool audit_shadow_differs(const struct audit_item *item);

/* Subjects are shown, and asked for, as 32 hex digits, the high half first. */
struct hash128 audit_subject_parse(const uint8_t bytes[static HASH128_BYTES]);

/* "0123…": the hash as 32 hex digits; "" when there is none. */
enum {
    AUDIT_SUBJECT_LENGTH = 2 * HASH128_BYTES,
    AUDIT_SUBJECT_TEXT_MAX = AUDIT_SUBJECT_LENGTH + 1
};
const char *audit_subject_text(struct hash128 subject, char text[static AUDIT_SUBJECT_TEXT_MAX]);

/* One record as JSON, to be released with json_decref(). */
json_t *audit_record_json(uint64_t log_id, uint64_t sequence, const struct audit_record *record,
                          struct arena *arena);

/* A record as the server shows it, as if it had been read from the log: the same, but for what is
 * not shown (a payload, the number of a write).  False when its id is none. */
bool audit_record_take(const struct passgate_audit_record *shown, struct arena *arena,
                       uint64_t *ret_log_id, uint64_t *ret_sequence,
                       struct audit_record *ret_record);

/* One line for each item, or one object on a line. */
void audit_record_show(const struct output *output, uint64_t log_id, uint64_t sequence,
                       const struct audit_record *record, struct arena *arena);

#endif
