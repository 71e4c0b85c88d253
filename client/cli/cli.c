/* SPDX-License-Identifier: Apache-2.0 */
/* What commands share: failures with a next step, and operands taken apart. */
#include "client/cli/command.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 64 * 1024 * 1024 };

/* By reason first, then by code. */
static const struct {
    const char *reason;
    const char *next;
} next_by_reason[] = {
    {"ROLE_MISSING", "ask the operator for a binding; passgate whoami shows what you have"},
    {"STORE_UNAVAILABLE", "try again; passgate server info shows whether the store is up"},
    {"REVISION_AHEAD", "the server has not seen that revision: try again, or leave out "
                       "--min-revision"},
    {"ORGANIZATION_UNKNOWN", "organizations are listed in the server's configuration"},
    {"NOTHING_TO_CLAIM", "submit a verification of this subject first"},
    {"HASH_KEY_OTHER", "give this server the hash key of the store that was exported: "
                       "store.hash_key_file"},
    {"STORE_NOT_EMPTY", "import into an empty store, or keep what is there with --merge"},
    {"RECORD_OF_OTHER_LOG",
     "ask the replica with that log; passgate server info shows which it is"},
    {"TREE_HEAD_BEHIND", "try again in a second"},
    {"METHOD_UNKNOWN", "the server is older than this program; passgate server info"},
};

static const char *const next_by_code[] = {
    [PASSGATE_UNAVAILABLE] = "is passgated running there?  --server and PASSGATE_SERVER name it",
    [PASSGATE_DEADLINE_EXCEEDED] = "try again, or give it more time with --timeout",
    [PASSGATE_UNAUTHENTICATED] = "give your certificate with --cert and --key",
    [PASSGATE_PERMISSION_DENIED] =
        "ask the operator for a binding; passgate whoami shows what you have",
    [PASSGATE_RESOURCE_EXHAUSTED] = "try again later",
};

static const char *next_step(const struct passgate_error *error)
{
    for (size_t i = 0; i < ARRAY_LEN(next_by_reason); i++)
        if (strcmp(error->reason, next_by_reason[i].reason) == 0)
            return next_by_reason[i].next;
    return (size_t)error->code < ARRAY_LEN(next_by_code) ? next_by_code[error->code] : NULL;
}

int cli_fail(const struct cli *cli, const struct passgate_error *error)
{
    const struct output output = {.stream = stderr};
    const char *next = next_step(error);

    if (cli->output.is_json) {
        json_t *json = output_error_json(error);

        output_json(&cli->output, json);
        json_decref(json);
        return EXIT_ERROR;
    }
    output_print(&output, "passgate: %s (%s)\n", error->message, error->reason);
    if (next)
        output_print(&output, "Next: %s\n", next);
    return EXIT_ERROR;
}

int cli_fail_with(const struct cli *cli, const char *format, ...)
{
    struct passgate_error error = {.code = PASSGATE_INVALID_ARGUMENT, .reason = "USAGE"};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error.message, sizeof(error.message), format, arguments);
    va_end(arguments);
    return cli_fail(cli, &error);
}

int cli_fail_err(const struct cli *cli, const struct err *err)
{
    struct passgate_error error = {.code = (enum passgate_code)err_grpc_status(err->code)};

    snprintf(error.reason, sizeof(error.reason), "%s", err_reason(err->code));
    snprintf(error.message, sizeof(error.message), "%s", err->detail);
    return cli_fail(cli, &error);
}

int cli_refute(const struct cli *cli, const struct passgate_error *error)
{
    json_t *whole;

    if (strcmp(error->field, "jwks") == 0)
        return cli_fail(cli, error);
    if (cli->output.is_json) {
        whole = json_pack("{s:b, s:s, s:s}", "verified", 0, "reason", error->reason, "message",
                          error->message);
        output_json(&cli->output, whole);
        json_decref(whole);
    } else {
        output_colored(&cli->output, COLOR_RED, "NOT PROVED: %s (%s)\n", error->message,
                       error->reason);
    }
    return EXIT_DENY;
}

bool cli_split_resource(const struct cli *cli, const char *text, const char **ret_type,
                        const char **ret_id)
{
    const char *slash = strchr(text, '/');

    if (!slash || slash == text || slash[1] == '\0') {
        cli_fail_with(cli, "a resource is written TYPE/ID, such as model/mythos-5");
        return false;
    }
    *ret_type = arena_text(cli->arena, span_of(text, (size_t)(slash - text)));
    *ret_id = slash + 1;
    return true;
}

bool cli_split_pairs(const struct cli *cli, const struct text_list *list,
                     const struct passgate_pair **ret_pairs)
{
    struct passgate_pair *pairs = arena_new_array(cli->arena, struct passgate_pair, list->count);

    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');

        if (!equals || equals == list->items[i]) {
            cli_fail_with(cli, "--context is written KEY=VALUE, such as location=USA");
            return false;
        }
        pairs[i].key =
            arena_text(cli->arena, span_of(list->items[i], (size_t)(equals - list->items[i])));
        pairs[i].value = equals + 1;
    }
    *ret_pairs = pairs;
    return true;
}

bool cli_take_jwks(const struct cli *cli, const char **ret_json)
{
    struct passgate_error error;
    struct passgate_jwks *jwks;
    struct span text;

    if (cli->flags.jwks) {
        if (!cli_read_file(cli, cli->flags.jwks, &text))
            return false;
        *ret_json = (const char *)text.data;
        return true;
    }
    jwks = passgate_get_jwks(cli->client, &cli->call, &error);
    if (!jwks) {
        cli_fail(cli, &error);
        return false;
    }
    *ret_json = arena_text(cli->arena, span_text(jwks->json));
    passgate_free(jwks);
    return true;
}

const char *cli_expected_issuer(const struct cli *cli)
{
    struct passgate_server *server;
    const char *issuer = NULL;

    if (cli->flags.issuer || !cli->client)
        return cli->flags.issuer;
    server = passgate_get_server(cli->client, &cli->call, NULL);
    if (server)
        issuer = arena_text(cli->arena, span_text(server->issuer));
    passgate_free(server);
    return issuer;
}

bool cli_read_file(const struct cli *cli, const char *path, struct span *ret_content)
{
    bool is_input = strcmp(path, "-") == 0;
    struct err err;

    if (file_read(is_input ? "/dev/stdin" : path, FILE_MAX_BYTES, cli->arena, ret_content, &err))
        return true;
    cli_fail_err(cli, &err);
    return false;
}
