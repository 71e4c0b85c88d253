/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the audit log as a message. */
#include "audit/record_message.h"

#include "domain/directive/evaluate.h"
#include "domain/directive/shadow.h"
#include "rpc/wire_time.h"
#include "storage/revision.h"
#include "telemetry/audit.h"

#include <inttypes.h>

static Passgate__V1__Resource *resource_of(struct span name, struct arena *arena)
{
    const uint8_t *slash = name.length ? memchr(name.data, '/', name.length) : NULL;
    Passgate__V1__Resource *resource;

    if (!slash)
        return NULL;
    resource = arena_alloc(arena, sizeof(*resource));
    passgate__v1__resource__init(resource);
    resource->type = arena_text(arena, span_of(name.data, (size_t)(slash - name.data)));
    resource->id = arena_text(arena, span_from(name, (size_t)(slash - name.data) + 1));
    return resource;
}

/* The high half first, as in the names of the store and in `passgate audit list`. */
static char *subject_of(struct hash128 subject, struct arena *arena)
{
    if (hash128_is_zero(subject))
        return arena_text(arena, span_of(NULL, 0));
    return arena_printf(arena, "%016" PRIx64 "%016" PRIx64, subject.high, subject.low);
}

static Passgate__V1__Decision decision_of(const struct audit_item *item)
{
    if (item->reason == DECISION_REASON_UNSPECIFIED)
        return PASSGATE__V1__DECISION__DECISION_UNSPECIFIED;
    return item->truth == TRUTH_TRUE ? PASSGATE__V1__DECISION__DECISION_ALLOW
                                     : PASSGATE__V1__DECISION__DECISION_DENY;
}

static Passgate__V1__Truth truth_of(uint8_t truth, uint8_t reason)
{
    if (reason == DECISION_REASON_UNSPECIFIED)
        return PASSGATE__V1__TRUTH__TRUTH_UNSPECIFIED;
    return truth == TRUTH_TRUE    ? PASSGATE__V1__TRUTH__TRUTH_TRUE
           : truth == TRUTH_FALSE ? PASSGATE__V1__TRUTH__TRUTH_FALSE
                                  : PASSGATE__V1__TRUTH__TRUTH_UNKNOWN;
}

/* NULL when there is none. */
static Passgate__V1__ShadowAnswer *shadow_of(const struct audit_item *item, struct arena *arena)
{
    const struct audit_shadow *shadow = &item->shadow;
    struct span id, digest;
    Passgate__V1__ShadowAnswer *message;

    if (shadow->reason == DECISION_REASON_UNSPECIFIED)
        return NULL;
    message = arena_alloc(arena, sizeof(*message));
    passgate__v1__shadow_answer__init(message);
    audit_shadow_directive(shadow, &id, &digest);
    message->truth = truth_of(shadow->truth, shadow->reason);
    message->reason = (Passgate__V1__Reason)shadow->reason;
    message->comparison =
        (Passgate__V1__ShadowComparison)(1 + shadow_compare(item->truth, item->reason,
                                                            shadow->truth, shadow->reason));
    message->directive = arena_text(arena, id);
    message->directive_digest = arena_text(arena, digest);
    return message;
}

static Passgate__V1__AuditItem *item_message(const struct audit_item *item,
                                             const struct directive_set *set, struct arena *arena)
{
    Passgate__V1__AuditItem *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__audit_item__init(message);
    message->subject = subject_of(item->subject, arena);
    message->resource = resource_of(item->resource, arena);
    message->action = arena_text(arena, item->action);
    message->decision = decision_of(item);
    message->reason = (Passgate__V1__Reason)item->reason;
    message->truth = truth_of(item->truth, item->reason);
    message->shadow = shadow_of(item, arena);
    if (item->directive == AUDIT_NO_DIRECTIVE)
        return message;
    message->directive_position = item->directive + 1;
    if (set && item->directive < directive_set_count(set)) {
        const struct directive *directive = directive_set_get(set, item->directive);

        message->directive = arena_text(arena, span_text(directive->id));
        message->directive_version = directive->version;
    }
    return message;
}

static char *kind_of(enum audit_kind kind, struct arena *arena)
{
    const char *name = audit_kind_name(kind);

    return name ? arena_text(arena, span_text(name)) : arena_printf(arena, "%d", (int)kind);
}

static void write_flags(Passgate__V1__AuditRecord *message, uint32_t flags)
{
    message->stale = flags & AUDIT_STALE_FACTS;
    message->also_subjects = flags & AUDIT_ALSO_SUBJECTS;
    message->by_claim = flags & AUDIT_BY_CLAIM;
    message->waited = flags & AUDIT_WAITED;
    message->dry_run = flags & AUDIT_DRY_RUN;
}

static void write_lists(Passgate__V1__AuditRecord *message, const struct audit_record *record,
                        const struct directive_set *set, struct arena *arena)
{
    message->n_items = record->item_count;
    message->items = arena_new_array(arena, Passgate__V1__AuditItem *, record->item_count);
    for (size_t i = 0; i < record->item_count; i++)
        message->items[i] = item_message(&record->items[i], set, arena);
    message->n_ids = record->id_count;
    message->ids = arena_new_array(arena, char *, record->id_count);
    for (size_t i = 0; i < record->id_count; i++)
        message->ids[i] = arena_text(arena, record->ids[i]);
}

Passgate__V1__AuditRecord *record_message(const struct audit_entry *entry,
                                          const struct directive_set *set, struct arena *arena)
{
    const struct audit_record *record = &entry->record;
    const struct revision revision = {record->directive_set, record->number, record->partition};
    Passgate__V1__AuditRecord *message = arena_alloc(arena, sizeof(*message));
    bool is_in_force = set && directive_set_number(set) == record->directive_set;

    passgate__v1__audit_record__init(message);
    message->decision_id = arena_alloc(arena, AUDIT_ID_MAX);
    audit_decision_id(entry->log_id, entry->sequence, message->decision_id);
    message->kind = kind_of(record->kind, arena);
    message->time = wire_timestamp(record->time_ms, arena);
    message->caller = arena_text(arena, record->caller);
    message->method = arena_text(arena, record->method);
    message->outcome = arena_text(arena, record->outcome);
    message->on_behalf_of = arena_text(arena, record->on_behalf_of);
    message->location = arena_text(arena, record->location);
    message->directive_set = record->directive_set;
    message->shadow_set_digest = arena_text(arena, record->shadow_set);
    message->latency = wire_duration((int64_t)(record->latency_us / 1000), arena);
    message->latency->nanos += (int32_t)(record->latency_us % 1000) * 1000;
    if (record->number > 0) {
        message->revision = arena_alloc(arena, REVISION_TEXT_MAX);
        revision_format(&revision, message->revision);
    }
    write_flags(message, record->flags);
    write_lists(message, record, is_in_force ? set : NULL, arena);
    return message;
}
