/* SPDX-License-Identifier: Apache-2.0 */
/* passgate audit verify: is the log what was written, whole, and what was signed? */
#include "base/file.h"
#include "base/timestamp.h"
#include "client/cli/log_folder.h"
#include "client/cli/progress.h"
#include "domain/audit/verify.h"

#include <inttypes.h>
#include <unistd.h>

struct verifying {
    const struct cli *cli;
    struct progress progress;
    json_t *findings; /* NULL: text */
    struct audit_verifier *verifier;
    bool is_signed_by_known; /* signatures are checked */
    uint64_t torn_heads;
};

static void show_finding(void *context, const struct audit_finding *finding)
{
    struct verifying *verifying = context;
    const struct output *output = &verifying->cli->output;

    if (verifying->findings) {
        json_array_append_new(
            verifying->findings,
            json_pack("{s:s, s:s, s:I, s:s, s:s}", "finding", audit_finding_name(finding->kind),
                      "file", finding->file, "offset", (json_int_t)finding->offset, "what",
                      audit_finding_text(finding->kind), "detail", finding->detail));
        return;
    }
    progress_clear(&verifying->progress);
    output_colored(output, COLOR_RED, "%s:%" PRIu64 ": %s: %s (%s)\n", finding->file,
                   finding->offset, audit_finding_text(finding->kind), finding->detail,
                   audit_finding_name(finding->kind));
}

static void take_head(void *context, const struct log_head *line)
{
    struct verifying *verifying = context;
    const char *file = arena_text(verifying->cli->arena, span_text(line->file));

    if (line->is_torn)
        verifying->torn_heads++;
    else if (line->is_good)
        audit_verifier_add_head(verifying->verifier, file, line->offset, &line->head,
                                line->is_newest);
    else
        audit_verifier_find(verifying->verifier, AUDIT_FINDING_HEAD, file, line->offset, "%s",
                            line->complaint);
}

static bool check_segment(struct verifying *verifying, struct log_folder *folder, size_t at,
                          struct err *err)
{
    uint64_t first_sequence = folder->files.first_sequences[at];
    struct arena *kept = verifying->cli->arena;
    struct audit_segment_files files = {
        .segment_file = log_folder_file(folder, first_sequence, AUDIT_SEGMENT_SUFFIX, kept),
        .first_sequence = first_sequence,
        .index_file = log_folder_file(folder, first_sequence, AUDIT_INDEX_SUFFIX, kept),
        .is_last = at + 1 == folder->files.count,
    };
    struct arena arena;
    bool is_read;

    arena_init(&arena, 4096);
    is_read = folder->files.read_index(folder, first_sequence, &arena, &files.index, err) &&
              folder->files.read_segment(folder, first_sequence, &arena, &files.segment, err);
    if (is_read)
        audit_verifier_check(verifying->verifier, &files);
    arena_release(&arena);
    return is_read;
}

static bool check_all(struct verifying *verifying, struct log_folder *folder,
                      const struct key_ring *ring, struct err *err)
{
    bool is_done;

    /* Heads first: a log that is being written meanwhile is then at least as long as they say. */
    is_done = log_folder_heads(verifying->cli, folder, ring, take_head, verifying, err) &&
              log_folder_list(folder, err);
    verifying->progress = progress_begin(folder->files.count);
    for (size_t at = 0; is_done && at < folder->files.count; at++) {
        progress_show(&verifying->progress, at);
        is_done = check_segment(verifying, folder, at, err);
    }
    progress_clear(&verifying->progress);
    return is_done;
}

static json_t *verdict_json(const struct verifying *verifying, const struct audit_verdict *verdict)
{
    char log_id[AUDIT_LOG_ID_LENGTH + 1], time[TIMESTAMP_TEXT_MAX];

    audit_log_id_encode(verdict->log_id, log_id);
    return json_pack(
        "{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:s, s:I, s:I, s:b, s:O}", "clean",
        verdict->findings == 0, "log", log_id, "segments", (json_int_t)verdict->segments, "records",
        (json_int_t)(verdict->size - verdict->first_index), "recordsTakenAway",
        (json_int_t)verdict->first_index, "heads", (json_int_t)verdict->heads, "headsMet",
        (json_int_t)verdict->heads_met, "signaturesChecked", verifying->is_signed_by_known,
        "signedRecords", (json_int_t)verdict->newest.size, "signedAt",
        output_instant(verdict->newest.time_ms, time), "recordsElsewhere",
        (json_int_t)verdict->ahead, "tornBytes", (json_int_t)verdict->torn_bytes, "closed",
        verdict->is_closed, "findings", verifying->findings);
}

