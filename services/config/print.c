/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed about a configuration: its values, and what the commands answer. */
#include "config/section.h"
#include "config/value.h"

static const char *const source_names[SETTING_SOURCE_COUNT] = {
    [SETTING_DEFAULT] = "default",
    [SETTING_FILE] = "file",
    [SETTING_ENVIRONMENT] = "environment",
    [SETTING_FLAG] = "flag",
};

static void print_source(const struct setting *setting, FILE *stream)
{
    fprintf(stream, "  # %s", source_names[setting->source]);
    if (setting->source == SETTING_FILE)
        fprintf(stream, " %s:%d", setting->place.file, setting->place.line);
    else if (setting->source != SETTING_DEFAULT)
        fprintf(stream, " %s", setting->place.file);
    fputc('\n', stream);
}

void config_print(const struct config *config, FILE *stream)
{
    const char *section = "";
    size_t section_length = 0;

    fprintf(stream, "# passgated %s: the values in effect, and where each comes from\n",
            PASSGATE_VERSION);
    for (size_t i = 0; i < option_count; i++) {
        const char *dot = strchr(options[i].name, '.');

        if (strncmp(section, options[i].name, section_length + 1) != 0) {
            section = options[i].name;
            section_length = (size_t)(dot - section);
            fprintf(stream, "%.*s:\n", (int)section_length, section);
        }
        fprintf(stream, "  %s: ", dot + 1);
        value_print(config, &options[i], stream);
        print_source(&config->settings[i], stream);
    }
    for (size_t i = 0; i < section_count; i++)
        sections[i]->print(config, stream);
}

static void print_good(const struct config *config, FILE *stream)
{
    fprintf(stream, "%s%sthe configuration is good\n", config->file, config->file[0] ? ": " : "");
}

static void print_version(FILE *stream)
{
    fprintf(stream, "passgated %s\n", PASSGATE_VERSION);
}

bool config_answer(enum config_action action, const struct config *config, FILE *stream)
{
    static const struct {
        void (*about_config)(const struct config *config, FILE *stream);
        void (*about_program)(FILE *stream);
    } answers[] = {
        [CONFIG_RUN] = {NULL, NULL},
        [CONFIG_CHECK] = {.about_config = print_good},
        [CONFIG_PRINT] = {.about_config = config_print},
        [CONFIG_PRINT_REFERENCE] = {.about_program = config_reference},
        [CONFIG_HELP] = {.about_program = config_help},
        [CONFIG_VERSION] = {.about_program = print_version},
    };

    if (answers[action].about_config)
        answers[action].about_config(config, stream);
    else if (answers[action].about_program)
        answers[action].about_program(stream);
    return action != CONFIG_RUN;
}
