/* SPDX-License-Identifier: Apache-2.0 */
/* The lease. */
#include "entitlement/lease.h"

#include "domain/directive/directive.h"
#include "storage/facts_cache.h"

/* Up to then the cache answers, and nobody can tell a silent feed from one with nothing to say. */
_Static_assert((int)DIRECTIVE_LEASE_LEAST_MS == (int)FACTS_CACHE_FEED_SILENT_MS,
               "a lease ends no sooner than silence is noticed");

static int64_t shorter(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

int64_t lease_left_ms(const struct lease *lease, int64_t asked_ms)
{
    int64_t length_ms = shorter(lease->longest_ms, asked_ms);

    if (length_ms < DIRECTIVE_LEASE_LEAST_MS)
        length_ms = DIRECTIVE_LEASE_LEAST_MS;
    return lease->feed_age_ms < length_ms ? length_ms - lease->feed_age_ms : 0;
}

int64_t lease_reuse_ms(const struct lease *lease, int64_t asked_ms)
{
    return shorter(shorter(lease->longest_ms, asked_ms), lease_left_ms(lease, asked_ms));
}
