/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what people write: the checks, and messages that say what would be right. */
#include "domain/directive/read.h"

#include "base/encoding.h"

#include <stdarg.h>

enum { MESSAGE_MAX = 400, WORD_SHOWN_MAX = 60, NEAREST_MAX = 48 };

void read_error(struct reader *reader, const struct yaml_node *node, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;

    if (node->is_refused)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    diagnostics_add(reader->diagnostics, DIAGNOSTIC_ERROR, reader->file, node->line, node->column,
                    "%s", message);
}

void read_warning(struct reader *reader, int line, int column, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    diagnostics_add(reader->diagnostics, DIAGNOSTIC_WARNING, reader->file, line, column, "%s",
                    message);
}

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's distance; SIZE_MAX for texts too long to be a slip of each other. */
static size_t distance(struct span a, struct span b)
{
    size_t row[NEAREST_MAX + 1];

    if (a.length > NEAREST_MAX || b.length > NEAREST_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t above = row[j];

            row[j] =
                least_of(above + 1, row[j - 1] + 1, diagonal + (a.data[i - 1] != b.data[j - 1]));
            diagonal = above;
        }
    }
    return row[b.length];
}

/* What was probably meant, or NULL. */
static const char *nearest(struct span text, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t best_distance = text.length / 3 + 2;

    for (size_t i = 0; i < count; i++) {
        size_t d = words[i][0] ? distance(text, span_text(words[i])) : SIZE_MAX;

        if (d < best_distance) {
            best_distance = d;
            best = words[i];
        }
    }
    return best;
}

static void refuse_word(struct reader *reader, const struct yaml_node *node, const char *what,
                        const char *const *words, size_t count)
{
    const char *guess = nearest(node->text, words, count);
    char list[MESSAGE_MAX / 2 + 40] = "";
    size_t length = 0;

    for (size_t i = 0; i < count && length < sizeof(list) - 1; i++)
        if (words[i][0])
            length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
                                       length > 0 ? ", " : "", words[i]);
    if (guess)
        read_error(reader, node, "%s `%.*s` is unknown: did you mean `%s`? (%s)", what,
                   WORD_SHOWN_MAX, (const char *)node->text.data, guess, list);
    else
        read_error(reader, node, "%s `%.*s` is unknown: one of %s", what, WORD_SHOWN_MAX,
                   (const char *)node->text.data, list);
}

/* Characters that show a text otherwise than it is read: C0 but for the line feed, DEL, C1 (C2
 * 80-9F), the separators of lines and paragraphs and what turns the direction (E2 80 A8-AE, E2 81
 * A6-A9).  Whole sequences: the text is UTF-8. */
static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        const uint8_t *byte = &text.data[i];

        if ((byte[0] < ' ' && byte[0] != '\n') || byte[0] == 0x7f ||
            (byte[0] == 0xc2 && byte[1] < 0xa0) ||
            (byte[0] == 0xe2 && byte[1] == 0x80 && byte[2] >= 0xa8 && byte[2] <= 0xae) ||
            (byte[0] == 0xe2 && byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9))
            return true;
    }
    return false;
}

static bool is_blank(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\n')
            return false;
    return true;
}

static const struct field *find_field(const struct field *fields, size_t count, struct span key)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(key, fields[i].key))
            return &fields[i];
    return NULL;
}

enum { FIELDS_MAX = 24 };

static void refuse_unknown_keys(struct reader *reader, const struct yaml_node *node,
                                const char *what, const struct field *fields, size_t count)
{
    const char *keys[FIELDS_MAX];
    char text[80];

    for (size_t i = 0; i < count; i++)
        keys[i] = fields[i].key;
    snprintf(text, sizeof(text), "%s: key", what);
    for (size_t i = 0; i < node->count; i++)
        if (!find_field(fields, count, node->pairs[i].key->text))
            refuse_word(reader, node->pairs[i].key, text, keys, count);
}

