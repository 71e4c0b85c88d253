/* SPDX-License-Identifier: Apache-2.0 */
/* passgate: the command line.  Finds the command, connects, runs it. */
#include "client/cli/command.h"

#include "client/src/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 5000, ARENA_BYTES = 16 * 1024 };

static struct output output_for(const struct flags *flags)
{
    const char *no_color = getenv("NO_COLOR");

    return (struct output){
        .stream = stdout,
        .is_json = flags->output && strcmp(flags->output, "json") == 0,
        .is_colored =
            !flags->no_color && (!no_color || no_color[0] == '\0') && isatty(STDOUT_FILENO),
    };
}

static int wrong_usage(const char *next, const char *format, ...) PRINTF_LIKE(2, 3);

static int wrong_usage(const char *next, const char *format, ...)
{
    const struct output output = {.stream = stderr};
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0) {
        output_print(&output, "passgate: %s\nNext: %s\n", text, next);
        free(text);
    }
    va_end(arguments);
    return EXIT_ERROR;
}

static int unknown_command(const struct operands *operands)
{
    char typed[64];
    struct suggestion suggestion = {.meant = typed};

    snprintf(typed, sizeof(typed), "%s%s%s", operands->items[0], operands->count > 1 ? " " : "",
             operands->count > 1 ? operands->items[1] : "");
    for (size_t i = 0; i < command_count; i++)
        suggestion_consider(&suggestion, command_table[i].name);
    suggestion.meant = operands->items[0];
    for (size_t i = 0; i < command_count && !suggestion.best; i++)
        suggestion_consider(&suggestion, command_table[i].name);
    if (suggestion.best)
        return wrong_usage("passgate --help lists all commands",
                           "there is no command %s; did you mean %s?", operands->items[0],
                           suggestion.best);
    return wrong_usage("passgate --help lists all commands", "there is no command %s",
                       operands->items[0]);
}

/* "passgate", "passgate help check", "passgate claim": text instead of work. */
static int explain_usage(struct operands *operands, const struct output *output)
{
    const struct command *command;
    size_t words;

    if (operands->count > 0 && strcmp(operands->items[0], "help") == 0) {
        operands->items++;
        operands->count--;
        command = command_find(operands, &words);
        if (command) {
            help_command(output, command);
            return EXIT_SUCCESS;
        }
    }
    if (operands->count == 0) {
        help_overview(output);
        return EXIT_SUCCESS;
    }
    if (operands->count == 1 && help_group(output, operands->items[0]))
        return EXIT_SUCCESS;
    return unknown_command(operands);
}

static bool usage_is_right(const struct command *command, const struct flags *flags,
                           size_t operand_count)
{
    uint64_t foreign = flags->given & ~(command->flags | FLAGS_GLOBAL);
    char next[96];

    snprintf(next, sizeof(next), "passgate %s --help", command->name);
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (foreign & FLAG_BIT(i)) {
            wrong_usage(next, "%s does not take --%s", command->name, flag_table[i].name);
            return false;
        }
    }
    if (operand_count < command->operand_min || operand_count > command->operand_max) {
        wrong_usage(next, "%s takes %s", command->name,
                    command->operands[0] ? command->operands : "no operands");
        return false;
    }
    return true;
}

/* The connection is made before the call, so that the short deadline of a check is not spent on
 * it; why there is none, the call itself will say. */
static struct passgate_client *connect_to(const struct flags *flags, struct passgate_error *error)
{
    const struct passgate_options options = {
        .target = flags->server,
        .ca_file = flags->ca,
        .certificate_file = flags->cert,
        .key_file = flags->key,
        .server_name = flags->server_name,
    };
    struct passgate_client *client = passgate_client_new(&options, error);

    if (client)
        passgate_client_wait_ready(client,
                                   flags->timeout_ms ? flags->timeout_ms : CONNECT_TIMEOUT_MS);
    return client;
}

static bool needs_server(const struct cli *cli)
{
    const struct command *command = cli->command;

    if (command->is_offline_with_jwks && cli->flags.given & FLAG_BIT(FLAG_JWKS))
        return false;
    return !command->is_offline &&
           !(command->offline_operands && cli->operand_count >= command->offline_operands);
}

static int run(struct cli *cli)
{
    struct passgate_error error;
    int status;

    if (needs_server(cli)) {
        cli->client = connect_to(&cli->flags, &error);
        if (!cli->client)
            return cli_fail(cli, &error);
    }
    status = cli->command->run(cli);
    passgate_client_free(cli->client);
    if (fflush(cli->output.stream) != 0 || ferror(cli->output.stream))
        return EXIT_ERROR;
    return status;
}

static int main_with(int argc, char **argv, struct arena *arena)
{
    struct operands operands;
    struct cli cli = {.arena = arena};
    struct err err;
    size_t words;

    if (!flags_parse(argc, argv, arena, &cli.flags, &operands, &err))
        return wrong_usage("passgate --help", "%s", err.detail);
    cli.output = output_for(&cli.flags);
    cli.call.timeout_ms = cli.flags.timeout_ms;
    if (cli.flags.version)
        return run_version(&cli);
    cli.command = command_find(&operands, &words);
    if (!cli.command)
        return explain_usage(&operands, &cli.output);
    if (cli.flags.help) {
        help_command(&cli.output, cli.command);
        return EXIT_SUCCESS;
    }
    cli.operands = operands.items + words;
    cli.operand_count = operands.count - words;
    if (!usage_is_right(cli.command, &cli.flags, cli.operand_count))
        return EXIT_ERROR;
    return run(&cli);
}

int main(int argc, char **argv)
{
    struct arena arena;
    int status;

    setenv("GRPC_VERBOSITY", "NONE", 0); /* core logs to stderr; what matters is in the status */
    arena_init(&arena, ARENA_BYTES);
    status = main_with(argc, argv, &arena);
    arena_release(&arena);
    return status;
}
