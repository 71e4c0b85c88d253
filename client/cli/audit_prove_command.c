/* SPDX-License-Identifier: Apache-2.0 */
/* passgate audit prove: that a decision is in the log whose head was signed. */
#include "base/encoding.h"
#include "base/timestamp.h"
#include "client/cli/log_folder.h"
#include "domain/audit/prove.h"

#include <inttypes.h>

/* The head of the most records. */
struct newest {
    const struct cli *cli;
    uint64_t log_id;
    struct audit_head head; /* size 0: none */
    struct span jws;
};

static void consider(void *context, const struct log_head *line)
{
    struct newest *newest = context;

    if (!line->is_good || line->head.log_id != newest->log_id ||
        line->head.size < newest->head.size)
        return;
    newest->head = line->head;
    newest->jws = arena_copy(newest->cli->arena, line->jws);
}

static const char *hex_of(const struct cli *cli, const struct tree_hash *hash)
{
    char *text = arena_alloc(cli->arena, 2 * TREE_HASH_BYTES + 1);

    hex_encode(span_of(hash, sizeof(*hash)), text);
    return text;
}

static void print_json(const struct cli *cli, const struct newest *newest,
                       const struct audit_inclusion *inclusion, bool is_signature_checked)
{
    json_t *hashes = json_array(), *whole;
    char time[TIMESTAMP_TEXT_MAX];

    for (uint32_t i = 0; i < inclusion->proof.count; i++)
        json_array_append_new(hashes, json_string(hex_of(cli, &inclusion->proof.hashes[i])));
    whole = json_pack(
        "{s:s, s:b, s:I, s:s, s:o, s:{s:I, s:s, s:s, s:b, s:s%}, s:{s:s, s:I}}", "decisionId",
        cli->operands[0], "proved", 1, "leafIndex", (json_int_t)inclusion->index, "leafHash",
        hex_of(cli, &inclusion->leaf), "proof", hashes, "head", "size",
        (json_int_t)newest->head.size, "root", hex_of(cli, &newest->head.root), "signedAt",
        output_instant(newest->head.time_ms, time), "signatureChecked", is_signature_checked, "jws",
        newest->jws.data, newest->jws.length, "record", "segment",
        arena_printf(cli->arena, "%020" PRIu64 AUDIT_SEGMENT_SUFFIX, inclusion->first_sequence),
        "offset", (json_int_t)inclusion->offset);
    output_json(&cli->output, whole);
    json_decref(whole);
}

static void print_text(const struct cli *cli, const struct newest *newest,
                       const struct audit_inclusion *inclusion, bool is_signature_checked)
{
    const struct output *output = &cli->output;
    char time[TIMESTAMP_TEXT_MAX];

    output_colored(output, COLOR_GREEN, "PROVED%s\n",
                   is_signature_checked ? ""
                                        : ", but the head's signature was not checked (--jwks)");
    output_row(output, "record:", "%020" PRIu64 AUDIT_SEGMENT_SUFFIX ":%" PRIu64,
               inclusion->first_sequence, inclusion->offset);
    output_row(output, "leaf:", "%" PRIu64 " of %" PRIu64, inclusion->index, newest->head.size);
    output_row(output, "leaf hash:", "%s", hex_of(cli, &inclusion->leaf));
    for (uint32_t i = 0; i < inclusion->proof.count; i++)
        output_row(output, i == 0 ? "proof:" : "", "%s", hex_of(cli, &inclusion->proof.hashes[i]));
    output_row(output, "root:", "%s", hex_of(cli, &newest->head.root));
    output_row(output, "signed at:", "%s", output_instant(newest->head.time_ms, time));
    output_row(output, "head:", "%.*s", SPAN_FORMAT(newest->jws));
}

static int prove(const struct cli *cli, const struct log_folder *folder,
                 const struct key_ring *ring, uint64_t log_id, uint64_t sequence)
{
    struct newest newest = {.cli = cli, .log_id = log_id};
    struct audit_inclusion inclusion;
    struct err err;

    if (!log_folder_heads(cli, folder, ring, consider, &newest, &err))
        return cli_fail_err(cli, &err);
    if (newest.head.size == 0)
        return cli_fail_with(cli, "there is no good head of this log in %s", folder->path);
    if (!audit_prove(&folder->files, &newest.head, sequence, &inclusion, &err)) {
        cli_fail_err(cli, &err);
        return err.code == ERR_RECORD_UNKNOWN || err.code == ERR_TREE_HEAD_BEHIND ||
                       err.code == ERR_STORE_CORRUPT
                   ? EXIT_DENY
                   : EXIT_ERROR;
    }
    if (cli->output.is_json)
        print_json(cli, &newest, &inclusion, ring != NULL);
    else
        print_text(cli, &newest, &inclusion, ring != NULL);
    return EXIT_ALLOW;
}

int run_audit_prove(struct cli *cli)
{
    uint64_t log_id, sequence;
    struct log_folder folder;
    struct key_ring *ring;
    int status;

    if (!audit_decision_id_parse(span_text(cli->operands[0]), &log_id, &sequence))
        return cli_fail_with(cli, "a decision id is 16 hex digits, a dash and a number");
    if (!log_folder_open(cli, cli->operands[1], &folder) || !log_folder_keys(cli, &ring))
        return EXIT_ERROR;
    status = prove(cli, &folder, ring, log_id, sequence);
    key_ring_unref(ring);
    return status;
}
