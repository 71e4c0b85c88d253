/* SPDX-License-Identifier: Apache-2.0 */
/* passgate audit prove: that a decision is in the log whose head was signed, from the log's files
 * or by what the server says. */
#include "base/encoding.h"
#include "base/timestamp.h"
#include "client/cli/audit_record_text.h"
#include "client/cli/log_folder.h"
#include "domain/audit/prove.h"

#include <inttypes.h>

/* What the record is proved against. */
struct newest {
    struct audit_head head;
    struct span jws;
};

static const char *hex_of(const struct cli *cli, const struct tree_hash *hash)
{
    char *text = arena_alloc(cli->arena, 2 * TREE_HASH_BYTES + 1);

    hex_encode(span_of(hash, sizeof(*hash)), text);
    return text;
}

/* How much the proof is worth. */
enum keys { KEYS_NONE, KEYS_OF_SERVER, KEYS_OF_FILE };

static const char *const keys_notes[] = {
    [KEYS_NONE] = ", but the head's signature was not checked (--jwks)",
    [KEYS_OF_SERVER] = ", with the keys that the server itself gives (--jwks)",
    [KEYS_OF_FILE] = "",
};

static void print_json(const struct cli *cli, const struct newest *newest,
                       const struct audit_inclusion *inclusion, enum keys keys, json_t *record)
{
    json_t *hashes = json_array(), *whole;
    char time[TIMESTAMP_TEXT_MAX];

    for (uint32_t i = 0; i < inclusion->proof.count; i++)
        json_array_append_new(hashes, json_string(hex_of(cli, &inclusion->proof.hashes[i])));
    whole =
        json_pack("{s:s, s:b, s:I, s:s, s:o, s:{s:I, s:s, s:s, s:b, s:s%}, s:o}", "decisionId",
                  cli->operands[0], "proved", 1, "leafIndex", (json_int_t)inclusion->index,
                  "leafHash", hex_of(cli, &inclusion->leaf), "proof", hashes, "head", "size",
                  (json_int_t)newest->head.size, "root", hex_of(cli, &newest->head.root),
                  "signedAt", output_instant(newest->head.time_ms, time), "signatureChecked",
                  keys != KEYS_NONE, "jws", newest->jws.data, newest->jws.length, "record", record);
    output_json(&cli->output, whole);
    json_decref(whole);
}

static void print_text(const struct cli *cli, const struct newest *newest,
                       const struct audit_inclusion *inclusion, enum keys keys, const char *where)
{
    const struct output *output = &cli->output;
    char time[TIMESTAMP_TEXT_MAX];

    output_colored(output, COLOR_GREEN, "PROVED%s\n", keys_notes[keys]);
    output_row(output, "record:", "%s", where);
    output_row(output, "leaf:", "%" PRIu64 " of %" PRIu64, inclusion->index, newest->head.size);
    output_row(output, "leaf hash:", "%s", hex_of(cli, &inclusion->leaf));
    for (uint32_t i = 0; i < inclusion->proof.count; i++)
        output_row(output, i == 0 ? "proof:" : "", "%s", hex_of(cli, &inclusion->proof.hashes[i]));
    output_row(output, "root:", "%s", hex_of(cli, &newest->head.root));
    output_row(output, "signed at:", "%s", output_instant(newest->head.time_ms, time));
    output_row(output, "head:", "%.*s", SPAN_FORMAT(newest->jws));
}

/* ---- from the files ---- */

static void print_place(const struct cli *cli, const struct newest *newest,
                        const struct audit_inclusion *inclusion, enum keys keys)
{
    const char *segment =
        arena_printf(cli->arena, "%020" PRIu64 AUDIT_SEGMENT_SUFFIX, inclusion->first_sequence);

    if (cli->output.is_json)
        print_json(
            cli, newest, inclusion, keys,
            json_pack("{s:s, s:I}", "segment", segment, "offset", (json_int_t)inclusion->offset));
    else
        print_text(cli, newest, inclusion, keys,
                   arena_printf(cli->arena, "%s:%" PRIu64, segment, inclusion->offset));
}

