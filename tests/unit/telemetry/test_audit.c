/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: everything that is taken is there again, in order, and what is not is refused. */
#include "log_fixture.h"

#include "base/attributes.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void everything_comes_back_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    struct written written;

    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(fixture_append(log, i), i + 2); /* 1 says that the log was opened */
    audit_close(log);
    written = fixture_read_back(fixture);
    assert_int_equal(written.count, 1000);
    assert_int_equal(written.own_count, 2);
    assert_int_equal(written.last_sequence, 1002);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(written.sequences[i], i + 2);
        assert_int_equal(written.subjects[i], i);
    }
    written_release(&written);
}

static void a_plain_decision_takes_at_most_96_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    struct written written;
    char *path;

    for (uint64_t i = 0; i < 10000; i++)
        fixture_append(log, i);
    audit_close(log);
    written = fixture_read_back(fixture);
    path = segment_path(fixture->folder, 0);
    print_message("%zu bytes a decision in frames, %zu in the file\n",
                  written.bytes / written.count, file_size(path) / written.count);
    assert_true(file_size(path) / written.count <= 96);
    assert_true(written.bytes / written.count <= 60);
    memory_free(path);
    written_release(&written);
}

/* One flush each: the worst case, and still within the budget. */
static void a_decision_alone_in_its_block_takes_at_most_96_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    struct audit_state before, after;

    assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, 0)));
    audit_get_state(log, &before);
    for (uint64_t i = 3; i < 23; i += 3)
        assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, i)));
    audit_get_state(log, &after);
    assert_true(after.written_bytes - before.written_bytes <= 7 * 96);
    audit_close(log);
}

static void numbering_goes_on_where_a_closed_log_ended(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log;
    struct written written;
    uint64_t log_id = 0;

    for (uint64_t run = 0; run < 3; run++) {
        log = fixture_open(fixture);
        if (run > 0)
            assert_int_equal(audit_log_id(log), log_id);
        log_id = audit_log_id(log);
        assert_int_equal(fixture_append(log, run), run * 3 + 2);
        audit_close(log);
    }
    written = fixture_read_back(fixture);
    assert_int_equal(written.count, 3);
    assert_int_equal(written.segment_count, 3);
    assert_int_equal(written.last_sequence, 9);
    assert_non_null(strstr(written.last_opened, "previous_end=closed last_sequence=6 cut_bytes=0"));
    written_release(&written);
}

static void a_full_segment_is_followed_by_another(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log;
    struct written written;

    fixture->options.segment_bytes = 2000;
    log = fixture_open(fixture);
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t sequence = fixture_append(log, i);

        if (i % 10 == 9)
            assert_true(wait_for(log, &fixture->mailbox, sequence));
    }
    audit_close(log);
    written = fixture_read_back(fixture);
    assert_int_equal(written.count, 200);
    assert_in_range(written.segment_count, 4, 20);
    for (uint64_t i = 0; i < 200; i++)
        assert_int_equal(written.subjects[i], i);
    assert_int_equal(written.last_sequence, 202);
    written_release(&written);
}

struct fake_clock {
    struct clock clock;
    _Atomic int64_t now_ms;
};

static int64_t fake_now(const struct clock *clock)
{
    return ((const struct fake_clock *)(const void *)clock)->now_ms;
}

/* Of many segments, what stands behind a record is found without reading those before it. */
static void reading_begins_in_the_segment_of_a_number(void **state)
{
    enum { COUNT = 400 };
    struct fixture *fixture = *state;
    struct audit_log *log;
    uint64_t numbers[COUNT];

    fixture->options.segment_bytes = 2000;
    log = fixture_open(fixture);
    for (size_t i = 0; i < COUNT; i++) {
        numbers[i] = fixture_append(log, i);
        if (i % 20 == 0)
            assert_true(wait_for(log, &fixture->mailbox, numbers[i]));
    }
    audit_close(log);
    for (size_t i = 0; i < COUNT; i += 7) {
        const struct audit_entry *entry;
        struct audit_reader *reader;
        struct err err = ERR_NONE;
        size_t skipped = 0;

        assert_true(audit_reader_open(fixture->folder, &reader, &err));
        audit_reader_skip_to(reader, numbers[i]);
        do {
            assert_true(audit_reader_next(reader, &entry, &err));
            skipped++;
        } while (entry && entry->sequence < numbers[i]);
        assert_true(entry && entry->sequence == numbers[i] && skipped < COUNT / 2);
        audit_reader_close(reader);
    }
}

