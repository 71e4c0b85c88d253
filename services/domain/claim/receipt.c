/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: the members, written and read. */
#include "domain/claim/receipt.h"

#include "base/timestamp.h"
#include "domain/claim/json_writer.h"

enum { PAYLOAD_GUESS = 1024, MS_PER_SECOND = 1000 };

/* As in keys/: readers in other languages disagree about larger numbers. */
static const json_int_t integer_max = INT64_C(1) << 53;

/* A text of an object, and where it stands in a receipt. */
struct member {
    const char *name;
    size_t offset;
    bool is_required; /* else it is left out when it is empty */
};

#define AT(field) offsetof(struct receipt, field)

static const struct member registered[] = {
    {"iss", AT(issuer), true},
    {"sub", AT(subject), true},
    {"azp", AT(caller), true},
    {"jti", AT(id), true},
};
static const struct member of_resource[] = {
    {"type", AT(resource_type), true},
    {"id", AT(resource_id), true},
};
static const struct member of_decision[] = {
    {"action", AT(action), true},
    {"on_behalf_of", AT(on_behalf_of), false},
    {"context_sha256", AT(context_digest), false},
    {"reason", AT(reason), false},
    {"revision", AT(revision), false},
};
static const struct member of_directive_set[] = {{"digest", AT(directive_set_digest), true}};
static const struct member of_directive[] = {
    {"id", AT(directive), true},
    {"digest", AT(directive_digest), true},
};

static struct span *text_at(struct receipt *receipt, const struct member *member)
{
    return (struct span *)(void *)((char *)receipt + member->offset);
}

static const struct span *const_text_at(const struct receipt *receipt, const struct member *member)
{
    return (const struct span *)(const void *)((const char *)receipt + member->offset);
}

/* ---- writing ---- */

static bool check_texts(const struct receipt *receipt, const struct member *members, size_t count,
                        struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = const_text_at(receipt, &members[i])->length;

        if (length == 0 && members[i].is_required)
            return err_field(err, ERR_FIELD_REQUIRED, members[i].name, "empty");
        if (length > RECEIPT_TEXT_MAX)
            return err_field(err, ERR_FIELD_TOO_LONG, members[i].name, "%zu bytes", length);
    }
    return true;
}

static void write_texts(struct json_writer *writer, const struct receipt *receipt,
                        const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct span *text = const_text_at(receipt, &members[i]);

        if (text->length == 0)
            continue;
        json_write_name(writer, members[i].name);
        json_write_text(writer, *text);
    }
}

static void write_also_subjects(struct json_writer *writer, const struct receipt *receipt)
{
    if (receipt->also_subject_count == 0)
        return;
    json_write_name(writer, "also_subjects");
    json_write_open(writer, '[');
    for (size_t i = 0; i < receipt->also_subject_count; i++)
        json_write_text(writer, receipt->also_subjects[i]);
    json_write_close(writer, ']');
}

static void write_rules(struct json_writer *writer, const struct receipt *receipt)
{
    if (receipt->directive_set_digest.length > 0) {
        json_write_name(writer, "directive_set");
        json_write_open(writer, '{');
        json_write_name(writer, "number");
        json_write_integer(writer, (int64_t)receipt->directive_set);
        write_texts(writer, receipt, of_directive_set, ARRAY_LEN(of_directive_set));
        json_write_close(writer, '}');
    }
    if (receipt->directive.length > 0) {
        json_write_name(writer, "directive");
        json_write_open(writer, '{');
        write_texts(writer, receipt, of_directive, ARRAY_LEN(of_directive));
        json_write_name(writer, "version");
        json_write_integer(writer, receipt->directive_version);
        json_write_close(writer, '}');
    }
}

static void write_decision(struct json_writer *writer, const struct receipt *receipt)
{
    char instant[TIMESTAMP_TEXT_MAX];

    json_write_open(writer, '{');
    json_write_name(writer, "decision");
    json_write_text(writer, span_text(receipt->is_allowed ? "ALLOW" : "DENY"));
    json_write_name(writer, "resource");
    json_write_open(writer, '{');
    write_texts(writer, receipt, of_resource, ARRAY_LEN(of_resource));
    json_write_close(writer, '}');
    write_texts(writer, receipt, of_decision, ARRAY_LEN(of_decision));
    write_also_subjects(writer, receipt);
    json_write_name(writer, "max_age_ms");
    json_write_integer(writer, receipt->max_age_ms);
    if (receipt->evaluated_at_ms != 0) {
        json_write_name(writer, "evaluated_at");
        json_write_text(writer, span_text(timestamp_format(receipt->evaluated_at_ms, instant)));
    }
    if (receipt->is_stale) {
        json_write_name(writer, "stale");
        json_write_bool(writer, true);
    }
    write_rules(writer, receipt);
    json_write_close(writer, '}');
}

bool receipt_write(const struct receipt *receipt, struct arena *arena, struct span *ret_payload,
                   struct err *err)
{
    struct json_writer writer;

