/* SPDX-License-Identifier: Apache-2.0 */
/* API keys of a caller. */
#include "config/api_keys.h"

#include "base/encoding.h"
#include "base/timestamp.h"

static const char scheme[] = "apikey:";

enum { NAME_MAX_BYTES = 64, HASH_BYTES = sizeof(((struct config_api_key *)0)->sha256) };

bool api_keys_is_id(struct span id)
{
    return span_starts_with(id, span_text(scheme));
}

static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("._-", c))
            return false;
    }
    return text.length > 0 && text.length <= NAME_MAX_BYTES;
}

static bool read_sha256(struct span text, struct config_api_key *key)
{
    return text.length == 2 * (size_t)HASH_BYTES && hex_decode(text, key->sha256);
}

static bool read_expires(struct span text, struct config_api_key *key)
{
    return timestamp_parse(text, &key->expires_at_ms);
}

static const struct {
    const char *name;
    bool is_required;
    bool (*read)(struct span text, struct config_api_key *key);
} members[] = {
    {"sha256", true, read_sha256},
    {"expires", false, read_expires},
};

/* What is wrong may be the key itself, written where its hash belongs: not into a log. */
static void complain(struct loader *loader, const struct field *field, const struct yaml_node *node)
{
    loader_error(loader, section_place(loader, node), "%s must be %s", field->name,
                 field->expectation);
}

static bool read_member(const struct yaml_pair *pair, struct config_api_key *key)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (span_is(pair->key->text, members[i].name))
            return pair->value->kind == YAML_SCALAR && members[i].read(pair->value->text, key);
    return false;
}

static bool read_key(struct loader *loader, const struct field *field, const struct yaml_node *item,
                     struct config_api_key *ret_key)
{
    struct config_api_key key = {.expires_at_ms = TIMESTAMP_NEVER_MS,
                                 .place = section_place(loader, item)};
    const struct yaml_node *wrong = item->kind == YAML_MAPPING ? NULL : item;

    for (size_t i = 0; !wrong && i < item->count; i++)
        if (!read_member(&item->pairs[i], &key))
            wrong = item->pairs[i].value;
    for (size_t i = 0; !wrong && i < ARRAY_LEN(members); i++)
        if (members[i].is_required && !yaml_get(item, members[i].name))
            wrong = item;
    if (wrong) {
        complain(loader, field, wrong);
        return false;
    }
    *ret_key = key;
    return true;
}

void api_keys_read(struct loader *loader, const struct field *field, const struct yaml_node *value,
                   struct api_keys *ret_keys)
{
    struct config_api_key *rows;
    size_t count = 0;

    ret_keys->is_there = true;
    if (value->kind != YAML_SEQUENCE || value->count > API_KEYS_MAX) {
        complain(loader, field, value);
        return;
    }
    rows = arena_new_array(loader->arena, struct config_api_key, value->count);
    for (size_t i = 0; i < value->count; i++)
        count += read_key(loader, field, value->items[i], &rows[count]);
    ret_keys->rows = rows;
    ret_keys->count = count;
}

static void check_kind(struct loader *loader, const struct config_caller *caller)
{
    struct span id = span_text(caller->id);
    bool is_id = api_keys_is_id(id);

    if (caller->is_by_api_key != is_id && id.length > 0)
        loader_error(loader, caller->place,
                     is_id ? "caller %s needs api_keys: its id is no certificate's"
                           : "caller %s has api_keys: then its id must begin with `apikey:`",
                     loader_quote(loader, id));
    else if (is_id && !is_name(span_from(id, strlen(scheme))))
        loader_error(loader, caller->place,
                     "id %s: behind `apikey:` stand 1 to %d lower-case letters, digits and . _ -",
                     loader_quote(loader, id), NAME_MAX_BYTES);
}

static const struct config_api_key *find_before(const struct config_caller *callers, size_t count,
                                                const struct config_api_key *key)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < callers[i].api_key_count; k++) {
            const struct config_api_key *other = &callers[i].api_keys[k];

            if (other == key)
                return NULL;
            if (memcmp(other->sha256, key->sha256, sizeof(key->sha256)) == 0)
                return other;
        }
    return NULL;
}

void api_keys_check(struct loader *loader, const struct config_caller *callers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_kind(loader, &callers[i]);
        for (size_t k = 0; k < callers[i].api_key_count; k++) {
            const struct config_api_key *key = &callers[i].api_keys[k];
            const struct config_api_key *before = find_before(callers, count, key);

            if (before)
                loader_error(loader, key->place, "this key stands in line %d already",
                             before->place.line);
        }
    }
}

void api_keys_print(const struct config_caller *caller, FILE *stream)
{
    char hex[2 * HASH_BYTES + 1], time[TIMESTAMP_TEXT_MAX];

    if (!caller->is_by_api_key)
        return;
    fputs("    api_keys: [", stream);
    for (size_t i = 0; i < caller->api_key_count; i++) {
        const struct config_api_key *key = &caller->api_keys[i];

        hex_encode(span_of(key->sha256, sizeof(key->sha256)), hex);
        fprintf(stream, "%s{sha256: \"%s\"", i > 0 ? ", " : "", hex);
        if (key->expires_at_ms != TIMESTAMP_NEVER_MS)
            fprintf(stream, ", expires: \"%s\"", timestamp_format(key->expires_at_ms, time));
        fputc('}', stream);
    }
    fputs("]\n", stream);
}
