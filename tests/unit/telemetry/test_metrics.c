/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: what is counted, and how it reads. */
#include "base/attributes.h"
#include "base/thread.h"
#include "domain/directive/evaluate.h"
#include "telemetry/metrics.h"
#include "telemetry/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct metrics *metrics;
    struct arena arena;
};

static int set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));

    fixture->metrics = metrics_new(2);
    arena_init(&fixture->arena, 4096);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    metrics_free(fixture->metrics);
    arena_release(&fixture->arena);
    test_free(fixture);
    return 0;
}

static const char *render(struct fixture *fixture)
{
    struct span text = metrics_render(fixture->metrics, &fixture->arena);

    return arena_text(&fixture->arena, text);
}

static void assert_has(struct fixture *fixture, const char *expected)
{
    const char *text = render(fixture);

    if (!strstr(text, expected))
        fail_msg("missing:\n%s\nin:\n%s", expected, text);
}

static void a_counter_is_the_sum_over_all_shards(void **state)
{
    struct fixture *fixture = *state;

    metrics_count(metrics_shard(fixture->metrics, 0), METRIC_CACHE_LOOKUPS, METRICS_CACHE_HIT, 3);
    metrics_count(metrics_shard(fixture->metrics, 1), METRIC_CACHE_LOOKUPS, METRICS_CACHE_HIT, 4);
    metrics_count(metrics_shared(fixture->metrics), METRIC_CACHE_LOOKUPS, METRICS_CACHE_MISS, 1);
    assert_has(fixture,
               "# HELP passgate_facts_cache_lookups_total Look-ups in the cache of facts.\n"
               "# TYPE passgate_facts_cache_lookups_total counter\n"
               "passgate_facts_cache_lookups_total{result=\"hit\"} 7\n"
               "passgate_facts_cache_lookups_total{result=\"miss\"} 1\n"
               "passgate_facts_cache_lookups_total{result=\"stale\"} 0\n"
               "# HELP ");
}

static void decisions_are_labelled_with_the_names_of_reasons(void **state)
{
    struct fixture *fixture = *state;

    metrics_count(metrics_shard(fixture->metrics, 0), METRIC_DECISIONS,
                  DECISION_REASON_VERIFICATION_REQUIRED, 2);
    assert_has(fixture, "passgate_decisions_total{reason=\"VERIFICATION_REQUIRED\"} 2\n");
    assert_has(fixture, "passgate_decisions_total{reason=\"ALLOWED\"} 0\n");
}

