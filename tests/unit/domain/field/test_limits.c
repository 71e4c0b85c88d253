/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: what a binding reaches. */
#include "domain/field/limits.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SPAN(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct span subjects[] = {SPAN("employee/"), SPAN("bot-")};
static const struct span resources[] = {SPAN("model/*"), SPAN("dataset/eu-*")};
static const struct span purposes[] = {SPAN("export_control")};

static const struct limits limits = {
    {subjects, ARRAY_LEN(subjects)},
    {resources, ARRAY_LEN(resources)},
    {purposes, ARRAY_LEN(purposes)},
};

static bool holds_resource(const struct limits *of, const char *type, const char *id)
{
    return limits_hold_resource(of, span_text(type), span_text(id));
}

static void a_list_without_rows_does_not_limit(void **state)
{
    const struct limits none = {.subjects = {.rows = NULL}};

    (void)state;
    assert_true(limits_are_none(&none));
    assert_true(limits_hold_subject(&none, span_text("alice")));
    assert_true(holds_resource(&none, "model", "m"));
    assert_true(limits_hold_purpose(&none, span_of(NULL, 0)));
}

static void subjects_are_limited_by_how_they_begin(void **state)
{
    (void)state;
    assert_false(limits_are_none(&limits));
    assert_true(limits_hold_subject(&limits, span_text("employee/alice")));
    assert_true(limits_hold_subject(&limits, span_text("bot-7")));
    assert_false(limits_hold_subject(&limits, span_text("employee")));
    assert_false(limits_hold_subject(&limits, span_text("xemployee/alice")));
    assert_false(limits_hold_subject(&limits, span_text("Employee/alice")));
}

static void resources_are_limited_by_patterns(void **state)
{
    (void)state;
    assert_true(holds_resource(&limits, "model", "fable-5"));
    assert_false(holds_resource(&limits, "model", "family/fable-5"));
    assert_true(holds_resource(&limits, "dataset", "eu-census"));
    assert_false(holds_resource(&limits, "dataset", "us-census"));
    assert_false(holds_resource(&limits, "models", "fable-5"));
}

static void no_purpose_is_none_of_the_listed_ones(void **state)
{
    (void)state;
    assert_true(limits_hold_purpose(&limits, span_text("export_control")));
    assert_false(limits_hold_purpose(&limits, span_text("marketing")));
    assert_false(limits_hold_purpose(&limits, span_of(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_without_rows_does_not_limit),
        cmocka_unit_test(subjects_are_limited_by_how_they_begin),
        cmocka_unit_test(resources_are_limited_by_patterns),
        cmocka_unit_test(no_purpose_is_none_of_the_listed_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
