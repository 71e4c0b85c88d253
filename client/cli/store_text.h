/* SPDX-License-Identifier: Apache-2.0 */
/* What the store holds and what is wrong with it, as text and as JSON. */
#ifndef CLIENT_CLI_STORE_TEXT_H
#define CLIENT_CLI_STORE_TEXT_H

#include "client/cli/output.h"

enum { STORE_SPACES = PASSGATE_STORE_SPACE_REALM + 1 };

/* What all pages have counted. */
struct store_totals {
    const struct passgate_store *store;                  /* of the last page */
    struct passgate_store_count (*counts)[STORE_SPACES]; /* by partition */
    const struct passgate_store_partition *partitions;
    size_t partition_count;
};

/* "subject", "claim cache"; "unknown". */
const char *store_space_word(enum passgate_store_space space);

void store_text_totals(const struct output *output, const struct store_totals *totals);
json_t *store_json_totals(const struct store_totals *totals);

void store_text_finding(const struct output *output, const struct passgate_store_finding *finding);
json_t *store_json_finding(const struct passgate_store_finding *finding);

#endif
