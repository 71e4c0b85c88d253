/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: whoever took a version keeps it, and the last one to let go frees it. */
#include "base/memory.h"
#include "base/snapshot.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { READERS = 3, REPLACEMENTS = 2000 };

/* `twice` is always 2 * number, for as long as somebody may look. */
struct version {
    atomic_uint references;
    unsigned number;
    unsigned twice;
};

static atomic_uint alive;

static struct version *version_new(unsigned number)
{
    struct version *version = memory_new(struct version);

    atomic_init(&version->references, 1);
    version->number = number;
    version->twice = 2 * number;
    atomic_fetch_add(&alive, 1);
    return version;
}

static void *ref(void *version)
{
    atomic_fetch_add(&((struct version *)version)->references, 1);
    return version;
}

static void unref(void *version)
{
    if (atomic_fetch_sub(&((struct version *)version)->references, 1) != 1)
        return;
    memory_free(version);
    atomic_fetch_sub(&alive, 1);
}

static void an_empty_snapshot_gives_nothing(void **state)
{
    struct snapshot snapshot;

    (void)state;
    snapshot_init(&snapshot, NULL, ref, unref);
    assert_null(snapshot_get(&snapshot));
    snapshot_replace(&snapshot, version_new(1));
    snapshot_release(&snapshot);
    assert_int_equal(alive, 0);
}

static void who_took_the_old_version_keeps_it(void **state)
{
    struct snapshot snapshot;
    struct version *old, *new;

    (void)state;
    snapshot_init(&snapshot, version_new(1), ref, unref);
    old = snapshot_get(&snapshot);
    snapshot_replace(&snapshot, version_new(2));
    new = snapshot_get(&snapshot);
    assert_int_equal(old->number, 1);
    assert_int_equal(new->number, 2);
    assert_int_equal(alive, 2);
    unref(old);
    assert_int_equal(alive, 1);
    snapshot_release(&snapshot);
    assert_int_equal(new->twice, 4);
    unref(new);
    assert_int_equal(alive, 0);
}

struct race {
    struct snapshot snapshot;
    atomic_bool is_over;
    atomic_uint torn;
};

static void *read_versions(void *argument)
{
    struct race *race = argument;
    unsigned last = 0;

    while (!atomic_load(&race->is_over)) {
        struct version *version = snapshot_get(&race->snapshot);

        if (version->twice != 2 * version->number || version->number < last)
            atomic_fetch_add(&race->torn, 1);
        last = version->number;
        unref(version);
    }
    return NULL;
}

static void readers_see_whole_versions_in_order_while_they_are_replaced(void **state)
{
    struct race race = {.is_over = false};
    pthread_t threads[READERS];

    (void)state;
    snapshot_init(&race.snapshot, version_new(0), ref, unref);
    for (size_t i = 0; i < READERS; i++)
        thread_start(&threads[i], "reader", read_versions, &race);
    for (unsigned number = 1; number <= REPLACEMENTS; number++)
        snapshot_replace(&race.snapshot, version_new(number));
    atomic_store(&race.is_over, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    snapshot_release(&race.snapshot);
    assert_int_equal(race.torn, 0);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_snapshot_gives_nothing),
        cmocka_unit_test(who_took_the_old_version_keeps_it),
        cmocka_unit_test(readers_see_whole_versions_in_order_while_they_are_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
