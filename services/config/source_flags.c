/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: `--store-url URL` or `--store-url=URL` for every option, and the commands. */
#include "config/nearest.h"
#include "config/source.h"

const struct command commands[] = {
    {"--check-config", CONFIG_CHECK, "report every error and warning with its place, then exit"},
    {"--print-config", CONFIG_PRINT,
     "print every effective value with its source as YAML, then exit; secrets are paths, their "
     "content is never printed"},
    {"--print-config-reference", CONFIG_PRINT_REFERENCE, NULL},
    {"--help", CONFIG_HELP, "print this, then exit"},
    {"-h", CONFIG_HELP, NULL},
    {"--version", CONFIG_VERSION, "print the version, then exit"},
};
const size_t command_count = ARRAY_LEN(commands);

static const char config_flag[] = "--config";

static struct config_place flag_place(const struct loader *loader, struct span flag)
{
    return (struct config_place){.file = arena_text(loader->arena, flag)};
}

static const struct command *find_command(struct span flag)
{
    for (size_t i = 0; i < command_count; i++)
        if (span_is(flag, commands[i].flag))
            return &commands[i];
    return NULL;
}

static void complain_unknown(struct loader *loader, struct span flag)
{
    struct nearest nearest = nearest_to(flag);
    char name[OPTION_NAME_MAX];

    nearest_offer(&nearest, config_flag);
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].help)
            nearest_offer(&nearest, commands[i].flag);
    for (size_t i = 0; i < option_count; i++) {
        /* The name is gone after this round: keep a copy of one that is nearer. */
        const char *before = nearest.best;

        nearest_offer(&nearest, option_flag(&options[i], name));
        if (nearest.best != before)
            nearest.best = arena_text(loader->arena, span_text(name));
    }
    loader_error(loader, ((struct config_place){.file = "command line"}), "no flag %s%s",
                 loader_quote(loader, flag),
                 nearest.best ? loader_suggest(loader, nearest.best) : "; see --help");
}

static void take_command(struct loader *loader, const struct command *command,
                         struct command_line *line)
{
    /* Help is for those who are lost: it wins over everything. */
    if (line->action == CONFIG_HELP || line->action == command->action)
        return;
    if (line->action != CONFIG_RUN && command->action != CONFIG_HELP)
        loader_error(loader, flag_place(loader, span_text(command->flag)),
                     "one command at a time: another one is given already");
    line->action = command->action;
}

/* `--flag=VALUE` in parts; `next` is the argument behind, NULL at the end. */
struct argument {
    struct span flag;
    struct span value;
    bool has_value;
    const char *next;
};

static struct argument split(const char *text, const char *next)
{
    const char *equals = strchr(text, '=');
    struct argument argument = {.flag = span_text(text), .next = next};

    if (equals) {
        argument.flag.length = (size_t)(equals - text);
        argument.value = span_text(equals + 1);
        argument.has_value = true;
    }
    return argument;
}

/* The value, from behind the equals sign or from the next argument; how many arguments it took, or
 * 0 with a finding. */
static int take_value(struct loader *loader, const struct argument *argument,
                      struct span *ret_value)
{
    if (argument->has_value) {
        *ret_value = argument->value;
        return 1;
    }
    /* A value may begin with dashes only behind an equals sign: more often it was forgotten. */
    if (!argument->next || strncmp(argument->next, "--", 2) == 0) {
        loader_error(loader, flag_place(loader, argument->flag), "needs a value: %.*s=VALUE",
                     SPAN_FORMAT(argument->flag));
        return 0;
    }
    *ret_value = span_text(argument->next);
    return 2;
}

/* Returns how many arguments were used up. */
static int take_argument(struct loader *loader, const struct argument *argument,
                         struct command_line *line)
{
    const struct option *option = option_find_flag(argument->flag);
    const struct command *command = find_command(argument->flag);
    struct span value;
    int used;

    if (command && argument->has_value) {
        loader_error(loader, flag_place(loader, argument->flag), "takes no value");
        return 1;
    }
    if (command) {
        take_command(loader, command, line);
        return 1;
    }
    if (!option && !span_is(argument->flag, config_flag)) {
        complain_unknown(loader, argument->flag);
        return 1;
    }
    used = take_value(loader, argument, &value);
    if (used == 0)
        return 1;
    if (option)
        line->values[line->value_count++] =
            (struct flag_value){option, arena_text(loader->arena, argument->flag), value};
    else
        line->file = arena_text(loader->arena, value);
    return used;
}

void source_command_line(struct loader *loader, int argc, char **argv,
                         struct command_line *ret_command_line)
{
    struct command_line line = {.action = CONFIG_RUN};

    line.values = arena_new_array(loader->arena, struct flag_value, argc > 0 ? (size_t)argc : 0);
    for (int i = 1; i < argc;) {
        struct argument argument = split(argv[i], i + 1 < argc ? argv[i + 1] : NULL);

        if (argv[i][0] == '-') {
            i += take_argument(loader, &argument, &line);
            continue;
        }
        loader_error(loader, ((struct config_place){.file = "command line"}),
                     "%s is not a flag; the file is named with --config FILE",
                     loader_quote(loader, span_text(argv[i])));
        i++;
    }
    *ret_command_line = line;
}

void source_flags(struct loader *loader, const struct command_line *command_line)
{
    for (size_t i = 0; i < command_line->value_count; i++) {
        const struct flag_value *value = &command_line->values[i];

        loader_set(loader, value->option, SETTING_FLAG, (struct config_place){.file = value->flag},
                   value->text);
    }
}
