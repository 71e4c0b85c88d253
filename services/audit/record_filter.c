/* SPDX-License-Identifier: Apache-2.0 */
/* Which records of the audit log are meant. */
#include "audit/record_filter.h"

#include "base/timestamp.h"
#include "domain/directive/shadow.h"
#include "domain/field/field.h"
#include "rpc/wire_time.h"

static bool read_times(const Passgate__V1__ListDecisionsRequest *request,
                       struct record_filter *filter, struct err *err)
{
    filter->from_ms = INT64_MIN;
    filter->until_ms = TIMESTAMP_NEVER_MS;
    return (!request->from || wire_timestamp_read(request->from, "from", &filter->from_ms, err)) &&
           (!request->until ||
            wire_timestamp_read(request->until, "until", &filter->until_ms, err));
}

static bool read_resource(const Passgate__V1__Resource *resource, struct arena *arena,
                          struct record_filter *filter, struct err *err)
{
    if (!resource)
        return true;
    if (!field_check(FIELD_KIND_RESOURCE_TYPE, span_text(resource->type), "resource.type", err) ||
        !field_check(FIELD_KIND_RESOURCE_ID, span_text(resource->id), "resource.id", err))
        return false;
    filter->resource = span_text(arena_printf(arena, "%s/%s", resource->type, resource->id));
    return true;
}

static bool read_decision(Passgate__V1__Decision decision, struct record_filter *filter,
                          struct err *err)
{
    filter->has_decision = decision != PASSGATE__V1__DECISION__DECISION_UNSPECIFIED;
    filter->is_allowed = decision == PASSGATE__V1__DECISION__DECISION_ALLOW;
    if (filter->has_decision && !filter->is_allowed &&
        decision != PASSGATE__V1__DECISION__DECISION_DENY)
        return err_field(err, ERR_FIELD_ENUM, "decision", "%d", decision);
    return true;
}

bool record_filter_read(const Passgate__V1__ListDecisionsRequest *request,
                        const struct names *names, struct arena *arena,
                        struct record_filter *ret_filter, struct err *err)
{
    struct record_filter filter = {
        .caller = span_text(request->caller),
        .is_every_kind = request->all_kinds,
        .has_shadow_difference = request->shadow_differs,
    };

    if (filter.caller.length > 0 && !field_check(FIELD_KIND_CALLER, filter.caller, "caller", err))
        return false;
    if (!read_times(request, &filter, err) ||
        !read_resource(request->resource, arena, &filter, err) ||
        !read_decision(request->decision, &filter, err))
        return false;
    if (request->subject[0] != '\0') {
        if (!field_check(FIELD_KIND_SUBJECT, span_text(request->subject), "subject", err))
            return false;
        filter.has_subject = true;
        filter.subject = names_subject_hash(names, span_text(request->subject));
    }
    *ret_filter = filter;
    return true;
}

static bool is_decision(enum audit_kind kind)
{
    return kind == AUDIT_DECISION || kind == AUDIT_BATCH || kind == AUDIT_REFUSAL;
}

static bool has_shadow_difference(const struct audit_item *item)
{
    return item->shadow.reason != 0 && shadow_compare(item->truth, item->reason, item->shadow.truth,
                                                      item->shadow.reason) != SHADOW_AGREES;
}

static bool takes_item(const struct record_filter *filter, const struct audit_item *item)
{
    if (filter->has_subject && !hash128_equal(filter->subject, item->subject))
        return false;
    if (filter->resource.length > 0 && !span_equal(filter->resource, item->resource))
        return false;
    if (filter->has_shadow_difference && !has_shadow_difference(item))
        return false;
    return !filter->has_decision ||
           (item->reason != 0 && filter->is_allowed == (item->truth == TRUTH_TRUE));
}

bool record_filter_takes(const struct record_filter *filter, const struct audit_record *record)
{
    bool asks_for_items = filter->has_subject || filter->resource.length > 0 ||
                          filter->has_decision || filter->has_shadow_difference;

    if (record->time_ms < filter->from_ms || record->time_ms >= filter->until_ms ||
        (!filter->is_every_kind && !is_decision(record->kind)) ||
        (filter->caller.length > 0 && !span_equal(filter->caller, record->caller)))
        return false;
    for (size_t i = 0; asks_for_items && i < record->item_count; i++)
        if (takes_item(filter, &record->items[i]))
            return true;
    return !asks_for_items;
}
