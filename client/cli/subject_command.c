/* SPDX-License-Identifier: Apache-2.0 */
/* passgate subject: what is known of one, and what is said about it. */
#include "client/cli/command.h"
#include "client/cli/text.h"

int run_subject_show(struct cli *cli)
{
    struct passgate_subject *subject;
    struct passgate_error error;

    subject = passgate_get_subject(cli->client, cli->operands[0], &cli->call, &error);
    if (!subject)
        return cli_fail(cli, &error);
    if (cli->output.is_json)
        output_result(&cli->output, subject);
    else
        text_subject(&cli->output, subject);
    passgate_free(subject);
    return EXIT_ALLOW;
}

/* The end of every write. */
static int finish(struct cli *cli, const struct passgate_written *written,
                  const struct passgate_error *error)
{
    if (!written)
        return cli_fail(cli, error);
    if (cli->output.is_json)
        output_result(&cli->output, written);
    else
        output_print(&cli->output, "%s (revision %s)\n",
                     written->already_revoked ? "It had been revoked before." : "Done.",
                     written->revision);
    passgate_free(written);
    return EXIT_ALLOW;
}

static enum passgate_affiliation_as affiliation_named(const char *name)
{
    static const struct {
        const char *name;
        enum passgate_affiliation_as as;
    } rows[] = {
        {"employee", PASSGATE_AFFILIATION_AS_EMPLOYEE},
        {"contractor", PASSGATE_AFFILIATION_AS_CONTRACTOR},
        {"agent", PASSGATE_AFFILIATION_AS_AGENT},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].as;
    return PASSGATE_AFFILIATION_AS_UNSPECIFIED;
}

int run_subject_affiliate(struct cli *cli)
{
    size_t count = cli->flags.as.count;
    struct passgate_affiliation_term *terms =
        arena_new_array(cli->arena, struct passgate_affiliation_term, count);
    const struct passgate_affiliate affiliate = {
        .subject = cli->operands[0],
        .organization = cli->operands[1],
        .affiliation_count = count,
        .affiliations = terms,
        .complete = cli->flags.complete,
        .review_by = cli->flags.review_by,
    };
    struct passgate_error error;

    if (count == 0 && !cli->flags.complete)
        return cli_fail_with(cli, "say --as employee, or --complete alone for no affiliation");
    for (size_t i = 0; i < count; i++)
        terms[i] = (struct passgate_affiliation_term){
            affiliation_named(cli->flags.as.items[i]),
            cli->flags.until,
        };
    return finish(cli, passgate_affiliate(cli->client, &affiliate, &cli->call, &error), &error);
}

int run_subject_principals(struct cli *cli)
{
    struct passgate_error error;

    return finish(cli,
                  passgate_set_principals(cli->client, cli->operands[0], cli->operands + 1,
                                          cli->operand_count - 1, &cli->call, &error),
                  &error);
}

int run_subject_revoke(struct cli *cli)
{
    const struct passgate_revoke revoke = {
        .subject = cli->operands[0],
        .evidence_id = cli->flags.evidence,
        .vendor = cli->flags.vendor,
        .check_id = cli->flags.check_id,
        .reason = cli->flags.reason,
    };
    struct passgate_error error;

    if (!revoke.reason)
        return cli_fail_with(cli, "say why with --reason: it goes to the audit record");
    if (!revoke.evidence_id == !(revoke.vendor && revoke.check_id))
        return cli_fail_with(cli, "name the evidence by --evidence, or by --vendor and --check-id");
    return finish(cli, passgate_revoke(cli->client, &revoke, &cli->call, &error), &error);
}
