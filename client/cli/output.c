/* SPDX-License-Identifier: Apache-2.0 */
/* Output. */
#include "client/cli/output.h"

#include "base/err.h"
#include "base/timestamp.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *const color_codes[] = {
    [COLOR_NONE] = "",           [COLOR_GREEN] = "\033[32m", [COLOR_RED] = "\033[31m",
    [COLOR_YELLOW] = "\033[33m", [COLOR_BOLD] = "\033[1m",
};

/* C0, DEL, and C1 as it looks in UTF-8. */
static void make_harmless(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if ((*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7F)
            *c = '?';
        else if (*c == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F)
            c[0] = c[1] = '?';
    }
}

static void print(const struct output *output, enum output_color color, const char *format,
                  va_list arguments) __attribute__((format(printf, 3, 0)));

static void print(const struct output *output, enum output_color color, const char *format,
                  va_list arguments)
{
    bool is_colored = output->is_colored && color != COLOR_NONE;
    char *text;

    if (vasprintf(&text, format, arguments) < 0)
        return;
    make_harmless(text);
    fprintf(output->stream, "%s%s%s", is_colored ? color_codes[color] : "", text,
            is_colored ? "\033[0m" : "");
    free(text);
}

void output_print(const struct output *output, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print(output, COLOR_NONE, format, arguments);
    va_end(arguments);
}

void output_colored(const struct output *output, enum output_color color, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print(output, color, format, arguments);
    va_end(arguments);
}

void output_row(const struct output *output, const char *label, const char *format, ...)
{
    va_list arguments;
    char *text;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (length > 0)
        output_print(output, "  %-18s %s\n", label, text);
    free(text);
}

const char *output_instant(int64_t ms, char *text)
{
    if (ms == 0)
        return "";
    return timestamp_format(ms, text);
}

void output_json(const struct output *output, const json_t *value)
{
    json_dumpf(value, output->stream, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fputc('\n', output->stream);
}

void output_result(const struct output *output, const void *result)
{
    const char *text = passgate_json(result);

    fprintf(output->stream, "%s\n", text ? text : "null");
}

json_t *output_error_json(const struct passgate_error *error)
{
    json_t *object = json_object();
    json_t *inner = json_object();

    json_object_set_new(inner, "code", json_string(err_status_name((enum err_status)error->code)));
    json_object_set_new(inner, "reason", json_string(error->reason));
    if (error->field[0])
        json_object_set_new(inner, "field", json_string(error->field));
    json_object_set_new(inner, "message", json_string(error->message));
    json_object_set_new(object, "error", inner);
    return object;
}
