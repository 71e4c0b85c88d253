/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: where the numbers are kept and how they grow. */
#include "telemetry/metrics.h"

#include "base/memory.h"
#include "domain/directive/evaluate.h"
#include "domain/directive/shadow.h"

#include <assert.h>
#include <stdatomic.h>

static const char *const no_values[] = {NULL};
static const char *const decision_reasons[] = {
#define X(name, number) [number] = #name,
    DECISION_REASON_LIST(X)
#undef X
};
static const char *const shadow_differences[] = {
#define X(name, word) [SHADOW_##name] = word,
    SHADOW_DIFFERENCE_LIST(X)
#undef X
};
static const char *const cache_results[] = {
    [METRICS_CACHE_HIT] = "hit",
    [METRICS_CACHE_MISS] = "miss",
    [METRICS_CACHE_STALE] = "stale",
};
static const char *const write_results[] = {
    [METRICS_WRITE_ACCEPTED] = "accepted",
    [METRICS_WRITE_REPEATED] = "repeated",
    [METRICS_WRITE_REFUSED] = "refused",
};
static const char *const claim_sources[] = {
    [METRICS_CLAIM_SIGNED] = "signed",
    [METRICS_CLAIM_CACHED] = "cached",
};
static const char *const outcomes[] = {
    [METRICS_SUCCESS] = "success",
    [METRICS_FAILURE] = "failure",
};
static const char *const refusals[] = {
    [METRICS_REFUSAL_UNAUTHENTICATED] = "unauthenticated",
    [METRICS_REFUSAL_DENIED] = "denied",
    [METRICS_REFUSAL_ROLE] = "role",
    [METRICS_REFUSAL_LIMITS] = "limits",
    [METRICS_REFUSAL_BUDGET_RATE] = "budget_rate",
    [METRICS_REFUSAL_BUDGET_IN_FLIGHT] = "budget_in_flight",
    [METRICS_REFUSAL_BUDGET_SUBJECTS] = "budget_subjects",
};
static const char *const queues[] = {
    [METRICS_QUEUE_WORKERS] = "workers",
    [METRICS_QUEUE_STORE] = "store",
    [METRICS_QUEUE_EXECUTOR] = "executor",
};
static const char *const audit_results[] = {
    [METRICS_AUDIT_TAKEN] = "taken",
    [METRICS_AUDIT_REFUSED] = "refused",
    [METRICS_AUDIT_DROPPED] = "dropped",
};
static const char *const ship_failures[] = {
    [METRICS_SHIP_UNREACHABLE] = "unreachable",
    [METRICS_SHIP_REFUSED] = "refused",
    [METRICS_SHIP_OTHER_CONTENT] = "other_content",
    [METRICS_SHIP_FAILED] = "failed",
};
static const char *const listeners[] = {
    [METRICS_LISTENER_GRPC] = "grpc",
    [METRICS_LISTENER_HTTP] = "http",
};
static const char *const http_codes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
static const char *const build_versions[] = {PASSGATE_VERSION};

/* A histogram is its buckets, then the sum in nanoseconds. */
enum { HISTOGRAM_SLOTS = METRICS_BUCKET_COUNT + 1 };

/* A method is its count per status, then its histogram. */
enum { METHOD_SLOTS = METRICS_STATUS_COUNT + HISTOGRAM_SLOTS };

#define WIDTH_COUNTER(values)       (int)ARRAY_LEN(values)
#define WIDTH_GAUGE(values)         (int)ARRAY_LEN(values)
#define WIDTH_HISTOGRAM(values)     HISTOGRAM_SLOTS
#define WIDTH_RPC_COUNTER(values)   0
#define WIDTH_RPC_HISTOGRAM(values) 0

/* Each row takes the slots behind those of the row before. */
enum {
#define X(identifier, kind, name, label, values, help) \
    SLOT_##identifier, SLOT_LAST_##identifier = SLOT_##identifier + WIDTH_##kind(values) - 1,
    METRIC_LIST(X)
#undef X
        SLOT_METHODS,
    SLOT_COUNT = SLOT_METHODS + METRICS_METHODS_MAX * METHOD_SLOTS,
};

const struct metric_row metric_rows[METRIC_COUNT] = {
#define X(identifier, kind, name, label, values, help)                                   \
    [METRIC_##identifier] = {#identifier,       METRIC_KIND_##kind, name, label, values, \
                             ARRAY_LEN(values), SLOT_##identifier,  help},
    METRIC_LIST(X)
#undef X
};

struct metrics_shard {
    bool is_shared;
    uint8_t apart[64]; /* writers of two shards share no cache line */
    _Atomic uint64_t slots[SLOT_COUNT];
    uint8_t apart_too[64];
};

struct metrics {
    struct metrics_shard **shards; /* the shared one is the last */
    size_t shard_count;
    const char *methods[METRICS_METHODS_MAX];
    size_t method_count;
    struct metrics_source sources[METRIC_COUNT];
    _Atomic double gauges[METRIC_COUNT];
};

struct metrics *metrics_new(size_t shard_count)
{
    struct metrics *metrics = memory_new(struct metrics);

    metrics->shard_count = shard_count + 1;
    metrics->shards = memory_new_array(struct metrics_shard *, metrics->shard_count);
    for (size_t i = 0; i < metrics->shard_count; i++)
        metrics->shards[i] = memory_new(struct metrics_shard);
    metrics_shared(metrics)->is_shared = true;
    metrics->methods[metrics->method_count++] = "other";
    metrics_set(metrics, METRIC_BUILD, 1);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->shard_count; i++)
        memory_free(metrics->shards[i]);
    memory_free(metrics->shards);
    memory_free(metrics);
}

