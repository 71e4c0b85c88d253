/* SPDX-License-Identifier: Apache-2.0 */
/* Audit records as lines. */
#include "client/cli/audit_record_text.h"

#include "base/encoding.h"
#include "base/timestamp.h"
#include "domain/audit/files.h"
#include "domain/directive/evaluate.h"
#include "domain/directive/shadow.h"

#include <inttypes.h>

const char *audit_outcome_word(const struct audit_record *record, const struct audit_item *item)
{
    if (record->outcome.length > 0)
        return "error";
    if (item->reason == 0)
        return "done";
    return item->truth == TRUTH_TRUE ? "allow" : "deny";
}

static enum shadow_difference shadow_difference_of(const struct audit_item *item)
{
    return shadow_compare(item->truth, item->reason, item->shadow.truth, item->shadow.reason);
}

bool audit_shadow_differs(const struct audit_item *item)
{
    return item->shadow.reason != 0 && shadow_difference_of(item) != SHADOW_AGREES;
}

struct hash128 audit_subject_parse(const uint8_t bytes[static HASH128_BYTES])
{
    struct hash128 hash = {0};

    for (size_t i = 0; i < HASH128_BYTES / 2; i++) {
        hash.high = hash.high << 8 | bytes[i];
        hash.low = hash.low << 8 | bytes[HASH128_BYTES / 2 + i];
    }
    return hash;
}

const char *audit_subject_text(struct hash128 subject, char text[static AUDIT_SUBJECT_TEXT_MAX])
{
    text[0] = '\0';
    if (!hash128_is_zero(subject))
        snprintf(text, AUDIT_SUBJECT_TEXT_MAX, "%016" PRIx64 "%016" PRIx64, subject.high,
                 subject.low);
    return text;
}

static const char *kind_text(const struct audit_record *record, struct arena *arena)
{
    const char *name = audit_kind_name(record->kind);

    return name ? name : arena_printf(arena, "%u", (unsigned)record->kind);
}

/* NULL when no decision was made, or its number is of a later version. */
static const char *reason_text(const struct audit_item *item)
{
    return item->reason ? decision_reason_name((enum decision_reason)item->reason) : NULL;
}

static void set_text(json_t *object, const char *name, struct span text)
{
    json_t *value = text.length ? json_stringn((const char *)text.data, text.length) : NULL;

    if (value) /* else empty, or not UTF-8 */
        json_object_set_new(object, name, value);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    if (number > 0)
        json_object_set_new(object, name, json_integer((json_int_t)number));
}

static json_t *shadow_json(const struct audit_item *item)
{
    const struct audit_shadow *shadow = &item->shadow;
    json_t *object = json_object();
    struct span id, digest;

    audit_shadow_directive(shadow, &id, &digest);
    set_text(object, "outcome", span_text(shadow->truth == TRUTH_TRUE ? "allow" : "deny"));
    set_text(object, "reason", span_text(decision_reason_name(shadow->reason)));
    set_text(object, "comparison", span_text(shadow_difference_word(shadow_difference_of(item))));
    set_text(object, "directive", id);
    set_text(object, "directiveDigest", digest);
    return object;
}

static json_t *item_json(const struct audit_record *record, const struct audit_item *item)
{
    char subject[AUDIT_SUBJECT_TEXT_MAX];
    json_t *object = json_object();
    const char *reason = reason_text(item);

    set_text(object, "subject", span_text(audit_subject_text(item->subject, subject)));
    set_text(object, "resource", item->resource);
    set_text(object, "action", item->action);
    set_text(object, "outcome", span_text(audit_outcome_word(record, item)));
    set_text(object, "reason", span_text(reason));
    if (item->directive != AUDIT_NO_DIRECTIVE)
        json_object_set_new(object, "directive", json_integer(item->directive));
    if (item->shadow.reason != 0)
        json_object_set_new(object, "shadow", shadow_json(item));
    return object;
}

static json_t *flags_json(const struct audit_record *record)
{
    static const struct {
        enum audit_flags flag;
        const char *name;
    } rows[] = {
        {AUDIT_STALE_FACTS, "stale_facts"}, {AUDIT_ALSO_SUBJECTS, "also_subjects"},
        {AUDIT_BY_CLAIM, "by_claim"},       {AUDIT_WAITED, "waited"},
        {AUDIT_DRY_RUN, "dry_run"},
    };
    json_t *flags = json_array();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (record->flags & rows[i].flag)
            json_array_append_new(flags, json_string(rows[i].name));
    return flags;
}