static void another_day_begins_another_segment(void **state)
{
    struct fixture *fixture = *state;
    struct fake_clock fake = {.clock = {.wall_ms = fake_now, .monotonic_ms = fake_now},
                              .now_ms = INT64_C(20000) * 86400000};
    struct audit_log *log;
    struct written written;

    fixture->options.clock = &fake.clock;
    log = fixture_open(fixture);
    assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, 1)));
    fake.now_ms += 86399999;
    assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, 2)));
    fake.now_ms += 1;
    assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, 3)));
    audit_close(log);
    written = fixture_read_back(fixture);
    assert_int_equal(written.segment_count, 2);
    assert_int_equal(written.count, 3);
    written_release(&written);
}

static void who_waits_is_told_when_the_record_is_on_the_disk(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);

    for (uint64_t i = 0; i < 20; i++) {
        uint64_t sequence = fixture_append(log, i);
        struct written written;

        assert_true(wait_for(log, &fixture->mailbox, sequence));
        assert_true(wait_for(log, &fixture->mailbox, sequence));
        written = fixture_read_back(fixture);
        assert_int_equal(written.sequences[written.count - 1], sequence);
        written_release(&written);
    }
    assert_false(wait_for(log, &fixture->mailbox, 0));
    assert_false(wait_for(log, &fixture->mailbox, 1000000));
    audit_close(log);
}

static void nobody_has_to_wait_for_it_to_be_written(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    uint64_t sequence = fixture_append(log, 1);
    struct audit_state log_state;

    do {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        audit_get_state(log, &log_state);
    } while (log_state.durable_sequence < sequence);
    assert_int_equal(log_state.backlog_bytes, 0);
    audit_close(log);
}

/* More than both buffers hold, faster than it can be written: the mode decides. */
static void fill(struct audit_log *log, size_t *taken, size_t *refused, size_t *dropped)
{
    for (uint64_t i = 0; i < 5000; i++) {
        struct decision decision;
        struct err err = ERR_NONE;
        uint64_t sequence;

        decision_init(&decision, i);
        if (!audit_append(log, &decision.record, &sequence, &err)) {
            assert_int_equal(err.code, ERR_AUDIT_UNAVAILABLE);
            (*refused)++;
        } else if (sequence == 0) {
            (*dropped)++;
        } else {
            (*taken)++;
        }
    }
}

static void a_full_memory_refuses_and_never_drops(void **state)
{
    static const enum audit_mode modes[] = {AUDIT_BOUNDED, AUDIT_DURABLE};
    struct fixture *fixture = *state;
    size_t taken = 0, refused = 0, dropped = 0;
    struct written written;

    fixture->options.buffer_bytes = AUDIT_BUFFER_BYTES_MIN;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct audit_state log_state;
        struct audit_log *log;
        size_t refused_before = refused;

        fixture->options.mode = modes[i];
        log = fixture_open(fixture);
        fill(log, &taken, &refused, &dropped);
        audit_get_state(log, &log_state);
        assert_int_equal(log_state.refused, refused - refused_before);
        audit_close(log);
    }
    assert_true(taken > 0 && refused > 0);
    assert_int_equal(dropped, 0);
    written = fixture_read_back(fixture);
    assert_int_equal(written.count, taken);
    written_release(&written);
}

static void a_ring_drops_and_says_how_many(void **state)
{
    struct fixture *fixture = *state;
    size_t taken = 0, refused = 0, dropped = 0;
    struct audit_log *log;
    struct written written;

    fixture->options.buffer_bytes = AUDIT_BUFFER_BYTES_MIN;
    fixture->options.mode = AUDIT_RING;
    log = fixture_open(fixture);
    fill(log, &taken, &refused, &dropped);
    /* Once there is room the next record brings the news. */
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    fixture_append(log, 0);
    audit_close(log);
    assert_int_equal(refused, 0);
    assert_true(taken > 0 && dropped > 0);
    written = fixture_read_back(fixture);
    assert_int_equal(written.count, taken + 1);
    assert_int_equal(written.dropped, dropped);
    written_release(&written);
}

static void a_record_larger_than_the_memory_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t payload[AUDIT_BUFFER_BYTES_MIN];
    struct audit_record record = {.kind = AUDIT_OPAQUE, .payload = {payload, sizeof(payload)}};
    struct audit_log *log;
    struct err err = ERR_NONE;
    uint64_t sequence;

    fixture->options.buffer_bytes = AUDIT_BUFFER_BYTES_MIN;
    log = fixture_open(fixture);
    assert_false(audit_append(log, &record, &sequence, &err));
    assert_int_equal(err.code, ERR_AUDIT_UNAVAILABLE);
    record.payload.length /= 2;
    assert_true(audit_append(log, &record, &sequence, &err));
    audit_close(log);
}

enum { THREADS = 8, PER_THREAD = 2000 };

struct appender {
    pthread_t thread;
    struct audit_log *log;
    uint64_t number;
    uint64_t sequences[PER_THREAD];
};

