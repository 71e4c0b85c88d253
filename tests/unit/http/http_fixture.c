/* SPDX-License-Identifier: Apache-2.0 */
/* The server and the client that tests of the HTTP server use. */
#include "http_fixture.h"

#include "base/attributes.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void answer_text(struct http_exchange *exchange, struct span text)
{
    http_answer(exchange,
                &(struct http_response){.status = 200, .content_type = "text/plain", .body = text});
}

static void ok(struct http_exchange *exchange, void *owner)
{
    struct server_fixture *fixture = owner;
    const struct http_header_line line = {"X-Test", "yes"};

    atomic_fetch_add(&fixture->handled, 1);
    http_answer(exchange, &(struct http_response){.status = 200,
                                                  .content_type = "text/plain",
                                                  .body = span_text("hello\n"),
                                                  .etag = "\"v1\"",
                                                  .cache_control = "max-age=60",
                                                  .headers = &line,
                                                  .header_count = 1});
}

static void big(struct http_exchange *exchange, void *owner)
{
    static char body[100000];

    (void)owner;
    memset(body, 'b', sizeof(body));
    answer_text(exchange, span_of(body, sizeof(body)));
}

static void echo(struct http_exchange *exchange, void *owner)
{
    (void)owner;
    answer_text(exchange, http_body(exchange));
}

static void echo_word(struct http_exchange *exchange, void *owner)
{
    (void)owner;
    answer_text(exchange, http_parameter(exchange));
}

static void error(struct http_exchange *exchange, void *owner)
{
    struct err err;

    (void)owner;
    err_set(&err, ERR_STORE_UNAVAILABLE, "redis at 10.0.0.1 is gone");
    http_answer_err(exchange, &err);
}

static void forgets(struct http_exchange *exchange, void *owner)
{
    (void)exchange, (void)owner;
}

static void id(struct http_exchange *exchange, void *owner)
{
    (void)owner;
    answer_text(exchange, span_text(http_request_id(exchange)));
}

static void park(struct http_exchange *exchange, void *owner)
{
    struct server_fixture *fixture = owner;

    http_park(exchange);
    pthread_mutex_lock(&fixture->lock);
    if (fixture->parked_count == PARKED_MAX)
        abort();
    fixture->parked[fixture->parked_count++] = exchange;
    pthread_mutex_unlock(&fixture->lock);
}

static void guard(struct http_exchange *exchange, void *owner)
{
    const char *key = http_header(exchange, "X-Key");

    (void)owner;
    if (!key || strcmp(key, "open") != 0)
        http_answer(exchange, &(struct http_response){.status = 403});
}

/* What is left of the key once it is wiped, and the body. */
static void guarded(struct http_exchange *exchange, void *owner)
{
    struct server_fixture *fixture = owner;
    char text[64];

    atomic_fetch_add(&fixture->handled, 1);
    http_wipe_header(exchange, "X-Key");
    http_wipe_header(exchange, "X-None");
    snprintf(text, sizeof(text), "<%s> %.*s", http_header(exchange, "X-Key"),
             SPAN_FORMAT(http_body(exchange)));
    answer_text(exchange, span_text(text));
}

static const struct http_route routes[] = {
    {HTTP_GET, "/ok", ok, 0, NULL},         {HTTP_GET, "/big", big, 0, NULL},
    {HTTP_POST, "/echo", echo, 1000, NULL}, {HTTP_GET, "/echo/{word}", echo_word, 0, NULL},
    {HTTP_GET, "/error", error, 0, NULL},   {HTTP_GET, "/forgets", forgets, 0, NULL},
    {HTTP_GET, "/id", id, 0, NULL},         {HTTP_GET, "/park", park, 0, NULL},
    {HTTP_POST, "/park", park, 1000, NULL}, {HTTP_POST, "/guarded", guarded, 1000, guard},
};

