/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server as a client sees it: routes, conditions, parked exchanges, the end. */
#include "http_fixture.h"

#include "base/attributes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char answer[ANSWER_MAX];

static int set_up(void **state)
{
    return fixture_set_up(state, &(struct http_options){.receive_ms_max = 5000});
}

static void assert_starts(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("expected \"%s\", got \"%s\"", start, text);
}

static void assert_has(const char *text, const char *part)
{
    if (!strcasestr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static const char *body_of(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");

    return end ? end + 4 : "(no body)";
}

/* Request, status line, something that is in the answer, the body. */
static const struct {
    const char *request;
    const char *status;
    const char *has;
    const char *body;
} rows[] = {
    {"GET /ok HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "\r\nX-Test: yes\r\n", "hello\n"},
    {"GET /ok HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "\r\nCache-Control: max-age=60\r\n",
     "hello\n"},
    {"GET /ok?x=%41&y HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "\r\nETag: \"v1\"\r\n", "hello\n"},
    {"GET /ok HTTP/1.0\r\n\r\n", "HTTP/1.", "\r\nContent-Length: 6\r\n", "hello\n"},
    {"HEAD /ok HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "\r\nContent-Length: 6\r\n", ""},
    {"HEAD /nothing HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404", "\r\nContent-Length: 10\r\n", ""},
    {"GET /nothing HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404", "no-store", "not found\n"},
    {"GET /%6fk HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404", "text/plain", "not found\n"},
    {"GET /ok/../big HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404", "nosniff", "not found\n"},
    {"GET /echo/abc-1.2_3~ HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "", "abc-1.2_3~"},
    {"GET /echo/a%00b HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404", "", "not found\n"},
    {"POST /ok HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "HTTP/1.1 405",
     "\r\nAllow: GET, HEAD\r\n", "method not allowed\n"},
    {"PATCH /park HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405", "\r\nAllow: GET, HEAD, POST\r\n",
     "method not allowed\n"},
    {"TRACE /ok HTTP/1.1\r\n" HOST "Cookie: secret\r\n\r\n", "HTTP/1.1 405", "Allow",
     "method not allowed\n"},
    {"GET /error HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 503", "\r\nRetry-After: 1\r\n",
     "STORE_UNAVAILABLE: the store does not answer, try again later\n"},
    {"GET /forgets HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 500", "", "internal error\n"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde", "HTTP/1.1 200", "", "abcde"},
    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "HTTP/1.1 200", "", ""},
    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     "HTTP/1.1 200", "", "abcde"},
    /* Conditions, RFC 9110 13.1.2. */
    {"GET /ok HTTP/1.1\r\n" HOST "If-None-Match: \"v1\"\r\n\r\n", "HTTP/1.1 304",
     "\r\nETag: \"v1\"\r\n", ""},
    {"HEAD /ok HTTP/1.1\r\n" HOST "If-None-Match: \"v1\"\r\n\r\n", "HTTP/1.1 304", "max-age=60",
     ""},
    {"GET /ok HTTP/1.1\r\n" HOST "If-None-Match: \"v0\", W/\"v1\"\r\n\r\n", "HTTP/1.1 304", "", ""},
    {"GET /ok HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n", "HTTP/1.1 304", "", ""},
    {"GET /ok HTTP/1.1\r\n" HOST "If-None-Match: \"v11\", v1, \"v\"\r\n\r\n", "HTTP/1.1 200", "",
     "hello\n"},
    {"GET /ok HTTP/1.1\r\n" HOST "If-None-Match: \r\n\r\n", "HTTP/1.1 200", "", "hello\n"},
    {"POST /echo HTTP/1.1\r\n" HOST "If-None-Match: *\r\nContent-Length: 1\r\n\r\na",
     "HTTP/1.1 200", "", "a"},
    /* Request ids. */
    {"GET /id HTTP/1.1\r\n" HOST "X-Request-ID: Abc-1_2.3\r\n\r\n", "HTTP/1.1 200",
     "\r\nX-Request-ID: Abc-1_2.3\r\n", "Abc-1_2.3"},
};

static void a_request_gets_its_response(void **state)
{
    struct server_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        client_ask(fixture, rows[i].request, answer);
        assert_starts(answer, rows[i].status);
        assert_has(answer, rows[i].has);
        assert_string_equal(body_of(answer), rows[i].body);
    }
    assert_int_equal(atomic_load(&fixture->last_status), 200);
}

static void a_request_id_that_is_not_presentable_is_replaced(void **state)
{
    static const char *const bad[] = {
        "",
        "X-Request-ID:\r\n",
        "X-Request-ID: a b\r\n",
        "X-Request-ID: <script>\r\n",
        "X-Request-ID: 01234567890123456789012345678901234567890123456789012345678901234\r\n",
    };
    struct server_fixture *fixture = *state;
    char request[512];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(request, sizeof(request), "GET /id HTTP/1.1\r\n" HOST "%s\r\n", bad[i]);
        client_ask(fixture, request, answer);
        assert_starts(answer, "HTTP/1.1 200");
        assert_int_equal(strlen(body_of(answer)), 22);
    }
}

static void a_connection_takes_many_requests_in_a_row(void **state)
{
    static const char both[] = "GET /ok HTTP/1.1\r\n" HOST "\r\n"
                               "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz"
                               "GET /park HTTP/1.1\r\n" HOST "\r\n";
    struct server_fixture *fixture = *state;
    int fd = client_connect(fixture);

    for (int round = 0; round < 3; round++) {
        client_send(fd, both, sizeof(both) - 1);
        assert_has(client_receive(fd, answer, false), "hello\n");
        assert_string_equal(body_of(client_receive(fd, answer, false)), "xyz");
        fixture_wait_parked(fixture, 1);
        fixture_answer_one(fixture);
        assert_starts(client_receive(fd, answer, false), "HTTP/1.1 200");
    }
    close(fd);
}

/* On one connection, which stays: the body of who is refused is taken in and dropped. */
static void who_is_not_admitted_is_told_so_and_may_ask_again(void **state)
{
    static const char refused[] =
        "POST /guarded HTTP/1.1\r\n" HOST "X-Key: shut\r\nContent-Length: 3\r\n\r\nabc";
    static const char admitted[] =
        "POST /guarded HTTP/1.1\r\n" HOST "X-Key: open\r\nContent-Length: 3\r\n\r\nxyz";
    struct server_fixture *fixture = *state;
    int fd = client_connect(fixture);

    for (int round = 1; round <= 3; round++) {
        client_send(fd, refused, sizeof(refused) - 1);
        assert_starts(client_receive(fd, answer, false), "HTTP/1.1 403");
        assert_null(strstr(answer, "Connection: close"));
        assert_int_equal(atomic_load(&fixture->handled), round - 1);
        client_send(fd, admitted, sizeof(admitted) - 1);
        assert_starts(client_receive(fd, answer, false), "HTTP/1.1 200");
        assert_int_equal(atomic_load(&fixture->handled), round);
    }
    close(fd);
}

static void a_header_that_was_wiped_is_empty(void **state)
{
    client_ask(*state,
               "POST /guarded HTTP/1.1\r\n" HOST "X-Key: open\r\nX-Other: stays\r\n"
               "Content-Length: 3\r\n\r\nxyz",
               answer);
    assert_string_equal(body_of(answer), "<> xyz");
}

static void a_big_response_arrives_whole(void **state)
{
    struct server_fixture *fixture = *state;

    client_ask(fixture, "GET /big HTTP/1.1\r\n" HOST "\r\n", answer);
    assert_int_equal(strlen(body_of(answer)), 100000);
}

static void a_parked_exchange_is_answered_from_another_thread(void **state)
{
    struct server_fixture *fixture = *state;
    int fd = client_connect(fixture);
    static const char request[] = "POST /park HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nparked";

    client_send(fd, request, sizeof(request) - 1);
    fixture_wait_parked(fixture, 1);
    assert_false(client_is_closed(fd, 50));
    fixture_answer_one(fixture);
    client_receive(fd, answer, false);
    assert_starts(answer, "HTTP/1.1 200");
    assert_string_equal(body_of(answer), "parked");
    close(fd);
}

static void who_leaves_while_parked_does_no_harm(void **state)
{
    struct server_fixture *fixture = *state;
    static const char request[] = "GET /park HTTP/1.1\r\n" HOST "\r\n";

    for (size_t i = 0; i < 10; i++) {
        int fd = client_connect(fixture);

        client_send(fd, request, sizeof(request) - 1);
        fixture_wait_parked(fixture, i + 1);
        close(fd);
    }
    for (size_t i = 0; i < 10; i++)
        fixture_answer_one(fixture);
    client_ask(fixture, "GET /ok HTTP/1.1\r\n" HOST "\r\n", answer);
    assert_starts(answer, "HTTP/1.1 200");
}

enum { CLIENTS = 64, REQUESTS_EACH = 20 };

struct client {
    pthread_t thread;
    struct server_fixture *fixture;
    size_t number;
    char answer[ANSWER_MAX];
};

static void *ask_many(void *argument)
{
    struct client *client = argument;
    int fd = client_connect(client->fixture);

    for (int i = 0; i < REQUESTS_EACH; i++) {
        char request[256], expected[32];

        snprintf(expected, sizeof(expected), "%zu-%d", client->number, i);
        snprintf(request, sizeof(request),
                 "POST /%s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%s",
                 i % 2 ? "park" : "echo", strlen(expected), expected);
        client_send(fd, request, strlen(request));
        client_receive(fd, client->answer, false);
        if (strcmp(body_of(client->answer), expected) != 0)
            return NULL;
    }
    close(fd);
    return client;
}

static void *answer_all(void *argument)
{
    struct server_fixture *fixture = argument;

    for (size_t i = 0; i < CLIENTS * REQUESTS_EACH / 2; i++) {
        fixture_wait_parked(fixture, 1);
        fixture_answer_one(fixture);
    }
    return NULL;
}

static void sixty_four_connections_get_each_its_own_answers(void **state)
{
    struct server_fixture *fixture = *state;
    struct client *clients = memory_new_array(struct client, CLIENTS);
    pthread_t answerer;

    thread_start(&answerer, "answerer", answer_all, fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].fixture = fixture;
        clients[i].number = i;
        thread_start(&clients[i].thread, "client", ask_many, &clients[i]);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        void *result;

        pthread_join(clients[i].thread, &result);
        assert_ptr_equal(result, &clients[i]);
    }
    pthread_join(answerer, NULL);
    memory_free(clients);
}

static void a_stop_answers_what_is_parked_and_late_answers_do_no_harm(void **state)
{
    static const char request[] = "GET /park HTTP/1.1\r\n" HOST "\r\n";
    struct server_fixture fixture;
    int64_t started_ns;
    int fds[5];

    (void)state;
    fixture_start(&fixture, &(struct http_options){.receive_ms_max = 5000});
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = client_connect(&fixture);
        client_send(fds[i], request, sizeof(request) - 1);
    }
    fixture_wait_parked(&fixture, ARRAY_LEN(fds));
    started_ns = clock_now_ns();
    fixture_stop(&fixture, 100);
    assert_in_range((clock_now_ns() - started_ns) / 1000000, 90, 1000);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        client_receive(fds[i], answer, false);
        assert_starts(answer, "HTTP/1.1 503");
        assert_string_equal(body_of(answer), "the server is going away\n");
        close(fds[i]);
        fixture_answer_one(&fixture);
    }
}