static void *append_many(void *argument)
{
    struct appender *appender = argument;
    struct mailbox mailbox;

    mailbox_init(&mailbox);
    for (uint64_t i = 0; i < PER_THREAD; i++) {
        struct decision decision;
        struct err err;

        decision_init(&decision, appender->number * PER_THREAD + i);
        if (!audit_append(appender->log, &decision.record, &appender->sequences[i], &err))
            return NULL;
        if (i % 500 == 499 && !wait_for(appender->log, &mailbox, appender->sequences[i]))
            return NULL;
    }
    mailbox_release(&mailbox);
    return appender;
}

static void eight_threads_get_numbers_of_their_own_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct appender *appenders = memory_new_array(struct appender, THREADS);
    struct audit_log *log = fixture_open(fixture);
    struct written written;

    for (uint64_t i = 0; i < THREADS; i++) {
        appenders[i].log = log;
        appenders[i].number = i;
        thread_start(&appenders[i].thread, "test", append_many, &appenders[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *result;

        pthread_join(appenders[i].thread, &result);
        assert_ptr_equal(result, &appenders[i]);
    }
    audit_close(log);
    written = fixture_read_back(fixture);
    assert_int_equal(written.count, THREADS * PER_THREAD);
    for (uint64_t i = 0; i < written.count; i++) {
        uint64_t subject = written.subjects[i];

        assert_int_equal(written.sequences[i], i + 2);
        assert_int_equal(appenders[subject / PER_THREAD].sequences[subject % PER_THREAD], i + 2);
    }
    written_release(&written);
    memory_free(appenders);
}

static void metrics_and_readiness_follow(void **state)
{
    struct fixture *fixture = *state;
    struct metrics *metrics = metrics_new(0);
    struct readiness *readiness = readiness_new();
    struct audit_log *log;
    struct arena arena;
    const char *text;

    fixture->options.metrics = metrics;
    fixture->options.readiness = readiness;
    log = fixture_open(fixture);
    arena_init(&arena, 4096);
    assert_non_null(strstr(arena_text(&arena, readiness_render(readiness, &arena)), "audit: ok\n"));
    for (uint64_t i = 0; i < 10; i++)
        fixture_append(log, i);
    audit_close(log);
    text = arena_text(&arena, metrics_render(metrics, &arena));
    assert_non_null(strstr(text, "passgate_audit_records_total{result=\"taken\"} 11\n"));
    assert_non_null(strstr(text, "passgate_audit_records_total{result=\"refused\"} 0\n"));
    assert_null(strstr(text, "passgate_audit_flush_duration_seconds_count 0\n"));
    assert_non_null(strstr(text, "passgate_audit_backlog_bytes 0\n"));
    arena_release(&arena);
    metrics_free(metrics);
    readiness_free(readiness);
}

static void a_decision_id_names_log_and_number(void **state)
{
    static const char *const bad[] = {
        "",
        "-1",
        "00000000000000ff",
        "00000000000000ff-",
        "ff-1",
        "00000000000000ff-0",
        "00000000000000FF-1",
        "00000000000000ff-01",
        "00000000000000ff-1x",
        "00000000000000ff--1",
        "00000000000000ff-99999999999999999999",
    };
    char text[AUDIT_ID_MAX];
    uint64_t log_id, sequence;

    (void)state;
    assert_string_equal(audit_decision_id(255, 7, text), "00000000000000ff-7");
    assert_true(audit_decision_id_parse(span_text(text), &log_id, &sequence));
    assert_int_equal(log_id, 255);
    assert_int_equal(sequence, 7);
    audit_decision_id(UINT64_MAX, UINT64_MAX, text);
    assert_true(audit_decision_id_parse(span_text(text), &log_id, &sequence));
    assert_int_equal(sequence, UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(audit_decision_id_parse(span_text(bad[i]), &log_id, &sequence));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_comes_back_in_order),
        TEST(a_plain_decision_takes_at_most_96_bytes),
        TEST(a_decision_alone_in_its_block_takes_at_most_96_bytes),
        TEST(numbering_goes_on_where_a_closed_log_ended),
        TEST(a_full_segment_is_followed_by_another),
        TEST(reading_begins_in_the_segment_of_a_number),
        TEST(another_day_begins_another_segment),
        TEST(who_waits_is_told_when_the_record_is_on_the_disk),
        TEST(nobody_has_to_wait_for_it_to_be_written),
        TEST(a_full_memory_refuses_and_never_drops),
        TEST(a_ring_drops_and_says_how_many),
        TEST(a_record_larger_than_the_memory_is_refused),
        TEST(eight_threads_get_numbers_of_their_own_in_their_order),
        TEST(metrics_and_readiness_follow),
        cmocka_unit_test(a_decision_id_names_log_and_number),
    };

    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
