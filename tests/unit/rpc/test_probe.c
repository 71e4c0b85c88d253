/* SPDX-License-Identifier: Apache-2.0 */
/* The probe: what answers, what does not, and where it knocks. */
#include "base/thread.h"
#include "rpc/probe.h"
#include "unit/rpc/echo_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 5000, SILENCE_MS = 100 };

/* A socket that listens, on a port of its own; nobody accepts unless a test does. */
static int listen_somewhere(struct rpc_probe *ret_probe)
{
    const struct rpc_listener listener = {.address = "127.0.0.1:0"};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(rpc_probe_fill(&listener, ntohs(address.sin_port), ret_probe, 1), 1);
    return fd;
}

/* One connection is accepted, gets an answer (NULL: it is closed with the question unread, which
 * resets it) and is closed. */
struct host {
    pthread_t thread;
    int fd;
    const char *answer;
};

static void *receive_one(void *argument)
{
    const struct host *host = argument;
    int fd = accept(host->fd, NULL, NULL);
    char question[256];

    if (host->answer && recv(fd, question, sizeof(question), 0) > 0 &&
        send(fd, host->answer, strlen(host->answer), MSG_NOSIGNAL) < 0)
        abort();
    close(fd);
    return NULL;
}

static bool run_against(const char *answer, struct err *err)
{
    struct host host = {.answer = answer};
    struct rpc_probe probe;
    bool is_alive;

    host.fd = listen_somewhere(&probe);
    thread_start(&host.thread, "host", receive_one, &host);
    is_alive = rpc_probe_run(&probe, WAIT_MS, err);
    pthread_join(host.thread, NULL);
    close(host.fd);
    return is_alive;
}

static void a_listener_in_plaintext_answers_again_and_again(void **state)
{
    const struct rpc_listener listener = {.address = "127.0.0.1:0"};
    struct echo_fixture *fixture = *state;
    struct rpc_probe probe;
    struct err err = ERR_NONE;

    assert_int_equal(
        rpc_probe_fill(&listener, rpc_server_port(echo_server_rpc(fixture->echo), 0), &probe, 1),
        1);
    for (int i = 0; i < 20; i++)
        if (!rpc_probe_run(&probe, WAIT_MS, &err))
            fail_msg("%s", err.detail);
    assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    assert_int_equal(echo_stats(fixture->echo).calls, 1);
}

/* What core leaves of a listener whose accept() has failed: the kernel goes on making connections.
 */
static void a_listener_that_accepts_nobody_is_silent(void **state)
{
    struct rpc_probe probe;
    struct err err = ERR_NONE;
    int fd = listen_somewhere(&probe);

    (void)state;
    assert_false(rpc_probe_run(&probe, SILENCE_MS, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.detail, probe.name));
    assert_non_null(strstr(err.detail, "no answer in time"));
    close(fd);
}

static void a_port_on_which_nobody_listens_does_not_answer(void **state)
{
    struct rpc_probe probe;
    struct err err = ERR_NONE;

    (void)state;
    close(listen_somewhere(&probe));
    assert_false(rpc_probe_run(&probe, WAIT_MS, &err));
    assert_non_null(strstr(err.detail, "connect"));
}

/* Core does that while memory is short: its accept loop runs. */
static void who_accepts_and_turns_away_is_alive(void **state)
{
    static const char *const answers[] = {"", NULL};
    struct err err = ERR_NONE;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        if (!run_against(answers[i], &err))
            fail_msg("%s", err.detail);
}

static void who_speaks_something_else_is_not_the_listener(void **state)
{
    struct err err = ERR_NONE;

    (void)state;
    assert_false(run_against("HTTP/1.1 400 Bad Request\r\n\r\n", &err));
    assert_non_null(strstr(err.detail, "something else"));
    assert_false(run_against("220", &err));
}

static void a_listener_is_reached_where_it_serves(void **state)
{
    static const struct {
        const char *address;
        const char *name; /* NULL: it is not probed */
    } rows[] = {
        {"127.0.0.1:0", "127.0.0.1:4711"}, {"127.0.0.2:0", "127.0.0.2:4711"},
        {"[::1]:50051", "[::1]:4711"},     {"0.0.0.0:50051", "127.0.0.1:4711"},
        {"[::]:50051", "127.0.0.1:4711"},  {"unix:/run/passgate/grpc.sock", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct rpc_listener listener = {
            .address = rows[i].address,
            .tls = {.certificate = i % 2 ? "" : NULL},
        };
        struct rpc_probe probe;
        size_t count = rpc_probe_fill(&listener, 4711, &probe, 1);

        assert_int_equal(count, rows[i].name ? 1 : 0);
        if (count == 0)
            continue;
        assert_string_equal(probe.name, rows[i].name);
        assert_int_equal(probe.is_tls, i % 2);
    }
}

static void there_are_never_more_probes_than_room_for_them(void **state)
{
    const struct rpc_listener listener = {.address = "localhost:0"};
    struct rpc_probe probes[4];

    (void)state;
    assert_int_equal(rpc_probe_fill(&listener, 4711, probes, 0), 0);
    assert_int_equal(rpc_probe_fill(&listener, 4711, probes, 1), 1);
    assert_in_range(rpc_probe_fill(&listener, 4711, probes, ARRAY_LEN(probes)), 1,
                    ARRAY_LEN(probes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_listener_in_plaintext_answers_again_and_again,
                                        echo_set_up, echo_tear_down),
        cmocka_unit_test(a_listener_that_accepts_nobody_is_silent),
        cmocka_unit_test(a_port_on_which_nobody_listens_does_not_answer),
        cmocka_unit_test(who_accepts_and_turns_away_is_alive),
        cmocka_unit_test(who_speaks_something_else_is_not_the_listener),
        cmocka_unit_test(a_listener_is_reached_where_it_serves),
        cmocka_unit_test(there_are_never_more_probes_than_room_for_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
