/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: the heap against a list that is searched. */
#include "rpc/timers.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

enum { TIMERS = 300, STEPS = 200000, HORIZON_NS = 1000 };

/* One timer, and what a naive mind knows of it. */
struct probe {
    struct rpc_timer timer;
    bool is_set;
    int64_t due_ns;
    unsigned fired;
};

static struct probe probes[TIMERS];
static struct rpc_timers timers;
static int64_t last_due_ns; /* of those fired in this run */

static uint64_t next_random(void)
{
    static uint64_t seed = 88172645463325252;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void on_due(struct rpc_timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);

    assert_true(probe->is_set);
    assert_int_equal(timer->position, 0);
    assert_true(timer->due_ns == probe->due_ns && probe->due_ns >= last_due_ns);
    last_due_ns = probe->due_ns;
    probe->is_set = false;
    probe->fired++;
}

static int64_t earliest(void)
{
    int64_t due_ns = INT64_MAX;

    for (size_t i = 0; i < TIMERS; i++)
        if (probes[i].is_set && probes[i].due_ns < due_ns)
            due_ns = probes[i].due_ns;
    return due_ns;
}

static void run_until(int64_t now_ns)
{
    int64_t first_ns = earliest();
    int64_t late_ns;

    last_due_ns = INT64_MIN;
    late_ns = rpc_timers_run(&timers, now_ns);
    assert_int_equal(late_ns, first_ns <= now_ns ? now_ns - first_ns : 0);
    for (size_t i = 0; i < TIMERS; i++)
        assert_false(probes[i].is_set && probes[i].due_ns <= now_ns);
}

static void the_heap_does_what_a_list_does(void **state)
{
    int64_t now_ns = 0;

    (void)state;
    rpc_timers_init(&timers);
    for (size_t i = 0; i < TIMERS; i++)
        probes[i].timer.on_due = on_due;
    for (int step = 0; step < STEPS; step++) {
        struct probe *probe = &probes[next_random() % TIMERS];

        switch (next_random() % 8) {
        case 0:
            rpc_timers_cancel(&timers, &probe->timer);
            probe->is_set = false;
            break;
        case 1:
            now_ns += (int64_t)(next_random() % 50);
            run_until(now_ns);
            break;
        default: /* set, or set again */
            probe->due_ns = now_ns + (int64_t)(next_random() % HORIZON_NS);
            probe->is_set = true;
            rpc_timers_set(&timers, &probe->timer, probe->due_ns);
        }
        assert_true(probe->is_set == (probe->timer.position != 0));
        if (step % 16 == 0)
            assert_int_equal(rpc_timers_next_ns(&timers), earliest());
    }
    run_until(INT64_MAX - 1);
    assert_int_equal(rpc_timers_next_ns(&timers), INT64_MAX);
    assert_int_equal(timers.count, 0);
    rpc_timers_release(&timers);
}

/* Sets itself again, once, and cancels its neighbour. */
static void on_due_again(struct rpc_timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);

    rpc_timers_cancel(&timers, &probe[1].timer);
    if (++probe->fired == 1)
        rpc_timers_set(&timers, timer, timer->due_ns + 10);
}

static void a_timer_may_set_itself_and_cancel_others(void **state)
{
    struct probe pair[2] = {{.timer.on_due = on_due_again}, {.timer.on_due = on_due_again}};

    (void)state;
    rpc_timers_init(&timers);
    rpc_timers_set(&timers, &pair[0].timer, 100);
    rpc_timers_set(&timers, &pair[1].timer, 100);
    rpc_timers_run(&timers, 99);
    assert_int_equal(pair[0].fired, 0);
    rpc_timers_run(&timers, 105);
    assert_int_equal(pair[0].fired + pair[1].fired, 1);
    assert_int_equal(rpc_timers_next_ns(&timers), 110);
    rpc_timers_run(&timers, 110);
    assert_int_equal(pair[0].fired, 2);
    assert_int_equal(pair[1].fired, 0);
    rpc_timers_cancel(&timers, &pair[1].timer); /* not set: nothing happens */
    rpc_timers_release(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heap_does_what_a_list_does),
        cmocka_unit_test(a_timer_may_set_itself_and_cancel_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
