/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: ports, unix sockets, addresses that cannot be had. */
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *socket_address(void)
{
    static char address[64];

    snprintf(address, sizeof(address), "unix:/tmp/passgate-listeners-%d.sock", (int)getpid());
    return address;
}

static struct executor *executor;

static int start_executor(void **state)
{
    (void)state;
    executor = executor_new(1, 4);
    return 0;
}

static int stop_executor(void **state)
{
    (void)state;
    executor_free(executor);
    return 0;
}

static bool start(const char *address, struct rpc_server **ret_server, struct err *err)
{
    struct rpc_listener listener = {.address = address};
    struct rpc_options options = echo_options();

    options.listeners = &listener;
    options.executor = executor;
    options.services = echo_service();
    options.service_count = 1;
    return rpc_server_start(&options, ret_server, err);
}

static void every_listener_serves_and_port_0_is_a_port(void **state)
{
    const struct rpc_listener listeners[] = {
        {.address = "127.0.0.1:0"}, {.address = socket_address()}, {.address = "127.0.0.1:0"}};
    struct rpc_options options = echo_options();
    struct echo_server *echo;

    (void)state;
    options.listeners = listeners;
    options.listener_count = ARRAY_LEN(listeners);
    echo = echo_server_start(&options, 4);
    assert_in_range(rpc_server_port(echo_server_rpc(echo), 0), 1024, 65535);
    assert_int_not_equal(rpc_server_port(echo_server_rpc(echo), 0),
                         rpc_server_port(echo_server_rpc(echo), 2));
    for (size_t i = 0; i < ARRAY_LEN(listeners); i++) {
        char target[64];
        struct core_client *client;

        snprintf(target, sizeof(target), "127.0.0.1:%d", rpc_server_port(echo_server_rpc(echo), i));
        client = core_client_new(i == 1 ? socket_address() : target);
        assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_OK);
        core_client_free(client);
    }
    echo_server_stop(echo, 1000);
}

static void an_address_in_use_is_a_fault_of_the_configuration(void **state)
{
    struct rpc_server *first, *second = NULL;
    struct core_client *client;
    struct err err = ERR_NONE;
    char address[64];

    (void)state;
    assert_true(start("127.0.0.1:0", &first, &err));
    snprintf(address, sizeof(address), "127.0.0.1:%d", rpc_server_port(first, 0));
    assert_false(start(address, &second, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    assert_non_null(strstr(err.detail, address));
    client = core_client_new(address); /* the first one is unharmed */
    assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    core_client_free(client);
    rpc_server_stop(first, 1000);
    rpc_server_free(first);
    assert_true(start(address, &second, &err)); /* and afterwards it is free again */
    rpc_server_stop(second, 1000);
    rpc_server_free(second);
}

static void a_unix_socket_is_not_taken_from_who_serves_it(void **state)
{
    struct rpc_server *first, *second = NULL;
    struct err err = ERR_NONE;

    (void)state;
    assert_true(start(socket_address(), &first, &err));
    assert_false(start(socket_address(), &second, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    rpc_server_stop(first, 1000);
    rpc_server_free(first);
}

/* What a killed server leaves behind. */
static void a_unix_socket_that_nobody_serves_is_replaced(void **state)
{
    const char *path = socket_address() + strlen("unix:");
    struct rpc_server *server;
    struct err err = ERR_NONE;
    struct stat before;
    char kept[80];

    (void)state;
    assert_true(start(socket_address(), &server, &err));
    snprintf(kept, sizeof(kept), "%s.kept", path);
    assert_int_equal(rename(path, kept), 0);
    rpc_server_stop(server, 1000);
    rpc_server_free(server);
    assert_int_equal(rename(kept, path), 0);
    assert_int_equal(stat(path, &before), 0);
    assert_true(start(socket_address(), &server, &err));
    rpc_server_stop(server, 1000);
    rpc_server_free(server);
    unlink(path);
}

static void an_address_that_is_none_is_refused(void **state)
{
    static const char *const addresses[] = {"203.0.113.7:0", "no-port",
                                            "unix:/nonexistent/folder/x.sock", ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct rpc_server *server = NULL;
        struct err err = ERR_NONE;

        if (start(addresses[i], &server, &err))
            fail_msg("it listens on '%s'", addresses[i]);
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
    }
}

static void a_server_whose_methods_need_an_executor_needs_one(void **state)
{
    struct executor *kept = executor;
    struct rpc_server *server = NULL;
    struct err err = ERR_NONE;

    (void)state;
    executor = NULL;
    assert_false(start("127.0.0.1:0", &server, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    executor = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_listener_serves_and_port_0_is_a_port),
        cmocka_unit_test(an_address_in_use_is_a_fault_of_the_configuration),
        cmocka_unit_test(a_unix_socket_is_not_taken_from_who_serves_it),
        cmocka_unit_test(a_unix_socket_that_nobody_serves_is_replaced),
        cmocka_unit_test(an_address_that_is_none_is_refused),
        cmocka_unit_test(a_server_whose_methods_need_an_executor_needs_one),
    };

    return cmocka_run_group_tests(tests, start_executor, stop_executor);
}
