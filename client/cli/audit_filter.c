/* SPDX-License-Identifier: Apache-2.0 */
/* Which records of an audit log are to be shown. */
#include "client/cli/audit_filter.h"

#include "base/encoding.h"
#include "base/timestamp.h"
#include "client/cli/audit_record_text.h"

static bool take_time(const struct cli *cli, const char *flag, const char *text, int64_t *ms)
{
    if (!text || timestamp_parse(span_text(text), ms))
        return true;
    cli_fail_with(cli, "--%s is a time with its offset, such as 2026-06-12T17:21:00-04:00", flag);
    return false;
}

static bool take_subject(const struct cli *cli, struct audit_filter *filter)
{
    const char *text = cli->flags.subject_hash;
    uint8_t bytes[HASH128_BYTES];

    if (!text)
        return true;
    if (strlen(text) != 2 * sizeof(bytes) || !hex_decode(span_text(text), bytes)) {
        cli_fail_with(cli, "--subject-hash is 32 hex digits, as passgate audit list shows them");
        return false;
    }
    filter->has_subject = true;
    filter->subject = audit_subject_parse(bytes);
    return true;
}

bool audit_filter_take(const struct cli *cli, struct audit_filter *ret_filter)
{
    *ret_filter = (struct audit_filter){
        .since_ms = INT64_MIN,
        .before_ms = INT64_MAX,
        .caller = span_text(cli->flags.caller),
        .resource = span_text(cli->flags.resource),
        .outcome = span_text(cli->flags.outcome),
        .has_shadow_difference = cli->flags.shadow_differs,
    };
    return take_time(cli, "since", cli->flags.since, &ret_filter->since_ms) &&
           take_time(cli, "before", cli->flags.before, &ret_filter->before_ms) &&
           take_subject(cli, ret_filter);
}

/* One item has to fit in all of subject, resource and answer. */
static bool item_fits(const struct audit_filter *filter, const struct audit_record *record,
                      const struct audit_item *item)
{
    return (!filter->has_subject || hash128_equal(filter->subject, item->subject)) &&
           (!filter->resource.length || span_equal(filter->resource, item->resource)) &&
           (!filter->outcome.length ||
            span_is(filter->outcome, audit_outcome_word(record, item))) &&
           (!filter->has_shadow_difference || audit_shadow_differs(item));
}

bool audit_filter_fits(const struct audit_filter *filter, const struct audit_record *record)
{
    static const struct audit_item none = {.directive = AUDIT_NO_DIRECTIVE};

    if (record->time_ms < filter->since_ms || record->time_ms >= filter->before_ms ||
        (filter->caller.length && !span_equal(filter->caller, record->caller)))
        return false;
    for (size_t i = 0; i < record->item_count; i++)
        if (item_fits(filter, record, &record->items[i]))
            return true;
    return record->item_count == 0 && item_fits(filter, record, &none);
}