static int prove(const struct cli *cli, const struct log_folder *folder,
                 const struct key_ring *ring, uint64_t log_id, uint64_t sequence)
{
    struct audit_inclusion inclusion;
    struct newest newest;
    struct err err;

    if (!log_folder_newest_head(cli, folder, ring, log_id, &newest.head, &newest.jws, &err))
        return cli_fail_err(cli, &err);
    if (!audit_prove(&folder->files, &newest.head, sequence, &inclusion, &err)) {
        cli_fail_err(cli, &err);
        return err.code == ERR_RECORD_UNKNOWN || err.code == ERR_TREE_HEAD_BEHIND ||
                       err.code == ERR_STORE_CORRUPT
                   ? EXIT_DENY
                   : EXIT_ERROR;
    }
    print_place(cli, &newest, &inclusion, ring ? KEYS_OF_FILE : KEYS_NONE);
    return EXIT_ALLOW;
}

/* ---- by the server ---- */

/* What has not been covered yet is waited for, once. */
static struct passgate_inclusion *ask(const struct cli *cli, struct passgate_error *error)
{
    const struct passgate_tree_head_query query = {.wait_for = cli->operands[0]};
    struct passgate_inclusion *inclusion =
        passgate_get_inclusion_proof(cli->client, cli->operands[0], &cli->call, error);
    struct passgate_tree_head *head;

    if (inclusion || strcmp(error->reason, "TREE_HEAD_BEHIND") != 0)
        return inclusion;
    head = passgate_get_tree_head(cli->client, &query, &cli->call, error);
    if (head)
        inclusion = passgate_get_inclusion_proof(cli->client, cli->operands[0], &cli->call, error);
    passgate_free(head);
    return inclusion;
}

/* Once it has been verified: its proof has no more hashes than fit. */
static void print_answer(const struct cli *cli, const struct passgate_inclusion *answer)
{
    const enum keys keys = cli->flags.jwks ? KEYS_OF_FILE : KEYS_OF_SERVER;
    struct newest newest = {.jws = span_text(answer->head->jws)};
    struct audit_inclusion inclusion = {.index = answer->leaf_index};
    struct audit_record record;
    uint64_t log_id, sequence;
    bool has_record = audit_record_take(answer->record, cli->arena, &log_id, &sequence, &record);

    newest.head.size = answer->head->size;
    newest.head.time_ms = answer->head->signed_at_ms;
    memcpy(newest.head.root.bytes, answer->head->root, PASSGATE_HASH_BYTES);
    inclusion.leaf = tree_leaf(span_of(NULL, 0), span_of(answer->leaf, answer->leaf_length));
    inclusion.proof.count = (uint32_t)answer->path_count;
    memcpy(inclusion.proof.hashes, answer->path, answer->path_count * PASSGATE_HASH_BYTES);
    if (cli->output.is_json) {
        print_json(cli, &newest, &inclusion, keys,
                   has_record ? audit_record_json(log_id, sequence, &record, cli->arena)
                              : json_null());
        return;
    }
    print_text(cli, &newest, &inclusion, keys, "");
    if (has_record)
        audit_record_show(&cli->output, log_id, sequence, &record, cli->arena);
}

static int prove_by_server(const struct cli *cli)
{
    struct passgate_inclusion *answer;
    struct passgate_error error;
    int status = EXIT_ALLOW;
    const char *jwks;

    if (!cli_take_jwks(cli, &jwks))
        return EXIT_ERROR;
    answer = ask(cli, &error);
    if (!answer) {
        cli_fail(cli, &error);
        return strcmp(error.reason, "RECORD_UNKNOWN") == 0 ? EXIT_DENY : EXIT_ERROR;
    }
    if (!passgate_inclusion_verify(answer, cli->operands[0], jwks, &error))
        status = cli_refute(cli, &error);
    else
        print_answer(cli, answer);
    passgate_free(answer);
    return status;
}

int run_audit_prove(struct cli *cli)
{
    uint64_t log_id, sequence;
    struct log_folder folder;
    struct key_ring *ring;
    int status;

    if (!audit_decision_id_parse(span_text(cli->operands[0]), &log_id, &sequence))
        return cli_fail_with(cli, "a decision id is 16 hex digits, a dash and a number");
    if (cli->operand_count == 1)
        return cli->flags.head ? cli_fail_with(cli, "--head is for a folder: passgate audit head "
                                                    "--from compares with the server's")
                               : prove_by_server(cli);
    if (!log_folder_open(cli, cli->operands[1], &folder) || !log_folder_keys(cli, &ring))
        return EXIT_ERROR;
    status = prove(cli, &folder, ring, log_id, sequence);
    key_ring_unref(ring);
    return status;
}
