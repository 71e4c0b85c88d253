/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register: a JSON object behind a format byte.
 *
 *     {"number": 4711, "digest": "…", "directives": {"ID": {"version": 2, "digest": "…",
 *                                                          "lifted_at": 1782864000000}}}
 *
 * `lifted_at` is there once the file says so, and may be yet to come.  A directive stays in the
 * register for ever.  What is longer than one value of the store goes on in further ones; one write
 * replaces them all.
 */
#include "directive/register.h"

#include "base/json.h"
#include "base/log.h"
#include "domain/audit/record.h"
#include "storage/blocking.h"

enum {
    REGISTER_FORMAT = 1,
    STORE_TIMEOUT_MS = 5000,
    ATTEMPTS = 5,
    PARTITION = 0,
    PARTS_MAX = 12,
    PART_BYTES_MAX = 60 * 1024,
};

_Static_assert((int)PARTS_MAX <= (int)STORE_KEYS_MAX, "the register is read at once");
_Static_assert((int)PART_BYTES_MAX <= (int)STORE_VALUE_BYTES_MAX,
               "a part of the register fits a value");

static struct store_key part_key(const struct directive_register *reg, size_t part,
                                 struct arena *arena)
{
    return names_realm(
        reg->names,
        span_text(part == 0 ? "directives" : arena_printf(arena, "directives/%zu", part)));
}

/* The register as it was read. */
struct content {
    json_t *json;
    uint64_t version; /* of the first part, which every write replaces */
    size_t part_count;
};

static struct span join(const struct store_request *request, struct arena *arena, size_t *ret_count)
{
    uint8_t *text = arena_alloc(arena, PARTS_MAX * STORE_VALUE_BYTES_MAX);
    size_t length = 0, count = 0;

    for (; count < PARTS_MAX && request->values[count].version > 0; count++) {
        struct span part = request->values[count].data;

        memcpy(text + length, part.data, part.length);
        length += part.length;
    }
    *ret_count = count;
    return span_of(text, length);
}

static bool parse(const struct store_request *request, struct arena *arena,
                  struct content *ret_content, struct err *err)
{
    struct content content = {.version = request->values[0].version};
    struct span text = join(request, arena, &content.part_count);

    if (content.part_count == 0) {
        content.json = json_pack("{s:i, s:s, s:{}}", "number", 0, "digest", "", "directives");
    } else {
        if (text.length == 0 || text.data[0] != REGISTER_FORMAT)
            return err_set(err, ERR_STORE_CORRUPT, "register of directives of an unknown format");
        if (!json_read(span_from(text, 1), &content.json, err)) {
            err->code = ERR_STORE_CORRUPT;
            return false;
        }
    }
    if (!json_is_integer(json_object_get(content.json, "number")) ||
        !json_is_string(json_object_get(content.json, "digest")) ||
        !json_is_object(json_object_get(content.json, "directives"))) {
        json_decref(content.json);
        return err_set(err, ERR_STORE_CORRUPT, "register of directives with a part missing");
    }
    *ret_content = content;
    return true;
}

static bool read_register(const struct directive_register *reg, struct arena *arena,
                          struct content *ret_content, struct err *err)
{
    struct store_request *request = store_request_new_blocking(STORE_READ, PARTITION, reg->mailbox);
    bool is_read;

    request->deadline_ms = clock_monotonic_ms(reg->clock) + STORE_TIMEOUT_MS;
    for (size_t part = 0; part < PARTS_MAX; part++)
        store_request_key(request, part_key(reg, part, arena));
    is_read = store_call(reg->store, request, reg->mailbox, err) &&
              parse(request, arena, ret_content, err);
    store_request_free(request);
    return is_read;
}

static void put_parts(const struct directive_register *reg, const struct content *content,
                      struct span value, struct arena *arena, struct store_request *request)
{
    size_t part = 0;

