/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force, on record. */
#include "directive/in_force.h"

#include "directive/append_record.h"
#include "domain/claim/json_writer.h"

enum {
    ARENA_BYTES = 64 * 1024,
    CLOSING_BYTES = 64,      /* what closes a part */
    ESCAPED = 2,             /* printable text gets at most twice as long in JSON */
    DIRECTIVE_BYTES = 1024,  /* of a directive in JSON, beside its texts */
    DIGEST_TEXT_BYTES = 100, /* of an id, beside the directive's */
};

/* One record on its way: JSON, and a line for each directive that begins in it. */
struct part {
    const struct in_force *in_force;
    const struct directive_set *set;
    int64_t now_ms;
    int64_t number; /* from 1 */
    struct arena arena;
    struct json_writer json;
    struct span ids[AUDIT_IDS_MAX];
    size_t id_count;
    size_t id_bytes;
};

static void put_text(struct json_writer *json, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    json_write_name(json, name);
    json_write_text(json, span_text(text));
}

static void put_number(struct json_writer *json, const char *name, uint64_t number)
{
    json_write_name(json, name);
    json_write_integer(json, (int64_t)number);
}

static void put_instant(struct json_writer *json, const char *name, int64_t ms)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (ms != TIMESTAMP_NEVER_MS)
        put_text(json, name, timestamp_format(ms, text));
}

static void put_authority(struct json_writer *json, const char *name,
                          const struct directive_authority *authority)
{
    json_write_name(json, name);
    json_write_open(json, '{');
    put_text(json, "text", authority->text);
    put_text(json, "document_sha256", authority->document_sha256);
    put_instant(json, "received", authority->received_ms);
    json_write_close(json, '}');
}

static void write_countries(struct json_writer *json, const struct country_groups *groups)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (!groups)
        return;
    json_write_name(json, "countries");
    json_write_open(json, '{');
    put_text(json, "source", groups->source);
    put_text(json, "as_of", day_format(groups->as_of_day, text));
    put_text(json, "sha256", groups->digest);
    json_write_close(json, '}');
}

static void begin(struct part *part)
{
    part->number++;
    arena_reset(&part->arena);
    part->ids[0] = span_text(directive_set_digest(part->set));
    part->id_count = 1;
    part->id_bytes = DIGEST_TEXT_BYTES;
    json_writer_init(&part->json, &part->arena, part->in_force->bytes_max);
    json_write_open(&part->json, '{');
    put_number(&part->json, "part", (uint64_t)part->number);
    write_countries(&part->json, part->in_force->groups);
    json_write_name(&part->json, "directives");
    json_write_open(&part->json, '[');
}

static bool end(struct part *part, bool is_last, struct err *err)
{
    json_write_close(&part->json, ']');
    json_write_name(&part->json, "last");
    json_write_bool(&part->json, is_last);
    json_write_close(&part->json, '}');
    return append_record(part->in_force->audit, part->in_force->mailbox,
                         &(struct audit_record){
                             .kind = AUDIT_DIRECTIVES_IN_FORCE,
                             .time_ms = part->now_ms,
                             .caller = span_text("local"),
                             .method = span_text("directives.folder"),
                             .directive_set = directive_set_number(part->set),
                             .ids = part->ids,
                             .id_count = part->id_count,
                             .payload = json_writer_text(&part->json),
                         },
                         err);
}

static bool has_room(const struct part *part, size_t bytes)
{
    return part->id_count < AUDIT_IDS_MAX &&
           part->json.length + part->id_bytes + bytes + CLOSING_BYTES <= part->in_force->bytes_max;
}

static bool turn_over(struct part *part, struct err *err)
{
    if (!end(part, false, err))
        return false;
    begin(part);
    return true;
}

static void add_id(struct part *part, const struct directive *directive)
{
    const char *line = arena_printf(&part->arena, "%s %u %s", directive->id, directive->version,
                                    directive->digest);

    part->ids[part->id_count++] = span_text(line);
    part->id_bytes += strlen(line);
}

static size_t size_of(const struct directive *directive)
{
    return DIRECTIVE_BYTES +
           ESCAPED *
               (strlen(directive->title) + strlen(directive->authority.text) +
                strlen(directive->lifted_authority.text ? directive->lifted_authority.text : "")) +
           2 * strlen(directive->id);
}

static void open_directive(struct part *part, const struct directive *directive)
{
    struct json_writer *json = &part->json;

    add_id(part, directive);
    json_write_open(json, '{');
    put_number(json, "index", directive->index);
    put_text(json, "id", directive->id);
    put_number(json, "version", directive->version);
    put_text(json, "sha256", directive->digest);
    put_text(json, "title", directive->title);
    put_instant(json, "from", directive->from_ms);
    put_instant(json, "until", directive->until_ms);
    put_authority(json, "authority", &directive->authority);
    if (directive->lifted_ms != TIMESTAMP_NEVER_MS) {
        put_instant(json, "lifted", directive->lifted_ms);
        put_authority(json, "lifted_authority", &directive->lifted_authority);
    }
}

/* A list that is too long for a part goes on in the next one, under the same index. */
static bool write_names(struct part *part, const struct directive *directive, struct err *err)
{
    struct json_writer *json = &part->json;

    json_write_name(json, "resources");
    json_write_open(json, '[');
    for (size_t i = 0; i < directive->resource_count; i++) {
        if (!has_room(part, directive->resources[i].length + 8)) {
            json_write_close(json, ']');
            json_write_close(json, '}');
            if (!turn_over(part, err))
                return false;
            json_write_open(json, '{');
            put_number(json, "index", directive->index);
            json_write_name(json, "resources");
            json_write_open(json, '[');
        }
        json_write_text(json, directive->resources[i]);
    }
    json_write_close(json, ']');
    json_write_close(json, '}');
    return true;
}

static bool write_directives(struct part *part, struct err *err)
{
    for (size_t i = 0; i < directive_set_count(part->set); i++) {
        const struct directive *directive = directive_set_get(part->set, i);

        if (!has_room(part, size_of(directive)) && !turn_over(part, err))
            return false;
        open_directive(part, directive);
        if (!write_names(part, directive, err))
            return false;
    }
    return end(part, true, err);
}

bool in_force_record(const struct in_force *in_force, const struct directive_set *set,
                     int64_t now_ms, struct err *err)
{
    struct part part = {.in_force = in_force, .set = set, .now_ms = now_ms};
    bool is_recorded;

    arena_init(&part.arena, ARENA_BYTES);
    begin(&part);
    is_recorded = write_directives(&part, err);
    arena_release(&part.arena);
    return is_recorded;
}
