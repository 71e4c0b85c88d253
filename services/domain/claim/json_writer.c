/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, written straight into an arena. */
#include "domain/claim/json_writer.h"

#include <stdio.h>

enum { ESCAPE_BYTES_MAX = 6, INTEGER_TEXT_MAX = 24 };

void json_writer_init(struct json_writer *writer, struct arena *arena, size_t capacity)
{
    *writer = (struct json_writer){
        .arena = arena,
        .text = arena_alloc(arena, capacity),
        .capacity = capacity,
    };
}

struct span json_writer_text(const struct json_writer *writer)
{
    return span_of(writer->text, writer->length);
}

/* Room for `count` more bytes; returns where they go. */
static char *reserve(struct json_writer *writer, size_t count)
{
    if (writer->capacity - writer->length < count) {
        size_t capacity = 2 * writer->capacity + count;
        char *text = arena_alloc(writer->arena, capacity);

        memcpy(text, writer->text, writer->length);
        writer->text = text;
        writer->capacity = capacity;
    }
    return writer->text + writer->length;
}

static void append(struct json_writer *writer, const void *bytes, size_t count)
{
    memcpy(reserve(writer, count), bytes, count);
    writer->length += count;
}

static void append_byte(struct json_writer *writer, char byte)
{
    append(writer, &byte, 1);
}

/* What stands before a value or a name. */
static void begin(struct json_writer *writer)
{
    if (writer->needs_comma)
        append_byte(writer, ',');
    writer->needs_comma = true;
}

void json_write_open(struct json_writer *writer, char bracket)
{
    begin(writer);
    append_byte(writer, bracket);
    writer->needs_comma = false;
}

void json_write_close(struct json_writer *writer, char bracket)
{
    append_byte(writer, bracket);
    writer->needs_comma = true;
}

void json_write_name(struct json_writer *writer, const char *name)
{
    begin(writer);
    append_byte(writer, '"');
    append(writer, name, strlen(name));
    append(writer, "\":", 2);
    writer->needs_comma = false;
}

static void append_quoted(struct json_writer *writer, struct span text)
{
    char *start = reserve(writer, text.length * ESCAPE_BYTES_MAX + 2), *at = start;

    *at++ = '"';
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];

        if (byte < 0x20) {
            at += snprintf(at, ESCAPE_BYTES_MAX + 1, "\\u%04x", byte);
            continue;
        }
        if (byte == '"' || byte == '\\')
            *at++ = '\\';
        *at++ = (char)byte;
    }
    *at++ = '"';
    writer->length += (size_t)(at - start);
}

void json_write_key(struct json_writer *writer, struct span key)
{
    begin(writer);
    append_quoted(writer, key);
    append_byte(writer, ':');
    writer->needs_comma = false;
}

void json_write_text(struct json_writer *writer, struct span text)
{
    begin(writer);
    append_quoted(writer, text);
}

void json_write_integer(struct json_writer *writer, int64_t number)
{
    char text[INTEGER_TEXT_MAX];
    int length = snprintf(text, sizeof(text), "%lld", (long long)number);

    begin(writer);
    append(writer, text, (size_t)length);
}

void json_write_bool(struct json_writer *writer, bool value)
{
    begin(writer);
    if (value)
        append(writer, "true", 4);
    else
        append(writer, "false", 5);
}
