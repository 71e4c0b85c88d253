/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server and clients that are wrong, slow, too large or hostile. */
#include "http_fixture.h"

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char answer[ANSWER_MAX];

static int set_up(void **state)
{
    return fixture_set_up(
        state,
        &(struct http_options){.receive_ms_max = 400, .send_ms_max = 800, .connections_max = 200});
}

static void assert_still_serves(const struct server_fixture *fixture)
{
    client_ask(fixture, "GET /ok HTTP/1.1\r\n" HOST "\r\n", answer);
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
        fail_msg("got \"%s\"", answer);
}

#define MARK "c0ffee-mark"

/* Each gets that status (NULL: no answer at all is as good), and never itself. */
static const struct {
    const char *request;
    const char *status;
} bad[] = {
    {MARK "\r\n\r\n", NULL},
    {"GET\r\n\r\n", NULL},
    {"GET /" MARK "\r\n\r\n", NULL},
    {"GET " MARK " HTTP/1.1\r\n" HOST "\r\n", "404"},
    {"GET /" MARK " HTTP/9.9\r\n" HOST "\r\n", NULL},
    {"GET /ok HTTP/1.1\r\n\r\n", "400"},
    {"GET /ok HTTP/1.1\r\nHost: " MARK "\r\nHost: b\r\n\r\n", "400"},
    {"GET /" MARK "<script> HTTP/1.1\r\n" HOST "\r\n", "404"},
    {MARK " /ok HTTP/1.1\r\n" HOST "\r\n", "405"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: " MARK "\r\n\r\n", "400"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "400"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", "4"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "413"},
    {"POST /ok HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n" MARK, "405"},
    {"GET /ok HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n" MARK, "413"},
    /* Two framings of one message: RFC 9112, 6.3. */
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"},
    {"POST /echo HTTP/1.1\r\n" HOST
     "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "400"},
    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n" MARK, "400"},
    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" MARK "\r\n", "400"},
};

static void a_bad_request_is_refused_and_not_echoed(void **state)
{
    struct server_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        client_ask(fixture, bad[i].request, answer);
        if (bad[i].status && (strncmp(answer, "HTTP/1.", 7) != 0 ||
                              strncmp(answer + 9, bad[i].status, strlen(bad[i].status)) != 0))
            fail_msg("expected %s for \"%s\", got \"%s\"", bad[i].status, bad[i].request, answer);
        if (strstr(answer, MARK) || strstr(answer, " 200 "))
            fail_msg("for \"%s\" got \"%s\"", bad[i].request, answer);
    }
    assert_int_equal(atomic_load(&fixture->handled), 0);
    assert_still_serves(fixture);
}

static void a_header_that_is_too_large_is_refused(void **state)
{
    static const char *const parts[][2] = {
        {"GET /", " HTTP/1.1\r\n" HOST "\r\n"},
        {"GET /ok HTTP/1.1\r\n" HOST "X-Long: ", "\r\n\r\n"},
    };
    struct server_fixture *fixture = *state;
    size_t sizes[] = {64 * 1024, 1024 * 1024};

    for (size_t i = 0; i < ARRAY_LEN(parts) * ARRAY_LEN(sizes); i++) {
        size_t size = sizes[i / 2];
        char *filler = memory_alloc(size);
        int fd = client_connect(fixture);

        memset(filler, 'x', size);
        client_send(fd, parts[i % 2][0], strlen(parts[i % 2][0]));
        client_send(fd, filler, size);
        client_send(fd, parts[i % 2][1], strlen(parts[i % 2][1]));
        client_receive(fd, answer, false);
        if (answer[0] && strncmp(answer + 9, "431", 3) != 0 && strncmp(answer + 9, "414", 3) != 0)
            fail_msg("got \"%s\"", answer);
        close(fd);
        memory_free(filler);
    }
    assert_still_serves(fixture);
}

static void many_small_headers_are_refused_too(void **state)
{
    struct server_fixture *fixture = *state;
    int fd = client_connect(fixture);

    client_send(fd, "GET /ok HTTP/1.1\r\n" HOST, strlen("GET /ok HTTP/1.1\r\n" HOST));
    for (int i = 0; i < 5000; i++)
        client_send(fd, "a: b\r\n", 6);
    client_send(fd, "\r\n", 2);
    client_receive(fd, answer, false);
    assert_null(strstr(answer, " 200 "));
    close(fd);
    assert_still_serves(fixture);
}

static void a_body_of_chunks_that_grows_too_long_is_refused(void **state)
{
    static const char header[] =
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    struct server_fixture *fixture = *state;
    int fd = client_connect(fixture);

    client_send(fd, header, sizeof(header) - 1);
    for (int i = 0; i < 101; i++)
        client_send(fd, "a\r\n0123456789\r\n", 15);
    client_send(fd, "0\r\n\r\n", 5);
    client_receive(fd, answer, false);
    assert_int_equal(strncmp(answer, "HTTP/1.1 413", 12), 0);
    assert_true(client_is_closed(fd, 1000));
    close(fd);
    fd = client_connect(fixture);
    client_send(fd, header, sizeof(header) - 1);
    for (int i = 0; i < 100000; i++)
        client_send(fd, "a\r\n0123456789\r\n", 15);
    assert_null(strstr(client_receive(fd, answer, false), " 200 "));
    close(fd);
    assert_still_serves(fixture);
}

