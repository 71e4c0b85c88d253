/* SPDX-License-Identifier: Apache-2.0 */
/* passgate audit head: the newest signed head of the server's log, and that it goes on from one
 * that was kept. */
#include "base/encoding.h"
#include "base/timestamp.h"
#include "client/cli/command.h"
#include "domain/audit/head.h"

#include <inttypes.h>

enum { HASH_TEXT_MAX = 2 * PASSGATE_HASH_BYTES + 1 };

/* The last line that says anything; NULL after saying why there is none. */
static const char *read_kept(const struct cli *cli)
{
    struct span file, line, last = {0};
    size_t offset = 0;
    bool is_whole;

    if (!cli_read_file(cli, cli->flags.from, &file))
        return NULL;
    while (audit_heads_next(file, &offset, &line, &is_whole))
        if (line.length > 0)
            last = line;
    if (last.length > 0 && !memchr(last.data, '\0', last.length))
        return arena_text(cli->arena, last);
    cli_fail_with(cli, "%s has no tree head", cli->flags.from);
    return NULL;
}

/* A log that is shorter than the head that was kept is none that the server proves anything of; its
 * head says how short. */
static struct passgate_tree_head *ask(const struct cli *cli, uint64_t from_size,
                                      struct passgate_error *error)
{
    const struct passgate_tree_head_query query = {.from_size = from_size};
    struct passgate_tree_head *head =
        passgate_get_tree_head(cli->client, &query, &cli->call, error);

    if (!head && from_size > 0 && strcmp(error->field, "from_size") == 0)
        head = passgate_get_tree_head(cli->client, NULL, &cli->call, error);
    return head;
}

static const char *hex_of(const struct cli *cli, const uint8_t *hash)
{
    char *text = arena_alloc(cli->arena, HASH_TEXT_MAX);

    hex_encode(span_of(hash, PASSGATE_HASH_BYTES), text);
    return text;
}

static void print_json(const struct cli *cli, const struct passgate_tree_head *head,
                       const struct passgate_tree_head *older)
{
    char time[TIMESTAMP_TEXT_MAX];
    json_t *hashes = json_array(), *whole;

    for (size_t i = 0; i < head->consistency_count; i++)
        json_array_append_new(
            hashes, json_string(hex_of(cli, head->consistency + i * PASSGATE_HASH_BYTES)));
    whole = json_pack("{s:b, s:s, s:s, s:I, s:s, s:s, s:s}", "verified", 1, "keys",
                      cli->flags.jwks ? "file" : "server", "log", head->log_id, "size",
                      (json_int_t)head->size, "root", hex_of(cli, head->root), "signedAt",
                      output_instant(head->signed_at_ms, time), "jws", head->jws);
    if (older)
        json_object_set_new(whole, "from",
                            json_pack("{s:I, s:s, s:O}", "size", (json_int_t)older->size,
                                      "signedAt", output_instant(older->signed_at_ms, time),
                                      "proof", hashes));
    json_decref(hashes);
    output_json(&cli->output, whole);
    json_decref(whole);
}

static void print_text(const struct cli *cli, const struct passgate_tree_head *head,
                       const struct passgate_tree_head *older)
{
    const struct output *output = &cli->output;
    char time[TIMESTAMP_TEXT_MAX];

    output_colored(output, COLOR_GREEN, "SIGNED%s%s\n", older ? ", and goes on from" : "",
                   older ? " the older head" : "");
    if (!cli->flags.jwks)
        output_row(output, "keys:", "%s", "the server's own (--jwks)");
    output_row(output, "log:", "%s", head->log_id);
    output_row(output, "records:", "%" PRIu64, head->size);
    if (older)
        output_row(output, "before:", "%" PRIu64 " at %s", older->size,
                   output_instant(older->signed_at_ms, time));
    output_row(output, "root:", "%s", hex_of(cli, head->root));
    output_row(output, "signed at:", "%s", output_instant(head->signed_at_ms, time));
    output_row(output, "head:", "%s", head->jws);
}

static int check(const struct cli *cli, const struct passgate_tree_head *head,
                 const struct passgate_tree_head *older, const char *jwks)
{
    struct passgate_error error;

    if (!passgate_tree_head_verify(head, jwks, &error) ||
        (older && !passgate_tree_head_extends(head, older, &error)))
        return cli_refute(cli, &error);
    if (cli->output.is_json)
        print_json(cli, head, older);
    else
        print_text(cli, head, older);
    return EXIT_ALLOW;
}

int run_audit_head(struct cli *cli)
{
    struct passgate_tree_head *older = NULL, *head;
    struct passgate_error error;
    const char *jwks, *kept = NULL;
    int status;

    if ((cli->flags.from && !(kept = read_kept(cli))) || !cli_take_jwks(cli, &jwks))
        return EXIT_ERROR;
    if (kept && !(older = passgate_tree_head_read(kept, jwks, &error)))
        return cli_refute(cli, &error);
    head = ask(cli, older ? older->size : 0, &error);
    status = head ? check(cli, head, older, jwks) : cli_fail(cli, &error);
    passgate_free(head);
    passgate_free(older);
    return status;
}