static void a_quiesced_server_finishes_and_takes_nothing_new(void **state)
{
    static const char request[] = "GET /park HTTP/1.1\r\n" HOST "\r\n";
    struct server_fixture fixture;
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    int parked, idle, late;

    (void)state;
    fixture_start(&fixture, &(struct http_options){.receive_ms_max = 60000});
    parked = client_connect(&fixture);
    idle = client_connect(&fixture);
    client_send(idle, "GET /ok HTTP/1.1\r\n" HOST "\r\n",
                strlen("GET /ok HTTP/1.1\r\n" HOST "\r\n"));
    assert_starts(client_receive(idle, answer, false), "HTTP/1.1 200");
    client_send(parked, request, sizeof(request) - 1);
    fixture_wait_parked(&fixture, 1);
    assert_int_equal(getpeername(parked, (struct sockaddr *)&name, &length), 0);
    http_server_quiesce(fixture.server);
    late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_not_equal(connect(late, (struct sockaddr *)&name, length), 0);
    assert_true(client_is_closed(idle, 2000));
    fixture_answer_one(&fixture);
    client_receive(parked, answer, false);
    assert_starts(answer, "HTTP/1.1 200");
    assert_has(answer, "\r\nConnection: close\r\n");
    assert_true(client_is_closed(parked, 2000));
    close(late);
    close(idle);
    close(parked);
    fixture_stop(&fixture, 1000);
}