json_t *audit_record_json(uint64_t log_id, uint64_t sequence, const struct audit_record *record,
                          struct arena *arena)
{
    json_t *object = json_object(), *items = json_array(), *ids = json_array();
    char id[AUDIT_ID_MAX], time[TIMESTAMP_TEXT_MAX];

    set_text(object, "id", span_text(audit_decision_id(log_id, sequence, id)));
    set_text(object, "time", span_text(timestamp_format(record->time_ms, time)));
    set_text(object, "kind", span_text(kind_text(record, arena)));
    set_text(object, "caller", record->caller);
    set_text(object, "method", record->method);
    set_text(object, "error", record->outcome);
    set_text(object, "onBehalfOf", record->on_behalf_of);
    set_text(object, "location", record->location);
    set_number(object, "directiveSet", record->directive_set);
    set_number(object, "latencyUs", record->latency_us);
    if (record->number > 0) {
        json_object_set_new(object, "partition", json_integer(record->partition));
        set_number(object, "number", record->number);
    }
    for (size_t i = 0; i < record->item_count; i++)
        json_array_append_new(items, item_json(record, &record->items[i]));
    for (size_t i = 0; i < record->id_count; i++)
        json_array_append_new(
            ids, json_stringn((const char *)record->ids[i].data, record->ids[i].length));
    json_object_set_new(object, "flags", flags_json(record));
    json_object_set_new(object, "items", items);
    json_object_set_new(object, "ids", ids);
    set_text(object, "payload", record->payload);
    set_text(object, "shadowSet", record->shadow_set);
    return object;
}

/* "shadow narrows: NOT_PERMITTED by stricter-2026" */
static void print_shadow(const struct output *output, const struct audit_item *item)
{
    struct span id, digest;

    audit_shadow_directive(&item->shadow, &id, &digest);
    output_print(output, "  shadow ");
    output_colored(output, audit_shadow_differs(item) ? COLOR_YELLOW : COLOR_NONE, "%s",
                   shadow_difference_word(shadow_difference_of(item)));
    output_print(output, ": %s%s%.*s", decision_reason_name(item->shadow.reason),
                 id.length > 0 ? " by " : "", SPAN_FORMAT(id));
}

static void print_line(const struct output *output, const char *id, const char *time,
                       const struct audit_record *record, const struct audit_item *item,
                       struct arena *arena)
{
    static const struct {
        const char *word;
        enum output_color color;
    } colors[] = {{"allow", COLOR_GREEN}, {"deny", COLOR_RED}, {"error", COLOR_YELLOW}};
    const char *word = audit_outcome_word(record, item), *reason = reason_text(item);
    enum output_color color = COLOR_NONE;
    char subject[AUDIT_SUBJECT_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(colors); i++)
        if (strcmp(word, colors[i].word) == 0)
            color = colors[i].color;
    output_print(output, "%s  %s  %s  ", time, id, kind_text(record, arena));
    output_colored(output, color, "%s", word);
    output_print(output, "  %.*s", SPAN_FORMAT(record->caller));
    if (audit_subject_text(item->subject, subject)[0])
        output_print(output, "  %s", subject);
    if (item->resource.length > 0)
        output_print(output, "  %.*s %.*s", SPAN_FORMAT(item->resource), SPAN_FORMAT(item->action));
    if (reason || record->outcome.length > 0)
        output_print(output, "  %s%.*s", reason ? reason : "", SPAN_FORMAT(record->outcome));
    if (item->shadow.reason != 0)
        print_shadow(output, item);
    for (size_t i = 0; i < record->id_count; i++)
        output_print(output, "  %.*s", SPAN_FORMAT(record->ids[i]));
    if (record->kind == AUDIT_ADMINISTRATION ||
        (record->kind >= AUDIT_LOG_OPENED && record->kind <= AUDIT_RECORDS_DROPPED))
        output_print(output, "  %.*s", SPAN_FORMAT(record->payload));
    output_print(output, "\n");
}

