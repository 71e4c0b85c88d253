/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: numbers for operators, in Prometheus' terms.
 *
 * Everything that is measured is a row of METRIC_LIST; docs/metrics.md explains each.  Labels are
 * bounded: their values are known at start, never input.
 *
 * A worker counts into a shard of its own, which costs a load and a store; every other thread
 * counts into the shared shard, which costs an atomic addition.  Shards are added up when they are
 * rendered.
 */
#ifndef TELEMETRY_METRICS_H
#define TELEMETRY_METRICS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/* Counters only grow, a gauge is set or read from its source, a histogram is of durations.  The
 * rpc_ kinds have a line per method that was registered. */
enum metric_kind {
    METRIC_KIND_COUNTER,
    METRIC_KIND_GAUGE,
    METRIC_KIND_HISTOGRAM,
    METRIC_KIND_RPC_COUNTER,
    METRIC_KIND_RPC_HISTOGRAM,
};

/* Values of labels. */
enum metrics_cache_result { METRICS_CACHE_HIT, METRICS_CACHE_MISS, METRICS_CACHE_STALE };
enum metrics_write_result { METRICS_WRITE_ACCEPTED, METRICS_WRITE_REPEATED, METRICS_WRITE_REFUSED };
enum metrics_claim_source { METRICS_CLAIM_SIGNED, METRICS_CLAIM_CACHED };
enum metrics_outcome { METRICS_SUCCESS, METRICS_FAILURE };
enum metrics_refusal {
    METRICS_REFUSAL_UNAUTHENTICATED,
    METRICS_REFUSAL_DENIED,
    METRICS_REFUSAL_ROLE,
    METRICS_REFUSAL_LIMITS,
    METRICS_REFUSAL_BUDGET_RATE,
    METRICS_REFUSAL_BUDGET_IN_FLIGHT,
    METRICS_REFUSAL_BUDGET_SUBJECTS,
};
enum metrics_queue { METRICS_QUEUE_WORKERS, METRICS_QUEUE_STORE, METRICS_QUEUE_EXECUTOR };
enum metrics_audit_result { METRICS_AUDIT_TAKEN, METRICS_AUDIT_REFUSED, METRICS_AUDIT_DROPPED };
enum metrics_ship_failure {
    METRICS_SHIP_UNREACHABLE,
    METRICS_SHIP_REFUSED,
    METRICS_SHIP_OTHER_CONTENT,
    METRICS_SHIP_FAILED,
};

enum metrics_listener {
    METRICS_LISTENER_GRPC,
    METRICS_LISTENER_HTTP,
    METRICS_LISTENER_COUNT,
};

/*
 * X(identifier, kind, name, label or NULL, values of the label, help)
 *
 * Names follow Prometheus: base units, counters end in _total.  The values of `reason` are the
 * names of enum decision_reason, by its numbers; those of `code` of HTTP are the first digits.
 */