    for (; value.length > 0; value = span_from(value, PART_BYTES_MAX)) {
        struct span piece =
            value.length > PART_BYTES_MAX ? span_of(value.data, PART_BYTES_MAX) : value;

        store_request_put(request, part_key(reg, part++, arena), TIMESTAMP_NEVER_MS, piece);
    }
    for (; part < content->part_count; part++)
        store_request_remove(request, part_key(reg, part, arena));
}

static bool write_register(const struct directive_register *reg, const struct content *content,
                           struct span audit, struct arena *arena, struct err *err)
{
    struct span text = json_text(content->json, arena);
    uint8_t *value = arena_alloc(arena, text.length + 1);
    struct store_request *request;
    bool is_written;

    if (text.length + 1 > PARTS_MAX * PART_BYTES_MAX)
        return err_set(err, ERR_FILE_INVALID, "more directives than the register has room for");
    value[0] = REGISTER_FORMAT;
    memcpy(value + 1, text.data, text.length);
    request = store_request_new_blocking(STORE_WRITE, PARTITION, reg->mailbox);
    request->deadline_ms = clock_monotonic_ms(reg->clock) + STORE_TIMEOUT_MS;
    store_request_guard(request, part_key(reg, 0, arena), content->version);
    put_parts(reg, content, span_of(value, text.length + 1), arena, request);
    store_request_change(request, STORE_CHANGE_DIRECTIVES, part_key(reg, 0, arena).id);
    store_request_outbox(request, audit);
    is_written = store_call(reg->store, request, reg->mailbox, err);
    store_request_free(request);
    return is_written;
}

