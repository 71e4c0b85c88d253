/* SPDX-License-Identifier: Apache-2.0 */
/* What gRPC core says about peers: it is theirs to write, so it is escaped, and bounded.  The
 * client is bytes: no client of a library sends what makes core complain. */
#include "base/log.h"
#include "unit/rpc/echo_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAPTURE_BYTES_MAX = 1 << 20, FLOOD = 500, LINES_PER_SECOND = 10 };

/* `te` with a value that core does not know and quotes: the beginning of a forged line. */
#define FORGED "\x1b[31m\r\nlevel=error"

static struct echo_fixture *fixture;
static int saved_stderr, capture;
static char captured[CAPTURE_BYTES_MAX + 1];

static int start(void **state)
{
    int result = echo_set_up(state);

    fixture = *state;
    log_configure(ERR_LEVEL_WARN, LOG_FORMAT_TEXT);
    capture = memfd_create("log", MFD_CLOEXEC);
    assert_int_equal(fcntl(capture, F_SETFL, O_APPEND), 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(capture, STDERR_FILENO) == STDERR_FILENO);
    return result;
}

static int stop(void **state)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(capture);
    log_configure(ERR_LEVEL_INFO, LOG_FORMAT_TEXT);
    return echo_tear_down(state);
}

static const char *read_log(void)
{
    ssize_t length = pread(capture, captured, CAPTURE_BYTES_MAX, 0);

    assert_true(length >= 0);
    captured[length] = '\0';
    return captured;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    while ((text = strstr(text, "grpc.core:"))) {
        count++;
        text++;
    }
    return count;
}

/* RFC 7541 section 6.2.2: a literal without indexing, by a new name. */
static size_t put_header(uint8_t *to, const char *name, const char *value)
{
    size_t length = 0;

    to[length++] = 0;
    to[length++] = (uint8_t)strlen(name);
    memcpy(to + length, name, strlen(name));
    length += strlen(name);
    to[length++] = (uint8_t)strlen(value);
    memcpy(to + length, value, strlen(value));
    return length + strlen(value);
}

/* RFC 9113: preface, empty SETTINGS, HEADERS with END_HEADERS on stream 1. */
static size_t make_request(uint8_t request[static 512])
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    size_t start = sizeof(preface) - 1, length = start + 9, size;

    memcpy(request, preface, start);
    request[length++] = 0x83; /* :method POST */
    request[length++] = 0x86; /* :scheme http */
    length += put_header(request + length, ":path", "/passgate.testing.EchoService/Echo");
    length += put_header(request + length, "content-type", "application/grpc");
    length += put_header(request + length, "te", FORGED);
    size = length - start - 9;
    memcpy(request + start, ((uint8_t[]){0, (uint8_t)(size >> 8), (uint8_t)size, 1, 4, 0, 0, 0, 1}),
           9);
    return length;
}

static void send_one(const uint8_t *request, size_t length)
{
    const char *address = echo_server_address(fixture->echo);
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port =
                                   htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint8_t answer[4096];

    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(send(fd, request, length, MSG_NOSIGNAL), (ssize_t)length);
    shutdown(fd, SHUT_WR);
    while (recv(fd, answer, sizeof(answer), 0) > 0)
        continue;
    close(fd);
}

static void what_a_peer_makes_core_say_is_escaped(void **state)
{
    uint8_t request[512];
    size_t length = make_request(request);

    (void)state;
    send_one(request, length);
    WAIT_FOR(fixture->client, count_lines(read_log()) > 0);
    assert_non_null(strstr(captured, "\\u001b[31m"));
    for (const char *at = captured; *at; at++)
        assert_true(*at == '\n' || (unsigned char)*at >= 0x20);
    /* Every line is one of ours, and none begins with what the peer has sent. */
    for (const char *at = captured; *at; at = strchr(at, '\n') + 1)
        assert_true(at[0] >= '0' && at[0] <= '9');
}

static void a_flood_is_a_few_lines_a_second_and_a_count_of_the_rest(void **state)
{
    int64_t begin_ns = clock_now_ns(), seconds;
    uint8_t request[512];
    size_t length = make_request(request), lines, left_out = 0;

    (void)state;
    for (int i = 0; i < FLOOD; i++)
        send_one(request, length);
    sleep(1);
    send_one(request, length); /* the first of another second tells what was left out */
    WAIT_FOR(fixture->client, !strstr(read_log(), "left_out=0") || count_lines(captured) > 0);
    seconds = (clock_now_ns() - begin_ns) / 1000000000 + 2;
    lines = count_lines(read_log());
    assert_in_range(lines, 1, (unsigned long)(seconds * LINES_PER_SECOND));
    for (const char *at = captured; (at = strstr(at, "left_out=")); at++)
        left_out += strtoul(at + strlen("left_out="), NULL, 10);
    assert_true(lines + left_out >= FLOOD);
    assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_peer_makes_core_say_is_escaped, start, stop),
        cmocka_unit_test_setup_teardown(a_flood_is_a_few_lines_a_second_and_a_count_of_the_rest,
                                        start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
