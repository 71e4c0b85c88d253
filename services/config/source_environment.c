/* SPDX-License-Identifier: Apache-2.0 */
/* The environment: `PASSGATE_STORE_URL` for `store.url`. */
#include "config/nearest.h"
#include "config/source.h"

static const char prefix[] = "PASSGATE_";
static const char file_variable[] = "PASSGATE_CONFIG";

struct variable {
    struct span name;
    struct span value;
};

/* False for what is not ours. */
static bool split(const char *entry, struct variable *ret_variable)
{
    const char *equals = strchr(entry, '=');

    if (!equals || strncmp(entry, prefix, strlen(prefix)) != 0)
        return false;
    ret_variable->name = span_of(entry, (size_t)(equals - entry));
    ret_variable->value = span_text(equals + 1);
    return true;
}

/* What Kubernetes sets for a service named `passgate` or `passgate-…` in the same namespace:
 * PASSGATE_SERVICE_HOST, PASSGATE_PORT_50051_TCP and their like. */
static bool is_service_link(struct span name)
{
    static const char *const marks[] = {"_SERVICE_HOST", "_SERVICE_PORT", "_PORT"};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (memmem(name.data, name.length, marks[i], strlen(marks[i])))
            return true;
    return false;
}

/* What the command line, `passgate`, has from the environment: often exported for a whole shell. */
static bool is_of_client(struct span name)
{
    static const char *const names[] = {"PASSGATE_SERVER", "PASSGATE_CA", "PASSGATE_CERT",
                                        "PASSGATE_KEY"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_is(name, names[i]))
            return true;
    return false;
}

/* The variables of others may begin like ours: a warning, and no more. */
static void warn_unknown(struct loader *loader, struct span name)
{
    struct nearest nearest = nearest_to(name);
    char candidate[OPTION_NAME_MAX];

    for (size_t i = 0; i < option_count; i++) {
        const char *before = nearest.best;

        nearest_offer(&nearest, option_variable(&options[i], candidate));
        if (nearest.best != before)
            nearest.best = arena_text(loader->arena, span_text(candidate));
    }
    loader_warning(loader, ((struct config_place){.file = arena_text(loader->arena, name)}),
                   "no option has this variable%s", loader_suggest(loader, nearest.best));
}

const char *source_environment_file(char **environment)
{
    struct variable variable;

    for (; environment && *environment; environment++)
        if (split(*environment, &variable) && span_is(variable.name, file_variable) &&
            variable.value.length > 0)
            return (const char *)variable.value.data;
    return NULL;
}

void source_environment(struct loader *loader, char **environment)
{
    struct variable variable;

    for (; environment && *environment; environment++) {
        const struct option *option;

        if (!split(*environment, &variable) || span_is(variable.name, file_variable))
            continue;
        option = option_find_variable(variable.name);
        if (option)
            loader_set(loader, option, SETTING_ENVIRONMENT,
                       (struct config_place){.file = arena_text(loader->arena, variable.name)},
                       variable.value);
        else if (!is_service_link(variable.name) && !is_of_client(variable.name))
            warn_unknown(loader, variable.name);
    }
}
