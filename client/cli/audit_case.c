/* SPDX-License-Identifier: Apache-2.0 */
/* A case: one record, and what explains it. */
#include "client/cli/audit_case.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "client/cli/audit_record_text.h"

/* ---- the record ---- */

struct search {
    struct audit_case *found;
    const struct log_folder *folder;
};

static struct audit_record copy_of(const struct audit_record *record, struct arena *arena)
{
    struct audit_item *items = arena_new_array(arena, struct audit_item, record->item_count);
    struct span *ids = arena_new_array(arena, struct span, record->id_count);
    struct audit_record copy = *record;

    for (size_t i = 0; i < record->item_count; i++) {
        items[i] = record->items[i];
        items[i].resource = arena_copy(arena, items[i].resource);
        items[i].action = arena_copy(arena, items[i].action);
        items[i].shadow.directive = arena_copy(arena, items[i].shadow.directive);
    }
    for (size_t i = 0; i < record->id_count; i++)
        ids[i] = arena_copy(arena, record->ids[i]);
    copy.items = items;
    copy.ids = ids;
    copy.caller = arena_copy(arena, record->caller);
    copy.method = arena_copy(arena, record->method);
    copy.outcome = arena_copy(arena, record->outcome);
    copy.on_behalf_of = arena_copy(arena, record->on_behalf_of);
    copy.location = arena_copy(arena, record->location);
    copy.payload = arena_copy(arena, record->payload);
    copy.shadow_set = arena_copy(arena, record->shadow_set);
    return copy;
}

static void look(void *context, const struct log_record *met)
{
    struct search *search = context;
    struct audit_case *found = search->found;

    if (met->sequence != found->sequence || met->log_id != found->log_id || found->folder)
        return;
    found->record = copy_of(met->record, found->arena);
    found->folder = search->folder;
}

static bool has_subject(const struct audit_case *found, struct hash128 subject)
{
    for (size_t i = 0; i < found->person_count; i++)
        if (hash128_equal(found->persons[i].subject, subject))
            return true;
    return false;
}

static void list_persons(struct audit_case *found)
{
    const struct audit_record *record = &found->record;

    found->persons = arena_new_array(found->arena, struct audit_person, record->item_count);
    for (size_t i = 0; i < record->item_count; i++) {
        struct hash128 subject = record->items[i].subject;

        if (hash128_is_zero(subject) || has_subject(found, subject))
            continue;
        found->persons[found->person_count++] =
            (struct audit_person){.subject = subject, .reviewers = json_array()};
    }
}

bool audit_case_find(struct audit_case *found, const struct log_folder *folders, size_t count,
                     struct err *err)
{
    for (size_t i = 0; i < count && !found->folder; i++) {
        struct search search = {found, &folders[i]};
        size_t at = folders[i].files.count;

        while (at > 0 && folders[i].files.first_sequences[at - 1] > found->sequence)
            at--;
        if (at > 0 && !log_folder_scan_segment(&folders[i], at - 1, look, &search, err))
            return false;
    }
    if (!found->folder)
        return err_set(err, ERR_RECORD_UNKNOWN, "none of these logs has this record");
    list_persons(found);
    return true;
}

/* ---- what explains it ---- */

/* The parts of a set as they come. */
struct series {
    json_t *directives;
    json_t *countries;
    json_int_t parts;
    uint64_t sequence; /* of the first one */
    struct span digest;
};

/* Which telling of the set counts: the last one before the record in its own log says which country
 * sets were in use, the others are of the same directives. */
enum rank { RANK_NONE, RANK_OTHER_LOG, RANK_LATER, RANK_OWN };

struct gathering {
    struct audit_case *found;
    struct series series;
    enum rank rank;
};

static bool is_change(const struct audit_record *record)
{
    switch ((int)record->kind) {
    case AUDIT_VERIFICATION_SUBMITTED: return record->outcome.length == 0;
    case AUDIT_EVIDENCE_REVOKED: /* … with the reason why the vendor's word did not pass */
    case AUDIT_AFFILIATIONS_SET:
    case AUDIT_PRINCIPALS_SET:
    case AUDIT_SUBJECT_ERASED: return !span_is(record->outcome, "UNCHANGED");
    default: return false;
    }
}

/* Numbers tell the order within a partition, times anything else. */
static bool is_behind(uint16_t partition, uint64_t number, int64_t time_ms,
                      const struct audit_record *record)
{
    if (partition == record->partition && number > 0 && record->number > 0)
        return record->number > number;
    return record->time_ms > time_ms;
}

static struct audit_change change_of(const struct log_record *met, struct arena *arena)
{
    return (struct audit_change){
        .is_there = true,
        .log_id = met->log_id,
        .sequence = met->sequence,
        .kind = met->record->kind,
        .time_ms = met->record->time_ms,
        .partition = met->record->partition,
        .number = met->record->number,
        .sealed = arena_copy(arena, met->record->payload),
    };
}

static void take_change(struct audit_case *found, struct audit_person *person,
                        const struct log_record *met)
{
    const struct audit_record *record = met->record, *decision = &found->record;
    bool is_next = is_behind(decision->partition, decision->number, decision->time_ms, record);
    struct audit_change *slot = is_next ? &person->next : &person->last;
    bool is_later =
        slot->is_there && is_behind(slot->partition, slot->number, slot->time_ms, record);

    if (!slot->is_there || is_later != is_next)
        *slot = change_of(met, found->arena);
}

