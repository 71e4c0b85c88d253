/* SPDX-License-Identifier: Apache-2.0 */
/* What was known of a subject at the moment of a record, from the sealed documents next to it. */
#include "base/json.h"
#include "base/timestamp.h"
#include "client/cli/audit_report.h"

/* A change with its document, as far as it opens. */
struct opened {
    const struct audit_change *change;
    const char *key_id;
    json_t *document; /* NULL: see why */
    const char *why;
};

static const struct seal_key *key_named(const struct audit_report_options *options,
                                        struct span key_id)
{
    for (size_t i = 0; i < options->key_count; i++)
        if (span_is(key_id, seal_key_id(options->keys[i])))
            return options->keys[i];
    return NULL;
}

static bool is_about(const json_t *document, const struct audit_person *person,
                     const struct audit_report_options *options)
{
    const json_t *subject = json_object_get(document, "subject");
    struct span id = span_of(json_string_value(subject), json_string_length(subject));

    return !options->hash_key || hash128_equal(keyed_hash(options->hash_key, id), person->subject);
}

static void read_document(struct opened *opened, const struct seal_key *key,
                          const struct audit_person *person,
                          const struct audit_report_options *options, struct arena *arena)
{
    enum sealed_refusal refusal;
    struct span text;
    struct err err;

    if (!sealed_open(key, SEALED_FACTS_TYPE, opened->change->sealed, arena, &text, &refusal,
                     &err) ||
        !json_read(text, &opened->document, &err)) {
        opened->why = arena_printf(arena, "the document does not open: %s", err.detail);
    } else if (!is_about(opened->document, person, options)) {
        json_decref(opened->document);
        opened->document = NULL;
        opened->why = "the document is about somebody else: its subject has another hash";
    }
}

static struct opened open_change(const struct audit_change *change,
                                 const struct audit_person *person,
                                 const struct audit_report_options *options, struct arena *arena)
{
    struct opened opened = {.change = change};
    const struct seal_key *key;
    struct span key_id;
    struct err err;

    if (!change->is_there)
        return opened;
    if (change->sealed.length == 0) {
        opened.why = "nothing was sealed: the server had no retention key "
                     "(audit.retention_key_file)";
        return opened;
    }
    if (!sealed_recipient(change->sealed, arena, &key_id, &err)) {
        opened.why = arena_printf(arena, "the payload is no sealed document: %s", err.detail);
        return opened;
    }
    opened.key_id = arena_text(arena, key_id);
    key = key_named(options, key_id);
    if (key)
        read_document(&opened, key, person, options, arena);
    else
        opened.why =
            arena_printf(arena, "sealed for key %s%s", opened.key_id,
                         options->key_count ? ", which is none of those given"
                                            : ": its private half opens it (--retention-key)");
    return opened;
}

/* -1: it did not say, or there was nothing before. */
static json_int_t number_before(const struct opened *opened)
{
    const json_t *number = json_object_get(json_object_get(opened->document, "before"), "number");

    return json_is_integer(number) ? json_integer_value(number) : -1;
}

/* The pieces as they stood in this state. */
static json_t *evidence_of(const json_t *document, const char *state)
{
    const json_t *list = json_object_get(document, "evidence");
    json_t *chosen = json_array();

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *piece = json_array_get(list, i);
        const char *in = json_string_value(json_object_get(piece, "in"));

        if (in && (strcmp(in, state) == 0 || strcmp(in, "both") == 0))
            json_array_append(chosen, piece);
    }
    return chosen;
}

static void note(json_t *facts, const char *text)
{
    json_t *notes = json_object_get(facts, "notes");

    if (!notes) {
        notes = json_array();
        json_object_set_new(facts, "notes", notes);
    }
    json_array_append_new(notes, json_string(text));
}