struct metrics_shard *metrics_shard(struct metrics *metrics, size_t index)
{
    if (index == METRICS_NO_WORKER)
        return metrics_shared(metrics);
    assert(index < metrics->shard_count - 1);
    return metrics->shards[index];
}

struct metrics_shard *metrics_shared(struct metrics *metrics)
{
    return metrics->shards[metrics->shard_count - 1];
}

size_t metrics_add_method(struct metrics *metrics, const char *name)
{
    assert(metrics->method_count < METRICS_METHODS_MAX);
    metrics->methods[metrics->method_count] = name;
    return metrics->method_count++;
}

static void add(struct metrics_shard *shard, size_t slot, uint64_t count)
{
    _Atomic uint64_t *at = &shard->slots[slot];

    if (shard->is_shared)
        atomic_fetch_add_explicit(at, count, memory_order_relaxed);
    else
        atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + count,
                              memory_order_relaxed);
}

/* The first bucket whose bound is not below the duration. */
static size_t bucket_of(uint64_t duration_ns)
{
    uint64_t above = duration_ns > 0 ? (duration_ns - 1) / 1000 >> METRICS_BUCKET_FIRST_LOG2_US : 0;
    size_t bucket = above > 0 ? 64 - (size_t)__builtin_clzll(above) : 0;

    return bucket < METRICS_BUCKET_COUNT ? bucket : METRICS_BUCKET_COUNT - 1;
}

static void observe(struct metrics_shard *shard, size_t slot, int64_t duration_ns)
{
    uint64_t duration = duration_ns > 0 ? (uint64_t)duration_ns : 0;

    add(shard, slot + bucket_of(duration), 1);
    add(shard, slot + METRICS_BUCKET_COUNT, duration);
}

void metrics_count(struct metrics_shard *shard, enum metric metric, size_t value, uint64_t count)
{
    const struct metric_row *row = &metric_rows[metric];

    assert(row->kind == METRIC_KIND_COUNTER && value < row->value_count);
    add(shard, row->first_slot + value, count);
}

void metrics_observe(struct metrics_shard *shard, enum metric metric, int64_t duration_ns)
{
    assert(metric_rows[metric].kind == METRIC_KIND_HISTOGRAM);
    observe(shard, metric_rows[metric].first_slot, duration_ns);
}

void metrics_rpc(struct metrics_shard *shard, size_t method, enum err_status status,
                 int64_t duration_ns)
{
    size_t slot = metrics_method_slot(method);

    assert(method < METRICS_METHODS_MAX);
    if ((size_t)status >= METRICS_STATUS_COUNT)
        status = ERR_STATUS_UNKNOWN;
    add(shard, slot + (size_t)status, 1);
    observe(shard, slot + METRICS_STATUS_COUNT, duration_ns);
}

void metrics_set(struct metrics *metrics, enum metric metric, double value)
{
    assert(metric_rows[metric].kind == METRIC_KIND_GAUGE);
    atomic_store_explicit(&metrics->gauges[metric], value, memory_order_relaxed);
}

void metrics_set_source(struct metrics *metrics, enum metric metric,
                        double (*read)(void *owner, size_t value), void *owner)
{
    assert(metric_rows[metric].kind == METRIC_KIND_COUNTER ||
           metric_rows[metric].kind == METRIC_KIND_GAUGE);
    metrics->sources[metric] = (struct metrics_source){read, owner};
}

uint64_t metrics_slot(const struct metrics *metrics, size_t slot)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < metrics->shard_count; i++)
        sum += atomic_load_explicit(&metrics->shards[i]->slots[slot], memory_order_relaxed);
    return sum;
}

const struct metrics_source *metrics_source_of(const struct metrics *metrics, enum metric metric)
{
    return metrics->sources[metric].read ? &metrics->sources[metric] : NULL;
}

double metrics_gauge(const struct metrics *metrics, enum metric metric)
{
    return atomic_load_explicit(&metrics->gauges[metric], memory_order_relaxed);
}

size_t metrics_method_count(const struct metrics *metrics)
{
    return metrics->method_count;
}

const char *metrics_method_name(const struct metrics *metrics, size_t method)
{
    return metrics->methods[method];
}

size_t metrics_method_slot(size_t method)
{
    return SLOT_METHODS + method * METHOD_SLOTS;
}
