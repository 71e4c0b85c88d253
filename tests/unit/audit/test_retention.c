/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: what may go, what stays whatever its age, and what a crash in between leaves. */
#include "audit/retention.h"
#include "audit/segment_list.h"
#include "base/attributes.h"
#include "base/file.h"
#include "unit/telemetry/log_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAYS = 5, RECORDS = 3 };

#define DAY_MS INT64_C(86400000)

/* Wall time of the log that the test writes. */
static int64_t fake_now_ms;

static int64_t fake_wall_ms(const struct clock *clock)
{
    (void)clock;
    return fake_now_ms;
}

static int64_t fake_monotonic_ms(const struct clock *clock)
{
    (void)clock;
    return fake_now_ms;
}

static const struct clock fake_clock = {.wall_ms = fake_wall_ms, .monotonic_ms = fake_monotonic_ms};

struct world {
    struct fixture *fixture;
    struct arena arena;
    struct legal_holds *holds;
    struct retention_rule rule;
    struct retention_plan plan;
    struct err err;
};

static void append(struct audit_log *log)
{
    struct decision decision;
    uint64_t sequence;
    struct err err;

    decision_init(&decision, 7);
    decision.record.time_ms = fake_now_ms;
    if (!audit_append(log, &decision.record, &sequence, &err))
        fail_msg("%s", err.detail);
}

/* Each run of the log leaves a segment: one for each of the days 100, 101 … */
static void write_days(struct world *world)
{
    world->fixture->options.clock = &fake_clock;
    for (int day = 0; day < DAYS; day++) {
        struct audit_log *log;

        fake_now_ms = (100 + day) * DAY_MS;
        log = fixture_open(world->fixture);
        for (int i = 0; i < RECORDS; i++)
            append(log);
        audit_close(log);
    }
}

static void hold(struct world *world, int64_t from_ms, int64_t until_ms)
{
    const struct legal_hold row = {span_text("case"), from_ms, until_ms, span_text("a letter")};

    legal_holds_unref(world->holds);
    world->holds = legal_holds_new(&row, 1);
    world->rule.holds = world->holds;
}

static int set_up(void **state)
{
    static struct world world;
    void *fixture;

    if (fixture_set_up(&fixture) != 0)
        return -1;
    world = (struct world){.fixture = fixture, .holds = legal_holds_new(NULL, 0)};
    world.rule = (struct retention_rule){
        .folder = world.fixture->folder, .keep_ms = DAY_MS, .holds = world.holds};
    arena_init(&world.arena, 4096);
    write_days(&world);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    void *fixture = world->fixture;

    legal_holds_unref(world->holds);
    arena_release(&world->arena);
    return fixture_tear_down(&fixture);
}

static const char *segments_of(struct world *world)
{
    return arena_printf(&world->arena, "%s/" AUDIT_SEGMENTS_FOLDER, world->fixture->folder);
}

static struct segment_list list(struct world *world, const char *suffix)
{
    struct segment_list found;

    if (!segment_list_read(segments_of(world), suffix, &world->arena, &found, &world->err))
        fail_msg("%s", world->err.detail);
    return found;
}

/* How many may go on this day. */
static size_t count_at(struct world *world, int64_t day)
{
    if (!retention_find(&world->rule, day * DAY_MS, &world->plan, &world->err))
        fail_msg("%s", world->err.detail);
    return world->plan.segments;
}

static void what_is_older_may_go_and_the_last_stays(void **state)
{
    struct world *world = *state;

    assert_int_equal(count_at(world, 50), 0);
    assert_int_equal(count_at(world, 101), 0); /* exactly a day old */
    assert_int_equal(count_at(world, 102), 1);
    assert_int_equal(count_at(world, 104), 3);
    assert_int_equal(count_at(world, 1000), DAYS - 1);
    assert_int_equal(world->plan.first_sequence, 1);
    assert_int_equal(world->plan.records, (DAYS - 1) * (RECORDS + 2)); /* opened and closed */
    assert_int_equal(world->plan.last_sequence, world->plan.records);
    assert_int_equal(world->plan.next_sequence, world->plan.records + 1);
    assert_int_equal(world->plan.latest_ms, (100 + DAYS - 2) * DAY_MS);
}

static void a_hold_keeps_what_it_covers_and_all_behind(void **state)
{
    struct world *world = *state;

    hold(world, 102 * DAY_MS, 102 * DAY_MS + 1);
    assert_int_equal(count_at(world, 1000), 2);
    hold(world, INT64_MIN, INT64_MAX);
    assert_int_equal(count_at(world, 1000), 0);
    hold(world, 200 * DAY_MS, INT64_MAX);
    assert_int_equal(count_at(world, 1000), DAYS - 1);
}

