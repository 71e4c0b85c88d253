/* SPDX-License-Identifier: Apache-2.0 */
/* The age of a queue, and queues that are simulated: a server that works off one item at a time. */
#include "base/queue_age.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

enum { TARGET_MS = 50, INTERVAL_MS = 100, ITEMS_MAX = 1 << 20 };

/* First in, first out; what is refused has never been in it. */
struct simulation {
    struct queue_age age;
    int64_t now_ns;
    int64_t busy_until_ns; /* with the item that was taken last */
    int64_t came_ns[ITEMS_MAX];
    size_t first, end;
    size_t served, refused;
    int64_t waited_ns_max;
};

static struct simulation *start(void)
{
    static struct simulation simulation;

    memset(&simulation, 0, sizeof(simulation)); /* too large for a literal */
    simulation.now_ns = 1000 * MS;
    queue_age_init(&simulation.age, TARGET_MS, INTERVAL_MS);
    return &simulation;
}

static int64_t age_at(const struct simulation *simulation, int64_t now_ns)
{
    return simulation->first < simulation->end ? now_ns - simulation->came_ns[simulation->first]
                                               : 0;
}

/* Take what can be begun until now, each item when the one before it is done. */
static void serve(struct simulation *simulation, int64_t service_ns)
{
    while (simulation->first < simulation->end) {
        int64_t came_ns = simulation->came_ns[simulation->first];
        int64_t begin_ns =
            simulation->busy_until_ns > came_ns ? simulation->busy_until_ns : came_ns;

        if (begin_ns > simulation->now_ns)
            return;
        if (begin_ns - came_ns > simulation->waited_ns_max)
            simulation->waited_ns_max = begin_ns - came_ns;
        simulation->busy_until_ns = begin_ns + service_ns;
        simulation->first++;
        simulation->served++;
        (void)queue_age_refuses(&simulation->age, age_at(simulation, begin_ns), begin_ns);
    }
}

/* One item every `every_ns`, for a while. */
static void run(struct simulation *simulation, int64_t while_ns, int64_t every_ns,
                int64_t service_ns)
{
    int64_t end_ns = simulation->now_ns + while_ns;

    simulation->served = simulation->refused = 0;
    simulation->waited_ns_max = 0;
    for (; simulation->now_ns < end_ns; simulation->now_ns += every_ns) {
        serve(simulation, service_ns);
        if (queue_age_refuses(&simulation->age, age_at(simulation, simulation->now_ns),
                              simulation->now_ns))
            simulation->refused++;
        else
            simulation->came_ns[simulation->end++] = simulation->now_ns;
        assert_true(simulation->end < ITEMS_MAX);
    }
}

static void a_queue_that_keeps_up_refuses_nothing(void **state)
{
    struct simulation *simulation = start();

    (void)state;
    run(simulation, 10000 * MS, 1 * MS, 1 * MS); /* busy all the time */
    assert_int_equal(simulation->refused, 0);
    assert_true(simulation->served >= 9990);
}

static void a_burst_is_forgiven(void **state)
{
    struct simulation *simulation = start();

    (void)state;
    for (int i = 0; i < 130; i++) /* 130 ms of work at once: too old for 80 ms, then empty */
        simulation->came_ns[simulation->end++] = simulation->now_ns;
    run(simulation, 1000 * MS, 10 * MS, 1 * MS);
    assert_int_equal(simulation->refused, 0);
    assert_true(simulation->waited_ns_max > TARGET_MS * MS);
}

static void nothing_is_refused_before_it_has_been_too_old_for_an_interval(void **state)
{
    struct queue_age age;

    (void)state;
    queue_age_init(&age, TARGET_MS, INTERVAL_MS);
    assert_false(queue_age_refuses(&age, 0, 1 * MS));
    assert_false(queue_age_refuses(&age, (TARGET_MS + 1) * MS, 1000 * MS));
    assert_false(queue_age_refuses(&age, (TARGET_MS + 100) * MS - 1, 1099 * MS - 1));
    assert_true(queue_age_refuses(&age, (TARGET_MS + 100) * MS, 1099 * MS));
}

