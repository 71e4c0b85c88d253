/* SPDX-License-Identifier: Apache-2.0 */
/* Output: lines for people, safe to show on a terminal. */
#ifndef CLIENT_CLI_OUTPUT_H
#define CLIENT_CLI_OUTPUT_H

#include "base/attributes.h"
#include "client/include/passgate/client.h"

#include <jansson.h>
#include <stdio.h>

enum output_color { COLOR_NONE, COLOR_GREEN, COLOR_RED, COLOR_YELLOW, COLOR_BOLD };

struct output {
    FILE *stream;
    bool is_json;
    bool is_colored;
};

/* printf, except that control characters come out as '?': what a server says must not steer a
 * terminal.  Newlines and tabs pass. */
void output_print(const struct output *output, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same in colour, if there is any. */
void output_colored(const struct output *output, enum output_color color, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* "  label:  value", only when there is a value. */
void output_row(const struct output *output, const char *label, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* An instant as RFC 3339, or "" for 0; `text` has TIMESTAMP_TEXT_MAX bytes. */
const char *output_instant(int64_t ms, char *text);

/* Indented JSON and a newline. */
void output_json(const struct output *output, const json_t *value);

/* The JSON text of any result of the library. */
void output_result(const struct output *output, const void *result);

/* What an error looks like in JSON; to be released with json_decref(). */
json_t *output_error_json(const struct passgate_error *error);

#endif