static void a_duration_is_in_the_first_bucket_that_is_not_below_it(void **state)
{
    static const struct {
        int64_t duration_ns;
        const char *bucket;
        const char *bucket_before;
    } rows[] = {
        {-5, "le=\"1.6e-05\"} 1\n", NULL},
        {0, "le=\"1.6e-05\"} 1\n", NULL},
        {16000, "le=\"1.6e-05\"} 1\n", NULL},
        {16001, "le=\"3.2e-05\"} 1\n", "le=\"1.6e-05\"} 0\n"},
        {32000, "le=\"3.2e-05\"} 1\n", "le=\"1.6e-05\"} 0\n"},
        {1000000, "le=\"0.001024\"} 1\n", "le=\"0.000512\"} 0\n"},
        {8388608000, "le=\"8.388608\"} 1\n", "le=\"4.194304\"} 0\n"},
        {8388608001, "le=\"+Inf\"} 1\n", "le=\"8.388608\"} 0\n"},
        {INT64_MAX, "le=\"+Inf\"} 1\n", "le=\"8.388608\"} 0\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture *fixture;
        void *own;

        set_up(&own);
        fixture = own;
        metrics_observe(metrics_shared(fixture->metrics), METRIC_STORE_DURATION,
                        rows[i].duration_ns);
        assert_has(fixture, arena_printf(&fixture->arena,
                                         "passgate_store_request_duration_seconds_bucket{%s",
                                         rows[i].bucket));
        if (rows[i].bucket_before)
            assert_has(fixture, arena_printf(&fixture->arena,
                                             "passgate_store_request_duration_seconds_bucket{%s",
                                             rows[i].bucket_before));
        assert_has(fixture, "passgate_store_request_duration_seconds_count 1\n");
        tear_down(&own);
    }
    (void)state;
}

static void calls_are_counted_by_method_and_code(void **state)
{
    struct fixture *fixture = *state;
    size_t check = metrics_add_method(fixture->metrics, "passgate.v1.EntitlementService/Check");
    size_t never = metrics_add_method(fixture->metrics, "passgate.v1.AdminService/WhoAmI");

    assert_int_not_equal(check, never);
    metrics_rpc(metrics_shard(fixture->metrics, 0), check, ERR_STATUS_OK, 500000);
    metrics_rpc(metrics_shard(fixture->metrics, 1), check, ERR_STATUS_OK, 1500000);
    metrics_rpc(metrics_shard(fixture->metrics, 1), check, ERR_STATUS_UNAVAILABLE, 0);
    metrics_rpc(metrics_shared(fixture->metrics), 0, ERR_STATUS_UNIMPLEMENTED, 1000);
    assert_has(
        fixture,
        "# TYPE passgate_rpc_calls_total counter\n"
        "passgate_rpc_calls_total{method=\"other\",code=\"OK\"} 0\n"
        "passgate_rpc_calls_total{method=\"other\",code=\"UNIMPLEMENTED\"} 1\n"
        "passgate_rpc_calls_total{method=\"passgate.v1.EntitlementService/Check\",code=\"OK\"} 2\n"
        "passgate_rpc_calls_total{method=\"passgate.v1.EntitlementService/Check\","
        "code=\"UNAVAILABLE\"} 1\n"
        "passgate_rpc_calls_total{method=\"passgate.v1.AdminService/WhoAmI\",code=\"OK\"} 0\n"
        "# HELP ");
    assert_has(fixture, "passgate_rpc_duration_seconds_bucket{method=\"passgate.v1."
                        "EntitlementService/Check\",le=\"0.000512\"} 2\n");
    assert_has(fixture, "passgate_rpc_duration_seconds_sum{method=\"passgate.v1."
                        "EntitlementService/Check\"} 0.002\n"
                        "passgate_rpc_duration_seconds_count{method=\"passgate.v1."
                        "EntitlementService/Check\"} 3\n");
    assert_null(strstr(render(fixture), "_bucket{method=\"passgate.v1.AdminService/WhoAmI\""));
}

static void label_values_are_escaped(void **state)
{
    struct fixture *fixture = *state;

    metrics_add_method(fixture->metrics, "a\\b\"c\nd");
    assert_has(fixture, "{method=\"a\\\\b\\\"c\\nd\",code=\"OK\"} 0\n");
}

static double forty_two(void *owner, size_t value)
{
    return *(double *)owner + (double)value;
}

static void a_source_is_read_when_it_is_rendered(void **state)
{
    struct fixture *fixture = *state;
    double number = 42.5;

    metrics_set_source(fixture->metrics, METRIC_CACHE_BYTES, forty_two, &number);
    assert_has(fixture, "\npassgate_facts_cache_bytes 42.5\n");
    number = 1e15;
    assert_has(fixture, "\npassgate_facts_cache_bytes 1e+15\n");
    metrics_set_source(fixture->metrics, METRIC_CLAIMS, forty_two, &number);
    number = 7;
    assert_has(fixture, "passgate_claims_issued_total{source=\"signed\"} 7\n"
                        "passgate_claims_issued_total{source=\"cached\"} 8\n");
    metrics_set(fixture->metrics, METRIC_DIRECTIVE_SET, 4711);
    assert_has(fixture, "\npassgate_directive_set_number 4711\n");
}

static void the_process_has_memory_and_descriptors(void **state)
{
    struct fixture *fixture = *state;
    static const enum metric positive[] = {METRIC_RESIDENT, METRIC_OPEN_FDS, METRIC_MAX_FDS};

    process_add_metrics(fixture->metrics, &clock_system);
    for (size_t i = 0; i < ARRAY_LEN(positive); i++) {
        const struct metrics_source *source = metrics_source_of(fixture->metrics, positive[i]);

        assert_true(source->read(source->owner, 0) > 2);
    }
    assert_true(metrics_gauge(fixture->metrics, METRIC_START_TIME) > 1.7e9);
    assert_has(fixture, "passgate_build_info{version=\"" PASSGATE_VERSION "\"} 1\n");
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);

    return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

/* What `promtool check metrics` would say. */
static void names_are_as_prometheus_wants_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &metric_rows[i];
        bool is_counter = row->kind == METRIC_KIND_COUNTER || row->kind == METRIC_KIND_RPC_COUNTER;
        bool is_histogram =
            row->kind == METRIC_KIND_HISTOGRAM || row->kind == METRIC_KIND_RPC_HISTOGRAM;

        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->name));
        assert_true(strncmp(row->name, "passgate_", 9) == 0 ||
                    strncmp(row->name, "process_", 8) == 0);
        assert_int_equal(ends_with(row->name, "_total"), is_counter);
        if (is_histogram)
            assert_true(ends_with(row->name, "_seconds"));
        assert_false(ends_with(row->name, "_count") || ends_with(row->name, "_sum") ||
                     ends_with(row->name, "_bucket"));
        assert_null(strstr(row->name, "_ms"));
        assert_true(strlen(row->help) > 10 && ends_with(row->help, "."));
        for (size_t value = 0; row->label && value < row->value_count; value++)
            if (row->kind == METRIC_KIND_COUNTER || row->kind == METRIC_KIND_GAUGE)
                assert_non_null(row->values[value]);
    }
}

