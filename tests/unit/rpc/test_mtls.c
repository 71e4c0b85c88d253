/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: who gets in, and what the server then knows of them.  The certificates are made here and now
 * by the openssl command. */
#include "base/arena.h"
#include "base/file.h"
#include "rpc/probe.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/passgate-mtls-XXXXXX";
static struct arena arena;
static struct echo_server *echo;

static const char *path_of(const char *name, const char *suffix)
{
    return arena_printf(&arena, "%s/%s.%s", folder, name, suffix);
}

static const char *pem_of(const char *name, const char *suffix)
{
    struct span content;
    struct err err;

    if (!file_read(path_of(name, suffix), 64 * 1024, &arena, &content, &err))
        fail_msg("%s", err.detail);
    return (const char *)content.data;
}

static int make_certificates(void **state)
{
    const char *source = getenv("PASSGATE_SOURCE_DIR");
    const char *command;

    (void)state;
    arena_init(&arena, 16 * 1024);
    if (!source || !mkdtemp(folder))
        return -1;
    command = arena_printf(&arena, "%s/tests/unit/rpc/make_certificates.sh %s >%s/log 2>&1", source,
                           folder, folder);
    return system(command);
}

static int remove_certificates(void **state)
{
    const char *command = arena_printf(&arena, "rm -r %s", folder);
    int result = system(command);

    (void)state;
    arena_release(&arena);
    return result;
}

/* A server's certificate, and the authority of its clients. */
static struct rpc_tls tls_of(const char *name, const char *authority)
{
    return (struct rpc_tls){pem_of(name, "pem"), pem_of(name, "key"), pem_of(authority, "pem")};
}

static int start(void **state)
{
    struct rpc_listener listener = {
        .address = "127.0.0.1:0",
        .tls = tls_of("server", "ca"),
    };
    struct rpc_options options = echo_options();

    (void)state;
    options.listeners = &listener;
    echo = echo_server_start(&options, 4);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    echo_server_stop(echo, 1000);
    return 0;
}

/* `name` NULL: without a certificate. */
static struct core_client *connect_as(const char *name, const char *authority)
{
    const grpc_arg as_localhost = {
        .type = GRPC_ARG_STRING,
        .key = (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
        .value.string = (char *)"localhost",
    };
    struct core_client_options options = {
        .target = echo_server_address(echo),
        .ca_pem = pem_of(authority, "pem"),
        .certificate_pem = name ? pem_of(name, "pem") : NULL,
        .key_pem = name ? pem_of(name, "key") : NULL,
        .arguments = &as_localhost,
        .argument_count = 1,
    };

    return core_client_new_with(&options);
}

static void what_the_server_knows_is_in_the_certificate(void **state)
{
    static const struct {
        const char *name, *spiffe_id;
        const char *names[2];
        size_t name_count;
    } rows[] = {
        /* A DNS name that reads like a SPIFFE id is none, and no name either. */
        {"spiffe", "spiffe://corp/ns/shop/sa/checkout", {"checkout.shop"}, 1},
        {"other_uri", "", {NULL}, 0},
        {"dns", "", {"checkout.shop", "checkout"}, 2},
        {"bare", "", {NULL}, 0}, /* the CN is nobody's name */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_client *client = connect_as(rows[i].name, "ca");
        struct core_call *call = echo_start(client, ECHO_PATH "WhoAmI", 1, ECHO_WAIT_MS);
        const Passgate__Testing__EchoResponse *reply;

        assert_ended(call, GRPC_STATUS_OK);
        reply = (const Passgate__Testing__EchoResponse *)core_call_reply(
            call, &passgate__testing__echo_response__descriptor);
        assert_int_equal(reply->number, 1); /* RPC_MTLS */
        assert_string_equal(reply->spiffe_id, rows[i].spiffe_id);
        assert_int_equal(reply->n_names, rows[i].name_count);
        for (size_t k = 0; k < reply->n_names; k++)
            assert_string_equal(reply->names[k], rows[i].names[k]);
        core_call_free(call);
        core_client_free(client);
    }
}

static void a_certificate_of_two_identities_is_nobodys(void **state)
{
    struct core_client *client = connect_as("two_uris", "ca");
    struct core_call *call = echo_start(client, ECHO_PATH "WhoAmI", 1, ECHO_WAIT_MS);

    (void)state;
    assert_ended(call, GRPC_STATUS_UNAUTHENTICATED);
    core_call_free(call);
    core_client_free(client);
}

static void nobody_else_gets_in(void **state)
{
    static const struct {
        const char *name, *authority;
    } rows[] = {
        {NULL, "ca"},          {"foreign", "ca"},      {"expired", "ca"},
        {"server_only", "ca"}, {"spiffe", "stranger"}, /* the client does not trust the server */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_client *client = connect_as(rows[i].name, rows[i].authority);

        assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_UNAVAILABLE);
        core_client_free(client);
    }
    assert_int_equal(echo_stats(echo).calls, 0);
}

