/* SPDX-License-Identifier: Apache-2.0 */
/* passgate audit show: the auditor's record of one decision, from the logs of all replicas. */
#include "base/encoding.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "client/cli/audit_report.h"
#include "domain/audit/prove.h"

static void wipe(struct span content)
{
    secret_wipe((uint8_t *)(uintptr_t)content.data, content.length);
}

static bool take_keys(const struct cli *cli, struct seal_key ***ret_keys)
{
    const struct text_list *files = &cli->flags.retention_key;
    struct seal_key **keys = arena_new_array(cli->arena, struct seal_key *, files->count);

    *ret_keys = keys;
    for (size_t i = 0; i < files->count; i++) {
        struct span pem;
        struct err err;
        bool is_read;

        if (!cli_read_file(cli, files->items[i], &pem))
            return false;
        is_read = seal_key_from_pem(pem, SEAL_PRIVATE, &keys[i], &err);
        wipe(pem);
        if (!is_read) {
            cli_fail_with(cli, "%s: %s", files->items[i], err.detail);
            return false;
        }
    }
    return true;
}

/* As `store.hash_key_file` has it. */
static bool take_hash_key(const struct cli *cli, struct hash_key *key,
                          const struct hash_key **ret_key)
{
    struct span content;
    bool is_key;

    *ret_key = NULL;
    if (!cli->flags.hash_key)
        return true;
    if (!cli_read_file(cli, cli->flags.hash_key, &content))
        return false;
    while (content.length > 0 &&
           (content.data[content.length - 1] == '\n' || content.data[content.length - 1] == '\r'))
        content.length--;
    is_key = content.length == 2 * sizeof(key->bytes) && hex_decode(content, key->bytes);
    wipe(content);
    if (!is_key)
        cli_fail_with(cli, "%s does not hold a hash key: 32 hexadecimal digits",
                      cli->flags.hash_key);
    *ret_key = key;
    return is_key;
}

static bool open_folders(const struct cli *cli, struct log_folder **ret_folders, size_t *ret_count)
{
    size_t count = cli->operand_count - 1;
    struct log_folder *folders = arena_new_array(cli->arena, struct log_folder, count);

    *ret_folders = folders;
    *ret_count = count;
    for (size_t i = 0; i < count; i++)
        if (!log_folder_open(cli, cli->operands[1 + i], &folders[i]))
            return false;
    return true;
}

/* NULL when it was not asked for. */
static json_t *prove(const struct cli *cli, const struct audit_case *found,
                     const struct key_ring *ring)
{
    struct audit_inclusion inclusion;
    char time[TIMESTAMP_TEXT_MAX];
    struct audit_head head;
    struct span jws;
    struct err err;

    if (!ring)
        return NULL;
    if (!log_folder_newest_head(cli, found->folder, ring, found->log_id, &head, &jws, &err) ||
        !audit_prove(&found->folder->files, &head, found->sequence, &inclusion, &err))
        return json_pack("{s:b, s:s}", "proved", 0, "missing", err.detail);
    return json_pack("{s:b, s:I, s:I, s:s, s:s%}", "proved", 1, "leafIndex",
                     (json_int_t)inclusion.index, "size", (json_int_t)head.size, "signedAt",
                     output_instant(head.time_ms, time), "head", jws.data, jws.length);
}

static int show(const struct cli *cli, const struct audit_case *found,
                const struct audit_report_options *options, const struct key_ring *ring)
{
    json_t *report = audit_report(found, options), *proof = prove(cli, found, ring);
    bool is_good = !proof || json_is_true(json_object_get(proof, "proved"));

    if (proof)
        json_object_set_new(report, "proof", proof);
    if (cli->output.is_json)
        output_json(&cli->output, report);
    else
        audit_report_print(&cli->output, report);
    json_decref(report);
    return is_good ? EXIT_ALLOW : EXIT_DENY;
}

static int find_and_show(const struct cli *cli, const struct audit_report_options *options,
                         const struct key_ring *ring)
{
    struct audit_case found = {.arena = cli->arena};
    struct log_folder *folders;
    struct err err;
    size_t count;
    int status;

    if (!audit_decision_id_parse(span_text(cli->operands[0]), &found.log_id, &found.sequence))
        return cli_fail_with(cli, "a decision id is 16 hex digits, a dash and a number");
    if (!open_folders(cli, &folders, &count))
        return EXIT_ERROR;
    if (!audit_case_find(&found, folders, count, &err)) {
        cli_fail_err(cli, &err);
        return err.code == ERR_RECORD_UNKNOWN ? EXIT_DENY : EXIT_ERROR;
    }
    status = audit_case_gather(&found, folders, count, &err) ? show(cli, &found, options, ring)
                                                             : cli_fail_err(cli, &err);
    audit_case_release(&found);
    return status;
}

int run_audit_show(struct cli *cli)
{
    struct seal_key **keys = NULL;
    struct key_ring *ring = NULL;
    struct hash_key hash_key;
    struct audit_report_options options = {.subject = span_text(cli->flags.subject)};
    int status = EXIT_ERROR;

    if (take_keys(cli, &keys) && take_hash_key(cli, &hash_key, &options.hash_key) &&
        log_folder_keys(cli, &ring)) {
        options.keys = keys;
        options.key_count = cli->flags.retention_key.count;
        status = cli->flags.subject && !options.hash_key
                     ? cli_fail_with(cli, "--subject needs --hash-key: the log has hashes only")
                     : find_and_show(cli, &options, ring);
    }
    for (size_t i = 0; keys && i < cli->flags.retention_key.count; i++)
        seal_key_unref(keys[i]);
    key_ring_unref(ring);
    secret_wipe(&hash_key, sizeof(hash_key));
    return status;
}