#define METRIC_LIST(X)                                                                            \
    X(RPC_CALLS, RPC_COUNTER, "passgate_rpc_calls_total", "code", no_values,                      \
      "Calls that ended, by method and gRPC status code.")                                        \
    X(RPC_DURATION, RPC_HISTOGRAM, "passgate_rpc_duration_seconds", NULL, no_values,              \
      "Time from the arrival of a call to its status.")                                           \
    X(RPC_ACTIVE, GAUGE, "passgate_rpc_active_calls", NULL, no_values, "Calls in progress.")      \
    X(RPC_PARKED, GAUGE, "passgate_rpc_parked_calls", NULL, no_values,                            \
      "Calls that wait for the store, the audit log or the executor.")                            \
    X(QUEUE_AGE, GAUGE, "passgate_queue_age_seconds", "queue", queues,                            \
      "How long the oldest piece of work has waited.")                                            \
    X(QUEUE_REFUSALS, COUNTER, "passgate_queue_refusals_total", "queue", queues,                  \
      "Work that was refused because what waited had done so for too long.")                      \
    X(CALLER_REFUSALS, COUNTER, "passgate_caller_refusals_total", "reason", refusals,             \
      "Calls and items of streams that were refused because of who asked.")                       \
    X(CALLER_LOADS, COUNTER, "passgate_caller_loads_total", "result", outcomes,                   \
      "Attempts to read the callers of the configuration again.")                                 \
    X(PROBE_FAILURES, COUNTER, "passgate_rpc_probe_failures_total", NULL, no_values,              \
      "Rounds of the self-probe in which a listener did not answer.")                             \
    X(HUNG_UP, COUNTER, "passgate_rpc_connections_ended_total", NULL, no_values,                  \
      "Connections that were ended for giving up most of their calls.")                           \
    X(DECISIONS, COUNTER, "passgate_decisions_total", "reason", decision_reasons,                 \
      "Decisions made, by reason; every item of a batch counts.")                                 \
    X(LEASE_REFUSALS, COUNTER, "passgate_lease_refusals_total", NULL, no_values,                  \
      "Questions about restricted resources that got no decision: the lease had lapsed.")         \
    X(LEASE_REMAINING, GAUGE, "passgate_lease_remaining_seconds", NULL, no_values,                \
      "What is left of directives.lease; 0 once it has lapsed.")                                  \
    X(CACHE_LOOKUPS, COUNTER, "passgate_facts_cache_lookups_total", "result", cache_results,      \
      "Look-ups in the cache of facts.")                                                          \
    X(CACHE_EVICTIONS, COUNTER, "passgate_facts_cache_evictions_total", NULL, no_values,          \
      "Entries that had to make room for others.")                                                \
    X(CACHE_ENTRIES, GAUGE, "passgate_facts_cache_entries", NULL, no_values,                      \
      "Subjects whose facts are cached.")                                                         \
    X(CACHE_BYTES, GAUGE, "passgate_facts_cache_bytes", NULL, no_values,                          \
      "Memory that the cache of facts holds.")                                                    \
    X(VERIFICATIONS, COUNTER, "passgate_verifications_total", "result", write_results,            \
      "Verification results that were submitted.")                                                \
    X(CLAIMS, COUNTER, "passgate_claims_issued_total", "source", claim_sources,                   \
      "Claims given out, newly signed or from the cache.")                                        \
    X(DIRECTIVE_SET, GAUGE, "passgate_directive_set_number", NULL, no_values,                     \
      "Number of the directive set in force on this replica.")                                    \
    X(DIRECTIVE_LOADS, COUNTER, "passgate_directive_loads_total", "result", outcomes,             \
      "Attempts to load a directive set.")                                                        \
    X(SHADOW_DIRECTIVES, GAUGE, "passgate_shadow_directives", NULL, no_values,                    \
      "Directives that are tried beside those in force.")                                         \
    X(SHADOW_LOADS, COUNTER, "passgate_shadow_directive_loads_total", "result", outcomes,         \
      "Attempts to load directives that are tried.")                                              \
    X(SHADOW_DECISIONS, COUNTER, "passgate_shadow_decisions_total", "comparison",                 \
      shadow_differences, "Decisions compared with what directives that are tried would say.")    \
    X(STORE_UP, GAUGE, "passgate_store_up", NULL, no_values, "1 while the store answers.")        \
    X(STORE_PENDING, GAUGE, "passgate_store_pending_requests", NULL, no_values,                   \
      "Requests that the store has taken and not answered.")                                      \
    X(STORE_FEED_AGE, GAUGE, "passgate_store_feed_age_seconds", NULL, no_values,                  \
      "Time since the change feed last proved to be alive.")                                      \
    X(STORE_DOUBTED, GAUGE, "passgate_store_doubted_keys", NULL, no_values,                       \
      "Keys that are not read: the store lost what was last written there.")                      \
    X(STORE_PUT_AGAIN, COUNTER, "passgate_store_put_again_total", NULL, no_values,                \
      "Own writes that the store had lost and that were put there again.")                        \
    X(STORE_DURATION, HISTOGRAM, "passgate_store_request_duration_seconds", NULL, no_values,      \
      "Time that the store took for a request.")                                                  \
    X(AUDIT_RECORDS, COUNTER, "passgate_audit_records_total", "result", audit_results,            \
      "Audit records that were taken, refused or (mode ring) dropped.")                           \
    X(AUDIT_WRITTEN, COUNTER, "passgate_audit_written_bytes_total", NULL, no_values,              \
      "Bytes of audit log that are durable.")                                                     \
    X(AUDIT_ERRORS, COUNTER, "passgate_audit_write_errors_total", NULL, no_values,                \
      "Failed attempts to make audit records durable.")                                           \
    X(AUDIT_BACKLOG, GAUGE, "passgate_audit_backlog_bytes", NULL, no_values,                      \
      "Bytes of audit log that are not durable yet.")                                             \
    X(AUDIT_FLUSH, HISTOGRAM, "passgate_audit_flush_duration_seconds", NULL, no_values,           \
      "Time to write and sync a block of audit records.")                                         \
    X(AUDIT_SHIP_WAITING, GAUGE, "passgate_audit_ship_waiting_segments", NULL, no_values,         \
      "Ended segments of the audit log that were not shipped yet.")                               \
    X(AUDIT_SHIP_AGE, GAUGE, "passgate_audit_ship_waiting_age_seconds", NULL, no_values,          \
      "Time since the latest record of the oldest segment that waits to be shipped.")             \
    X(AUDIT_SHIP_HEAD, GAUGE, "passgate_audit_ship_head_timestamp_seconds", NULL, no_values,      \
      "When the newest tree head was signed that was shipped; 0 while there is none.")            \
    X(AUDIT_SHIPPED, COUNTER, "passgate_audit_shipped_bytes_total", NULL, no_values,              \
      "Bytes of segments, indices and heads that were stored where they are shipped to.")         \
    X(AUDIT_SHIP_FAILURES, COUNTER, "passgate_audit_ship_failures_total", "kind", ship_failures,  \
      "Failed attempts to ship something.")                                                       \
    X(AUDIT_REMOVED, COUNTER, "passgate_audit_removed_segments_total", NULL, no_values,           \
      "Segments of the audit log that were removed because their time was over.")                 \
    X(AUDIT_HOLDS, GAUGE, "passgate_audit_legal_holds", NULL, no_values, "Legal holds in force.") \
    X(HTTP_REQUESTS, COUNTER, "passgate_http_requests_total", "code", http_codes,                 \
      "HTTP requests that were answered, by class of status.")                                    \
    X(HTTP_DURATION, HISTOGRAM, "passgate_http_duration_seconds", NULL, no_values,                \
      "Time from the header of an HTTP request to the end of its answer.")                        \
    X(CERTIFICATE_EXPIRY, GAUGE, "passgate_certificate_expiry_timestamp_seconds", "listener",     \
      listeners, "When the certificate in use ends; 0 where there is no TLS.")                    \
    X(CERTIFICATE_REFUSED, GAUGE, "passgate_certificate_refused", "listener", listeners,          \
      "1 while the files hold a certificate that cannot be used, and an older one is.")           \
    X(CERTIFICATE_LOADS, COUNTER, "passgate_certificate_loads_total", "result", outcomes,         \
      "Certificates that were found in the files, used or refused.")                              \
    X(CLOCK_BEHIND, GAUGE, "passgate_clock_behind_seconds", NULL, no_values,                      \
      "How far the machine's clock is behind what it was; 0 as a rule.")                          \
    X(CLOCK_SYNCHRONIZED, GAUGE, "passgate_clock_synchronized", NULL, no_values,                  \
      "1 while the kernel knows that somebody keeps the clock right.")                            \
    X(EXECUTOR_QUEUED, GAUGE, "passgate_executor_queued_jobs", NULL, no_values,                   \
      "Jobs that wait for the executor.")                                                         \
    X(READY, GAUGE, "passgate_ready", NULL, no_values, "1 while /readyz says ready.")             \
    X(BUILD, GAUGE, "passgate_build_info", "version", build_versions,                             \
      "Always 1; the label is the version.")                                                      \
    X(RESIDENT, GAUGE, "process_resident_memory_bytes", NULL, no_values,                          \
      "Resident memory size in bytes.")                                                           \
    X(OPEN_FDS, GAUGE, "process_open_fds", NULL, no_values, "Number of open file descriptors.")   \
    X(MAX_FDS, GAUGE, "process_max_fds", NULL, no_values,                                         \
      "Maximum number of open file descriptors.")                                                 \
    X(START_TIME, GAUGE, "process_start_time_seconds", NULL, no_values,                           \
      "Start time of the process since unix epoch in seconds.")

