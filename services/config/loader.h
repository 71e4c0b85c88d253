/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loader: one configuration in the making, and what its sources share.
 *
 * Sources are read from the lowest to the highest: each sets the options that it names, and a later
 * one overwrites.  A wrong value is reported wherever it stands, also when another overrides it.
 */
#ifndef CONFIG_LOADER_H
#define CONFIG_LOADER_H

#include "config/config.h"
#include "config/option.h"

enum setting_source {
    SETTING_DEFAULT,
    SETTING_FILE,
    SETTING_ENVIRONMENT,
    SETTING_FLAG,
    SETTING_SOURCE_COUNT,
};

/* Where the value of an option comes from; the array of a config is parallel to options[]. */
struct setting {
    enum setting_source source;
    struct config_place place;
    bool is_wrong; /* some source has a value that cannot be read: what depends on it is not judged
                    */
};

struct loader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct config *config;
    struct setting *settings;
    const struct config_place *organization_places; /* parallel to config->organizations */
};

/* Findings at a place; `place` is a struct config_place. */
#define loader_error(loader, place, ...) \
    loader_note((loader), (place), DIAGNOSTIC_ERROR, __VA_ARGS__)
#define loader_warning(loader, place, ...) \
    loader_note((loader), (place), DIAGNOSTIC_WARNING, __VA_ARGS__)
#define loader_note(loader, place_, severity, ...)                                   \
    diagnostics_add((loader)->diagnostics, (severity), (place_).file, (place_).line, \
                    (place_).column, __VA_ARGS__)

/* Input as it may stand in a message: in backquotes, short, one line; "nothing" when it is empty.
 */
const char *loader_quote(const struct loader *loader, struct span text);

/* ": did you mean `best`?", or "" when `best` is NULL. */
const char *loader_suggest(const struct loader *loader, const char *best);

/* One value from one place. */
struct value_text {
    struct span text;
    struct config_place place;
};

/* Read a value into its field, as items of a list or as one text (where commas separate the items
 * of a list); on a wrong one note what would be right. */
void loader_set_items(struct loader *loader, const struct option *option,
                      enum setting_source source, struct config_place place,
                      const struct value_text *items, size_t count);
void loader_set(struct loader *loader, const struct option *option, enum setting_source source,
                struct config_place place, struct span text);

struct setting *loader_setting(const struct loader *loader, const struct option *option);
void *loader_field(const struct loader *loader, const struct option *option);

#endif