/* The library would open one of its own, on every address, if it were let. */
static void a_server_listens_on_its_address_and_nowhere_else(void **state)
{
    int listening = 0;

    for (int fd = 0; fd < 1024; fd++) {
        int accepts = 0;
        socklen_t length = sizeof(accepts);

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) == 0)
            listening += accepts;
    }
    assert_int_equal(listening, 1);
    (void)state;
}

static void a_unix_socket_is_a_listener_too(void **state)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct server_fixture fixture;
    struct http_server *second;
    struct err err = ERR_NONE;
    struct stat status;
    char address[128];
    int fd;

    (void)state;
    snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/passgate-http-%d.sock", (int)getpid());
    snprintf(address, sizeof(address), "unix:%s", name.sun_path);
    fixture_start(&fixture, &(struct http_options){.address = address});
    assert_int_equal(http_server_port(fixture.server), 0);
    assert_false(http_server_new(&fixture.options, &second, &err));
    assert_int_equal(err.code, ERR_IO);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    client_send(fd, "GET /ok HTTP/1.1\r\n" HOST "\r\n", strlen("GET /ok HTTP/1.1\r\n" HOST "\r\n"));
    assert_starts(client_receive(fd, answer, false), "HTTP/1.1 200");
    close(fd);
    fixture_stop(&fixture, 0);
    assert_int_not_equal(stat(name.sun_path, &status), 0);
}

