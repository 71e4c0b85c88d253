/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of settings, from the lowest to the highest: file, environment, command line. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "config/loader.h"

/* A flag that is no option: it asks for something. */
struct command {
    const char *flag;
    enum config_action action;
    const char *help; /* NULL = for those who build Passgate */
};

extern const struct command commands[];
extern const size_t command_count;

struct flag_value {
    const struct option *option;
    const char *flag; /* `--store-url` */
    struct span text;
};

/* A command line taken apart; the values are set after those of the lower sources. */
struct command_line {
    enum config_action action;
    const char *file; /* of --config; NULL when it is not given */
    struct flag_value *values;
    size_t value_count;
};

void source_command_line(struct loader *loader, int argc, char **argv,
                         struct command_line *ret_command_line);
void source_flags(struct loader *loader, const struct command_line *command_line);

/* The file that PASSGATE_CONFIG names, or NULL. */
const char *source_environment_file(char **environment);
void source_environment(struct loader *loader, char **environment);

/* `named_by` is the flag or variable that named the file. */
void source_file(struct loader *loader, const char *path, const char *named_by);

#endif
