/* SPDX-License-Identifier: Apache-2.0 */
/* The lease: what is left of it, and how long an answer may be reused. */
#include "entitlement/lease.h"

#include "domain/directive/directive.h"
#include "storage/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    int64_t longest_ms, asked_ms, feed_age_ms;
    int64_t left_ms, reuse_ms;
} rows[] = {
    {10000, DIRECTIVE_LEASE_UNSAID, 0, 10000, 10000},
    {10000, DIRECTIVE_LEASE_UNSAID, 9999, 1, 1},
    {10000, DIRECTIVE_LEASE_UNSAID, 10000, 0, 0},
    {10000, DIRECTIVE_LEASE_UNSAID, INT64_MAX, 0, 0},
    /* The shorter one binds, whoever asks for it. */
    {10000, 5000, 4999, 1, 1},
    {10000, 5000, 5000, 0, 0},
    {5000, 10000, 4999, 1, 1},
    {5000, 10000, 5000, 0, 0},
    /* Nobody knows sooner than after 2 s; what is reused is never older than the lease. */
    {10000, 1000, 1500, 500, 500},
    {10000, 1000, 0, 2000, 1000},
    {10000, 1000, 2000, 0, 0},
    {10000, 0, 0, 2000, 0},
    {10000, 0, 1999, 1, 0},
    {10000, 0, 2000, 0, 0},
    {0, DIRECTIVE_LEASE_UNSAID, 1999, 1, 0},
    {0, DIRECTIVE_LEASE_UNSAID, 2000, 0, 0},
};

static void a_lease_lapses_at_its_end_and_bounds_what_is_reused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct lease lease = {rows[i].longest_ms, rows[i].feed_age_ms};

        assert_int_equal(lease_left_ms(&lease, rows[i].asked_ms), rows[i].left_ms);
        assert_int_equal(lease_reuse_ms(&lease, rows[i].asked_ms), rows[i].reuse_ms);
    }
}

static int64_t an_hour_ms(const struct clock *clock)
{
    (void)clock;
    return 3600 * 1000;
}

static void a_feed_that_cannot_lag_is_never_old(void **state)
{
    static const struct clock clock = {.wall_ms = an_hour_ms, .monotonic_ms = an_hour_ms};
    _Atomic int64_t alive_ms = 0;
    struct store store = {.clock = &clock};

    (void)state;
    assert_int_equal(store_feed_age_ms(&store), 0);
    store.feed_alive_ms = &alive_ms;
    assert_int_equal(store_feed_age_ms(&store), 3600 * 1000);
    alive_ms = 3600 * 1000 + 1;
    assert_int_equal(store_feed_age_ms(&store), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_lapses_at_its_end_and_bounds_what_is_reused),
        cmocka_unit_test(a_feed_that_cannot_lag_is_never_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
