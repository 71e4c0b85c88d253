/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: the order of the sources, and the defaults that depend on other options. */
#include "config/config.h"

#include "config/check.h"
#include "config/source.h"

enum {
    DESCRIPTORS_LOOPBACK = 1024,
    DESCRIPTORS_SERVED = 8192,
    DRAIN_PERCENT = 115, /* of the connection age: gRPC spreads ages by ±10 % */
};

static void read_defaults(struct loader *loader)
{
    const struct config_place nowhere = {.file = "default"};

    for (size_t i = 0; i < option_count; i++)
        loader_set(loader, &options[i], SETTING_DEFAULT, nowhere, span_text(options[i].fallback));
    loader->config->store.place =
        (struct config_store_place){.path = "", .host = "", .primary = ""};
}

static bool is_all_loopback(const struct config *config)
{
    for (size_t i = 0; i < config->listen.grpc.count; i++)
        if (!config->listen.grpc.rows[i].is_loopback)
            return false;
    return (!config->listen.http.text[0] || config->listen.http.is_loopback) &&
           (!config->listen.authzen.text[0] || config->listen.authzen.is_loopback);
}

/* The rows of the table say so in `fallback_note`. */
static void fill_in(struct config *config)
{
    if (!config->realm.audience[0])
        config->realm.audience = config->realm.issuer;
    if (!config->http.authzen_url[0])
        config->http.authzen_url = config->realm.issuer;
    if (config->drain.time_ms == 0)
        config->drain.time_ms = config->rpc.connection_age_ms * DRAIN_PERCENT / 100;
    if (config->rpc.descriptors_min == 0)
        config->rpc.descriptors_min =
            is_all_loopback(config) ? DESCRIPTORS_LOOPBACK : DESCRIPTORS_SERVED;
}

static void read_sources(struct loader *loader, const struct command_line *line, char **environment)
{
    const char *variable_file = source_environment_file(environment);

    read_defaults(loader);
    if (line->file)
        source_file(loader, line->file, "--config");
    else if (variable_file)
        source_file(loader, variable_file, "PASSGATE_CONFIG");
    source_environment(loader, environment);
    source_flags(loader, line);
    fill_in(loader->config);
    check_all(loader);
}

static bool needs_config(enum config_action action)
{
    return action == CONFIG_RUN || action == CONFIG_CHECK || action == CONFIG_PRINT;
}

bool config_load(int argc, char **argv, char **environment, struct arena *arena,
                 struct diagnostics *diagnostics, struct config **ret_config,
                 enum config_action *ret_action)
{
    struct loader loader = {.arena = arena, .diagnostics = diagnostics};
    size_t errors_before = diagnostics->error_count;
    struct command_line line;

    source_command_line(&loader, argc, argv, &line);
    if (line.action == CONFIG_HELP) {
        *ret_config = NULL;
        *ret_action = CONFIG_HELP;
        return true;
    }
    if (needs_config(line.action)) {
        loader.config = arena_new(arena, struct config);
        loader.settings = arena_new_array(arena, struct setting, option_count);
        loader.config->file = "";
        loader.config->settings = loader.settings;
        loader.config->argc = argc;
        loader.config->argv = argv;
        loader.config->environment = environment;
        read_sources(&loader, &line, environment);
    }
    if (diagnostics->error_count > errors_before)
        return false;
    *ret_config = loader.config;
    *ret_action = line.action;
    return true;
}

bool config_load_again(const struct config *config, struct arena *arena,
                       struct diagnostics *diagnostics, struct config **ret_config)
{
    enum config_action action;
    struct config *again;

    if (!config_load(config->argc, config->argv, config->environment, arena, diagnostics, &again,
                     &action) ||
        !again)
        return false;
    *ret_config = again;
    return true;
}

void config_complain(const struct config *config, const char *option, const char *what,
                     struct diagnostics *diagnostics)
{
    const struct option *row = option_find(span_text(option));
    const struct config_place place = config->settings[row - options].place;

    diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, place.file, place.line, place.column, "%s: %s",
                    option, what);
}