static void every_line_is_of_the_format_and_no_series_is_there_twice(void **state)
{
    struct fixture *fixture = *state;
    char *text, *line;
    const char *seen[4096];
    size_t count = 0;

    metrics_rpc(metrics_shared(fixture->metrics), 0, ERR_STATUS_OK, 1);
    text = arena_text(&fixture->arena, span_text(render(fixture)));
    assert_true(ends_with(text, "\n"));
    while ((line = strsep(&text, "\n")) && *line) {
        char *space;

        if (strncmp(line, "# HELP ", 7) == 0 || strncmp(line, "# TYPE ", 7) == 0)
            continue;
        space = strrchr(line, ' ');
        assert_non_null(space);
        *space = '\0';
        assert_true(strtod(space + 1, NULL) >= 0);
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(seen[i], line);
        assert_true(count < ARRAY_LEN(seen));
        seen[count++] = line;
    }
    assert_true(count > METRIC_COUNT);
}

enum { ROUNDS = 20000 };

static void *count_in_shared(void *metrics)
{
    for (int i = 0; i < ROUNDS; i++)
        metrics_count(metrics_shared(metrics), METRIC_AUDIT_ERRORS, 0, 1);
    return NULL;
}

static void threads_lose_nothing_in_the_shared_shard(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        thread_start(&threads[i], "test", count_in_shared, fixture->metrics);
    render(fixture);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_has(fixture, "\npassgate_audit_write_errors_total 80000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_counter_is_the_sum_over_all_shards, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decisions_are_labelled_with_the_names_of_reasons, set_up,
                                        tear_down),
        cmocka_unit_test(a_duration_is_in_the_first_bucket_that_is_not_below_it),
        cmocka_unit_test_setup_teardown(calls_are_counted_by_method_and_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(label_values_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_source_is_read_when_it_is_rendered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_process_has_memory_and_descriptors, set_up, tear_down),
        cmocka_unit_test(names_are_as_prometheus_wants_them),
        cmocka_unit_test_setup_teardown(every_line_is_of_the_format_and_no_series_is_there_twice,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_lose_nothing_in_the_shared_shard, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
