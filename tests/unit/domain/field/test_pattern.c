/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of ids: what they match, and which two match the same. */
#include "domain/field/pattern.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_star_stands_for_bytes_of_one_segment(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"a/b", "a/b", true},
        {"a/b", "a/c", false},
        {"a/b", "a/b/", false},
        {"a/*", "a/b", true},
        {"a/*", "a/", true},
        {"a/*", "a", false},
        {"a/*", "a/b/c", false},
        {"a/*", "a/b/", false},
        {"*/b", "a/b", true},
        {"*/b", "/b", true},
        {"*/b", "x/a/b", false},
        {"a/*/c", "a/b/c", true},
        {"a/*/c", "a//c", true},
        {"a/*/c", "a/b/b/c", false},
        {"a/x*", "a/x", true},
        {"a/x*", "a/xyz", true},
        {"a/x*", "a/y", false},
        {"a/*x", "a/xx", true},
        {"a/*x", "a/xy", false},
        {"a/*b*c", "a/bbcbc", true},
        {"a/*b*c", "a/bbcb", false},
        {"a/x*y/b", "a/xzy/b", true},
        {"a/x*y/b", "a/xz/y/b", false},
        {"a/x*y/*", "a/xyzy/b", true},
        {"a/*a/*b", "a/aa/ab", true},
        {"a/*a/*b", "a/ab/ab", false},
        {"spiffe://corp/ns/*/sa/checkout-*", "spiffe://corp/ns/shop/sa/checkout-7", true},
        {"spiffe://corp/ns/*/sa/checkout-*", "spiffe://corp/ns/shop/sa/checkout", false},
        {"spiffe://corp/ns/*/sa/checkout-*", "spiffe://corp/ns/a/b/sa/checkout-7", false},
        {"spiffe://corp/ns/*/sa/checkout-*", "spiffe://corp/ns/shop/sa/checkout-7/evil", false},
        {"a", "", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (pattern_matches(span_text(rows[i].pattern), span_text(rows[i].text)) != rows[i].matches)
            fail_msg("%s and %s", rows[i].pattern, rows[i].text);
    assert_false(pattern_matches(span_of(NULL, 0), span_text("a")));
}

static void the_longer_beginning_is_the_more_exact_pattern(void **state)
{
    (void)state;
    assert_int_equal(pattern_literal_length(span_text("a/*")), 2);
    assert_int_equal(pattern_literal_length(span_text("*")), 0);
    assert_int_equal(pattern_literal_length(span_text("a/b")), 3);
    assert_true(pattern_is_one(span_text("a/*")));
    assert_false(pattern_is_one(span_text("a/b")));
    assert_false(pattern_is_one(span_of(NULL, 0)));
}

static void patterns_are_bounded(void **state)
{
    char text[PATTERN_BYTES_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(pattern_is_valid(span_of(text, PATTERN_BYTES_MAX)));
    assert_false(pattern_is_valid(span_of(text, PATTERN_BYTES_MAX + 1)));
    assert_false(pattern_is_valid(span_of(NULL, 0)));
    assert_true(pattern_is_valid(span_text("*a*a*a*a*a*a*a*a")));
    assert_false(pattern_is_valid(span_text("*a*a*a*a*a*a*a*a*")));
    assert_false(pattern_is_valid(span_text("a/**")));
}

static void two_patterns_overlap_where_one_text_fits_both(void **state)
{
    static const struct {
        const char *a, *b;
        bool overlap;
    } rows[] = {
        {"a/*", "a/*", true},       {"a/*", "a/b", true},     {"a/b", "a/c", false},
        {"a/*", "b/*", false},      {"a/*", "a/*/c", false},  {"a/*x", "a/y*", true},
        {"a/*x", "a/*y", false},    {"a/*x*", "a/*y*", true}, {"a/*/c", "a/*/d", false},
        {"a/*/c*", "a/*/*d", true}, {"a/*b", "a/*/b", false}, {"a/*", "a/", true},
        {"a/*", "a", false},        {"*", "*", true},         {"a*b/c", "a/c", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span a = span_text(rows[i].a), b = span_text(rows[i].b);

        if (pattern_overlaps(a, b) != rows[i].overlap || pattern_overlaps(b, a) != rows[i].overlap)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_stands_for_bytes_of_one_segment),
        cmocka_unit_test(the_longer_beginning_is_the_more_exact_pattern),
        cmocka_unit_test(patterns_are_bounded),
        cmocka_unit_test(two_patterns_overlap_where_one_text_fits_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
