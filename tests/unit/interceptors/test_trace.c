/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context: what is taken in, and what is sent on. */
#include "interceptors/trace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void a_good_header_is_read_and_sent_on_with_a_span_of_ours(void **state)
{
    struct trace trace, other;

    (void)state;
    assert_true(trace_parse(span_text(GOOD), &trace));
    assert_string_equal(trace.id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_string_equal(trace.parent, "00f067aa0ba902b7");
    assert_int_equal(strlen(trace.span), TRACE_SPAN_LENGTH);
    assert_int_equal(strlen(trace.parent_for_others), TRACEPARENT_LENGTH);
    assert_memory_equal(trace.parent_for_others, GOOD, 36);
    assert_memory_equal(trace.parent_for_others + 36, trace.span, TRACE_SPAN_LENGTH);
    assert_string_equal(trace.parent_for_others + 52, "-01");
    assert_true(trace_parse(span_text(trace.parent_for_others), &other));
    assert_string_equal(other.parent, trace.span);
    assert_string_not_equal(other.span, trace.span);
}

static void a_malformed_header_is_ignored(void **state)
{
    static const char *const texts[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
    };
    struct trace trace;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (trace_parse(span_text(texts[i]), &trace))
            fail_msg("%s", texts[i]);
    assert_false(trace_parse(span_of(NULL, 0), &trace));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_header_is_read_and_sent_on_with_a_span_of_ours),
        cmocka_unit_test(a_malformed_header_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
