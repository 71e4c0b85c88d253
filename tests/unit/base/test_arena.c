/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: pieces, their alignment, and what ends with it. */
#include "base/arena.h"
#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { BLOCK = 1024 };

static void pieces_are_aligned_and_do_not_overlap(void **state)
{
    struct arena arena;
    unsigned char *pieces[200];
    size_t sizes[200];

    (void)state;
    arena_init(&arena, BLOCK);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        sizes[i] = i * 37 % 301;
        pieces[i] = arena_alloc(&arena, sizes[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], i);
    arena_release(&arena);
}

static void zeroed_memory_is_zero_also_when_it_is_used_again(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, BLOCK);
    for (int round = 0; round < 3; round++) {
        uint64_t *numbers = arena_new_array(&arena, uint64_t, 100);

        for (size_t i = 0; i < 100; i++)
            assert_int_equal(numbers[i], 0);
        memset(numbers, 0xff, 100 * sizeof(*numbers));
        arena_reset(&arena);
    }
    arena_release(&arena);
}

static void a_piece_larger_than_a_block_gets_its_own(void **state)
{
    struct arena arena;
    unsigned char *small, *large;

    (void)state;
    arena_init(&arena, BLOCK);
    small = arena_alloc(&arena, 1);
    large = arena_alloc(&arena, 100 * BLOCK);
    *small = 1;
    memset(large, 2, 100 * BLOCK);
    assert_int_equal(*small, 1);
    assert_true(arena_held_bytes(&arena) >= 101 * BLOCK);
    arena_release(&arena);
}

static void a_reset_keeps_one_block_and_a_release_none(void **state)
{
    struct arena arena;
    size_t one_block;

    (void)state;
    arena_init(&arena, BLOCK);
    assert_int_equal(arena_held_bytes(&arena), 0);
    arena_alloc(&arena, 1);
    one_block = arena_held_bytes(&arena);
    for (int i = 0; i < 100; i++)
        arena_alloc(&arena, BLOCK / 2);
    assert_true(arena_held_bytes(&arena) > 20 * one_block);
    arena_reset(&arena);
    assert_int_equal(arena_held_bytes(&arena), one_block);
    arena_alloc(&arena, BLOCK);
    assert_int_equal(arena_held_bytes(&arena), one_block);
    arena_release(&arena);
    assert_int_equal(arena_held_bytes(&arena), 0);
    arena_alloc(&arena, 1);
    arena_release(&arena);
}

static char order[8];

static void note(void *name)
{
    strncat(order, name, sizeof(order) - strlen(order) - 1);
}

static void what_was_deferred_runs_once_and_newest_first(void **state)
{
    struct arena arena;
    char a[] = "a", b[] = "b", c[] = "c";

    (void)state;
    order[0] = '\0';
    arena_init(&arena, 64);
    arena_defer(&arena, note, a);
    arena_alloc(&arena, 1000);
    arena_defer(&arena, note, b);
    arena_defer(&arena, note, c);
    assert_string_equal(order, "");
    arena_reset(&arena);
    assert_string_equal(order, "cba");
    arena_release(&arena);
    assert_string_equal(order, "cba");
}

static void texts_are_copied_and_end_with_a_nul(void **state)
{
    struct arena arena;
    char source[] = "Passgate";
    struct span copy;
    const char *text;

    (void)state;
    arena_init(&arena, BLOCK);
    copy = arena_copy(&arena, span_text(source));
    text = arena_text(&arena, span_of(source, 4));
    source[0] = 'p';
    assert_true(span_is(copy, "Passgate"));
    assert_int_equal(copy.data[copy.length], '\0');
    assert_string_equal(text, "Pass");
    assert_string_equal(arena_text(&arena, span_of(NULL, 0)), "");
    arena_release(&arena);
}

static void formatted_texts_have_the_room_that_they_need(void **state)
{
    struct arena arena;
    char wide[3 * BLOCK];

    (void)state;
    arena_init(&arena, BLOCK);
    memset(wide, 'x', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    assert_string_equal(arena_printf(&arena, "%s-%d", "a", 7), "a-7");
    assert_string_equal(arena_printf(&arena, "%s", ""), "");
    assert_string_equal(arena_printf(&arena, "%s", wide), wide);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
        cmocka_unit_test(zeroed_memory_is_zero_also_when_it_is_used_again),
        cmocka_unit_test(a_piece_larger_than_a_block_gets_its_own),
        cmocka_unit_test(a_reset_keeps_one_block_and_a_release_none),
        cmocka_unit_test(what_was_deferred_runs_once_and_newest_first),
        cmocka_unit_test(texts_are_copied_and_end_with_a_nul),
        cmocka_unit_test(formatted_texts_have_the_room_that_they_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
