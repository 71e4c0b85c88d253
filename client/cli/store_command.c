/* SPDX-License-Identifier: Apache-2.0 */
/* passgate store stats, check: everything that the store holds, counted and looked at. */
#include "client/cli/command.h"
#include "client/cli/progress.h"
#include "client/cli/store_text.h"

#include <inttypes.h>

enum { PARTITIONS_MAX = 64 };

/* ---- stats ---- */

struct counting {
    struct store_totals totals;
    struct passgate_store_count counts[PARTITIONS_MAX][STORE_SPACES];
    struct passgate_store_partition partitions[PARTITIONS_MAX];
    uint64_t values;
};

static void add_page(struct counting *counting, const struct passgate_store_stats *page)
{
    for (size_t i = 0; i < page->partition_count; i++)
        if (counting->totals.partition_count < PARTITIONS_MAX)
            counting->partitions[counting->totals.partition_count++] = page->partitions[i];
    for (size_t i = 0; i < page->count_count; i++) {
        const struct passgate_store_count *found = &page->counts[i];
        struct passgate_store_count *count;

        if (found->partition >= PARTITIONS_MAX)
            continue;
        count = &counting->counts[found->partition][found->space];
        count->values += found->values;
        count->bytes += found->bytes;
        count->expired += found->expired;
        counting->values += found->values;
    }
}

/* The last page, or NULL after filling *error. */
static struct passgate_store_stats *count_all(struct cli *cli, struct counting *counting,
                                              struct passgate_error *error)
{
    struct progress progress = progress_begin(PROGRESS_SHARES);
    struct passgate_store_stats *page = NULL, *before;

    do {
        before = page;
        page = passgate_get_store_stats(cli->client, before ? &before->next_page : NULL, &cli->call,
                                        error);
        passgate_free(before);
        if (page) {
            add_page(counting, page);
            progress_show_share(&progress, page->progress_permille, counting->values);
        }
    } while (page && page->next_page.length > 0);
    progress_clear(&progress);
    return page;
}

int run_store_stats(struct cli *cli)
{
    struct counting *counting = arena_new(cli->arena, struct counting);
    struct passgate_store_stats *last;
    struct passgate_error error;

    if (cli->call.timeout_ms == 0)
        cli->call.timeout_ms = 30000; /* a page takes a moment, and waits for a busy store */
    last = count_all(cli, counting, &error);
    if (!last)
        return cli_fail(cli, &error);
    counting->totals.store = last->store;
    counting->totals.counts = counting->counts;
    counting->totals.partitions = counting->partitions;
    if (cli->output.is_json) {
        json_t *json = store_json_totals(&counting->totals);

        output_json(&cli->output, json);
        json_decref(json);
    } else {
        store_text_totals(&cli->output, &counting->totals);
    }
    passgate_free(last);
    return EXIT_ALLOW;
}

/* ---- check ---- */

struct checking {
    struct progress progress;
    json_t *findings; /* NULL: they are printed as they come */
    uint64_t examined;
    uint64_t found;
    uint64_t checks_without_evidence;
};

static void add_part(struct cli *cli, struct checking *checking,
                     const struct passgate_store_check *part)
{
    checking->examined += part->examined;
    checking->found += part->finding_count;
    checking->checks_without_evidence += part->checks_without_evidence;
    if (part->finding_count > 0)
        progress_clear(&checking->progress);
    for (size_t i = 0; i < part->finding_count; i++)
        if (checking->findings)
            json_array_append_new(checking->findings, store_json_finding(&part->findings[i]));
        else
            store_text_finding(&cli->output, &part->findings[i]);
    progress_show_share(&checking->progress, part->progress_permille, checking->examined);
}

/* False after filling *error; what was found until then has been told. */
static bool check_all(struct cli *cli, struct checking *checking, struct passgate_error *error)
{
    struct passgate_stream *stream = passgate_check_store(cli->client, &cli->call, error);
    struct passgate_store_check *part;
    bool is_done = false;

    if (!stream)
        return false;
    while ((part = passgate_check_store_next(stream, error))) {
        add_part(cli, checking, part);
        is_done = part->is_done;
        passgate_free(part);
    }
    passgate_stream_free(stream);
    progress_clear(&checking->progress);
    if (error->code == PASSGATE_OK && !is_done)
        *error = (struct passgate_error){.code = PASSGATE_INTERNAL,
                                         .reason = "MESSAGE_MALFORMED",
                                         .message = "the check has ended before it was done"};
    return error->code == PASSGATE_OK;
}

static void print_summary(const struct output *output, const struct checking *checking)
{
    json_t *json;

    if (checking->findings) {
        json = json_pack("{s:I, s:I, s:O}", "examined", (json_int_t)checking->examined,
                         "checksWithoutEvidence", (json_int_t)checking->checks_without_evidence,
                         "findings", checking->findings);
        output_json(output, json);
        json_decref(json);
        return;
    }
    output_print(output, "%" PRIu64 " values examined: ", checking->examined);
    if (checking->found == 0)
        output_colored(output, COLOR_GREEN, "clean");
    else
        output_colored(output, COLOR_RED, "%" PRIu64 " findings", checking->found);
    output_print(output, ".\n");
    if (checking->checks_without_evidence > 0)
        output_print(output,
                     "Checks without evidence: %" PRIu64 ", as it is after results that were "
                     "refused.\n",
                     checking->checks_without_evidence);
}

int run_store_check(struct cli *cli)
{
    struct checking checking = {.progress = progress_begin(PROGRESS_SHARES)};
    struct passgate_error error;
    bool is_checked;

    if (cli->output.is_json)
        checking.findings = json_array();
    is_checked = check_all(cli, &checking, &error);
    if (is_checked)
        print_summary(&cli->output, &checking);
    json_decref(checking.findings);
    if (!is_checked)
        return cli_fail(cli, &error);
    return checking.found == 0 ? EXIT_ALLOW : EXIT_DENY;
}
