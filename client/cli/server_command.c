/* SPDX-License-Identifier: Apache-2.0 */
/* passgate whoami, health, server, keys, version: the two ends of the connection. */
#include "client/cli/command.h"
#include "client/cli/text.h"

/* The end of every question whose answer is shown whole: JSON here, text by the caller before. */
static int finish(const struct cli *cli, const void *result)
{
    if (cli->output.is_json)
        output_result(&cli->output, result);
    passgate_free(result);
    return EXIT_ALLOW;
}

int run_whoami(struct cli *cli)
{
    struct passgate_error error;
    struct passgate_caller *caller = passgate_who_am_i(cli->client, &cli->call, &error);

    if (!caller)
        return cli_fail(cli, &error);
    if (!cli->output.is_json)
        text_caller(&cli->output, caller);
    return finish(cli, caller);
}

int run_server_info(struct cli *cli)
{
    struct passgate_error error;
    struct passgate_server *server = passgate_get_server(cli->client, &cli->call, &error);

    if (!server)
        return cli_fail(cli, &error);
    if (!cli->output.is_json)
        text_server(&cli->output, server);
    return finish(cli, server);
}

int run_keys_list(struct cli *cli)
{
    struct passgate_error error;
    struct passgate_keys *keys = passgate_list_keys(cli->client, &cli->call, &error);

    if (!keys)
        return cli_fail(cli, &error);
    if (!cli->output.is_json)
        text_keys(&cli->output, keys);
    return finish(cli, keys);
}

int run_health(struct cli *cli)
{
    const char *service = cli->operand_count > 0 ? cli->operands[0] : NULL;
    struct passgate_error error;
    struct passgate_health *health = passgate_get_health(cli->client, service, &cli->call, &error);
    bool is_serving;

    if (!health)
        return cli_fail(cli, &error);
    is_serving = health->is_serving;
    if (cli->output.is_json)
        output_result(&cli->output, health);
    else
        output_colored(&cli->output, is_serving ? COLOR_GREEN : COLOR_RED, "%s\n", health->status);
    passgate_free(health);
    return is_serving ? EXIT_ALLOW : EXIT_ERROR;
}

int run_version(struct cli *cli)
{
    if (cli->output.is_json)
        output_print(&cli->output, "{\n  \"version\": \"%s\"\n}\n", PASSGATE_VERSION);
    else
        output_print(&cli->output, "passgate %s\n", PASSGATE_VERSION);
    return EXIT_ALLOW;
}
