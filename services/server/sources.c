/* SPDX-License-Identifier: Apache-2.0 */
/* Where gauges come from. */
#include "server/sources.h"

#include "base/clock.h"
#include "entitlement/lease.h"

static struct facts_cache_stats cache_stats(void *owner)
{
    struct facts_cache_stats stats;

    facts_cache_get_stats(((struct sources *)owner)->cache, &stats);
    return stats;
}

static double read_cache_lookups(void *owner, size_t value)
{
    struct facts_cache_stats stats = cache_stats(owner);

    return value == METRICS_CACHE_HIT    ? (double)stats.hits
           : value == METRICS_CACHE_MISS ? (double)stats.misses
                                         : 0;
}

static double read_cache_evictions(void *owner, size_t value)
{
    (void)value;
    return (double)cache_stats(owner).evictions;
}

static double read_cache_entries(void *owner, size_t value)
{
    (void)value;
    return (double)cache_stats(owner).entries;
}

static double read_cache_bytes(void *owner, size_t value)
{
    (void)value;
    return (double)cache_stats(owner).bytes;
}

static struct store_state store_state(void *owner)
{
    struct store_state state;

    store_get_state(((struct sources *)owner)->store, &state);
    return state;
}

static double read_store_up(void *owner, size_t value)
{
    (void)value;
    return store_state(owner).is_up ? 1 : 0;
}

static double read_store_pending(void *owner, size_t value)
{
    (void)value;
    return (double)store_state(owner).pending;
}

static double read_store_feed_age(void *owner, size_t value)
{
    (void)value;
    return (double)store_state(owner).feed_age_ms / 1000;
}

static double read_store_doubted(void *owner, size_t value)
{
    (void)value;
    return (double)store_state(owner).doubted_keys;
}

static double read_store_put_again(void *owner, size_t value)
{
    (void)value;
    return (double)store_state(owner).put_again;
}

static double read_lease_remaining(void *owner, size_t value)
{
    const struct sources *sources = owner;
    const struct lease lease = {sources->lease_ms, store_feed_age_ms(sources->store)};

    (void)value;
    return (double)lease_left_ms(&lease, lease.longest_ms) / 1000;
}

static double read_audit_backlog(void *owner, size_t value)
{
    struct audit_state state;

    (void)value;
    audit_get_state(((struct sources *)owner)->audit, &state);
    return (double)state.backlog_bytes;
}

static double read_ready(void *owner, size_t value)
{
    (void)value;
    return readiness_is_ready(((struct sources *)owner)->readiness) ? 1 : 0;
}

static struct rpc_stats rpc_stats(void *owner)
{
    struct rpc_server *rpc = *((struct sources *)owner)->rpc;
    struct rpc_stats stats = {0};

    if (rpc)
        rpc_server_get_stats(rpc, &stats);
    return stats;
}

static double read_rpc_active(void *owner, size_t value)
{
    (void)value;
    return rpc_stats(owner).in_flight;
}

static double read_rpc_parked(void *owner, size_t value)
{
    (void)value;
    return rpc_stats(owner).parked;
}

static struct executor_state executor_state(void *owner)
{
    struct executor_state state;

    executor_get_state(((struct sources *)owner)->executor, &state);
    return state;
}

static double read_executor_queued(void *owner, size_t value)
{
    (void)value;
    return (double)executor_state(owner).queued;
}

static double read_queue_age(void *owner, size_t value)
{
    switch ((enum metrics_queue)value) {
    case METRICS_QUEUE_WORKERS: return (double)rpc_stats(owner).queue_age_us / 1e6;
    case METRICS_QUEUE_STORE:
        return (double)read_queue_age_ns(((struct sources *)owner)->reads, clock_now_ns()) / 1e9;
    case METRICS_QUEUE_EXECUTOR:
    default: return (double)executor_state(owner).age_ns / 1e9;
    }
}

static double read_queue_refusals(void *owner, size_t value)
{
    switch ((enum metrics_queue)value) {
    case METRICS_QUEUE_WORKERS: return (double)rpc_stats(owner).aged;
    case METRICS_QUEUE_STORE: return (double)read_queue_refused(((struct sources *)owner)->reads);
    case METRICS_QUEUE_EXECUTOR:
    default: return (double)executor_state(owner).refused;
    }
}

void sources_connect(const struct sources *sources, struct arena *arena)
{
    static const struct {
        enum metric metric;
        double (*read)(void *owner, size_t value);
    } rows[] = {
        {METRIC_CACHE_LOOKUPS, read_cache_lookups},
        {METRIC_CACHE_EVICTIONS, read_cache_evictions},
        {METRIC_CACHE_ENTRIES, read_cache_entries},
        {METRIC_CACHE_BYTES, read_cache_bytes},
        {METRIC_LEASE_REMAINING, read_lease_remaining},
        {METRIC_STORE_UP, read_store_up},
        {METRIC_STORE_PENDING, read_store_pending},
        {METRIC_STORE_FEED_AGE, read_store_feed_age},
        {METRIC_STORE_DOUBTED, read_store_doubted},
        {METRIC_STORE_PUT_AGAIN, read_store_put_again},
        {METRIC_AUDIT_BACKLOG, read_audit_backlog},
        {METRIC_READY, read_ready},
        {METRIC_RPC_ACTIVE, read_rpc_active},
        {METRIC_RPC_PARKED, read_rpc_parked},
        {METRIC_QUEUE_AGE, read_queue_age},
        {METRIC_QUEUE_REFUSALS, read_queue_refusals},
        {METRIC_EXECUTOR_QUEUED, read_executor_queued},
    };
    struct sources *kept = arena_new(arena, struct sources);

    *kept = *sources;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        metrics_set_source(kept->metrics, rows[i].metric, rows[i].read, kept);
}
