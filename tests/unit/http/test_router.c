/* SPDX-License-Identifier: Apache-2.0 */
/* The router: what is found, what is not, and tables that are refused. */
#include "base/attributes.h"
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void nothing(struct http_exchange *exchange, void *owner)
{
    (void)exchange, (void)owner;
}

static const struct http_route public_routes[] = {
    {HTTP_GET, "/.well-known/jwks.json", nothing, 0, NULL},
    {HTTP_GET, "/status-lists/{number}", nothing, 0, NULL},
    {HTTP_GET, "/status-lists/latest", nothing, 0, NULL},
    {HTTP_GET, "/", nothing, 0, NULL},
};
static const struct http_route webhook_routes[] = {
    {HTTP_POST, "/webhooks/{vendor}", nothing, 1024, NULL},
    {HTTP_PUT, "/webhooks/{vendor}", nothing, 1024, NULL},
    {HTTP_POST, "/status-lists/{number}", nothing, 1024, NULL},
};
static const struct http_group groups[] = {
    {public_routes, ARRAY_LEN(public_routes), (void *)(uintptr_t)1},
    {webhook_routes, ARRAY_LEN(webhook_routes), (void *)(uintptr_t)2},
};

static const struct {
    const char *method;
    const char *path;
    const struct http_route *route;
    const char *parameter;
    const char *allow; /* when there is no route, and the path is known */
} rows[] = {
    {"GET", "/.well-known/jwks.json", &public_routes[0], "", NULL},
    {"HEAD", "/.well-known/jwks.json", &public_routes[0], "", NULL},
    {"POST", "/.well-known/jwks.json", NULL, NULL, "GET, HEAD"},
    {"get", "/.well-known/jwks.json", NULL, NULL, "GET, HEAD"},
    {"GET", "/.well-known/jwks.json/", NULL, NULL, NULL},
    {"GET", "/.well-known/jwks", NULL, NULL, NULL},
    {"GET", "/", &public_routes[3], "", NULL},
    {"GET", "", NULL, NULL, NULL},
    {"GET", "//", NULL, NULL, NULL},
    {"GET", "/status-lists/7", &public_routes[1], "7", NULL},
    {"POST", "/status-lists/7", &webhook_routes[2], "7", NULL},
    {"GET", "/status-lists/latest", &public_routes[2], "", NULL},
    {"DELETE", "/status-lists/latest", NULL, NULL, "GET, HEAD, POST"},
    {"GET", "/status-lists/", NULL, NULL, NULL},
    {"GET", "/status-lists/7/8", NULL, NULL, NULL},
    {"GET", "/status-lists/a%2fb", NULL, NULL, NULL},
    {"GET", "/status-lists/..", &public_routes[1], "..", NULL},
    {"GET", "/status-lists/\xc3\xa4", NULL, NULL, NULL},
    {"PUT", "/webhooks/veriff", &webhook_routes[1], "veriff", NULL},
    {"DELETE", "/webhooks/veriff", NULL, NULL, "POST, PUT"},
    {"DELETE", "/elsewhere", NULL, NULL, NULL},
};

static void a_path_and_a_method_mean_one_row(void **state)
{
    struct router router;
    struct err err;

    (void)state;
    assert_true(router_init(&router, groups, ARRAY_LEN(groups), &err));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct router_match match = router_find(&router, rows[i].method, rows[i].path);
        char allow[ROUTER_ALLOW_MAX];

        if (match.route != rows[i].route)
            fail_msg("%s %s", rows[i].method, rows[i].path);
        if (match.route) {
            assert_true(span_is(match.parameter, rows[i].parameter));
            assert_ptr_equal(match.owner,
                             match.route >= webhook_routes && match.route < webhook_routes + 3
                                 ? groups[1].owner
                                 : groups[0].owner);
            continue;
        }
        assert_int_equal(match.is_path_known, rows[i].allow != NULL);
        if (rows[i].allow)
            assert_string_equal(router_allow(&match, allow), rows[i].allow);
    }
}

static void a_parameter_has_a_longest_length(void **state)
{
    char path[HTTP_PARAMETER_MAX + 64] = "/webhooks/";
    struct router router;
    struct err err;

    (void)state;
    assert_true(router_init(&router, groups, ARRAY_LEN(groups), &err));
    memset(path + 10, 'v', HTTP_PARAMETER_MAX);
    assert_ptr_equal(router_find(&router, "POST", path).route, &webhook_routes[0]);
    path[10 + HTTP_PARAMETER_MAX] = 'v';
    assert_null(router_find(&router, "POST", path).route);
}

static void tables_that_cannot_be_meant_are_refused(void **state)
{
    static const struct http_route bad[][2] = {
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_GET, "/a", nothing, 0, NULL}},
        {{HTTP_GET, "/a/{b}", nothing, 0, NULL}, {HTTP_GET, "/a/{c}", nothing, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_GET, "/b", NULL, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_GET, NULL, nothing, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_GET, "b", nothing, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_GET, "/b/{c}/d", nothing, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_GET, "/b{c}", nothing, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_GET, "/b/{c", nothing, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL}, {HTTP_METHOD_COUNT, "/b", nothing, 0, NULL}},
        {{HTTP_GET, "/a", nothing, 0, NULL},
         {HTTP_POST, "/b", nothing, HTTP_BODY_BYTES_MAX + 1, NULL}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_group group = {bad[i], 2, NULL};
        struct router router;
        struct err err = ERR_NONE;

        assert_false(router_init(&router, &group, 1, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
    }
}

static void the_same_path_with_another_method_is_another_row(void **state)
{
    struct router router;
    struct err err;

    (void)state;
    assert_true(router_init(&router, groups, ARRAY_LEN(groups), &err));
    assert_false(router_init(&router, groups, HTTP_GROUPS_MAX + 1, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_a_method_mean_one_row),
        cmocka_unit_test(a_parameter_has_a_longest_length),
        cmocka_unit_test(tables_that_cannot_be_meant_are_refused),
        cmocka_unit_test(the_same_path_with_another_method_is_another_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
