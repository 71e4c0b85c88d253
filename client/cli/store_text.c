/* SPDX-License-Identifier: Apache-2.0 */
/* What the store holds and what is wrong with it, as text and as JSON. */
#include "client/cli/store_text.h"

#include <inttypes.h>

enum { OUTBOX_SHOWN_MAX = 1024 };

static const char *const space_words[STORE_SPACES] = {
    [PASSGATE_STORE_SPACE_UNSPECIFIED] = "unknown",
    [PASSGATE_STORE_SPACE_SUBJECT] = "subject",
    [PASSGATE_STORE_SPACE_REQUEST] = "request",
    [PASSGATE_STORE_SPACE_CHECK] = "check",
    [PASSGATE_STORE_SPACE_CLAIM] = "claim",
    [PASSGATE_STORE_SPACE_CLAIM_CACHE] = "claim_cache",
    [PASSGATE_STORE_SPACE_REALM] = "realm",
};

const char *store_space_word(enum passgate_store_space space)
{
    return space_words[(size_t)space < STORE_SPACES ? (size_t)space : 0];
}

static void print_partition(const struct output *output, const struct store_totals *totals,
                            size_t index)
{
    const struct passgate_store_partition *partition = &totals->partitions[index];

    output_colored(output, COLOR_BOLD, "partition %" PRIu32, partition->partition);
    output_print(output, ": epoch %" PRIu64 ", feed at %" PRIu64 ", outbox %s%" PRIu32 "\n",
                 partition->epoch, partition->counter,
                 partition->outbox_records >= OUTBOX_SHOWN_MAX ? "at least " : "",
                 partition->outbox_records);
    for (size_t i = 0; i < STORE_SPACES; i++) {
        const struct passgate_store_count *count = &totals->counts[index][i];

        if (count->values > 0)
            output_print(output,
                         "  %-12s %12" PRIu64 " values %15" PRIu64 " bytes %10" PRIu64 " expired\n",
                         space_words[i], count->values, count->bytes, count->expired);
    }
}

void store_text_totals(const struct output *output, const struct store_totals *totals)
{
    const struct passgate_store *store = totals->store;

    output_colored(output, COLOR_BOLD, "%s", store->backend);
    output_print(output, ", %s, %s\n", store->is_up ? "up" : "DOWN", store->durability);
    output_row(output, "hash key:", "%s", store->hash_key);
    output_row(output, "waiting requests:", "%" PRIu64, store->pending);
    output_row(output, "age of the feed:", "%" PRId64 " ms", store->feed_age_ms);
    for (size_t i = 0; i < totals->partition_count; i++)
        print_partition(output, totals, i);
}

static json_t *json_number(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *json_partition(const struct store_totals *totals, size_t index)
{
    const struct passgate_store_partition *partition = &totals->partitions[index];
    json_t *spaces = json_object();

    for (size_t i = 0; i < STORE_SPACES; i++) {
        const struct passgate_store_count *count = &totals->counts[index][i];

        if (count->values > 0)
            json_object_set_new(spaces, space_words[i],
                                json_pack("{s:o, s:o, s:o}", "values", json_number(count->values),
                                          "bytes", json_number(count->bytes), "expired",
                                          json_number(count->expired)));
    }
    return json_pack("{s:i, s:o, s:o, s:i, s:o}", "partition", (int)partition->partition, "epoch",
                     json_number(partition->epoch), "counter", json_number(partition->counter),
                     "outboxRecords", (int)partition->outbox_records, "spaces", spaces);
}

json_t *store_json_totals(const struct store_totals *totals)
{
    const struct passgate_store *store = totals->store;
    json_t *partitions = json_array();

    for (size_t i = 0; i < totals->partition_count; i++)
        json_array_append_new(partitions, json_partition(totals, i));
    return json_pack("{s:s, s:s, s:b, s:s, s:o, s:o, s:o}", "backend", store->backend, "durability",
                     store->durability, "up", store->is_up, "hashKey", store->hash_key, "pending",
                     json_number(store->pending), "feedAgeMs", json_integer(store->feed_age_ms),
                     "partitions", partitions);
}

void store_text_finding(const struct output *output, const struct passgate_store_finding *finding)
{
    output_colored(output, COLOR_RED, "%s", finding->problem);
    output_print(output, " %s %s in partition %" PRIu32 "%s%s\n", store_space_word(finding->space),
                 finding->hash, finding->partition, finding->detail[0] ? ": " : "",
                 finding->detail);
}

json_t *store_json_finding(const struct passgate_store_finding *finding)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:s}", "problem", finding->problem, "space",
                     store_space_word(finding->space), "hash", finding->hash, "partition",
                     (int)finding->partition, "detail", finding->detail);
}
