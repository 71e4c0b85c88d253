/* SPDX-License-Identifier: Apache-2.0 */
/* Which records of an audit log are to be shown, as the flags of `passgate audit list` say. */
#ifndef CLIENT_CLI_AUDIT_FILTER_H
#define CLIENT_CLI_AUDIT_FILTER_H

#include "client/cli/command.h"
#include "domain/audit/record.h"

/* An empty member lets everything through. */
struct audit_filter {
    int64_t since_ms, before_ms; /* INT64_MIN, INT64_MAX */
    struct span caller, resource, outcome;
    bool has_subject, has_shadow_difference;
    struct hash128 subject;
};

/* Says what is wrong with the flags. */
MUST_CHECK bool audit_filter_take(const struct cli *cli, struct audit_filter *ret_filter);
bool audit_filter_fits(const struct audit_filter *filter, const struct audit_record *record);

/* audit_list_server.c: the records of the server instead of a folder's. */
int audit_list_server(struct cli *cli, const struct audit_filter *filter);

#endif