    if (!check_texts(receipt, registered, ARRAY_LEN(registered), err) ||
        !check_texts(receipt, of_resource, ARRAY_LEN(of_resource), err) ||
        !check_texts(receipt, of_decision, ARRAY_LEN(of_decision), err))
        return false;
    json_writer_init(&writer, arena, PAYLOAD_GUESS);
    json_write_open(&writer, '{');
    write_texts(&writer, receipt, registered, ARRAY_LEN(registered));
    json_write_name(&writer, "iat");
    json_write_integer(&writer, receipt->issued_at_ms / MS_PER_SECOND);
    json_write_name(&writer, "passgate_decision");
    write_decision(&writer, receipt);
    json_write_close(&writer, '}');
    *ret_payload = json_writer_text(&writer);
    return true;
}

/* ---- reading ---- */

static bool refuse(struct err *err, const char *name)
{
    return err_set(err, ERR_TOKEN_INVALID, "the member %s is missing or not what it should be",
                   name);
}

static bool read_text(const json_t *value, struct span *ret_text)
{
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > RECEIPT_TEXT_MAX)
        return false;
    *ret_text = span_of(json_string_value(value), json_string_length(value));
    return true;
}

static bool read_texts(const json_t *object, const struct member *members, size_t count,
                       struct receipt *receipt, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, members[i].name);

        if (!value && !members[i].is_required)
            continue;
        if (!read_text(value, text_at(receipt, &members[i])))
            return refuse(err, members[i].name);
    }
    return true;
}

static bool read_integer(const json_t *object, const char *name, json_int_t most,
                         json_int_t *ret_number, struct err *err)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > most)
        return refuse(err, name);
    *ret_number = json_integer_value(value);
    return true;
}

static bool read_also_subjects(const json_t *decision, struct arena *arena, struct receipt *receipt,
                               struct err *err)
{
    const json_t *list = json_object_get(decision, "also_subjects");
    size_t count = json_array_size(list);
    struct span *subjects;

    if (!list)
        return true;
    if (!json_is_array(list) || count > RECEIPT_ALSO_SUBJECTS_MAX)
        return refuse(err, "also_subjects");
    subjects = arena_new_array(arena, struct span, count);
    for (size_t i = 0; i < count; i++)
        if (!read_text(json_array_get(list, i), &subjects[i]))
            return refuse(err, "also_subjects");
    receipt->also_subjects = subjects;
    receipt->also_subject_count = count;
    return true;
}

static bool read_rules(const json_t *decision, struct receipt *receipt, struct err *err)
{
    const json_t *set = json_object_get(decision, "directive_set");
    const json_t *directive = json_object_get(decision, "directive");
    json_int_t number = 0, version = 0;

    if (set && (!read_integer(set, "number", integer_max, &number, err) ||
                !read_texts(set, of_directive_set, ARRAY_LEN(of_directive_set), receipt, err)))
        return false;
    if (directive && (!read_integer(directive, "version", UINT32_MAX, &version, err) ||
                      !read_texts(directive, of_directive, ARRAY_LEN(of_directive), receipt, err)))
        return false;
    receipt->directive_set = (uint64_t)number;
    receipt->directive_version = (uint32_t)version;
    return true;
}

/* Exactly one of two words: whatever else stands there is no decision. */
static bool read_verdict(const json_t *decision, struct receipt *receipt, struct err *err)
{
    struct span word;

    if (!read_text(json_object_get(decision, "decision"), &word) ||
        (!span_is(word, "ALLOW") && !span_is(word, "DENY")))
        return refuse(err, "decision");
    receipt->is_allowed = span_is(word, "ALLOW");
    return true;
}

static bool read_decision(const json_t *decision, struct arena *arena, struct receipt *receipt,
                          struct err *err)
{
    const json_t *instant = json_object_get(decision, "evaluated_at");
    const json_t *stale = json_object_get(decision, "stale");
    json_int_t max_age_ms;
    struct span text;

    if (!read_verdict(decision, receipt, err) ||
        !read_texts(json_object_get(decision, "resource"), of_resource, ARRAY_LEN(of_resource),
                    receipt, err) ||
        !read_texts(decision, of_decision, ARRAY_LEN(of_decision), receipt, err) ||
        !read_also_subjects(decision, arena, receipt, err) ||
        !read_integer(decision, "max_age_ms", integer_max, &max_age_ms, err))
        return false;
    receipt->max_age_ms = max_age_ms;
    if (instant &&
        (!read_text(instant, &text) || !timestamp_parse(text, &receipt->evaluated_at_ms)))
        return refuse(err, "evaluated_at");
    if (stale && !json_is_boolean(stale))
        return refuse(err, "stale");
    receipt->is_stale = json_is_true(stale);
    return read_rules(decision, receipt, err);
}

bool receipt_read(const json_t *payload, struct arena *arena, struct receipt *ret_receipt,
                  struct err *err)
{
    struct receipt receipt = {.is_allowed = false};
    json_int_t issued_at;

    if (!read_texts(payload, registered, ARRAY_LEN(registered), &receipt, err) ||
        !read_integer(payload, "iat", integer_max, &issued_at, err) ||
        !read_decision(json_object_get(payload, "passgate_decision"), arena, &receipt, err))
        return false;
    receipt.issued_at_ms = issued_at * MS_PER_SECOND;
    *ret_receipt = receipt;
    return true;
}
