/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client: where it goes, whom it believes, and what it gives up on. */
#include "base/file.h"
#include "base/memory.h"
#include "http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BIG_BYTES = 200000, TIMEOUT_MS = 20000 };

/* ---- whom it asks ---- */

static char big_body[BIG_BYTES];

static void answer(struct http_exchange *exchange, struct span body, const char *location)
{
    const struct http_header_line line = {"Location", location};

    http_answer(exchange, &(struct http_response){.status = location ? 302 : 200,
                                                  .content_type = "text/plain",
                                                  .body = body,
                                                  .headers = &line,
                                                  .header_count = location ? 1 : 0});
}

static void serve_ok(struct http_exchange *exchange, void *owner)
{
    (void)owner;
    answer(exchange, span_text("hello"), NULL);
}

static void serve_big(struct http_exchange *exchange, void *owner)
{
    (void)owner;
    answer(exchange, span_of(big_body, sizeof(big_body)), NULL);
}

static void serve_moved(struct http_exchange *exchange, void *owner)
{
    (void)owner;
    answer(exchange, span_text("elsewhere"), "/ok");
}

static void serve_echo(struct http_exchange *exchange, void *owner)
{
    (void)owner;
    answer(exchange, http_body(exchange), NULL);
}

static void serve_header(struct http_exchange *exchange, void *owner)
{
    const char *value = http_header(exchange, "X-Question");

    (void)owner;
    answer(exchange, span_text(value ? value : "none"), NULL);
}

/* Whoever parks has to answer: when the test is over. */
static _Atomic(struct http_exchange *) parked[4];
static atomic_size_t parked_count;

static void never(struct http_exchange *exchange, void *owner)
{
    size_t place = atomic_fetch_add(&parked_count, 1);

    (void)owner;
    if (place >= ARRAY_LEN(parked))
        abort();
    http_park(exchange);
    atomic_store(&parked[place], exchange);
}

static void answer_parked(void)
{
    for (size_t i = 0; i < ARRAY_LEN(parked); i++) {
        struct http_exchange *exchange = atomic_exchange(&parked[i], NULL);

        if (exchange)
            answer(exchange, span_text("at last"), NULL);
    }
    atomic_store(&parked_count, 0);
}

static const struct http_route routes[] = {
    {HTTP_GET, "/ok", serve_ok, 0, NULL},
    {HTTP_GET, "/big", serve_big, 0, NULL},
    {HTTP_GET, "/moved", serve_moved, 0, NULL},
    {HTTP_PUT, "/echo", serve_echo, BIG_BYTES, NULL},
    {HTTP_POST, "/echo", serve_echo, BIG_BYTES, NULL},
    {HTTP_GET, "/header", serve_header, 0, NULL},
    {HTTP_GET, "/never", never, 0, NULL},
};

struct world {
    char folder[64];
    struct arena arena;
    struct http_server *server;
    struct http_client *client;
    atomic_bool is_cancelled;
    struct http_reply reply;
    struct err err;
};

static const char *in_folder(struct world *world, const char *name)
{
    return arena_printf(&world->arena, "%s/%s", world->folder, name);
}

static void start(struct world *world, const struct http_tls *tls)
{
    const struct http_group group = {routes, ARRAY_LEN(routes), NULL};
    struct http_options options = {.address = "127.0.0.1:0", .groups = &group, .group_count = 1};

    if (tls)
        options.tls = *tls;
    if (!http_server_new(&options, &world->server, &world->err))
        fail_msg("%s", world->err.detail);
}

static void connect_with(struct world *world, const char *ca_file)
{
    world->client =
        http_client_new(&(struct http_client_options){.ca_file = ca_file,
                                                      .connect_timeout_ms = TIMEOUT_MS,
                                                      .is_cancelled = &world->is_cancelled});
}

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);

    memset(big_body, 'b', sizeof(big_body));
    arena_init(&world->arena, 64 * 1024);
    snprintf(world->folder, sizeof(world->folder), "/tmp/passgate-http-XXXXXX");
    *state = world;
    return mkdtemp(world->folder) ? 0 : -1;
}

static bool run_shell(const char *command)
{
    return system(command) == 0; /* NOLINT(cert-env33-c): the commands are written here */
}

static int tear_down(void **state)
{
    struct world *world = *state;
    bool is_removed;

    http_client_free(world->client);
    http_server_free(world->server, 0);
    answer_parked();
    is_removed = run_shell(arena_printf(&world->arena, "rm -r %s", world->folder));
    arena_release(&world->arena);
    memory_free(world);
    return is_removed ? 0 : -1;
}