static uint64_t number_in(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static bool text_is(const json_t *object, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && strcmp(text, wanted) == 0;
}

/* When the directive was lifted or will be.  Registers of before this was kept say `lifted: true`
 * and not when; whoever reads those takes their word. */
static int64_t lifted_ms(const json_t *entry)
{
    const json_t *lifted_at = json_object_get(entry, "lifted_at");

    if (lifted_at)
        return json_integer_value(lifted_at);
    return json_is_true(json_object_get(entry, "lifted")) ? INT64_MIN : TIMESTAMP_NEVER_MS;
}

/* Lifting is written into the file, and takes place at its time; a file that is gone says nothing.
 */
static bool check_missing(const struct directive_set *set, json_t *directives, int64_t now_ms,
                          struct err *err)
{
    char text[TIMESTAMP_TEXT_MAX];
    const char *id;
    json_t *entry;

    json_object_foreach(directives, id, entry)
    {
        const int64_t at_ms = lifted_ms(entry);

        if (at_ms <= now_ms || directive_set_find(set, span_text(id)))
            continue;
        if (at_ms == TIMESTAMP_NEVER_MS)
            return err_set(err, ERR_FILE_INVALID,
                           "directive %s is not lifted and its file is gone: put it back, or lift "
                           "it in the file (lifted: {at, authority})",
                           id);
        return err_set(err, ERR_FILE_INVALID,
                       "directive %s is lifted at %s and its file is gone: put it back until then",
                       id, timestamp_format(at_ms, text));
    }
    return true;
}

static json_t *entry_of(const struct directive *directive, uint64_t version)
{
    json_t *entry =
        json_pack("{s:I, s:s}", "version", (json_int_t)version, "digest", directive->digest);

    if (directive->lifted_ms != TIMESTAMP_NEVER_MS)
        json_object_set_new(entry, "lifted_at", json_integer(directive->lifted_ms));
    return entry;
}

/* Bring `directives` up to date with the set, and give each directive its version. */
static void number_directives(struct directive_set *set, json_t *directives)
{
    for (size_t i = 0; i < directive_set_count(set); i++) {
        const struct directive *directive = directive_set_get(set, i);
        const json_t *entry = json_object_get(directives, directive->id);
        uint64_t version = number_in(entry, "version");

        if (!text_is(entry, "digest", directive->digest))
            version++;
        directive_set_assign_version(set, i, (uint32_t)version);
        json_object_set_new(directives, directive->id, entry_of(directive, version));
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

/* A register that knows less than what is in force was lost, or is that of an older copy of the
 * store: what was given stays given.  True when something was lost. */
static bool recall(const struct directive_set *in_force, struct content *content)
{
    uint64_t number = directive_set_number(in_force), stored = number_in(content->json, "number");
    const char *digest = directive_set_digest(in_force);
    json_t *directives = json_object_get(content->json, "directives");

    if (stored > number || (stored == number && text_is(content->json, "digest", digest)))
        return false;
    json_object_set_new(content->json, "number", json_integer((json_int_t)number));
    json_object_set_new(content->json, "digest", json_string(digest));
    for (size_t i = 0; i < directive_set_count(in_force); i++) {
        const struct directive *directive = directive_set_get(in_force, i);
        const json_t *entry = json_object_get(directives, directive->id);

        if (number_in(entry, "version") <= directive->version)
            json_object_set_new(directives, directive->id, entry_of(directive, directive->version));
    }
    return true;
}

/* Write what is in the content by now, with the record that this set has come into force. */
static bool activate(const struct directive_register *reg, const struct directive_set *set,
                     const struct content *content, struct arena *arena, struct err *err)
{
    struct span audit;

    return encode_audit(reg, set, number_in(content->json, "number"), arena, &audit, err) &&
           write_register(reg, content, audit, arena, err);
}

/* Number the set by this content of the register, which is written when the set is another one. */
static bool number_by(const struct directive_register *reg, struct directive_set *set,
                      struct content *content, struct arena *arena, struct err *err)
{
    json_t *directives = json_object_get(content->json, "directives");
    bool is_recalled = reg->in_force && recall(reg->in_force, content), is_new;
    uint64_t number = number_in(content->json, "number");

    if (!check_missing(set, directives, clock_wall_ms(reg->clock), err))
        return false;
    number_directives(set, directives);
    is_new = number == 0 || !text_is(content->json, "digest", directive_set_digest(set));
    if (is_new) {
        number++;
        json_object_set_new(content->json, "number", json_integer((json_int_t)number));
        json_object_set_new(content->json, "digest", json_string(directive_set_digest(set)));
    }
    if ((is_new || is_recalled) && !activate(reg, set, content, arena, err))
        return false;
    directive_set_assign(set, number);
    return true;
}

/* What is in force, and nothing else. */
static bool recall_only(const struct directive_register *reg, struct content *content,
                        struct arena *arena, struct err *err)
{
    if (!recall(reg->in_force, content))
        return true;
    if (!activate(reg, reg->in_force, content, arena, err))
        return false;
    LOG(WARN, "directive.recalled", "the store had lost what is in force: it is there again",
        log_number("number", (int64_t)directive_set_number(reg->in_force)));
    return true;
}

/* `set` is NULL when there is only something to recall. */
static bool try_once(const struct directive_register *reg, struct directive_set *set,
                     struct arena *arena, struct err *err)
{
    struct content content;
    bool is_done;

    if (!read_register(reg, arena, &content, err))
        return false;
    is_done =
        set ? number_by(reg, set, &content, arena, err) : recall_only(reg, &content, arena, err);
    json_decref(content.json);
    return is_done;
}

static bool try_often(const struct directive_register *reg, struct directive_set *set,
                      struct arena *arena, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        bool is_done = try_once(reg, set, arena, err);

        if (is_done || err->code != ERR_CONFLICT || attempt == ATTEMPTS)
            return is_done;
    }
}

bool directive_register_recall(const struct directive_register *reg, struct arena *arena,
                               struct err *err)
{
    return !reg->in_force || try_often(reg, NULL, arena, err);
}

bool directive_register_number(const struct directive_register *reg, struct directive_set *set,
                               struct arena *arena, struct err *err)
{
    return try_often(reg, set, arena, err);
}