static void take_reviewers(struct audit_case *found, struct audit_person *person,
                           const struct log_record *met)
{
    const struct span label = span_text(AUDIT_REVIEWER_LABEL);
    const struct audit_record *record = met->record;
    char id[AUDIT_ID_MAX], time[TIMESTAMP_TEXT_MAX];

    if (record->id_count == 0 ||
        is_behind(found->record.partition, found->record.number, found->record.time_ms, record))
        return;
    for (size_t i = 1; i < record->id_count; i++) {
        struct span who = span_from(record->ids[i], label.length);

        if (span_starts_with(record->ids[i], label))
            json_array_append_new(person->reviewers,
                                  json_pack("{s:s%, s:s%, s:s, s:s}", "reviewer", who.data,
                                            who.length, "evidence", record->ids[0].data,
                                            record->ids[0].length, "record",
                                            audit_decision_id(met->log_id, met->sequence, id),
                                            "time", timestamp_format(record->time_ms, time)));
    }
}

static void drop_series(struct series *series)
{
    json_decref(series->directives);
    json_decref(series->countries);
    *series = (struct series){0};
}

/* A list that goes on has an entry of the same index without the rest. */
static void join(json_t *directives, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *entry = json_array_get(list, i), *before;

        before = json_array_get(directives, json_array_size(directives) - 1);
        if (json_object_get(entry, "id"))
            json_array_append(directives, entry);
        else
            json_array_extend(json_object_get(before, "resources"),
                              json_object_get(entry, "resources"));
    }
}

static void use_series(struct gathering *gathering, uint64_t log_id)
{
    struct audit_case *found = gathering->found;
    struct series *series = &gathering->series;
    bool is_own = log_id == found->log_id;
    enum rank rank = !is_own                              ? RANK_OTHER_LOG
                     : series->sequence > found->sequence ? RANK_LATER
                                                          : RANK_OWN;

    if (rank < gathering->rank || (rank == gathering->rank && rank != RANK_OWN))
        return;
    gathering->rank = rank;
    json_decref(found->directives);
    json_decref(found->countries);
    found->directives = json_incref(series->directives);
    found->countries = is_own && series->countries ? json_incref(series->countries) : NULL;
    found->set_digest = arena_text(found->arena, series->digest);
}

static void take_set(struct gathering *gathering, const struct log_record *met)
{
    struct series *series = &gathering->series;
    struct err ignored;
    json_int_t part;
    json_t *payload;

    if (met->record->directive_set != gathering->found->record.directive_set ||
        met->record->id_count == 0 || !json_read(met->record->payload, &payload, &ignored))
        return;
    part = json_integer_value(json_object_get(payload, "part"));
    if (part == 1) {
        drop_series(series);
        series->directives = json_array();
        series->countries = json_incref(json_object_get(payload, "countries"));
        series->sequence = met->sequence;
        series->digest = arena_copy(gathering->found->arena, met->record->ids[0]);
    }
    if (series->directives && part == series->parts + 1) {
        series->parts = part;
        join(series->directives, json_object_get(payload, "directives"));
        if (json_is_true(json_object_get(payload, "last"))) {
            use_series(gathering, met->log_id);
            drop_series(series);
        }
    }
    json_decref(payload);
}

static void take(void *context, const struct log_record *met)
{
    struct gathering *gathering = context;
    const struct audit_record *record = met->record;
    struct audit_case *found = gathering->found;

    if (record->kind == AUDIT_DIRECTIVES_IN_FORCE) {
        take_set(gathering, met);
        return;
    }
    if (record->item_count == 0 || !is_change(record))
        return;
    for (size_t i = 0; i < found->person_count; i++) {
        struct audit_person *person = &found->persons[i];

        if (!hash128_equal(person->subject, record->items[0].subject))
            continue;
        take_change(found, person, met);
        take_reviewers(found, person, met);
    }
}

bool audit_case_gather(struct audit_case *found, const struct log_folder *folders, size_t count,
                       struct err *err)
{
    struct gathering gathering = {.found = found};
    bool is_read = true;

    for (size_t i = 0; i < count && is_read; i++) {
        is_read = log_folder_scan(&folders[i], take, &gathering, err);
        drop_series(&gathering.series);
    }
    return is_read;
}

void audit_case_release(struct audit_case *found)
{
    for (size_t i = 0; i < found->person_count; i++)
        json_decref(found->persons[i].reviewers);
    json_decref(found->directives);
    json_decref(found->countries);
}

bool audit_case_names(const json_t *directive, struct span resource)
{
    const json_t *list = json_object_get(directive, "resources");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        struct span name = span_of(json_string_value(entry), json_string_length(entry));
        bool is_pattern = name.length >= 2 && memcmp(name.data + name.length - 2, "/*", 2) == 0;

        if (is_pattern ? span_starts_with(resource, span_of(name.data, name.length - 1))
                       : span_equal(resource, name))
            return true;
    }
    return false;
}