static void print_verdict(const struct verifying *verifying, const struct audit_verdict *verdict)
{
    const struct output *output = &verifying->cli->output;
    char log_id[AUDIT_LOG_ID_LENGTH + 1], time[TIMESTAMP_TEXT_MAX];

    audit_log_id_encode(verdict->log_id, log_id);
    output_row(output, "log:", "%s", log_id);
    output_row(output, "segments:", "%" PRIu64, verdict->segments);
    output_row(output, "records:", "%" PRIu64, verdict->size - verdict->first_index);
    if (verdict->first_index > 0)
        output_row(output, "taken away:", "%" PRIu64 " records before those", verdict->first_index);
    output_row(output, "heads:", "%" PRIu64 ", of which %" PRIu64 " are met%s", verdict->heads,
               verdict->heads_met,
               verifying->is_signed_by_known ? "" : "; signatures not checked (--jwks)");
    if (verdict->newest.size > 0)
        output_row(output, "signed:", "%" PRIu64 " records at %s, root %02x%02x%02x%02x…",
                   verdict->newest.size, output_instant(verdict->newest.time_ms, time),
                   verdict->newest.root.bytes[0], verdict->newest.root.bytes[1],
                   verdict->newest.root.bytes[2], verdict->newest.root.bytes[3]);
    if (verdict->size > verdict->newest.size)
        output_row(output, "not yet signed:", "%" PRIu64 " records",
                   verdict->size - verdict->newest.size);
    if (verdict->ahead > 0)
        output_row(output, "elsewhere:", "%" PRIu64 " records that were not shipped yet",
                   verdict->ahead);
    if (verdict->torn_bytes > 0)
        output_row(output, "torn:", "%" PRIu64 " bytes behind the last record",
                   verdict->torn_bytes);
    if (verifying->torn_heads > 0)
        output_row(output, "torn heads:", "%" PRIu64, verifying->torn_heads);
    if (verdict->findings == 0)
        output_colored(output, COLOR_GREEN, "CLEAN%s\n",
                       verifying->is_signed_by_known ? "" : ", as far as unsigned heads tell");
    else
        output_colored(output, COLOR_RED, "%" PRIu64 " finding%s\n", verdict->findings,
                       verdict->findings == 1 ? "" : "s");
}

static int verify(struct cli *cli, struct log_folder *folder, const struct key_ring *ring)
{
    struct verifying verifying = {.cli = cli, .is_signed_by_known = ring != NULL};
    struct audit_verdict verdict;
    struct err err;
    bool is_done;

    verifying.findings = cli->output.is_json ? json_array() : NULL;
    verifying.verifier = audit_verifier_new(show_finding, &verifying);
    is_done = check_all(&verifying, folder, ring, &err);
    if (is_done)
        audit_verifier_finish(verifying.verifier, &verdict);
    audit_verifier_free(verifying.verifier);
    if (is_done && verifying.findings) {
        json_t *whole = verdict_json(&verifying, &verdict);

        output_json(&cli->output, whole);
        json_decref(whole);
    } else if (is_done) {
        print_verdict(&verifying, &verdict);
    }
    json_decref(verifying.findings);
    if (!is_done)
        return cli_fail_err(cli, &err);
    return verdict.findings == 0 ? EXIT_ALLOW : EXIT_DENY;
}

int run_audit_verify(struct cli *cli)
{
    struct log_folder folder;
    struct key_ring *ring;
    int status;

    if (!log_folder_open(cli, cli->operands[0], &folder) || !log_folder_keys(cli, &ring))
        return EXIT_ERROR;
    status = verify(cli, &folder, ring);
    key_ring_unref(ring);
    return status;
}