static void addresses_that_cannot_be_served_are_refused(void **state)
{
    static const struct {
        const char *address;
        enum err_code code;
        const char *detail;
    } bad[] = {
        {"0.0.0.0:0", ERR_CONFIG_INVALID, "needs TLS"},
        {"[::]:0", ERR_CONFIG_INVALID, "needs TLS"},
        {"127.0.0.1", ERR_CONFIG_INVALID, "is not host:port"},
        {"127.0.0.1:", ERR_CONFIG_INVALID, "is not host:port"},
        {":80", ERR_CONFIG_INVALID, "is not host:port"},
        {"::1:80", ERR_CONFIG_INVALID, "is not host:port"},
        {"127.0.0.1:http", ERR_CONFIG_INVALID, "127.0.0.1:http"},
        {"unix:relative", ERR_CONFIG_INVALID, "absolute"},
        {"unix:/etc/passwd", ERR_IO, "in use"},
    };
    struct http_group group = {NULL, 0, NULL};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_options options = {
            .address = bad[i].address, .groups = &group, .group_count = 1};
        struct http_server *server;
        struct err err = ERR_NONE;

        if (http_server_new(&options, &server, &err))
            fail_msg("%s", bad[i].address);
        assert_int_equal(err.code, bad[i].code);
        assert_has(err.detail, bad[i].detail);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_gets_its_response),
        TEST(a_request_id_that_is_not_presentable_is_replaced),
        TEST(a_connection_takes_many_requests_in_a_row),
        TEST(who_is_not_admitted_is_told_so_and_may_ask_again),
        TEST(a_header_that_was_wiped_is_empty),
        TEST(a_big_response_arrives_whole),
        TEST(a_parked_exchange_is_answered_from_another_thread),
        TEST(who_leaves_while_parked_does_no_harm),
        TEST(sixty_four_connections_get_each_its_own_answers),
        cmocka_unit_test(a_stop_answers_what_is_parked_and_late_answers_do_no_harm),
        cmocka_unit_test(a_quiesced_server_finishes_and_takes_nothing_new),
        TEST(a_server_listens_on_its_address_and_nowhere_else),
        cmocka_unit_test(a_unix_socket_is_a_listener_too),
        cmocka_unit_test(addresses_that_cannot_be_served_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
