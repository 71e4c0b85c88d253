/* SPDX-License-Identifier: Apache-2.0 */
/* A server with a handler of each kind, and a client that sends bytes as they are. */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "http/http.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a request to it begins with, after its first line. */
#define HOST "Host: passgate.example\r\n"

enum { PARKED_MAX = 256 };

struct server_fixture {
    struct http_server *server;
    struct http_options options;
    struct http_group group;
    atomic_int handled;
    atomic_int observed;
    atomic_int last_status;

    pthread_mutex_t lock;
    struct http_exchange *parked[PARKED_MAX];
    size_t parked_count;
};

/*
 * Routes: GET /ok ("hello\n", ETag "v1"), GET /big (100,000 bytes), POST /echo (the body; up to
 * 1,000 bytes), GET /echo/{word}, GET /error (STORE_UNAVAILABLE), GET /forgets (no answer), GET /id
 * (the request id), GET and POST /park (answered by fixture_answer_one()), POST /guarded (admits
 * who has `X-Key: open`, wipes it, tells what is left of it and the body).
 */
void fixture_start(struct server_fixture *fixture, const struct http_options *options);
void fixture_stop(struct server_fixture *fixture, unsigned grace_ms);

/* For cmocka, which keeps the fixture as its state. */
int fixture_set_up(void **state, const struct http_options *options);
int fixture_tear_down(void **state);

/* Wait until so many are parked. */
void fixture_wait_parked(struct server_fixture *fixture, size_t count);
/* Answer the one that was parked last, with its body as the body. */
void fixture_answer_one(struct server_fixture *fixture);

int client_connect(const struct server_fixture *fixture);
void client_send(int fd, const char *text, size_t length);
/* One response: header and body as the header says; "" when the server has closed. */
enum { ANSWER_MAX = 128 * 1024 };
char *client_receive(int fd, char answer[static ANSWER_MAX], bool is_head);
/* Connect, send, receive one response, close. */
char *client_ask(const struct server_fixture *fixture, const char *request,
                 char answer[static ANSWER_MAX]);
/* True once the server has closed the connection, within `ms`. */
bool client_is_closed(int fd, int ms);

#endif
