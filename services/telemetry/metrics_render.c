/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics as Prometheus' text exposition format 0.0.4. */
#include "telemetry/metrics.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct text {
    char *data;
    size_t length;
    size_t capacity;
};

static void text_add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t needed;

    va_start(arguments, format);
    needed = (size_t)vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    while (text->capacity - text->length <= needed)
        text->data = memory_grow(text->data, text->capacity = text->capacity * 2 + 4096, 1);
    va_start(arguments, format);
    vsnprintf(text->data + text->length, text->capacity - text->length, format, arguments);
    va_end(arguments);
    text->length += needed;
}

/* Backslash and line feed are escaped everywhere, quotes in label values only. */
static void text_add_escaped(struct text *text, const char *value, bool is_label)
{
    for (; *value; value++) {
        if (*value == '\\')
            text_add(text, "\\\\");
        else if (*value == '\n')
            text_add(text, "\\n");
        else if (*value == '"' && is_label)
            text_add(text, "\\\"");
        else
            text_add(text, "%c", *value);
    }
}

static void add_label(struct text *text, const char *name, const char *value)
{
    text_add(text, "%s=\"", name);
    text_add_escaped(text, value, true);
    text_add(text, "\"");
}

static void render_values(struct text *text, const struct metrics *metrics, enum metric metric)
{
    const struct metric_row *row = &metric_rows[metric];
    const struct metrics_source *source = metrics_source_of(metrics, metric);

    for (size_t i = 0; i < row->value_count; i++) {
        text_add(text, "%s", row->name);
        if (row->label) {
            text_add(text, "{");
            add_label(text, row->label, row->values[i]);
            text_add(text, "}");
        }
        if (source)
            text_add(text, " %.15g\n", source->read(source->owner, i));
        else if (row->kind == METRIC_KIND_GAUGE)
            text_add(text, " %.15g\n", metrics_gauge(metrics, metric));
        else
            text_add(text, " %" PRIu64 "\n", metrics_slot(metrics, row->first_slot + i));
    }
}

/* `labels` is empty or ends in a comma. */
static void render_histogram(struct text *text, const struct metrics *metrics, const char *name,
                             const char *labels, size_t slot)
{
    uint64_t count = 0, sum_ns = metrics_slot(metrics, slot + METRICS_BUCKET_COUNT);
    int labels_length = (int)strlen(labels);

    for (size_t i = 0; i < METRICS_BUCKET_COUNT; i++) {
        count += metrics_slot(metrics, slot + i);
        text_add(text, "%s_bucket{%sle=\"", name, labels);
        if (i < METRICS_BUCKET_COUNT - 1)
            text_add(text, "%.9g",
                     (double)(UINT64_C(1) << (METRICS_BUCKET_FIRST_LOG2_US + i)) / 1e6);
        else
            text_add(text, "+Inf");
        text_add(text, "\"} %" PRIu64 "\n", count);
    }
    if (labels_length > 0) {
        text_add(text, "%s_sum{%.*s} %.15g\n", name, labels_length - 1, labels,
                 (double)sum_ns / 1e9);
        text_add(text, "%s_count{%.*s} %" PRIu64 "\n", name, labels_length - 1, labels, count);
    } else {
        text_add(text, "%s_sum %.15g\n", name, (double)sum_ns / 1e9);
        text_add(text, "%s_count %" PRIu64 "\n", name, count);
    }
}

static uint64_t method_calls(const struct metrics *metrics, size_t method)
{
    uint64_t calls = 0;

    for (size_t status = 0; status < METRICS_STATUS_COUNT; status++)
        calls += metrics_slot(metrics, metrics_method_slot(method) + status);
    return calls;
}

/* OK is there from the start, so that a rate has a beginning; other codes once they happened. */
static void render_method_codes(struct text *text, const struct metrics *metrics, const char *name)
{
    for (size_t method = 0; method < metrics_method_count(metrics); method++) {
        for (size_t status = 0; status < METRICS_STATUS_COUNT; status++) {
            uint64_t calls = metrics_slot(metrics, metrics_method_slot(method) + status);

            if (calls == 0 && status != ERR_STATUS_OK)
                continue;
            text_add(text, "%s{", name);
            add_label(text, "method", metrics_method_name(metrics, method));
            text_add(text, ",");
            add_label(text, "code", err_status_name((enum err_status)status));
            text_add(text, "} %" PRIu64 "\n", calls);
        }
    }
}

static void render_method_histograms(struct text *text, const struct metrics *metrics,
                                     const char *name)
{
    for (size_t method = 0; method < metrics_method_count(metrics); method++) {
        struct text labels = {0};

        if (method_calls(metrics, method) == 0)
            continue;
        add_label(&labels, "method", metrics_method_name(metrics, method));
        text_add(&labels, ",");
        render_histogram(text, metrics, name, labels.data,
                         metrics_method_slot(method) + METRICS_STATUS_COUNT);
        memory_free(labels.data);
    }
}

static void render_metric(struct text *text, const struct metrics *metrics, enum metric metric)
{
    static const char *const types[] = {
        [METRIC_KIND_COUNTER] = "counter",         [METRIC_KIND_GAUGE] = "gauge",
        [METRIC_KIND_HISTOGRAM] = "histogram",     [METRIC_KIND_RPC_COUNTER] = "counter",
        [METRIC_KIND_RPC_HISTOGRAM] = "histogram",
    };
    const struct metric_row *row = &metric_rows[metric];

    text_add(text, "# HELP %s ", row->name);
    text_add_escaped(text, row->help, false);
    text_add(text, "\n# TYPE %s %s\n", row->name, types[row->kind]);
    switch (row->kind) {
    case METRIC_KIND_COUNTER:
    case METRIC_KIND_GAUGE: render_values(text, metrics, metric); break;
    case METRIC_KIND_HISTOGRAM:
        render_histogram(text, metrics, row->name, "", row->first_slot);
        break;
    case METRIC_KIND_RPC_COUNTER: render_method_codes(text, metrics, row->name); break;
    case METRIC_KIND_RPC_HISTOGRAM: render_method_histograms(text, metrics, row->name); break;
    }
}

struct span metrics_render(struct metrics *metrics, struct arena *arena)
{
    struct text text = {0};
    struct span rendered;

    for (size_t metric = 0; metric < METRIC_COUNT; metric++)
        render_metric(&text, metrics, (enum metric)metric);
    rendered = arena_copy(arena, span_of(text.data, text.length));
    memory_free(text.data);
    return rendered;
}