enum metric {
#define X(identifier, kind, name, label, values, help) METRIC_##identifier,
    METRIC_LIST(X)
#undef X
        METRIC_COUNT
};

enum {
    METRICS_METHODS_MAX = 128,
    METRICS_STATUS_COUNT = ERR_STATUS_UNAUTHENTICATED + 1,
    /* Upper bounds 2^4, 2^5 … 2^23 microseconds (16 us to 8.4 s), and everything above. */
    METRICS_BUCKET_COUNT = 21,
    METRICS_BUCKET_FIRST_LOG2_US = 4,
};

/* What a row says, for tests and renderers. */
struct metric_row {
    const char *identifier;
    enum metric_kind kind;
    const char *name;
    const char *label;         /* NULL: none */
    const char *const *values; /* of the label; NULL: none that is shown */
    size_t value_count;
    size_t first_slot;
    const char *help;
};

extern const struct metric_row metric_rows[METRIC_COUNT];

struct metrics;
struct metrics_shard;

/* With `shard_count` shards of one writer each, and the shared one. */
struct metrics *metrics_new(size_t shard_count);
void metrics_free(struct metrics *metrics);

/* In the place of the index of a worker: any other thread, which counts into the shared shard. */
#define METRICS_NO_WORKER UINT32_MAX