static void tell_record(json_t *facts, const struct opened *opened)
{
    char id[AUDIT_ID_MAX], time[TIMESTAMP_TEXT_MAX];
    const char *kind = audit_kind_name(opened->change->kind);

    json_object_set_new(
        facts, "record",
        json_string(audit_decision_id(opened->change->log_id, opened->change->sequence, id)));
    json_object_set_new(facts, "recordTime",
                        json_string(timestamp_format(opened->change->time_ms, time)));
    json_object_set_new(facts, "recordKind", json_string(kind ? kind : "?"));
    if (opened->key_id)
        json_object_set_new(facts, "keyId", json_string(opened->key_id));
}

/* Facts hold until a day on which they change by themselves. */
static void note_expiry(json_t *facts, const json_t *state, const struct audit_case *found,
                        struct arena *arena)
{
    const char *text = json_string_value(json_object_get(state, "valid_until"));
    int64_t until_ms;

    if (text && timestamp_parse(span_text(text), &until_ms) && until_ms <= found->record.time_ms)
        note(facts, arena_printf(arena,
                                 "from %s on other facts follow from this evidence, by the days in "
                                 "it (docs/facts.md)",
                                 text));
}

static json_t *tell_state(const struct audit_case *found, const struct opened *opened,
                          const char *name)
{
    json_t *state = json_object_get(opened->document, name), *facts = json_object();

    tell_record(facts, opened);
    json_object_set_new(facts, "state", json_string(name));
    json_object_set(facts, "subjectId", json_object_get(opened->document, "subject"));
    json_object_set(facts, "rules", json_object_get(opened->document, "rules"));
    if (state)
        json_object_set(facts, "known", state);
    else
        note(facts, "nothing was known of the subject");
    json_object_set_new(facts, "evidence", evidence_of(opened->document, name));
    if (json_object_get(opened->document, "left_out"))
        note(facts, "not all of it had room in the document");
    note_expiry(facts, state, found, found->arena);
    return facts;
}

static json_t *tell_missing(const struct opened *opened, const char *why)
{
    json_t *facts = json_object();

    if (opened->change->is_there)
        tell_record(facts, opened);
    json_object_set_new(facts, "missing", json_string(why));
    return facts;
}

#define CHANGE_MISSING                                                                        \
    "a change of the subject is in none of these logs: give the folders of all replicas, as " \
    "far back as this record"

/* What was before the next change is newer than what the last one left: a log is missing, and yet
 * the state is known. */
static json_t *choose(const struct audit_case *found, const struct opened *last,
                      const struct opened *next)
{
    json_int_t before = number_before(next);
    bool is_comparable =
        next->change->partition == found->record.partition && found->record.number > 0;
    bool is_known_before = next->document && (!is_comparable || before <= 0 ||
                                              (uint64_t)before <= found->record.number);

    if (last->document) {
        if (next->document && before > 0 && (uint64_t)before > last->change->number &&
            next->change->partition == last->change->partition) {
            json_t *facts = is_known_before && is_comparable ? tell_state(found, next, "before")
                                                             : tell_state(found, last, "after");

            note(facts, CHANGE_MISSING);
            return facts;
        }
        return tell_state(found, last, "after");
    }
    if (is_known_before)
        return tell_state(found, next, "before");
    if (next->document)
        return tell_missing(next, CHANGE_MISSING);
    if (last->change->is_there)
        return tell_missing(last, last->why);
    if (next->change->is_there)
        return tell_missing(next, next->why);
    return tell_missing(last, "no change of the subject is in these logs: if none was ever made, "
                              "nothing was known of it; if it is older than they are, what the "
                              "store has now is what held then (passgate subject show)");
}

json_t *audit_facts(const struct audit_case *found, const struct audit_person *person,
                    const struct audit_report_options *options)
{
    struct opened last = open_change(&person->last, person, options, found->arena);
    struct opened next = open_change(&person->next, person, options, found->arena);
    json_t *facts = choose(found, &last, &next);

    json_decref(last.document);
    json_decref(next.document);
    return facts;
}
