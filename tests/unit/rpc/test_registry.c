/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: tables that do not fit their descriptor do not start. */
#include "rpc/registry.h"

#include "base/memory.h"
#include "unit/rpc/echo_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROWS_MAX = 16 };

/* A copy of EchoService's table that a test may spoil. */
static struct rpc_method rows[ROWS_MAX];
static struct rpc_service service;

static int copy_table(void **state)
{
    (void)state;
    service = *echo_service();
    memcpy(rows, service.methods, service.method_count * sizeof(rows[0]));
    service.methods = rows;
    return 0;
}

static struct rpc_method *row(const char *name)
{
    for (size_t i = 0; i < service.method_count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    fail_msg("no row %s", name);
    return NULL;
}

static void expect_refusal(const char *detail)
{
    struct rpc_registry *registry = NULL;
    struct err err = ERR_NONE;

    assert_false(rpc_registry_new(&service, 1, &registry, &err));
    assert_null(registry);
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_string_equal(err.detail, detail);
}

static void a_method_without_a_row_is_refused(void **state)
{
    (void)state;
    service.method_count--;
    expect_refusal("passgate.testing.EchoService.Chat has no row");
}

static void a_row_without_a_method_is_refused(void **state)
{
    (void)state;
    rows[service.method_count] = rows[0];
    rows[service.method_count++].name = "Shout";
    expect_refusal("passgate.testing.EchoService.Shout has a row and is not in the .proto");
}

static void a_method_with_two_rows_is_refused(void **state)
{
    (void)state;
    rows[service.method_count] = *row("Park");
    service.method_count++;
    expect_refusal("passgate.testing.EchoService.Park has two rows");
}

static void a_row_without_roles_is_refused(void **state)
{
    (void)state;
    row("Echo")->roles = 0;
    expect_refusal("passgate.testing.EchoService.Echo has no roles");
}

static void a_row_that_is_not_complete_is_refused(void **state)
{
    (void)state;
    row("Echo")->handle = NULL;
    expect_refusal("passgate.testing.EchoService.Echo has no handler");
    copy_table(state);
    row("Chat")->take_item = NULL;
    expect_refusal("passgate.testing.EchoService.Chat has no handler");
    copy_table(state);
    row("Park")->request_bytes_max = 0;
    expect_refusal("passgate.testing.EchoService.Park has no size cap");
    copy_table(state);
    row("Park")->deadline_cap_ms = 0;
    expect_refusal("passgate.testing.EchoService.Park has no deadline cap");
    copy_table(state);
    row("Count")->deadline_cap_ms = 0; /* a stream may have none */
    row("Count")->flags |= RPC_HOT;
    expect_refusal("passgate.testing.EchoService.Count is hot and not unary");
    copy_table(state);
    row("Count")->runs = RPC_RUNS_ON_EXECUTOR;
    expect_refusal("passgate.testing.EchoService.Count runs on the executor and is not unary");
}

static void a_service_that_is_there_twice_is_refused(void **state)
{
    struct rpc_service twice[] = {service, service};
    struct rpc_registry *registry;
    struct err err = ERR_NONE;

    (void)state;
    assert_false(rpc_registry_new(twice, 2, &registry, &err));
    assert_string_equal(err.detail, "passgate.testing.EchoService is there twice");
}

static void every_method_is_found_by_its_path_and_nothing_else_is(void **state)
{
    static const char *const strangers[] = {
        "",
        "/",
        "/passgate.testing.EchoService/",
        "/passgate.testing.EchoService/Ech",
        "/passgate.testing.EchoService/Echoo",
        "/passgate.testing.EchoService/echo",
        "passgate.testing.EchoService/Echo",
        "/passgate.testing.Service/Echo",
        "/passgate.testing.EchoService/Echo/",
    };
    struct rpc_registry *registry;
    struct err err;

    (void)state;
    assert_true(rpc_registry_new(&service, 1, &registry, &err));
    assert_int_equal(rpc_registry_count(registry), service.method_count);
    for (size_t i = 0; i < service.method_count; i++) {
        const struct rpc_entry *entry = rpc_registry_get(registry, i);

        assert_int_equal(entry->index, i);
        assert_string_equal(entry->method->name, rows[i].name);
        assert_ptr_equal(rpc_registry_find(registry, span_text(entry->path)), entry);
        assert_true(strncmp(entry->path, "/passgate.testing.EchoService/", 30) == 0 &&
                    strcmp(entry->path + 30, rows[i].name) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
        assert_null(rpc_registry_find(registry, span_text(strangers[i])));
    assert_null(rpc_registry_find(registry, span_of("/passgate.testing.EchoService/Echo\0", 35)));
    rpc_registry_free(registry);
}

static void an_empty_server_has_no_methods(void **state)
{
    struct rpc_registry *registry;
    struct err err;

    (void)state;
    assert_true(rpc_registry_new(NULL, 0, &registry, &err));
    assert_null(rpc_registry_find(registry, span_text("/a.B/C")));
    rpc_registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_method_without_a_row_is_refused, copy_table),
        cmocka_unit_test_setup(a_row_without_a_method_is_refused, copy_table),
        cmocka_unit_test_setup(a_method_with_two_rows_is_refused, copy_table),
        cmocka_unit_test_setup(a_row_without_roles_is_refused, copy_table),
        cmocka_unit_test_setup(a_row_that_is_not_complete_is_refused, copy_table),
        cmocka_unit_test_setup(a_service_that_is_there_twice_is_refused, copy_table),
        cmocka_unit_test_setup(every_method_is_found_by_its_path_and_nothing_else_is, copy_table),
        cmocka_unit_test_setup(an_empty_server_has_no_methods, copy_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