/* The shard of worker `index`: only that worker's thread counts into it. */
struct metrics_shard *metrics_shard(struct metrics *metrics, size_t index);
/* The shard for every thread. */
struct metrics_shard *metrics_shared(struct metrics *metrics);

/* A line of its own for an RPC method, "passgate.v1.AdminService/WhoAmI"; returns its index.  At
 * start, before the first call; the name must outlive the metrics.  Index 0 is there: "other", for
 * methods that do not exist. */
size_t metrics_add_method(struct metrics *metrics, const char *name);

/* Count `count` more; `value` is an index of the label's values, 0 where there is no label. */
void metrics_count(struct metrics_shard *shard, enum metric metric, size_t value, uint64_t count);
void metrics_observe(struct metrics_shard *shard, enum metric metric, int64_t duration_ns);

/* An RPC ended. */
void metrics_rpc(struct metrics_shard *shard, size_t method, enum err_status status,
                 int64_t duration_ns);

/* Any thread. */
void metrics_set(struct metrics *metrics, enum metric metric, double value);

/*
 * Read a counter or gauge from where the number lives, whenever it is rendered: `read` is called on
 * the rendering thread, once per value of the label.  At start.
 */
void metrics_set_source(struct metrics *metrics, enum metric metric,
                        double (*read)(void *owner, size_t value), void *owner);

/* Everything as text in the arena.  Any thread. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
struct span metrics_render(struct metrics *metrics, struct arena *arena);

/* For the renderer: the sum of a slot over all shards. */
struct metrics_source {
    double (*read)(void *owner, size_t value);
    void *owner;
};
uint64_t metrics_slot(const struct metrics *metrics, size_t slot);
const struct metrics_source *metrics_source_of(const struct metrics *metrics, enum metric metric);
double metrics_gauge(const struct metrics *metrics, enum metric metric);
size_t metrics_method_count(const struct metrics *metrics);
const char *metrics_method_name(const struct metrics *metrics, size_t method);
size_t metrics_method_slot(size_t method);

#endif
