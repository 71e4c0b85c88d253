/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in a JSON document.
 *
 * jansson keeps no positions of values, and they are only needed when something is wrong: then the
 * text, which is known to be well formed, is walked once along the path.
 */
#include "client/src/json_document.h"

#include <stdio.h>

static struct json_position position_at(struct span text, size_t at)
{
    struct json_position position = {1, 1};

    for (size_t i = 0; i < at && i < text.length; i++) {
        if (text.data[i] == '\n') {
            position.line++;
            position.column = 1;
        } else if ((text.data[i] & 0xC0) != 0x80) {
            position.column++;
        }
    }
    return position;
}

/* Of the first bracket that json_read() finds too deep. */
static size_t too_deep_at(struct span text)
{
    bool in_string = false;
    size_t depth = 0, at;

    for (at = 0; at < text.length; at++) {
        uint8_t byte = text.data[at];

        if (in_string && byte == '\\')
            at++;
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '{' || byte == '[') && ++depth > JSON_DEPTH_MAX)
            break;
        else if (!in_string && (byte == '}' || byte == ']') && depth > 0)
            depth--;
    }
    return at;
}

/* In words of ours: those of jansson repeat what stands there, and name its flags. */
static const char *words_of(const json_error_t *error)
{
    static const struct {
        enum json_error_code code;
        const char *words;
    } rows[] = {
        {json_error_premature_end_of_input, "the JSON ends too early"},
        {json_error_end_of_input_expected, "something stands behind the end of the JSON"},
        {json_error_invalid_utf8, "this is not valid UTF-8"},
        {json_error_duplicate_key, "the same key stands there twice"},
        {json_error_null_character, "a text may not hold \\u0000"},
        {json_error_null_byte_in_key, "a key may not hold \\u0000"},
        {json_error_numeric_overflow, "a number is too large"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (json_error_code(error) == rows[i].code)
            return rows[i].words;
    return "this is not JSON";
}

bool json_document_read(struct span text, json_t **ret_value, struct json_position *ret_position,
                        struct err *err)
{
    json_error_t error;
    json_t *value;

    *ret_position = (struct json_position){0};
    if (json_read(text, ret_value, err))
        return true;
    if (err->code == ERR_FIELD_TOO_DEEP)
        *ret_position = position_at(text, too_deep_at(text));
    if (err->code != ERR_MESSAGE_MALFORMED || text.length == 0)
        return false;
    value = json_loadb((const char *)text.data, text.length,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value) { /* refused by json_read() alone, which has said why */
        json_decref(value);
        return false;
    }
    *ret_position = (struct json_position){error.line, error.column};
    return err_set(err, ERR_MESSAGE_MALFORMED, "%s", words_of(&error));
}

/* A walk over well-formed text. */
struct walk {
    struct span text;
    size_t at;
};

static char peek(const struct walk *walk)
{
    return walk->at < walk->text.length ? (char)walk->text.data[walk->at] : '\0';
}

static void skip_space(struct walk *walk)
{
    while (peek(walk) == ' ' || peek(walk) == '\t' || peek(walk) == '\n' || peek(walk) == '\r')
        walk->at++;
}

static void skip_string(struct walk *walk)
{
    for (walk->at++; peek(walk) != '"' && peek(walk) != '\0'; walk->at++)
        if (peek(walk) == '\\')
            walk->at++;
    walk->at++;
}

/* Brackets are counted rather than followed: the text is well formed. */
static void skip_value(struct walk *walk)
{
    int depth = 0;

    do {
        char c = peek(walk);

        if (c == '"') {
            skip_string(walk);
            continue;
        }
        if (c == '\0' || (depth == 0 && (c == ',' || c == '}' || c == ']')))
            return;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        walk->at++;
    } while (depth > 0 || (peek(walk) != ',' && peek(walk) != '}' && peek(walk) != ']'));
}

/* The rest of `path` behind `key`, or NULL when it does not lead through it.  Keys are taken as
 * they stand: those with escapes are not found. */
static const char *path_behind_key(const char *path, struct span key)
{
    if (strncmp(path, (const char *)key.data, key.length) != 0)
        return NULL;
    path += key.length;
    if (*path == '.')
        return path + 1;
    return *path == '[' || *path == '\0' ? path : NULL;
}

/* From '{' to the value of the member that the path leads through. */
static const char *enter_object(struct walk *walk, const char *path, size_t *ret_key_at)
{
    walk->at++;
    for (;;) {
        size_t begin;
        const char *rest;

        skip_space(walk);
        if (peek(walk) != '"')
            return NULL;
        begin = walk->at;
        skip_string(walk);
        rest = path_behind_key(path, span_of(walk->text.data + begin + 1, walk->at - begin - 2));
        skip_space(walk);
        walk->at++; /* the colon */
        skip_space(walk);
        if (rest) {
            *ret_key_at = begin;
            return rest;
        }
        skip_value(walk);
        skip_space(walk);
        if (peek(walk) != ',')
            return NULL;
        walk->at++;
    }
}

/* From '[' to the element that the path leads through. */
static const char *enter_list(struct walk *walk, const char *path)
{
    size_t index;
    int length = 0;

    if (sscanf(path, "[%zu]%n", &index, &length) != 1 || length == 0)
        return NULL;
    path += length;
    walk->at++;
    skip_space(walk);
    for (; index > 0; index--) {
        skip_value(walk);
        skip_space(walk);
        if (peek(walk) != ',')
            return NULL;
        walk->at++;
        skip_space(walk);
    }
    return *path == '.' ? path + 1 : path;
}

struct json_position json_document_locate(struct span text, const char *path)
{
    struct walk walk = {text, 0};
    size_t at = 0;

    while (path && *path) {
        skip_space(&walk);
        if (peek(&walk) == '{') {
            path = enter_object(&walk, path, &at);
        } else if (peek(&walk) == '[') {
            path = enter_list(&walk, path);
            at = walk.at;
        } else {
            path = NULL;
        }
    }
    if (!path)
        return (struct json_position){0};
    skip_space(&walk);
    return position_at(text, at > 0 ? at : walk.at);
}
