/* SPDX-License-Identifier: Apache-2.0 */
/* passgate receipt verify: what was decided, as far as a signature proves it. */
#include "base/timestamp.h"
#include "client/cli/command.h"
#include "client/cli/text.h"

#include <inttypes.h>

static void print_question(const struct output *output, const struct passgate_receipt *receipt)
{
    output_row(output, "asked by:", "%s", receipt->caller);
    output_row(output, "about:", "%s", receipt->subject);
    for (size_t i = 0; i < receipt->also_subject_count; i++)
        output_row(output, "and:", "%s", receipt->also_subjects[i]);
    output_row(output, "for:", "%s", receipt->on_behalf_of);
    output_row(output, "resource:", "%s/%s", receipt->resource->type, receipt->resource->id);
    output_row(output, "action:", "%s", receipt->action);
    output_row(output, "context:", "%s%s", receipt->context_sha256[0] ? "SHA-256 " : "",
               receipt->context_sha256);
}

static void print_answer(const struct output *output, const struct passgate_receipt *receipt)
{
    char instant[TIMESTAMP_TEXT_MAX];

    output_row(output, "decision:", "%s", receipt->was_allowed ? "ALLOW" : "DENY");
    output_row(output, "because:", "%s", text_reason(receipt->reason));
    output_row(
        output, "decided at:", "%s",
        output_instant(receipt->evaluated_at_ms ? receipt->evaluated_at_ms : receipt->issued_at_ms,
                       instant));
    if (receipt->was_allowed)
        output_row(output, "usable until:", "%s",
                   output_instant(receipt->usable_until_ms, instant));
    output_row(output, "decision id:", "%s", receipt->decision_id);
    output_row(output, "facts revision:", "%s%s", receipt->revision,
               receipt->is_stale ? " (stale)" : "");
    if (receipt->directive_set_digest[0])
        output_row(output, "directive set:", "%" PRIu64 ", %s", receipt->directive_set,
                   receipt->directive_set_digest);
    if (receipt->directive[0])
        output_row(output, "directive:", "%s, version %" PRIu32 ", %s", receipt->directive,
                   receipt->directive_version, receipt->directive_digest);
    output_row(output, "issuer:", "%s", receipt->issuer);
    output_row(output, "key:", "%s", receipt->key_id);
}

static int print_genuine(const struct cli *cli, const struct passgate_receipt *receipt,
                         const char *issuer)
{
    const struct output *output = &cli->output;
    json_t *whole;

    if (output->is_json) {
        whole = json_pack("{s:b, s:o}", "verified", 1, "payload",
                          json_loads(passgate_json(receipt), 0, NULL));
        output_json(output, whole);
        json_decref(whole);
        return EXIT_ALLOW;
    }
    output_colored(output, COLOR_GREEN, "GENUINE%s\n",
                   issuer ? "" : ", but not compared: the issuer (--issuer)");
    print_question(output, receipt);
    print_answer(output, receipt);
    return EXIT_ALLOW;
}

static int print_refused(const struct cli *cli, const struct passgate_error *error)
{
    json_t *whole;

    if (cli->output.is_json) {
        whole = json_pack("{s:b, s:s}", "verified", 0, "reason", error->reason);
        output_json(&cli->output, whole);
        json_decref(whole);
    } else {
        output_colored(&cli->output, COLOR_RED, "NOT GENUINE: %s (%s)\n", error->message,
                       error->reason);
    }
    return EXIT_DENY;
}

int run_receipt_verify(struct cli *cli)
{
    struct passgate_receipt *receipt;
    struct passgate_error error;
    const char *jwks, *issuer;
    struct span text;
    int status;

    if (!cli_read_file(cli, cli->operands[0], &text) || !cli_take_jwks(cli, &jwks))
        return EXIT_ERROR;
    if (memchr(text.data, '\0', text.length))
        return cli_fail_with(cli, "%s is no text", cli->operands[0]);
    issuer = cli_expected_issuer(cli);
    receipt = passgate_receipt_verify((const char *)text.data, jwks, issuer, &error);
    if (!receipt)
        return strcmp(error.field, "jwks") == 0 ? cli_fail(cli, &error)
                                                : print_refused(cli, &error);
    status = print_genuine(cli, receipt, issuer);
    passgate_free(receipt);
    return status;
}