static void observe(void *owner, const struct http_observation *observation)
{
    struct server_fixture *fixture = owner;

    atomic_store(&fixture->last_status, observation->status);
    atomic_fetch_add(&fixture->observed, 1);
}

void fixture_start(struct server_fixture *fixture, const struct http_options *options)
{
    struct err err = ERR_NONE;

    *fixture = (struct server_fixture){.options = *options};
    pthread_mutex_init(&fixture->lock, NULL);
    fixture->group = (struct http_group){routes, ARRAY_LEN(routes), fixture};
    fixture->options.groups = &fixture->group;
    fixture->options.group_count = 1;
    fixture->options.observe = observe;
    fixture->options.observer = fixture;
    if (!fixture->options.address)
        fixture->options.address = "127.0.0.1:0";
    if (!http_server_new(&fixture->options, &fixture->server, &err)) {
        fprintf(stderr, "%s\n", err.detail);
        abort();
    }
}

void fixture_stop(struct server_fixture *fixture, unsigned grace_ms)
{
    /* The lock stays: what was parked may still be answered. */
    http_server_free(fixture->server, grace_ms);
}

int fixture_set_up(void **state, const struct http_options *options)
{
    struct server_fixture *fixture = memory_new(struct server_fixture);

    fixture_start(fixture, options);
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct server_fixture *fixture = *state;

    fixture_stop(fixture, 0);
    memory_free(fixture);
    return 0;
}

static size_t parked_count(struct server_fixture *fixture)
{
    size_t count;

    pthread_mutex_lock(&fixture->lock);
    count = fixture->parked_count;
    pthread_mutex_unlock(&fixture->lock);
    return count;
}

void fixture_wait_parked(struct server_fixture *fixture, size_t count)
{
    while (parked_count(fixture) < count)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

void fixture_answer_one(struct server_fixture *fixture)
{
    struct http_exchange *exchange;

    pthread_mutex_lock(&fixture->lock);
    exchange = fixture->parked[--fixture->parked_count];
    pthread_mutex_unlock(&fixture->lock);
    answer_text(exchange, http_body(exchange));
}

int client_connect(const struct server_fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_server_port(fixture->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    return fd;
}

/* The server may have closed already: what it said is still to be read. */
void client_send(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t put = send(fd, text, length, MSG_NOSIGNAL);

        if (put <= 0)
            return;
        text += put;
        length -= (size_t)put;
    }
}

static size_t body_length(const char *header)
{
    const char *line = strcasestr(header, "\r\nContent-Length:");

    return line ? strtoul(line + 17, NULL, 10) : 0;
}

char *client_receive(int fd, char answer[static ANSWER_MAX], bool is_head)
{
    size_t length = 0, wanted = ANSWER_MAX - 1;

    answer[0] = '\0';
    while (length < wanted) {
        struct pollfd waiting = {fd, POLLIN, 0};
        const char *end;
        ssize_t got;

        if (poll(&waiting, 1, 20000) <= 0)
            break;
        got = recv(fd, answer + length, wanted == ANSWER_MAX - 1 ? 1 : wanted - length, 0);
        if (got <= 0)
            break;
        length += (size_t)got;
        answer[length] = '\0';
        end = wanted == ANSWER_MAX - 1 ? strstr(answer, "\r\n\r\n") : NULL;
        if (end)
            wanted = length + (is_head ? 0 : body_length(answer));
    }
    return answer;
}

char *client_ask(const struct server_fixture *fixture, const char *request,
                 char answer[static ANSWER_MAX])
{
    int fd = client_connect(fixture);

    client_send(fd, request, strlen(request));
    client_receive(fd, answer, strncmp(request, "HEAD ", 5) == 0);
    close(fd);
    return answer;
}

bool client_is_closed(int fd, int ms)
{
    struct pollfd waiting = {fd, POLLIN, 0};
    char byte;

    return poll(&waiting, 1, ms) > 0 && recv(fd, &byte, 1, 0) <= 0;
}