static void what_was_not_shipped_stays_with_all_behind(void **state)
{
    struct world *world = *state;
    struct segment_list segments = list(world, AUDIT_SEGMENT_SUFFIX);
    const char *marks = arena_printf(&world->arena, "%s/marks", world->fixture->folder);

    world->rule.marks_folder = marks;
    assert_int_equal(count_at(world, 1000), 0);
    assert_true(file_make_folder(marks, &world->err));
    for (size_t i = 0; i < DAYS; i++)
        if (i != 2)
            assert_true(file_write_durably(
                segment_list_path(marks, segments.numbers[i], AUDIT_MARK_SUFFIX, &world->arena),
                span_text("there\n"), 0600, &world->err));
    assert_int_equal(count_at(world, 1000), 2);
}

static void what_has_no_index_stays_with_all_behind(void **state)
{
    struct world *world = *state;
    struct segment_list indices = list(world, AUDIT_INDEX_SUFFIX);

    assert_int_equal(unlink(segment_list_path(segments_of(world), indices.numbers[1],
                                              AUDIT_INDEX_SUFFIX, &world->arena)),
                     0);
    assert_int_equal(count_at(world, 1000), 1);
    indices_remove(world->fixture->folder);
    assert_int_equal(count_at(world, 1000), 0);
}

static void a_log_that_begins_later_opens_and_goes_on(void **state)
{
    struct world *world = *state;
    struct audit_log *log;
    struct written written;

    assert_int_equal(count_at(world, 1000), DAYS - 1);
    assert_true(retention_remove(world->fixture->folder, world->plan.next_sequence, &world->err));
    assert_int_equal(list(world, AUDIT_SEGMENT_SUFFIX).count, 1);
    assert_int_equal(list(world, AUDIT_INDEX_SUFFIX).count, 1);
    fake_now_ms = 1001 * DAY_MS;
    log = fixture_open(world->fixture);
    append(log);
    audit_close(log);
    written = fixture_read_back(world->fixture);
    assert_int_equal(written.count, RECORDS + 1);
    assert_int_equal(written.first_sequence, (DAYS - 1) * (RECORDS + 2) + 1);
    written_release(&written);
}

/* As if it had died after each of the steps: the rest is found by its number. */
static void what_a_crash_has_left_is_removed_by_the_next(void **state)
{
    struct world *world = *state;
    struct segment_list segments = list(world, AUDIT_SEGMENT_SUFFIX);
    const char *marks =
        arena_printf(&world->arena, "%s/" AUDIT_MARKS_FOLDER "/place", world->fixture->folder);
    const char *mark, *head;

    assert_true(file_make_folder(marks, &world->err));
    mark = segment_list_path(marks, segments.numbers[0], AUDIT_MARK_SUFFIX, &world->arena);
    head = segment_list_path(
        arena_printf(&world->arena, "%s/" AUDIT_HEADS_FOLDER, world->fixture->folder),
        segments.numbers[0], AUDIT_HEADS_SUFFIX, &world->arena);
    assert_true(file_write_durably(mark, span_text("there\n"), 0600, &world->err));
    assert_true(file_write_durably(head, span_text("head\n"), 0600, &world->err));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(unlink(segment_list_path(segments_of(world), segments.numbers[i],
                                                  AUDIT_SEGMENT_SUFFIX, &world->arena)),
                         0);
    assert_int_equal(count_at(world, 50), 0);
    assert_int_equal(world->plan.next_sequence, segments.numbers[2]);
    assert_true(retention_remove(world->fixture->folder, world->plan.next_sequence, &world->err));
    assert_int_equal(list(world, AUDIT_SEGMENT_SUFFIX).count, DAYS - 2);
    assert_int_equal(list(world, AUDIT_INDEX_SUFFIX).count, DAYS - 2);
    assert_int_not_equal(access(mark, F_OK), 0);
    assert_int_not_equal(access(head, F_OK), 0);
}

int main(void)
{
#define ON_A_LOG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_A_LOG(what_is_older_may_go_and_the_last_stays),
        ON_A_LOG(a_hold_keeps_what_it_covers_and_all_behind),
        ON_A_LOG(what_was_not_shipped_stays_with_all_behind),
        ON_A_LOG(what_has_no_index_stays_with_all_behind),
        ON_A_LOG(a_log_that_begins_later_opens_and_goes_on),
        ON_A_LOG(what_a_crash_has_left_is_removed_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