void read_mapping(struct reader *reader, const struct yaml_node *node, const char *what,
                  const struct field *fields, size_t field_count, void *target)
{
    if (node->kind != YAML_MAPPING) {
        read_error(reader, node, "%s must be a mapping: `{%s: …}`", what, fields[0].key);
        return;
    }
    refuse_unknown_keys(reader, node, what, fields, field_count);
    for (size_t i = 0; i < field_count; i++) {
        const struct yaml_node *value = yaml_get(node, fields[i].key);

        if (!value && fields[i].is_required)
            read_error(reader, node, "%s needs `%s`", what, fields[i].key);
        else if (value && yaml_is_null(value))
            read_error(reader, value, "`%s` is blank: give a value%s", fields[i].key,
                       fields[i].is_required ? "" : ", or leave the key out");
        else if (value)
            fields[i].read(reader, value, target);
    }
}

bool read_is_list(struct reader *reader, const struct yaml_node *node, const char *what)
{
    if (node->kind != YAML_SEQUENCE) {
        read_error(reader, node, "%s must be a list: `[…]`", what);
        return false;
    }
    if (node->count == 0) {
        read_error(reader, node, "%s is an empty list: name at least one", what);
        return false;
    }
    if (node->count > DIRECTIVE_LIST_MAX) {
        read_error(reader, node, "%s has %zu entries, at most %d", what, node->count,
                   DIRECTIVE_LIST_MAX);
        return false;
    }
    return true;
}

bool read_is_text(struct reader *reader, const struct yaml_node *node, const char *what, size_t max)
{
    if (node->kind != YAML_SCALAR) {
        read_error(reader, node, "%s must be text", what);
        return false;
    }
    if (yaml_is_null(node) || is_blank(node->text)) {
        read_error(reader, node, "%s is blank", what);
        return false;
    }
    if (node->text.length > max) {
        read_error(reader, node, "%s has %zu bytes, at most %zu", what, node->text.length, max);
        return false;
    }
    if (!utf8_is_valid(node->text)) {
        read_error(reader, node, "%s is not UTF-8", what);
        return false;
    }
    if (has_control(node->text)) {
        read_error(reader, node, "%s has a control character", what);
        return false;
    }
    return true;
}