void audit_record_show(const struct output *output, uint64_t log_id, uint64_t sequence,
                       const struct audit_record *record, struct arena *arena)
{
    static const struct audit_item none = {.directive = AUDIT_NO_DIRECTIVE};
    char id[AUDIT_ID_MAX], time[TIMESTAMP_TEXT_MAX];

    if (output->is_json) {
        json_t *object = audit_record_json(log_id, sequence, record, arena);

        json_dumpf(object, output->stream, JSON_COMPACT);
        fputc('\n', output->stream);
        json_decref(object);
        return;
    }
    audit_decision_id(log_id, sequence, id);
    timestamp_format(record->time_ms, time);
    for (size_t i = 0; i < record->item_count || (i == 0 && record->item_count == 0); i++)
        print_line(output, id, time, record, record->item_count ? &record->items[i] : &none, arena);
}

/* ---- from the server ---- */

/* 0 for one that this version does not know. */
static enum audit_kind kind_named(const char *name)
{
    for (int kind = 1; kind <= UINT8_MAX; kind++) {
        const char *known = audit_kind_name((enum audit_kind)kind);

        if (known && strcmp(known, name) == 0)
            return (enum audit_kind)kind;
    }
    return (enum audit_kind)0;
}

static const uint8_t truths[] = {
    [PASSGATE_TRUTH_FALSE] = TRUTH_FALSE,
    [PASSGATE_TRUTH_UNKNOWN] = TRUTH_UNKNOWN,
    [PASSGATE_TRUTH_TRUE] = TRUTH_TRUE,
};

static struct audit_shadow take_shadow(const struct passgate_shadow *shown, struct arena *arena)
{
    return (struct audit_shadow){
        .truth = truths[shown->truth],
        .reason = (uint8_t)shown->reason,
        .directive = shown->directive[0] ? span_text(arena_printf(arena, "%s %s", shown->directive,
                                                                  shown->directive_digest))
                                         : span_of(NULL, 0),
    };
}

static struct audit_item take_item(const struct passgate_audit_item *shown, struct arena *arena)
{
    struct audit_item item = {
        .action = span_text(shown->action),
        .truth = truths[shown->truth],
        .reason = shown->is_decided ? (uint8_t)shown->reason : 0,
        .directive = shown->directive_position ? shown->directive_position - 1 : AUDIT_NO_DIRECTIVE,
    };
    uint8_t bytes[HASH128_BYTES];

    if (shown->shadow)
        item.shadow = take_shadow(shown->shadow, arena);
    if (strlen(shown->subject) == AUDIT_SUBJECT_LENGTH &&
        hex_decode(span_text(shown->subject), bytes))
        item.subject = audit_subject_parse(bytes);
    if (shown->resource)
        item.resource =
            span_text(arena_printf(arena, "%s/%s", shown->resource->type, shown->resource->id));
    return item;
}

static uint32_t take_flags(const struct passgate_audit_record *shown)
{
    return (shown->is_stale ? AUDIT_STALE_FACTS : 0u) |
           (shown->has_also_subjects ? AUDIT_ALSO_SUBJECTS : 0u) |
           (shown->is_by_claim ? AUDIT_BY_CLAIM : 0u) | (shown->has_waited ? AUDIT_WAITED : 0u) |
           (shown->is_dry_run ? AUDIT_DRY_RUN : 0u);
}

bool audit_record_take(const struct passgate_audit_record *shown, struct arena *arena,
                       uint64_t *ret_log_id, uint64_t *ret_sequence,
                       struct audit_record *ret_record)
{
    struct audit_item *items;
    struct span *ids;

    if (!audit_decision_id_parse(span_text(shown->decision_id), ret_log_id, ret_sequence))
        return false;
    items = arena_new_array(arena, struct audit_item, shown->item_count);
    ids = arena_new_array(arena, struct span, shown->id_count);
    for (size_t i = 0; i < shown->item_count; i++)
        items[i] = take_item(&shown->items[i], arena);
    for (size_t i = 0; i < shown->id_count; i++)
        ids[i] = span_text(shown->ids[i]);
    *ret_record = (struct audit_record){
        .kind = kind_named(shown->kind),
        .flags = take_flags(shown),
        .time_ms = shown->time_ms,
        .caller = span_text(shown->caller),
        .method = span_text(shown->method),
        .outcome = span_text(shown->outcome),
        .on_behalf_of = span_text(shown->on_behalf_of),
        .location = span_text(shown->location),
        .directive_set = shown->directive_set,
        .latency_us = (uint64_t)shown->latency_us,
        .items = items,
        .item_count = shown->item_count,
        .ids = ids,
        .id_count = shown->id_count,
        .shadow_set = span_text(shown->shadow_set_digest),
    };
    return true;
}
