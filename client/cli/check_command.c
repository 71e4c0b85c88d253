/* SPDX-License-Identifier: Apache-2.0 */
/* passgate check, explain, list: one subject, now or at another moment. */
#include "base/file.h"
#include "base/timestamp.h"
#include "client/cli/command.h"
#include "client/cli/text.h"

#include <stdlib.h>

enum { PAGE_SIZE = 1000 };

static bool check_of(const struct cli *cli, struct passgate_check *ret_check)
{
    struct passgate_check check = {
        .subject = cli->operands[0],
        .action = cli->operands[2],
        .on_behalf_of = cli->flags.on_behalf_of,
        .also_subjects = cli->flags.also.items,
        .also_subject_count = cli->flags.also.count,
        .context_count = cli->flags.context.count,
        .min_revision = cli->flags.min_revision,
        .want_reasons = cli->flags.reasons,
        .want_receipt = cli->flags.receipt != NULL,
    };

    if (!cli_split_resource(cli, cli->operands[1], &check.resource_type, &check.resource_id) ||
        !cli_split_pairs(cli, &cli->flags.context, &check.context))
        return false;
    *ret_check = check;
    return true;
}

/* Where it is wanted.  On standard output it is the last line, unless the JSON there has it. */
static bool keep_receipt(const struct cli *cli, const char *receipt)
{
    const char *path = cli->flags.receipt;
    struct err err;

    if (receipt[0] == '\0') {
        cli_fail_with(cli, "the server gave no receipt");
        return false;
    }
    if (strcmp(path, "-") == 0) {
        if (!cli->output.is_json)
            output_print(&cli->output, "%s\n", receipt);
        return true;
    }
    if (file_write_durably(path, span_text(arena_printf(cli->arena, "%s\n", receipt)), 0600, &err))
        return true;
    cli_fail_err(cli, &err);
    return false;
}

int run_check(struct cli *cli)
{
    struct passgate_decision *decision;
    struct passgate_check check;
    struct passgate_error error;
    int status;

    if (!check_of(cli, &check))
        return EXIT_ERROR;
    decision = passgate_check(cli->client, &check, &cli->call, &error);
    if (!decision)
        return cli_fail(cli, &error);
    if (cli->output.is_json)
        output_result(&cli->output, decision);
    else
        text_decision(&cli->output, &check, decision);
    status = passgate_is_allowed(decision) ? EXIT_ALLOW : EXIT_DENY;
    if (cli->flags.receipt && !keep_receipt(cli, decision->receipt))
        status = EXIT_ERROR;
    passgate_free(decision);
    return status;
}

int run_explain(struct cli *cli)
{
    struct passgate_explanation *explanation;
    struct passgate_check check;
    struct passgate_error error;
    int64_t at_ms = 0;
    int status;

    if (!check_of(cli, &check))
        return EXIT_ERROR;
    if (cli->flags.at && !timestamp_parse(span_text(cli->flags.at), &at_ms))
        return cli_fail_with(cli, "--at is written with its offset, 2026-06-12T17:21:00-04:00");
    explanation = passgate_explain(cli->client, &check, at_ms, &cli->call, &error);
    if (!explanation)
        return cli_fail(cli, &error);
    if (cli->output.is_json)
        output_result(&cli->output, explanation);
    else
        text_explanation(&cli->output, &check, explanation);
    status = passgate_is_allowed(explanation->decision) ? EXIT_ALLOW : EXIT_DENY;
    passgate_free(explanation);
    return status;
}

/* All pages as if they were one: the first reply, with the entitlements of the others. */
static void append_page(json_t **whole, const struct passgate_entitlements *page)
{
    const char *text = passgate_json(page);
    json_t *reply = text ? json_loads(text, 0, NULL) : json_object();

    if (!*whole) {
        *whole = reply;
        json_object_del(reply, "nextPageToken");
        return;
    }
    json_array_extend(json_object_get(*whole, "entitlements"),
                      json_object_get(reply, "entitlements"));
    json_decref(reply);
}

int run_list(struct cli *cli)
{
    struct passgate_list list = {
        .subject = cli->operands[0],
        .action = cli->operands[1],
        .on_behalf_of = cli->flags.on_behalf_of,
        .context_count = cli->flags.context.count,
        .resource_type = cli->flags.type,
        .page_size = PAGE_SIZE,
    };
    struct passgate_entitlements *page;
    struct passgate_error error;
    json_t *whole = NULL;

    if (!cli_split_pairs(cli, &cli->flags.context, &list.context))
        return EXIT_ERROR;
    do {
        page = passgate_list(cli->client, &list, &cli->call, &error);
        if (!page) {
            json_decref(whole);
            return cli_fail(cli, &error);
        }
        if (cli->output.is_json)
            append_page(&whole, page);
        else
            text_entitlements(&cli->output, page);
        list.page_token = arena_text(cli->arena, span_text(page->next_page_token));
        passgate_free(page);
    } while (list.page_token[0]);
    if (whole)
        output_json(&cli->output, whole);
    json_decref(whole);
    return EXIT_ALLOW;
}