const char *read_text(struct reader *reader, const struct yaml_node *node, const char *what,
                      size_t max)
{
    if (!read_is_text(reader, node, what, max))
        return NULL;
    return arena_text(reader->arena, node->text);
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool read_is_name(struct reader *reader, const struct yaml_node *node, const char *what, size_t max,
                  const char *characters)
{
    if (!read_is_text(reader, node, what, max))
        return false;
    for (size_t i = 0; i < node->text.length; i++)
        if (!is_alphanumeric(node->text.data[i]) &&
            !memchr(characters, node->text.data[i], strlen(characters))) {
            read_error(reader, node, "%s `%.*s` may have only letters, digits and `%s`", what,
                       WORD_SHOWN_MAX, (const char *)node->text.data, characters);
            return false;
        }
    return true;
}

bool read_bool(struct reader *reader, const struct yaml_node *node, bool *ret_value)
{
    bool is_plain = node->kind == YAML_SCALAR && !node->is_quoted;

    if (is_plain && (span_is(node->text, "true") || span_is(node->text, "false"))) {
        *ret_value = span_is(node->text, "true");
        return true;
    }
    read_error(reader, node, "write `true` or `false`");
    return false;
}

bool read_instant(struct reader *reader, const struct yaml_node *node, int64_t *ret_ms)
{
    int32_t day;

    if (node->kind == YAML_SCALAR && timestamp_parse(node->text, ret_ms))
        return true;
    if (node->kind == YAML_SCALAR && day_parse(node->text, &day))
        read_error(reader, node,
                   "a date alone is refused, it begins at another moment in every zone: write an "
                   "instant with its offset, like %sT00:00:00-04:00",
                   (const char *)node->text.data);
    else
        read_error(reader, node,
                   "not an instant with an offset: write it like 2026-06-12T17:21:00-04:00");
    return false;
}

static bool is_duration(struct span text, int64_t most_ms, int64_t *ret_ms)
{
    static const struct {
        const char *suffix;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};
    size_t digits = 0;
    int64_t number = 0;
    struct span suffix;

    for (; digits < text.length && text.data[digits] >= '0' && text.data[digits] <= '9'; digits++) {
        number = number * 10 + (text.data[digits] - '0');
        if (number > most_ms)
            return false;
    }
    suffix = span_from(text, digits);
    for (size_t i = 0; digits > 0 && i < ARRAY_LEN(units); i++)
        if (span_is(suffix, units[i].suffix) || (number == 0 && suffix.length == 0)) {
            if (number > most_ms / units[i].ms)
                return false;
            *ret_ms = number * units[i].ms;
            return true;
        }
    return false;
}

bool read_duration(struct reader *reader, const struct yaml_node *node, const char *what,
                   int64_t most_ms, int64_t *ret_ms)
{
    if (node->kind == YAML_SCALAR && is_duration(node->text, most_ms, ret_ms))
        return true;
    read_error(reader, node,
               "%s must be a duration of at most %lld s: write it like 10s, 500ms or 0", what,
               (long long)(most_ms / 1000));
    return false;
}

bool read_word(struct reader *reader, const struct yaml_node *node, const char *what,
               const char *const *words, size_t word_count, unsigned *ret_index)
{
    if (!read_is_text(reader, node, what, DIRECTIVE_TEXT_MAX))
        return false;
    for (size_t i = 0; i < word_count; i++)
        if (words[i][0] && span_is(node->text, words[i])) {
            *ret_index = (unsigned)i;
            return true;
        }
    refuse_word(reader, node, what, words, word_count);
    return false;
}

static void read_authority_text(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct directive_authority *authority = target;

    authority->text = read_text(reader, value, "the authority's `text`", DIRECTIVE_TEXT_MAX);
}

static void read_authority_digest(struct reader *reader, const struct yaml_node *value,
                                  void *target)
{
    struct directive_authority *authority = target;
    bool is_hex = value->kind == YAML_SCALAR && value->text.length == 64;

    for (size_t i = 0; is_hex && i < value->text.length; i++)
        is_hex = memchr("0123456789abcdef", value->text.data[i], 16) != NULL;
    if (is_hex)
        authority->document_sha256 = arena_text(reader->arena, value->text);
    else
        read_error(reader, value,
                   "`document_sha256` is 64 lower-case hex digits, as `sha256sum` prints them");
}

static void read_authority_received(struct reader *reader, const struct yaml_node *value,
                                    void *target)
{
    struct directive_authority *authority = target;

    read_instant(reader, value, &authority->received_ms);
}

static const struct field authority_fields[] = {
    {"text", true, read_authority_text},
    {"document_sha256", false, read_authority_digest},
    {"received", false, read_authority_received},
};

void read_authority(struct reader *reader, const struct yaml_node *node,
                    struct directive_authority *ret_authority)
{
    *ret_authority = (struct directive_authority){
        .text = "", .document_sha256 = "", .received_ms = TIMESTAMP_NEVER_MS};
    read_mapping(reader, node, "`authority`", authority_fields, ARRAY_LEN(authority_fields),
                 ret_authority);
}

/* A scheme, a host, and nothing that would end the address where it is shown. */
static bool is_url(struct span text)
{
    struct span host;

    if (span_starts_with(text, span_text("https://")))
        host = span_from(text, strlen("https://"));
    else if (span_starts_with(text, span_text("http://")))
        host = span_from(text, strlen("http://"));
    else
        return false;
    for (size_t i = 0; i < host.length; i++)
        if (host.data[i] <= ' ')
            return false;
    return host.length > 0 && host.data[0] != '/';
}

const char *read_url(struct reader *reader, const struct yaml_node *node, const char *what)
{
    if (!read_is_text(reader, node, what, DIRECTIVE_TEXT_MAX))
        return NULL;
    if (!is_url(node->text)) {
        read_error(reader, node,
                   "%s must be an address that begins with https:// or http:// and a host, without "
                   "blanks",
                   what);
        return NULL;
    }
    return arena_text(reader->arena, node->text);
}

const char *read_join(struct reader *reader, const struct yaml_node *list)
{
    size_t length = 1;
    size_t used = 0;
    char *text;

    for (size_t i = 0; i < list->count; i++)
        length += list->items[i]->text.length + 2;
    text = arena_alloc(reader->arena, length);
    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++)
        used += (size_t)snprintf(text + used, length - used, "%s%.*s", i > 0 ? ", " : "",
                                 SPAN_FORMAT(list->items[i]->text));
    return text;
}
