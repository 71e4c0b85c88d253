/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness: all conditions or none, and the reason why not. */
#include "base/attributes.h"
#include "telemetry/readiness.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void meet_all(struct readiness *readiness)
{
    for (size_t i = 0; i < READINESS_COUNT; i++)
        readiness_meet(readiness, (enum readiness_condition)i);
}

static void a_replica_is_ready_when_the_last_condition_holds(void **state)
{
    struct readiness *readiness = readiness_new();

    (void)state;
    for (size_t i = 0; i < READINESS_COUNT; i++) {
        if (i < READINESS_LEASE) /* the others hold from the start */
            assert_false(readiness_is_ready(readiness));
        readiness_meet(readiness, (enum readiness_condition)i);
    }
    assert_true(readiness_is_ready(readiness));
    readiness_fail(readiness, READINESS_STORE, "the store does not answer");
    assert_false(readiness_is_ready(readiness));
    readiness_free(readiness);
}

static void every_condition_says_how_it_is(void **state)
{
    struct readiness *readiness = readiness_new();
    struct arena arena;

    (void)state;
    arena_init(&arena, 1024);
    readiness_meet(readiness, READINESS_STORE);
    readiness_fail(readiness, READINESS_SERVING, "the server drains");
    assert_string_equal(
        arena_text(&arena, readiness_render(readiness, &arena)),
        "store: ok\ndirectives: not loaded yet\nkeys: not loaded yet\n"
        "audit: not opened yet\nlease: ok\ndescriptors: ok\nclock: ok\nshipping: ok\nserving: "
        "the server drains\n");
    readiness_fail(readiness, READINESS_SERVING, "another reason");
    assert_non_null(strstr(arena_text(&arena, readiness_render(readiness, &arena)),
                           "serving: another reason\n"));
    arena_release(&arena);
    readiness_free(readiness);
}

static void a_reason_that_is_too_long_is_cut(void **state)
{
    struct readiness *readiness = readiness_new();
    char reason[1000];
    struct arena arena;

    (void)state;
    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    arena_init(&arena, 1024);
    for (size_t i = 0; i < READINESS_COUNT; i++)
        readiness_fail(readiness, (enum readiness_condition)i, reason);
    assert_in_range(readiness_render(readiness, &arena).length,
                    READINESS_COUNT * READINESS_REASON_MAX,
                    (READINESS_COUNT + 1) * READINESS_REASON_MAX);
    arena_release(&arena);
    readiness_free(readiness);
}

struct heard {
    struct readiness_listener listener;
    char changes[16];
    size_t count;
};

static void hear(struct readiness_listener *listener, bool is_ready)
{
    struct heard *heard = CONTAINER_OF(listener, struct heard, listener);

    heard->changes[heard->count++] = is_ready ? '+' : '-';
}

static void listeners_hear_of_changes_as_a_whole_and_only_of_changes(void **state)
{
    struct readiness *readiness = readiness_new();
    struct heard heard = {.listener.on_change = hear};

    (void)state;
    readiness_listen(readiness, &heard.listener);
    meet_all(readiness);
    meet_all(readiness);
    readiness_fail(readiness, READINESS_STORE, "a");
    readiness_fail(readiness, READINESS_KEYS, "b");
    readiness_meet(readiness, READINESS_STORE);
    readiness_meet(readiness, READINESS_KEYS);
    assert_string_equal(heard.changes, "+-+");
    readiness_free(readiness);
}

static void what_does_not_count_is_told_and_nobody_is_kept_away(void **state)
{
    struct readiness *readiness = readiness_new();
    struct heard heard = {.listener.on_change = hear};
    struct arena arena;

    (void)state;
    arena_init(&arena, 1024);
    meet_all(readiness);
    readiness_listen(readiness, &heard.listener);
    readiness_fail(readiness, READINESS_SHIPPING, "it is late");
    assert_true(readiness_is_ready(readiness));
    assert_non_null(
        strstr(arena_text(&arena, readiness_render(readiness, &arena)), "shipping: it is late\n"));
    readiness_fail(readiness, READINESS_STORE, "gone");
    readiness_meet(readiness, READINESS_SHIPPING);
    assert_false(readiness_is_ready(readiness));
    assert_string_equal(heard.changes, "-");
    arena_release(&arena);
    readiness_free(readiness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replica_is_ready_when_the_last_condition_holds),
        cmocka_unit_test(every_condition_says_how_it_is),
        cmocka_unit_test(a_reason_that_is_too_long_is_cut),
        cmocka_unit_test(listeners_hear_of_changes_as_a_whole_and_only_of_changes),
        cmocka_unit_test(what_does_not_count_is_told_and_nobody_is_kept_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
