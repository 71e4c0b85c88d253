/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in a JSON document.
 *
 * jansson keeps no positions of values, and they are only needed when something is wrong: then the
 * text, which is known to be well formed, is walked once along the path.
 */
#include "client/src/json_document.h"

#include <stdio.h>

bool json_document_read(struct span text, json_t **ret_value, struct json_position *ret_position,
                        struct err *err)
{
    json_error_t error;
    json_t *value;

    *ret_position = (struct json_position){0};
    if (json_read(text, ret_value, err))
        return true;
    if (err->code != ERR_MESSAGE_MALFORMED || text.length == 0)
        return false;
    value = json_loadb((const char *)text.data, text.length,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value) { /* refused by json_read() alone, which has said why */
        json_decref(value);
        return false;
    }
    *ret_position = (struct json_position){error.line, error.column};
    return err_set(err, ERR_MESSAGE_MALFORMED, "%s", error.text);
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