static void plaintext_does_not_get_in(void **state)
{
    struct core_client *client = core_client_new(echo_server_address(echo));

    (void)state;
    assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_UNAVAILABLE);
    core_client_free(client);
}

/* Without a certificate: an answer of any kind is what it asks for. */
static void a_probe_is_answered(void **state)
{
    const struct rpc_listener listener = {.address = "127.0.0.1:0", .tls = {.certificate = ""}};
    struct rpc_probe probe;
    struct err err = ERR_NONE;

    (void)state;
    assert_int_equal(
        rpc_probe_fill(&listener, rpc_server_port(echo_server_rpc(echo), 0), &probe, 1), 1);
    for (int i = 0; i < 20; i++)
        if (!rpc_probe_run(&probe, ECHO_WAIT_MS, &err))
            fail_msg("%s", err.detail);
    assert_int_equal(echo_stats(echo).calls, 0);
}

static void what_cannot_serve_does_not_start(void **state)
{
    const struct {
        struct rpc_tls tls;
        const char *why;
    } rows[] = {
        {{pem_of("server", "pem"), pem_of("server", "key"), NULL}, "no CA"},
        {{NULL, pem_of("server", "key"), pem_of("ca", "pem")}, "no certificate"},
        {{pem_of("server", "pem"), NULL, pem_of("ca", "pem")}, "no key"},
        {{pem_of("server", "key"), pem_of("server", "key"), pem_of("ca", "pem")}, "a key"},
        {{pem_of("server", "pem"), pem_of("server", "csr"), pem_of("ca", "pem")}, "a request"},
        {{pem_of("server", "pem"), pem_of("dns", "key"), pem_of("ca", "pem")}, "another's key"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rpc_listener listener = {.address = "127.0.0.1:0", .tls = rows[i].tls};
        struct rpc_options options = echo_options();
        struct rpc_server *server = NULL;
        struct err err = ERR_NONE;

        options.listeners = &listener;
        if (rpc_server_start(&options, &server, &err))
            fail_msg("it starts with %s", rows[i].why);
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_null(server);
    }
}

static void another_certificate_and_authority_count_from_the_next_handshake_on(void **state)
{
    const struct rpc_tls other = tls_of("other_server", "stranger");
    struct core_client *before = connect_as("spiffe", "ca"), *late, *after;

    (void)state;
    assert_echo(before, ECHO_PATH "Echo", GRPC_STATUS_OK);
    /* The first is never taken: no handshake comes between. */
    rpc_server_renew_tls(echo_server_rpc(echo), &other);
    rpc_server_renew_tls(echo_server_rpc(echo), &other);
    assert_echo(before, ECHO_PATH "Echo", GRPC_STATUS_OK);
    late = connect_as("dns", "ca");
    assert_echo(late, ECHO_PATH "Echo", GRPC_STATUS_UNAVAILABLE);
    after = connect_as("foreign", "stranger");
    assert_echo(after, ECHO_PATH "Echo", GRPC_STATUS_OK);
    assert_echo(before, ECHO_PATH "Echo", GRPC_STATUS_OK);
    core_client_free(after);
    core_client_free(late);
    core_client_free(before);
}

/* What keys/ has let through, and core does not understand after all. */
static void what_core_cannot_use_leaves_the_old_in_its_place(void **state)
{
    const struct rpc_tls bad = {pem_of("server", "pem"), pem_of("dns", "key"), pem_of("ca", "pem")};
    struct core_client *client;

    (void)state;
    rpc_server_renew_tls(echo_server_rpc(echo), &bad);
    client = connect_as("spiffe", "ca");
    assert_echo(client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    core_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_server_knows_is_in_the_certificate, start, stop),
        cmocka_unit_test_setup_teardown(a_certificate_of_two_identities_is_nobodys, start, stop),
        cmocka_unit_test_setup_teardown(nobody_else_gets_in, start, stop),
        cmocka_unit_test_setup_teardown(plaintext_does_not_get_in, start, stop),
        cmocka_unit_test_setup_teardown(a_probe_is_answered, start, stop),
        cmocka_unit_test(what_cannot_serve_does_not_start),
        cmocka_unit_test_setup_teardown(
            another_certificate_and_authority_count_from_the_next_handshake_on, start, stop),
        cmocka_unit_test_setup_teardown(what_core_cannot_use_leaves_the_old_in_its_place, start,
                                        stop),
    };

    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
