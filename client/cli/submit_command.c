/* SPDX-License-Identifier: Apache-2.0 */
/* passgate submit: verification results from a file. */
#include "client/cli/progress.h"
#include "client/cli/request_file.h"

#include "passgate/v1/verification.pb-c.h"

#include <stdlib.h>

static const char *subject_of(const struct request_file *file, size_t index)
{
    return ((const Passgate__V1__SubmitVerificationRequest *)file->messages[index])->subject;
}

static void print_accepted(const struct output *output, const char *subject,
                           const struct passgate_submission *submission)
{
    output_colored(output, COLOR_BOLD, "%s", subject);
    output_print(output, ": ");
    output_colored(output, COLOR_GREEN, "%s",
                   submission->dry_run         ? "would be accepted"
                   : submission->superseded    ? "not used, a newer result is on record"
                   : submission->already_known ? "already known"
                                               : "accepted");
    if (!submission->dry_run)
        output_print(output, " (evidence %s, revision %s)", submission->evidence_id,
                     submission->revision);
    output_print(output, "\n");
}

/* The server has looked at it and will not have it; else it is not known what became of it. */
static bool is_refusal(const struct passgate_error *error)
{
    return error->code == PASSGATE_INVALID_ARGUMENT || error->code == PASSGATE_NOT_FOUND ||
           error->code == PASSGATE_ALREADY_EXISTS || error->code == PASSGATE_FAILED_PRECONDITION ||
           error->code == PASSGATE_OUT_OF_RANGE;
}

static void print_refused(const struct output *output, const struct request_file *file,
                          size_t index, const struct passgate_error *error)
{
    struct json_position position = request_file_locate(file, index, error->field);

    output_print(output, "%s:%d:%d: ", file->path, position.line, position.column);
    if (subject_of(file, index)[0]) {
        output_colored(output, COLOR_BOLD, "%s", subject_of(file, index));
        output_print(output, ": ");
    }
    output_colored(output, COLOR_RED, is_refusal(error) ? "refused" : "error");
    output_print(output, ": %s (%s)\n", error->message, error->reason);
}

/* Nobody is there, or we may not: the rest would fail in the same way. */
static bool is_hopeless(const struct passgate_error *error)
{
    return error->code == PASSGATE_UNAVAILABLE || error->code == PASSGATE_UNAUTHENTICATED ||
           error->code == PASSGATE_PERMISSION_DENIED || error->code == PASSGATE_UNIMPLEMENTED;
}

/* One entry; its answer is appended to `replies` when there is such a list. */
static bool submit_one(struct cli *cli, const struct request_file *file, size_t index,
                       const struct progress *progress, json_t *replies,
                       struct passgate_error *ret_error)
{
    struct passgate_submission *submission;
    json_t *request = file->elements[index];
    char *text;

    if (cli->flags.dry_run) {
        json_object_del(request, "dry_run");
        json_object_set_new(request, "dryRun", json_true());
    }
    text = json_dumps(request, JSON_COMPACT);
    submission = passgate_submit_json(cli->client, text, &cli->call, ret_error);
    free(text);
    if (replies) {
        const char *reply = passgate_json(submission);

        json_array_append_new(replies,
                              reply ? json_loads(reply, 0, NULL) : output_error_json(ret_error));
    } else {
        progress_clear(progress);
        if (submission)
            print_accepted(&cli->output, subject_of(file, index), submission);
        else if (!is_hopeless(ret_error))
            print_refused(&cli->output, file, index, ret_error);
    }
    passgate_free(submission);
    return submission != NULL;
}

static int submit_all(struct cli *cli, const struct request_file *file, json_t *replies)
{
    struct progress progress = progress_begin(file->count);
    struct passgate_error error = {0};
    int status = EXIT_ALLOW;
    size_t accepted = 0;

    for (size_t i = 0; i < file->count; i++) {
        progress_show(&progress, i);
        if (submit_one(cli, file, i, &progress, replies, &error)) {
            accepted++;
        } else if (is_hopeless(&error)) {
            progress_clear(&progress);
            return replies ? EXIT_ERROR : cli_fail(cli, &error);
        } else if (!is_refusal(&error)) {
            status = EXIT_ERROR;
        } else if (status == EXIT_ALLOW) {
            status = EXIT_DENY;
        }
    }
    progress_clear(&progress);
    if (file->is_list && !replies)
        output_print(&cli->output, "%zu of %zu accepted.\n", accepted, file->count);
    return status;
}

int run_submit(struct cli *cli)
{
    json_t *replies = cli->output.is_json ? json_array() : NULL;
    struct request_file file;
    int status;

    if (!request_file_open(cli, cli->operands[0],
                           &passgate__v1__submit_verification_request__descriptor,
                           &passgate__v1__submit_verification_request__descriptor, &file)) {
        json_decref(replies);
        return EXIT_ERROR;
    }
    status = submit_all(cli, &file, replies);
    if (replies)
        output_json(&cli->output, file.is_list ? replies : json_array_get(replies, 0));
    json_decref(replies);
    request_file_close(&file);
    return status;
}