static int set_up_plain(void **state)
{
    struct world *world;

    if (set_up(state) != 0)
        return -1;
    world = *state;
    start(world, NULL);
    connect_with(world, NULL);
    return 0;
}

static const char *url_of(struct world *world, const char *scheme, const char *host,
                          const char *path)
{
    return arena_printf(&world->arena, "%s://%s:%u%s", scheme, host,
                        (unsigned)http_server_port(world->server), path);
}

static bool send_request(struct world *world, struct http_request request)
{
    if (!request.timeout_ms)
        request.timeout_ms = TIMEOUT_MS;
    if (!request.response_bytes_max)
        request.response_bytes_max = 1024;
    return http_client_send(world->client, &request, &world->arena, &world->reply, &world->err);
}

static bool get(struct world *world, const char *url)
{
    return send_request(world, (struct http_request){.method = HTTP_CLIENT_GET, .url = url});
}

/* ---- what it does ---- */

static void an_answer_is_status_headers_and_body(void **state)
{
    struct world *world = *state;
    const struct http_header_line line = {"X-Question", "is it sent?"};

    assert_true(get(world, url_of(world, "http", "127.0.0.1", "/ok")));
    assert_int_equal(world->reply.status, 200);
    assert_true(span_is(world->reply.body, "hello"));
    assert_string_equal(http_client_header(world->client, "content-type"), "text/plain");
    assert_null(http_client_header(world->client, "x-nothing"));
    assert_true(get(world, url_of(world, "http", "localhost", "/nowhere")));
    assert_int_equal(world->reply.status, 404);
    assert_true(send_request(
        world, (struct http_request){.method = HTTP_CLIENT_GET,
                                     .url = url_of(world, "http", "127.0.0.1", "/header"),
                                     .headers = &line,
                                     .header_count = 1}));
    assert_true(span_is(world->reply.body, "is it sent?"));
    assert_true(send_request(
        world, (struct http_request){.method = HTTP_CLIENT_HEAD,
                                     .url = url_of(world, "http", "127.0.0.1", "/ok")}));
    assert_int_equal(world->reply.status, 200);
    assert_int_equal(world->reply.body.length, 0);
}

static void a_body_comes_from_memory_or_a_file(void **state)
{
    struct world *world = *state;
    const char *url = url_of(world, "http", "127.0.0.1", "/echo"), *file = in_folder(world, "body");
    struct span body = span_of(big_body, sizeof(big_body));

    assert_true(file_write_durably(file, body, 0600, &world->err));
    for (enum http_client_method method = HTTP_CLIENT_PUT; method <= HTTP_CLIENT_POST; method++) {
        assert_true(send_request(world, (struct http_request){.method = method,
                                                              .url = url,
                                                              .body = body,
                                                              .response_bytes_max = BIG_BYTES}));
        assert_true(span_equal(world->reply.body, body));
        assert_true(send_request(world, (struct http_request){.method = method,
                                                              .url = url,
                                                              .body_file = file,
                                                              .response_bytes_max = BIG_BYTES}));
        assert_true(span_equal(world->reply.body, body));
        assert_true(send_request(world, (struct http_request){.method = method, .url = url}));
        assert_int_equal(world->reply.body.length, 0);
    }
    assert_false(send_request(world, (struct http_request){.method = HTTP_CLIENT_PUT,
                                                           .url = url,
                                                           .body_file = in_folder(world, "none")}));
    assert_int_equal(world->err.code, ERR_IO);
}

static void plaintext_goes_to_loopback_only(void **state)
{
    static const char *const urls[] = {
        "http://example.com/",
        "http://10.0.0.1/",
        "http://127.evil.example/",
        "http://localhost.evil/",
        "http://[2001:db8::1]/",
        "http://user@127.0.0.1/",
        "https://user:pw@host/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:1/_x",
        "HTTP://169.254.169.254/",
        "127.0.0.1",
        "http://0.0.0.0/",
        "unix:/run/x",
        "",
    };
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        assert_false(get(world, urls[i]));
        if (world->err.code != ERR_CONFIG_INVALID)
            fail_msg("%s: %s", urls[i], world->err.detail);
    }
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
    struct world *world = *state;

    assert_true(get(world, url_of(world, "http", "127.0.0.1", "/moved")));
    assert_int_equal(world->reply.status, 302);
    assert_true(span_is(world->reply.body, "elsewhere"));
}

