/* SPDX-License-Identifier: Apache-2.0 */
/* A record without which directives must not count. */
#include "directive/append_record.h"

enum { TRIES = 50, TRY_AGAIN_MS = 20 };

bool append_record(struct audit_log *audit, struct mailbox *mailbox,
                   const struct audit_record *record, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        uint64_t sequence = 0;
        bool is_appended = audit_append(audit, record, &sequence, err);

        if (is_appended && sequence > 0)
            return true;
        if (is_appended) /* mode ring: what says who decided is not dropped */
            err_set(err, ERR_AUDIT_UNAVAILABLE, "the memory of the audit log is full");
        if (err->code != ERR_AUDIT_UNAVAILABLE || attempt == TRIES)
            return false;
        mailbox_wait(mailbox, TRY_AGAIN_MS);
    }
}
