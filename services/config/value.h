/* SPDX-License-Identifier: Apache-2.0 */
/* Values: how the text of each type of option becomes a field of struct config, and back. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/loader.h"

enum { VALUE_EXPECTATION_MAX = 256 };

/* Parse into the field; false, with a finding that says what would be right, leaves it alone.
 * Anything but a list has one item. */
bool value_read(struct loader *loader, const struct option *option, const struct value_text *items,
                size_t count);

bool value_is_list(const struct option *option);

/* As YAML on one line. */
void value_print(const struct config *config, const struct option *option, FILE *stream);

/* `DURATION`: what stands for the value in --help. */
const char *value_placeholder(const struct option *option);

/* "a duration from 30s to 3600s, such as 300s or 50ms": what would be right.  Returns `text`. */
const char *value_expectation(const struct option *option, char text[static VALUE_EXPECTATION_MAX]);

/* Text that is plain YAML, or in double quotes with escapes. */
void value_print_text(const char *text, FILE *stream);

#endif