static void a_long_body_of_who_is_not_admitted_is_cut_off(void **state)
{
    static const char header[] =
        "POST /guarded HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    struct server_fixture *fixture = *state;
    int fd = client_connect(fixture);

    client_send(fd, header, sizeof(header) - 1);
    for (int i = 0; i < 100000; i++)
        client_send(fd, "a\r\n0123456789\r\n", 15);
    assert_null(strstr(client_receive(fd, answer, false), " 200 "));
    close(fd);
    assert_int_equal(atomic_load(&fixture->handled), 0);
    assert_still_serves(fixture);
}

static void begin_echo(int fd, size_t length)
{
    static const char header[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n";
    static const char body[1000];

    client_send(fd, header, sizeof(header) - 1);
    client_send(fd, body, length);
}

static int status_of_rest(int fd, size_t length)
{
    static const char body[1000];

    client_send(fd, body, length);
    return (int)strtol(client_receive(fd, answer, false) + strlen("HTTP/1.1 "), NULL, 10);
}

/* There is room for three.  One thread has looked at what came before once it has answered twice.
 */
static void all_bodies_together_are_bounded(void **state)
{
    struct server_fixture fixture;
    int fds[4];

    (void)state;
    fixture_start(&fixture, &(struct http_options){.thread_count = 1, .bodies_bytes_max = 3000});
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_connect(&fixture);
        begin_echo(fds[i], 600); /* more than half: memory for the whole */
        assert_still_serves(&fixture);
        assert_still_serves(&fixture);
    }
    assert_int_equal(status_of_rest(fds[3], 400), 429);
    assert_true(client_is_closed(fds[3], 1000));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(status_of_rest(fds[i], 400), 200);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    for (int i = 0; i < 20; i++) { /* what was held is there again */
        int fd = client_connect(&fixture);

        begin_echo(fd, 600);
        assert_int_equal(status_of_rest(fd, 400), 200);
        close(fd);
    }
    fixture_stop(&fixture, 1000);
}

/* A byte every 50 ms: never idle for long, and never done. */
static void who_drips_is_cut_off(void **state)
{
    static const char *const starts[] = {
        "",
        "GET /ok HTTP/1.1\r\n" HOST "X-Slow: ",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n",
    };
    struct server_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        int64_t started_ns = clock_now_ns();
        int fd = client_connect(fixture);

        client_send(fd, starts[i], strlen(starts[i]));
        while (!client_is_closed(fd, 50)) {
            client_send(fd, "x", 1);
            assert_true((clock_now_ns() - started_ns) / 1000000 < 2000);
        }
        assert_true((clock_now_ns() - started_ns) / 1000000 >= 350);
        close(fd);
    }
    assert_still_serves(fixture);
}

static void a_connection_that_says_nothing_is_closed(void **state)
{
    struct server_fixture *fixture = *state;
    int silent = client_connect(fixture), idle = client_connect(fixture);

    client_send(idle, "GET /ok HTTP/1.1\r\n" HOST "\r\n",
                strlen("GET /ok HTTP/1.1\r\n" HOST "\r\n"));
    assert_non_null(strstr(client_receive(idle, answer, false), " 200 "));
    assert_true(client_is_closed(silent, 2000));
    assert_true(client_is_closed(idle, 2000));
    close(silent);
    close(idle);
}

static void a_parked_exchange_may_take_longer_than_a_request(void **state)
{
    struct server_fixture *fixture = *state;
    int fd = client_connect(fixture);
    static const char request[] = "GET /park HTTP/1.1\r\n" HOST "\r\n";

    client_send(fd, request, sizeof(request) - 1);
    assert_false(client_is_closed(fd, 1000));
    fixture_answer_one(fixture);
    assert_non_null(strstr(client_receive(fd, answer, false), " 200 "));
    close(fd);
}

/* The client asks for a lot and reads nothing: nothing of it is left when the time is over. */
static void who_does_not_take_the_response_is_cut_off(void **state)
{
    static const char request[] = "GET /big HTTP/1.1\r\n" HOST "\r\n";
    struct server_fixture fixture;
    int fd, small = 4096, observed;
    int64_t started_ns;

    (void)state;
    fixture_start(&fixture, &(struct http_options){.receive_ms_max = 60000, .send_ms_max = 2000});
    fd = client_connect(&fixture);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 100; i++)
        client_send(fd, request, sizeof(request) - 1);
    do {
        observed = atomic_load(&fixture.observed);
        nanosleep(&(struct timespec){0, 300000000}, NULL);
    } while (observed == 0 || observed != atomic_load(&fixture.observed));
    started_ns = clock_now_ns();
    fixture_stop(&fixture, 20000);
    assert_in_range((clock_now_ns() - started_ns) / 1000000, 100, 5000);
    assert_true(atomic_load(&fixture.observed) < 100);
    close(fd);
}

static void more_connections_than_allowed_wait_their_turn(void **state)
{
    struct server_fixture *fixture = *state;
    int fds[300];

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = client_connect(fixture);
    nanosleep(&(struct timespec){0, 600000000}, NULL);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    nanosleep(&(struct timespec){0, 600000000}, NULL);
    assert_still_serves(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bad_request_is_refused_and_not_echoed),
        TEST(a_header_that_is_too_large_is_refused),
        TEST(many_small_headers_are_refused_too),
        TEST(a_body_of_chunks_that_grows_too_long_is_refused),
        TEST(a_long_body_of_who_is_not_admitted_is_cut_off),
        cmocka_unit_test(all_bodies_together_are_bounded),
        TEST(who_drips_is_cut_off),
        TEST(a_connection_that_says_nothing_is_closed),
        TEST(a_parked_exchange_may_take_longer_than_a_request),
        cmocka_unit_test(who_does_not_take_the_response_is_cut_off),
        TEST(more_connections_than_allowed_wait_their_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
