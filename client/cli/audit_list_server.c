/* SPDX-License-Identifier: Apache-2.0 */
/* passgate audit list without a folder: the records of the replica that is asked. */
#include "client/cli/audit_filter.h"
#include "client/cli/audit_record_text.h"

#include <time.h>

enum { LOOK_AGAIN_MS = 500 };

struct asking {
    struct cli *cli;
    const struct audit_filter *filter;
    struct passgate_audit_query query;
    char resume_token[128];
    struct arena record; /* one */
};

/* What the server can leave out; the filter is applied to what comes all the same. */
static bool take_query(struct asking *asking)
{
    const struct flags *flags = &asking->cli->flags;
    const struct audit_filter *filter = asking->filter;
    struct passgate_audit_query *query = &asking->query;

    query->from_ms = filter->since_ms == INT64_MIN ? 0 : filter->since_ms;
    query->until_ms = filter->before_ms == INT64_MAX ? 0 : filter->before_ms;
    query->caller = flags->caller;
    query->subject = flags->subject;
    query->all_kinds = flags->all;
    query->shadow_differs = filter->has_shadow_difference;
    if (span_is(filter->outcome, "allow"))
        query->decision = PASSGATE_AUDIT_ALLOW;
    if (span_is(filter->outcome, "deny"))
        query->decision = PASSGATE_AUDIT_DENY;
    query->resume_token = asking->resume_token;
    return !flags->resource || cli_split_resource(asking->cli, flags->resource,
                                                  &query->resource_type, &query->resource_id);
}

static void show(struct asking *asking, const struct passgate_audit_record *shown)
{
    struct audit_record record;
    uint64_t log_id, sequence;

    arena_reset(&asking->record);
    if (audit_record_take(shown, &asking->record, &log_id, &sequence, &record) &&
        audit_filter_fits(asking->filter, &record))
        audit_record_show(&asking->cli->output, log_id, sequence, &record, &asking->record);
}

/* Everything behind what was shown.  False after filling *error. */
static bool list_on(struct asking *asking, struct passgate_error *error)
{
    struct passgate_stream *stream =
        passgate_list_decisions(asking->cli->client, &asking->query, &asking->cli->call, error);
    struct passgate_audit_records *part;

    if (!stream)
        return false;
    while ((part = passgate_list_decisions_next(stream, error))) {
        for (size_t i = 0; i < part->record_count; i++)
            show(asking, &part->records[i]);
        snprintf(asking->resume_token, sizeof(asking->resume_token), "%s", part->resume_token);
        passgate_free(part);
    }
    passgate_stream_free(stream);
    return error->code == PASSGATE_OK;
}

/* How many records the log's newest head has; 0 while there is none.  Asking leaves no record,
 * which a listing does. */
static bool ask_size(struct asking *asking, uint64_t *ret_size, struct passgate_error *error)
{
    struct passgate_tree_head *head =
        passgate_get_tree_head(asking->cli->client, NULL, &asking->cli->call, error);

    *ret_size = head ? head->size : 0;
    passgate_free(head);
    return head || strcmp(error->reason, "TREE_HEAD_BEHIND") == 0;
}

static bool list(struct asking *asking, bool is_following, struct passgate_error *error)
{
    const struct timespec pause = {0, LOOK_AGAIN_MS * 1000000L};
    FILE *stream = asking->cli->output.stream;
    uint64_t known = 0, size;

    if (!is_following)
        return list_on(asking, error);
    do {
        if (!ask_size(asking, &size, error))
            return false;
        if (size <= known && known > 0)
            continue;
        if (!list_on(asking, error))
            return false;
        known = size + 1;        /* the listing's own record */
        if (fflush(stream) != 0) /* nobody reads any more */
            return true;
    } while (nanosleep(&pause, NULL) == 0);
    return true;
}

int audit_list_server(struct cli *cli, const struct audit_filter *filter)
{
    struct asking asking = {.cli = cli, .filter = filter};
    struct passgate_error error;
    bool is_listed;

    if (!take_query(&asking))
        return EXIT_ERROR;
    arena_init(&asking.record, 16 * 1024);
    is_listed = list(&asking, cli->flags.follow, &error);
    arena_release(&asking.record);
    return is_listed ? EXIT_ALLOW : cli_fail(cli, &error);
}