static void a_proxy_of_the_environment_is_not_asked(void **state)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "ALL_PROXY", "HTTPS_PROXY"};
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        setenv(names[i], "http://127.0.0.1:1", 1);
    assert_true(get(world, url_of(world, "http", "127.0.0.1", "/ok")));
    assert_int_equal(world->reply.status, 200);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
}

static void count_bytes(void *context, struct span piece)
{
    *(size_t *)context += piece.length;
}

static void a_longer_response_than_allowed_is_an_error(void **state)
{
    struct world *world = *state;
    const char *url = url_of(world, "http", "127.0.0.1", "/big");
    size_t taken = 0;

    assert_false(send_request(world, (struct http_request){.method = HTTP_CLIENT_GET,
                                                           .url = url,
                                                           .response_bytes_max = BIG_BYTES - 1}));
    assert_int_equal(world->err.code, ERR_MESSAGE_TOO_LARGE);
    assert_true(send_request(world, (struct http_request){.method = HTTP_CLIENT_GET,
                                                          .url = url,
                                                          .response_bytes_max = BIG_BYTES,
                                                          .take = count_bytes,
                                                          .context = &taken}));
    assert_int_equal(taken, BIG_BYTES);
    assert_int_equal(world->reply.body.length, 0);
}

static void whoever_does_not_answer_is_given_up(void **state)
{
    struct world *world = *state;
    struct http_request request = {.method = HTTP_CLIENT_GET,
                                   .url = url_of(world, "http", "127.0.0.1", "/never"),
                                   .timeout_ms = 50};

    assert_false(send_request(world, request));
    assert_int_equal(world->err.code, ERR_DEADLINE);
    request.timeout_ms = TIMEOUT_MS;
    atomic_store(&world->is_cancelled, true);
    assert_false(send_request(world, request));
    assert_int_equal(world->err.code, ERR_CANCELLED);
    atomic_store(&world->is_cancelled, false);
    assert_false(get(world, "http://127.0.0.1:1/"));
    assert_int_equal(world->err.code, ERR_IO);
}

static struct http_tls tls_of(struct world *world)
{
    const char *files[2] = {"a.pem", "a_key.pem"};
    struct span pem[2];

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (!file_read(in_folder(world, files[i]), 64 * 1024, &world->arena, &pem[i], &world->err))
            fail_msg("%s", world->err.detail);
    return (struct http_tls){(const char *)pem[0].data, (const char *)pem[1].data};
}

static void the_certificate_must_be_by_the_authority_and_name_the_host(void **state)
{
    struct world *world = *state;
    struct http_tls tls;

    assert_true(run_shell(arena_printf(
        &world->arena,
        "cd %s && for i in a b; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout "
        "${i}_key.pem -out $i.pem 2>/dev/null || exit 1; done",
        world->folder)));
    tls = tls_of(world);
    start(world, &tls);
    connect_with(world, in_folder(world, "a.pem"));
    assert_true(get(world, url_of(world, "https", "localhost", "/ok")));
    assert_int_equal(world->reply.status, 200);
    assert_false(get(world, url_of(world, "https", "127.0.0.1", "/ok")));
    assert_int_equal(world->err.code, ERR_IO);
    http_client_free(world->client);
    connect_with(world, in_folder(world, "b.pem"));
    assert_false(get(world, url_of(world, "https", "localhost", "/ok")));
    http_client_free(world->client);
    connect_with(world, NULL);
    assert_false(get(world, url_of(world, "https", "localhost", "/ok")));
    http_client_free(world->client);
    connect_with(world, in_folder(world, "none.pem"));
    assert_false(get(world, url_of(world, "https", "localhost", "/ok")));
}

int main(void)
{
#define ON_A_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up_plain, tear_down)
    const struct CMUnitTest tests[] = {
        ON_A_SERVER(an_answer_is_status_headers_and_body),
        ON_A_SERVER(a_body_comes_from_memory_or_a_file),
        ON_A_SERVER(plaintext_goes_to_loopback_only),
        ON_A_SERVER(a_redirect_is_an_answer_and_is_not_followed),
        ON_A_SERVER(a_proxy_of_the_environment_is_not_asked),
        ON_A_SERVER(a_longer_response_than_allowed_is_an_error),
        ON_A_SERVER(whoever_does_not_answer_is_given_up),
        cmocka_unit_test_setup_teardown(the_certificate_must_be_by_the_authority_and_name_the_host,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