static void one_look_is_enough_at_what_has_waited_for_target_and_interval(void **state)
{
    struct queue_age age;

    (void)state;
    queue_age_init(&age, TARGET_MS, INTERVAL_MS);
    assert_true(queue_age_refuses(&age, (TARGET_MS + INTERVAL_MS) * MS, 1000 * MS));
    queue_age_init(&age, TARGET_MS, INTERVAL_MS);
    assert_false(queue_age_refuses(&age, (TARGET_MS + INTERVAL_MS) * MS - 1, 1000 * MS));
}

static void a_look_at_an_empty_queue_in_between_begins_anew(void **state)
{
    struct queue_age age;

    (void)state;
    queue_age_init(&age, TARGET_MS, INTERVAL_MS);
    assert_false(queue_age_refuses(&age, (TARGET_MS + 10) * MS, 1000 * MS));
    assert_false(queue_age_refuses(&age, 0, 1050 * MS));
    assert_false(queue_age_refuses(&age, (TARGET_MS + 10) * MS, 1200 * MS));
}

/* Twice, ten times as much as can be done: as much is done as before, and nobody waits long.  At
 * twice it takes an interval until the drained queue is too old again, so that it is calm in
 * between. */
static void under_overload_as_much_is_done_and_the_wait_is_bounded(void **state)
{
    static const struct {
        int64_t times;
        int64_t wait_ms_max;
    } rows[] = {{2, 2 * INTERVAL_MS + 1}, {3, 3 * TARGET_MS + 2}, {10, 10 * TARGET_MS + 2}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct simulation *simulation = start();

        run(simulation, 3000 * MS, 1 * MS / rows[i].times,
            1 * MS); /* until what came first is done */
        run(simulation, 5000 * MS, 1 * MS / rows[i].times, 1 * MS);
        assert_true(simulation->served >= 4990);
        assert_true(simulation->refused > 0);
        assert_true(simulation->waited_ns_max <= rows[i].wait_ms_max * MS);
    }
}

static void it_recovers_by_itself_within_an_interval_of_calm(void **state)
{
    struct simulation *simulation = start();

    (void)state;
    run(simulation, 3000 * MS, 1 * MS / 4, 1 * MS);
    assert_true(simulation->refused > 0);
    run(simulation, 600 * MS, 2 * MS, 1 * MS); /* half of what can be done */
    run(simulation, 2000 * MS, 2 * MS, 1 * MS);
    assert_int_equal(simulation->refused, 0);
    assert_false(simulation->age.is_standing);
}

/* A server that does nothing at all, and then comes back. */
static void what_hangs_refuses_and_opens_again(void **state)
{
    struct simulation *simulation = start();

    (void)state;
    simulation->busy_until_ns = simulation->now_ns + 1000 * MS;
    run(simulation, 1000 * MS, 5 * MS, 1 * MS);
    assert_in_range(simulation->refused, 165, 175); /* but for the first target and interval */
    run(simulation, 500 * MS, 5 * MS, 1 * MS);
    run(simulation, 500 * MS, 5 * MS, 1 * MS);
    assert_int_equal(simulation->refused, 0);
}

static void without_a_target_nothing_is_refused(void **state)
{
    struct queue_age age;

    (void)state;
    queue_age_init(&age, 0, INTERVAL_MS);
    assert_false(queue_age_refuses(&age, INT64_C(3600000) * MS, 1000 * MS));
    assert_false(queue_age_refuses(&age, INT64_C(7200000) * MS, INT64_C(9000000) * MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_that_keeps_up_refuses_nothing),
        cmocka_unit_test(a_burst_is_forgiven),
        cmocka_unit_test(nothing_is_refused_before_it_has_been_too_old_for_an_interval),
        cmocka_unit_test(one_look_is_enough_at_what_has_waited_for_target_and_interval),
        cmocka_unit_test(a_look_at_an_empty_queue_in_between_begins_anew),
        cmocka_unit_test(under_overload_as_much_is_done_and_the_wait_is_bounded),
        cmocka_unit_test(it_recovers_by_itself_within_an_interval_of_calm),
        cmocka_unit_test(what_hangs_refuses_and_opens_again),
        cmocka_unit_test(without_a_target_nothing_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
