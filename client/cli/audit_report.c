/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's record, put together. */
#include "client/cli/audit_report.h"

#include "client/cli/audit_record_text.h"

static bool is_named_by(const struct audit_item *item, const json_t *directive, size_t index)
{
    return index == item->directive || audit_case_names(directive, item->resource);
}

/* Every directive that named the resource; the one that decided is marked. */
static json_t *directives_of(const struct audit_case *found, const struct audit_item *item)
{
    json_t *chosen = json_array();

    for (size_t i = 0; i < json_array_size(found->directives); i++) {
        const json_t *directive = json_array_get(found->directives, i);
        json_t *copy;

        if (!is_named_by(item, directive, i))
            continue;
        copy = json_copy((json_t *)(uintptr_t)directive);
        json_object_set_new(copy, "decisive", json_boolean(i == item->directive));
        json_array_append_new(chosen, copy);
    }
    return chosen;
}

static void complete_item(const struct audit_case *found, const struct audit_item *item,
                          const struct audit_report_options *options, json_t *object)
{
    if (options->subject.length > 0 && options->hash_key)
        json_object_set_new(object, "isGivenSubject",
                            json_boolean(hash128_equal(
                                keyed_hash(options->hash_key, options->subject), item->subject)));
    if (item->resource.length > 0 && found->directives)
        json_object_set_new(object, "directives", directives_of(found, item));
}

static void tell_set(const struct audit_case *found, json_t *report)
{
    if (found->record.directive_set == 0)
        return;
    if (found->directives)
        json_object_set_new(report, "set",
                            json_pack("{s:s, s:I}", "sha256", found->set_digest, "count",
                                      (json_int_t)json_array_size(found->directives)));
    else
        json_object_set_new(
            report, "set",
            json_pack("{s:s}", "missing",
                      "what is in this set is told in none of these logs (directives_in_force)"));
    if (found->countries)
        json_object_set(report, "countries", found->countries);
    else
        json_object_set_new(report, "countries",
                            json_pack("{s:s}", "missing",
                                      "the log of this record does not tell which were in use"));
}

static bool lists_evidence(const json_t *facts, const json_t *review)
{
    const json_t *list = json_object_get(facts, "evidence"),
                 *id = json_object_get(review, "evidence");

    if (!json_is_array(list)) /* sealed: whatever was reviewed by then */
        return true;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_object_get(json_array_get(list, i), "id"), id))
            return true;
    return false;
}

/* Of the evidence that was there; the same write may be in more than one log. */
static json_t *reviewers_of(const struct audit_person *person, const json_t *facts)
{
    json_t *chosen = json_array();

    for (size_t i = 0; i < json_array_size(person->reviewers); i++) {
        json_t *review = json_array_get(person->reviewers, i);
        bool is_new = lists_evidence(facts, review);

        for (size_t j = 0; j < json_array_size(chosen); j++) {
            const json_t *other = json_array_get(chosen, j);

            is_new &= !(json_equal(json_object_get(other, "evidence"),
                                   json_object_get(review, "evidence")) &&
                        json_equal(json_object_get(other, "reviewer"),
                                   json_object_get(review, "reviewer")));
        }
        if (is_new)
            json_array_append(chosen, review);
    }
    return chosen;
}

static json_t *subjects_of(const struct audit_case *found,
                           const struct audit_report_options *options)
{
    json_t *subjects = json_object();

    for (size_t i = 0; i < found->person_count; i++) {
        const struct audit_person *person = &found->persons[i];
        json_t *facts = audit_facts(found, person, options);
        char hash[AUDIT_SUBJECT_TEXT_MAX];

        json_object_set_new(
            subjects, audit_subject_text(person->subject, hash),
            json_pack("{s:o, s:o}", "reviewers", reviewers_of(person, facts), "facts", facts));
    }
    return subjects;
}

json_t *audit_report(const struct audit_case *found, const struct audit_report_options *options)
{
    const struct audit_record *record = &found->record;
    json_t *report = audit_record_json(found->log_id, found->sequence, record, found->arena);
    json_t *items = json_object_get(report, "items");

    json_object_set_new(report, "logFolder", json_string(found->folder->path));
    for (size_t i = 0; i < record->item_count; i++)
        complete_item(found, &record->items[i], options, json_array_get(items, i));
    tell_set(found, report);
    json_object_set_new(report, "subjects", subjects_of(found, options));
    if (found->person_count > 0 && record->payload.length > 0)
        json_object_del(report, "payload"); /* is in what the subject's facts say */
    return report;
}
