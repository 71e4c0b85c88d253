/* SPDX-License-Identifier: Apache-2.0 */
/* passgate batch: many checks at one moment. */
#include "client/cli/request_file.h"
#include "client/cli/text.h"

#include "passgate/v1/entitlement.pb-c.h"

#include <stdlib.h>

typedef Passgate__V1__CheckEntitlementRequest check_request;

/* The checks of the file, whichever form it has. */
static check_request *const *checks_of(const struct request_file *file)
{
    const Passgate__V1__BatchCheckEntitlementsRequest *batch;

    if (file->is_list)
        return (check_request *const *)file->messages;
    batch = (const Passgate__V1__BatchCheckEntitlementsRequest *)file->messages[0];
    return batch->checks;
}

/* The request as text: a list becomes the one request that it stands for. */
static char *request_text(const struct cli *cli, const struct request_file *file)
{
    json_t *request =
        file->is_list ? json_pack("{s:O}", "checks", file->root) : json_incref(file->root);
    char *text;

    if (cli->flags.min_revision) {
        json_object_del(request, "min_revision");
        json_object_set_new(request, "minRevision", json_string(cli->flags.min_revision));
    }
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    return text;
}

static int print_batch(const struct output *output, const struct passgate_batch *batch,
                       check_request *const *checks)
{
    int status = EXIT_ALLOW;

    for (size_t i = 0; i < batch->decision_count; i++) {
        const struct passgate_decision *decision = batch->decisions[i];
        const struct passgate_check check = {
            .subject = checks[i]->subject[0] ? checks[i]->subject : "the claim's subject",
            .resource_type = checks[i]->resource ? checks[i]->resource->type : "",
            .resource_id = checks[i]->resource ? checks[i]->resource->id : "",
            .action = checks[i]->action,
        };

        if (decision->error)
            status = EXIT_ERROR;
        else if (!decision->is_allowed && status == EXIT_ALLOW)
            status = EXIT_DENY;
        if (output->is_json)
            continue;
        if (decision->error)
            output_print(output, "%s: no decision: %s (%s)\n", check.subject,
                         decision->error->message, decision->error->reason);
        else
            text_decision(output, &check, decision);
    }
    if (output->is_json)
        output_result(output, batch);
    return status;
}

int run_batch(struct cli *cli)
{
    struct passgate_batch *batch;
    struct request_file file;
    struct passgate_error error;
    char *text;
    int status;

    if (!request_file_open(cli, cli->operands[0],
                           &passgate__v1__check_entitlement_request__descriptor,
                           &passgate__v1__batch_check_entitlements_request__descriptor, &file))
        return EXIT_ERROR;
    text = request_text(cli, &file);
    batch = passgate_check_batch_json(cli->client, text, &cli->call, &error);
    free(text);
    status = batch ? print_batch(&cli->output, batch, checks_of(&file)) : cli_fail(cli, &error);
    passgate_free(batch);
    request_file_close(&file);
    return status;
}
