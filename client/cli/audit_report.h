/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The auditor's record: what a case comes to, as one JSON object, and the same as text.  What is
 * missing is in it as a sentence that says why.
 */
#ifndef CLIENT_CLI_AUDIT_REPORT_H
#define CLIENT_CLI_AUDIT_REPORT_H

#include "client/cli/audit_case.h"
#include "keys/sealed.h"

struct audit_report_options {
    struct seal_key *const *keys; /* that may open documents */
    size_t key_count;
    const struct hash_key *hash_key; /* of the deployment; or NULL */
    struct span subject;             /* to be compared; empty: nobody */
};

/* To be released with json_decref(). */
json_t *audit_report(const struct audit_case *found, const struct audit_report_options *options);

void audit_report_print(const struct output *output, const json_t *report);

/* audit_facts.c: what was known of the person at the moment of the record, or why nobody can say.
 */
json_t *audit_facts(const struct audit_case *found, const struct audit_person *person,
                    const struct audit_report_options *options);

#endif
