/* SPDX-License-Identifier: Apache-2.0 */
/* Legal holds: what they cover, and what has changed about them. */
#include "audit/legal_holds.h"
#include "base/attributes.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct legal_hold hold(const char *id, int64_t from_ms, int64_t until_ms)
{
    return (struct legal_hold){span_text(id), from_ms, until_ms, span_text("a letter")};
}

static void a_hold_covers_what_has_a_record_in_its_time(void **state)
{
    const struct legal_hold rows[] = {hold("bounded", 1000, 2000), hold("later", 5000, INT64_MAX)};
    struct legal_holds *holds = legal_holds_new(rows, ARRAY_LEN(rows));
    struct legal_holds *none = legal_holds_new(NULL, 0);

    (void)state;
    assert_null(legal_holds_cover(holds, 0, 999));
    assert_non_null(legal_holds_cover(holds, 0, 1000)); /* `from` is part of it */
    assert_non_null(legal_holds_cover(holds, 1999, 3000));
    assert_null(legal_holds_cover(holds, 2000, 4999)); /* `until` is not */
    assert_true(span_is(legal_holds_cover(holds, 5000, 5000)->id, "later"));
    assert_non_null(legal_holds_cover(holds, 0, INT64_MAX));
    assert_null(legal_holds_cover(none, 0, INT64_MAX));
    assert_int_equal(legal_holds_count(holds), 2);
    legal_holds_unref(none);
    legal_holds_unref(holds);
}

static void without_ends_it_covers_everything(void **state)
{
    const struct legal_hold row = hold("all", INT64_MIN, INT64_MAX);
    struct legal_holds *holds = legal_holds_new(&row, 1);

    (void)state;
    assert_non_null(legal_holds_cover(holds, INT64_MIN, INT64_MIN));
    assert_non_null(legal_holds_cover(holds, 0, 0));
    legal_holds_unref(holds);
}

static void collect(void *context, struct span line)
{
    size_t length = strlen(context);

    snprintf((char *)context + length, 512 - length, "%.*s;", SPAN_FORMAT(line));
}

static void what_was_set_and_lifted_is_found_by_its_line(void **state)
{
    const int64_t june_ms = day_start_ms(day_from_civil((struct civil_date){2026, 6, 12}));
    const struct legal_hold first[] = {hold("a", INT64_MIN, INT64_MAX),
                                       hold("b", june_ms, INT64_MAX)};
    const struct legal_hold second[] = {hold("b", june_ms, june_ms + 1000),
                                        hold("a", INT64_MIN, INT64_MAX)};
    struct legal_holds *before = legal_holds_new(first, 2), *after = legal_holds_new(second, 2);
    char set[512] = "", lifted[512] = "", all[512] = "";
    struct span old_lines, new_lines;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1024);
    old_lines = legal_holds_lines(before, &arena);
    new_lines = legal_holds_lines(after, &arena);
    legal_holds_each_new(new_lines, old_lines, collect, set);
    legal_holds_each_new(old_lines, new_lines, collect, lifted);
    legal_holds_each_new(old_lines, span_of(NULL, 0), collect, all);
    assert_string_equal(
        set, "id=b from=2026-06-12T00:00:00Z until=2026-06-12T00:00:01Z reason=a letter;");
    assert_string_equal(lifted, "id=b from=2026-06-12T00:00:00Z until=- reason=a letter;");
    assert_string_equal(all, "id=a from=- until=- reason=a letter;"
                             "id=b from=2026-06-12T00:00:00Z until=- reason=a letter;");
    arena_release(&arena);
    legal_holds_unref(before);
    legal_holds_unref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_covers_what_has_a_record_in_its_time),
        cmocka_unit_test(without_ends_it_covers_everything),
        cmocka_unit_test(what_was_set_and_lifted_is_found_by_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
