/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record of the audit log costs the thread that appends it, how many reach the disk, and
 * what the metrics of one check cost:
 *
 *     bench_audit [FOLDER]
 *
 * Two threads append plain decisions as fast as the log takes them; what it refuses for want of
 * room is tried again and not counted as an append.
 */
#include "base/memory.h"
#include "base/thread.h"
#include "telemetry/audit.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    THREADS = 2,
    RECORDS = 1000000,
    PACED_RECORDS = 100000,
    LONE_RECORDS = 200,
    METRIC_ROUNDS = 20000000,
};

enum pace {
    FLAT_OUT,
    PACED, /* a pause now and then: the cost without a full buffer */
    ALONE, /* each in a block of its own: the most bytes that one takes */
};

static const char *const pace_names[] = {"flat out", "paced", "alone"};

struct appender {
    pthread_t thread;
    struct audit_log *log;
    uint64_t count;
    enum pace pace;
    uint64_t refused;
    int64_t append_ns;
};

static void wait_until_durable(struct audit_log *log, uint64_t sequence)
{
    struct audit_state state;

    do {
        nanosleep(&(struct timespec){0, 200000}, NULL);
        audit_get_state(log, &state);
    } while (state.durable_sequence < sequence);
}

static void *append(void *argument)
{
    struct appender *appender = argument;
    struct audit_item item = {.resource = span_text("model/mythos-5"),
                              .action = span_text("use"),
                              .truth = 2,
                              .reason = 1,
                              .directive = 3};
    struct audit_record record = {.kind = AUDIT_DECISION,
                                  .time_ms = clock_wall_ms(&clock_system),
                                  .caller = span_text("spiffe://corp/ns/shop/sa/checkout-1"),
                                  .method = span_text("CheckEntitlement"),
                                  .directive_set = 4711,
                                  .latency_us = 12,
                                  .number = UINT64_C(1) << 40,
                                  .items = &item,
                                  .item_count = 1};

    for (uint64_t i = 0; i < appender->count;) {
        int64_t started_ns = clock_now_ns();

        for (int burst = 0; burst < 100; burst++, i++) {
            struct err err;
            uint64_t sequence;

            item.subject = (struct hash128){i, i * UINT64_C(0x9e3779b97f4a7c15)};
            record.number++;
            while (!audit_append(appender->log, &record, &sequence, &err)) {
                appender->refused++;
                sched_yield();
            }
            if (appender->pace == ALONE)
                wait_until_durable(appender->log, sequence);
        }
        appender->append_ns += clock_now_ns() - started_ns;
        if (appender->pace == PACED)
            nanosleep(&(struct timespec){0, 500000}, NULL);
    }
    return NULL;
}

static void run(struct audit_log *log, enum pace pace, uint64_t count)
{
    size_t threads = pace == ALONE ? 1 : THREADS;
    struct appender appenders[THREADS] = {{0}};
    int64_t started_ns = clock_now_ns(), append_ns = 0;
    struct audit_state before, after;
    uint64_t refused = 0;
    double seconds;

    audit_get_state(log, &before);
    for (size_t i = 0; i < threads; i++) {
        appenders[i] = (struct appender){.log = log, .count = count, .pace = pace};
        thread_start(&appenders[i].thread, "bench", append, &appenders[i]);
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(appenders[i].thread, NULL);
        append_ns += appenders[i].append_ns;
        refused += appenders[i].refused;
    }
    do
        audit_get_state(log, &after);
    while (after.durable_sequence < after.next_sequence - 1);
    seconds = (double)(clock_now_ns() - started_ns) / 1e9;
    printf("%-10s %7.0f ns/append  %10.0f records/s to the disk  %5.1f bytes/record  %" PRIu64
           " refusals\n",
           pace_names[pace], (double)append_ns / (double)(threads * count),
           (double)(threads * count) / seconds,
           (double)(after.written_bytes - before.written_bytes) / (double)(threads * count),
           refused);
}

static void run_metrics(void)
{
    struct metrics *metrics = metrics_new(1);
    struct metrics_shard *shard = metrics_shard(metrics, 0);
    size_t method = metrics_add_method(metrics, "passgate.v1.EntitlementService/CheckEntitlement");
    int64_t started_ns = clock_now_ns();

    for (int i = 0; i < METRIC_ROUNDS; i++) {
        metrics_count(shard, METRIC_CACHE_LOOKUPS, METRICS_CACHE_HIT, 1);
        metrics_count(shard, METRIC_DECISIONS, 1 + (size_t)(i & 1), 1);
        metrics_rpc(shard, method, ERR_STATUS_OK, 10000 + i);
    }
    printf("metrics    %7.1f ns/check\n",
           (double)(clock_now_ns() - started_ns) / (double)METRIC_ROUNDS);
    metrics_free(metrics);
}

int main(int argc, char **argv)
{
    struct audit_options options = {.folder = argc > 1 ? argv[1] : "/tmp/passgate-bench-audit",
                                    .clock = &clock_system};
    struct audit_log *log;
    struct err err;

    if (!audit_open(&options, &log, &err)) {
        fprintf(stderr, "bench_audit: %s\n", err.detail);
        return 1;
    }
    run(log, PACED, PACED_RECORDS);
    run(log, FLAT_OUT, RECORDS);
    run(log, ALONE, LONE_RECORDS);
    audit_close(log);
    run_metrics();
    return 0;
}
