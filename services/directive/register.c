/* SPDX-License-Identifier: Apache-2.0 */
/* The register, a JSON object behind a format byte. */
#include "directive/register.h"

#include "base/json.h"
#include "base/log.h"
#include "storage/blocking.h"
#include "telemetry/audit_record.h"

enum { REGISTER_FORMAT = 1, STORE_TIMEOUT_MS = 5000, ATTEMPTS = 5, PARTITION = 0 };

static bool read_register(const struct directive_register *reg, struct arena *arena,
                          json_t **ret_register, uint64_t *ret_version, struct err *err)
{
    struct store_request *request = store_request_new_blocking(STORE_READ, PARTITION, reg->mailbox);
    const struct store_value *value;
    bool is_read;

    (void)arena;
    request->deadline_ms = clock_monotonic_ms(reg->clock) + STORE_TIMEOUT_MS;
    store_request_key(request, names_realm(reg->names, span_text("directives")));
    is_read = store_call(reg->store, request, reg->mailbox, err);
    if (is_read) {
        value = &request->values[0];
        *ret_version = value->version;
        *ret_register = NULL;
        if (value->version == 0)
            *ret_register = json_object();
        else if (value->data.length < 2 || value->data.data[0] != REGISTER_FORMAT)
            is_read =
                err_set(err, ERR_STORE_CORRUPT, "register of directives of an unknown format");
        else
            is_read = json_read(span_from(value->data, 1), ret_register, err);
    }
    store_request_free(request);
    return is_read;
}

static bool write_register(const struct directive_register *reg, const json_t *content,
                           uint64_t version, struct span audit, struct arena *arena,
                           struct err *err)
{
    struct store_request *request =
        store_request_new_blocking(STORE_WRITE, PARTITION, reg->mailbox);
    struct store_key key = names_realm(reg->names, span_text("directives"));
    struct span text = json_text(content, arena);
    uint8_t *value = arena_alloc(arena, text.length + 1);
    bool is_written;

    value[0] = REGISTER_FORMAT;
    memcpy(value + 1, text.data, text.length);
    request->deadline_ms = clock_monotonic_ms(reg->clock) + STORE_TIMEOUT_MS;
    store_request_guard(request, key, version);
    store_request_put(request, key, TIMESTAMP_NEVER_MS, span_of(value, text.length + 1));
    store_request_change(request, STORE_CHANGE_DIRECTIVES, key.id);
    store_request_outbox(request, audit);
    is_written = store_call(reg->store, request, reg->mailbox, err);
    store_request_free(request);
    return is_written;
}

static uint64_t number_in(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* Lifting is written into the file; a file that is gone says nothing. */
static bool check_missing(const struct directive_set *set, const json_t *directives,
                          struct err *err)
{
    const char *id;
    json_t *entry;

    json_object_foreach((json_t *)directives, id, entry)
    {
        if (json_is_true(json_object_get(entry, "lifted")) ||
            directive_set_find(set, span_text(id)))
            continue;
        return err_set(err, ERR_FILE_INVALID,
                       "directive %s was in force and its file is gone: put it back, or lift it in "
                       "the file (lifted: {at, authority})",
                       id);
    }
    return true;
}

/* Bring `directives` up to date with the set, and give each directive its version. */
static void number_directives(struct directive_set *set, json_t *directives)
{
    for (size_t i = 0; i < directive_set_count(set); i++) {
        const struct directive *directive = directive_set_get(set, i);
        json_t *entry = json_object_get(directives, directive->id);
        uint64_t version = number_in(entry, "version");

        if (strcmp(text_in(entry, "digest"), directive->digest) != 0)
            version++;
        directive_set_assign_version(set, i, (uint32_t)version);
        json_object_set_new(directives, directive->id,
                            json_pack("{s:I, s:s, s:b}", "version", (json_int_t)version, "digest",
                                      directive->digest, "lifted",
                                      directive->lifted_ms != TIMESTAMP_NEVER_MS));
    }
}

static bool encode_audit(const struct directive_register *reg, const struct directive_set *set,
                         uint64_t number, struct arena *arena, struct span *ret_bytes,
                         struct err *err)
{
    size_t count =
        directive_set_count(set) < AUDIT_IDS_MAX - 1 ? directive_set_count(set) : AUDIT_IDS_MAX - 1;
    struct span *ids = arena_new_array(arena, struct span, count + 1);
    struct audit_record record = {
        .kind = AUDIT_DIRECTIVES_ACTIVATED,
        .time_ms = clock_wall_ms(reg->clock),
        .caller = span_text("local"),
        .method = span_text("directives.folder"),
        .directive_set = number,
        .ids = ids,
        .id_count = count + 1,
    };

    ids[0] = span_text(directive_set_digest(set));
    for (size_t i = 0; i < count; i++) {
        const struct directive *directive = directive_set_get(set, i);

        ids[i + 1] = span_text(
            arena_printf(arena, "%s %u %s", directive->id, directive->version, directive->digest));
    }
    return audit_record_encode(&record, arena, ret_bytes, err);
}

static bool number_once(const struct directive_register *reg, struct directive_set *set,
                        json_t *content, uint64_t version, struct arena *arena, struct err *err)
{
    uint64_t number = number_in(content, "number");
    json_t *directives = json_object_get(content, "directives");
    bool is_same = number > 0 && strcmp(text_in(content, "digest"), directive_set_digest(set)) == 0;
    struct span audit;

    if (!directives) {
        directives = json_object();
        json_object_set_new(content, "directives", directives);
    }
    if (!check_missing(set, directives, err))
        return false;
    number_directives(set, directives);
    if (is_same) {
        directive_set_assign(set, number);
        return true;
    }
    number++;
    json_object_set_new(content, "number", json_integer((json_int_t)number));
    json_object_set_new(content, "digest", json_string(directive_set_digest(set)));
    if (!encode_audit(reg, set, number, arena, &audit, err) ||
        !write_register(reg, content, version, audit, arena, err))
        return false;
    directive_set_assign(set, number);
    return true;
}

bool directive_register_number(const struct directive_register *reg, struct directive_set *set,
                               struct arena *arena, struct err *err)
{
    bool is_numbered = false;

    for (int attempt = 0; attempt < ATTEMPTS && !is_numbered; attempt++) {
        uint64_t version;
        json_t *content;

        if (!read_register(reg, arena, &content, &version, err))
            return false;
        is_numbered = number_once(reg, set, content, version, arena, err);
        json_decref(content);
        if (!is_numbered && err->code != ERR_CONFLICT)
            return false;
    }
    return is_numbered;
}
