/* SPDX-License-Identifier: Apache-2.0 */
/* The log: a line is built in a fixed buffer and written at once. */
#include "base/log.h"

#include "base/clock.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* A line is at most PIPE_BUF long: a write(2) to a pipe is then whole as well. */
enum { LINE_MAX_BYTES = 4096, VALUE_MAX_BYTES = 256 };

/* How a line ends, in both formats, when not all of its fields are in it. */
#define CUT_JSON ",\"cut\":true"
#define CUT_TEXT " cut=true"

static atomic_int least_level = ERR_LEVEL_INFO;
static atomic_int line_format = LOG_FORMAT_TEXT;

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t length;
    bool is_cut; /* something did not fit */
};

void log_configure(enum err_level least, enum log_format format)
{
    atomic_store(&least_level, (int)least);
    atomic_store(&line_format, (int)format);
}

bool log_is_on(enum err_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

/* Room for the end of the line is kept. */
static void add(struct line *line, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct line *line, const char *format, ...)
{
    size_t room = LINE_MAX_BYTES - sizeof(CUT_JSON "}\n") - line->length;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->bytes + line->length, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < room)
        line->length += (size_t)length;
    else
        line->is_cut = true;
}

/* A JSON string: control bytes, quotes and everything that is not ASCII is escaped byte by byte. */
static void add_quoted(struct line *line, struct span text)
{
    size_t length = text.length < VALUE_MAX_BYTES ? text.length : VALUE_MAX_BYTES;

    add(line, "\"");
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = text.data[i];

        if (byte == '"' || byte == '\\')
            add(line, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7F)
            add(line, "\\u%04x", byte);
        else
            add(line, "%c", byte);
    }
    add(line, length < text.length ? "…\"" : "\"");
}

static void add_value(struct line *line, const struct log_field *field, bool is_json)
{
    if (field->kind == LOG_FIELD_NUMBER)
        add(line, "%" PRId64, field->number);
    else if (field->kind == LOG_FIELD_HASH)
        add(line, is_json ? "\"%016" PRIx64 "\"" : "%016" PRIx64, field->hash.low);
    else
        add_quoted(line, field->text);
}

static const char *level_name(enum err_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return names[level];
}

/* A field is in the line whole or not at all, so that a cut line is still JSON. */
static void add_fields(struct line *line, const struct log_field *fields, bool is_json)
{
    for (; fields->name; fields++) {
        size_t before = line->length;

        add(line, is_json ? ",\"%s\":" : " %s=", fields->name);
        add_value(line, fields, is_json);
        if (line->is_cut) {
            line->length = before;
            return;
        }
    }
}

static void end(struct line *line, const char *text)
{
    size_t length = strlen(text);

    memcpy(line->bytes + line->length, text, length);
    line->length += length;
}

void log_write(enum err_level level, const char *event, const char *message,
               const struct log_field *fields)
{
    bool is_json = atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_FORMAT_JSON;
    char time[TIMESTAMP_TEXT_MAX];
    struct line line = {.length = 0};
    ssize_t ignored;

    timestamp_format(clock_wall_ms(&clock_system), time);
    if (is_json)
        add(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\",\"message\":\"%s\"", time,
            level_name(level), event, message);
    else
        add(&line, "%s %-5s %s: %s", time, level_name(level), event, message);
    add_fields(&line, fields, is_json);
    if (line.is_cut)
        end(&line, is_json ? CUT_JSON : CUT_TEXT);
    end(&line, is_json ? "}\n" : "\n");
    ignored = write(STDERR_FILENO, line.bytes, line.length);
    (void)ignored;
}

void log_err_at(enum err_level level, const char *event, const char *message, const struct err *err)
{
    const struct log_field fields[] = {
        log_text("reason", err_reason(err->code)),
        log_text("field", err->field),
        log_text("detail", err->detail),
        log_text("file", err->file ? err->file : ""),
        log_number("line", err->line),
        {0},
    };

    if (log_is_on(level))
        log_write(level, event, message, fields);
}

void log_err(const char *event, const char *message, const struct err *err)
{
    log_err_at(err_log_level(err->code), event, message, err);
}
