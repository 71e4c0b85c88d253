/* SPDX-License-Identifier: Apache-2.0 */
/* Redis over TLS: who is believed, who is not, and that this is said and never waited out. */
#include "contract/redis_certificates.h"
#include "contract/redis_fixture.h"
#include "contract/redis_store.h"

#include "base/attributes.h"
#include "base/timestamp.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SKIPPED = 77, SLACK_MS = 2000, MANY = 300, BIG_BYTES = 60000 };

static struct redis_tls_server server;

/* Start the fixture's server again, with that certificate. */
static void serve(struct redis_fixture *fixture, const char *certificate, bool asks_clients)
{
    redis_tls_server_init(&server, certificate, asks_clients);
    redis_server_kill(&fixture->server);
    fixture->server.arguments = server.arguments;
    redis_server_start(&fixture->server, fixture->folder);
}

static void assert_refused(const struct redis_options *options, enum err_code code,
                           const char *detail)
{
    int64_t began_ms = clock_now_ns() / 1000000;
    struct store *store = NULL;
    struct err err;

    assert_false(redis_open(options, &store, &err));
    assert_in_range(clock_now_ns() / 1000000 - began_ms, 0, options->connect_timeout_ms + SLACK_MS);
    if (err.code != code || !strstr(err.detail, detail))
        fail_msg("wanted %s \"%s\", not %s \"%s\"", err_reason(code), detail, err_reason(err.code),
                 err.detail);
}

/* Whom to believe. */

static void a_server_that_proves_its_name_or_its_address_is_believed(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    serve(fixture, "server", false);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        redis_tls_options(&options, &server, hosts[i], "ca", NULL);
        redis_fixture_open(fixture, i, &options);
        redis_fixture_must_write(fixture, (unsigned)i, hosts[i]);
    }
    redis_fixture_assert_value(fixture, 1, 0, hosts[0]);
}

/* What the server shows, whom we ask for, believe and are, and what is said then. */
static const struct row {
    const char *certificate;
    const char *host;
    const char *authority;
    const char *client;
    const char *text;
    bool asks_clients;
} rows[] = {
    {"foreign", "127.0.0.1", "ca", NULL, "no authority of store.ca_file signed it", false},
    {"server", "127.0.0.1", "unknown_ca", NULL, "no authority of store.ca_file signed it", false},
    {"expired", "127.0.0.1", "ca", NULL, "it has expired", false},
    {"early", "127.0.0.1", "ca", NULL, "it is not valid yet", false},
    {"other", "localhost", "ca", NULL, "not for the name in store.url", false},
    {"other", "127.0.0.1", "ca", NULL, "not for the address in store.url", false},
    {"named", "127.0.0.1", "ca", NULL, "not for the address in store.url", false},
    {"subject_only", "localhost", "ca", NULL, "not for the name in store.url", false},
    {"for_clients", "localhost", "ca", NULL, "purpose", false},
    {"server", "127.0.0.1", "ca", NULL, "set store.certificate_file", true},
    {"server", "127.0.0.1", "ca", "stranger", "the authority that signed store.certificate_file",
     true},
};

static void everybody_else_is_refused_at_once(void **state)
{
    struct redis_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct redis_options options = redis_fixture_options(fixture);

        serve(fixture, rows[i].certificate, rows[i].asks_clients);
        redis_tls_options(&options, &server, rows[i].host, rows[i].authority, rows[i].client);
        assert_refused(&options, ERR_CONFIG_INVALID, rows[i].text);
    }
}

static void the_clients_certificate_is_shown(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    serve(fixture, "server", true);
    redis_tls_options(&options, &server, "127.0.0.1", "ca", "client");
    redis_fixture_open(fixture, 0, &options);
    redis_fixture_must_write(fixture, 1, "text");
}

static void files_that_cannot_be_used_are_named(void **state)
{
    static const struct {
        const char *authority;
        const char *client;
        const char *text;
    } files[] = {
        {"none", NULL, "none.pem: No such file or directory"},
        {"empty", NULL, "store.ca_file: "},
        {"ca", "none", "store.certificate_file: "},
        {"ca", "empty", "store.certificate_file: "},
    };
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    char key[REDIS_TLS_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        redis_tls_options(&options, &server, "localhost", files[i].authority, files[i].client);
        assert_refused(&options, ERR_CONFIG_INVALID, files[i].text);
    }
    redis_tls_options(&options, &server, "localhost", "ca", "client");
    snprintf(key, sizeof(key), "%s/server.key", redis_certificates());
    options.tls_key_file = key;
    assert_refused(&options, ERR_CONFIG_INVALID, "key values mismatch");
    /* It must not ask the terminal. */
    snprintf(key, sizeof(key), "%s/sealed.key", redis_certificates());
    assert_refused(&options, ERR_CONFIG_INVALID, "store.key_file: ");
    options.tls_key_file = NULL;
    assert_refused(&options, ERR_CONFIG_INVALID, "need one another");
    options.tls_ca_file = NULL;
    assert_refused(&options, ERR_CONFIG_INVALID, "store.ca_file");
}

/* Who speaks no TLS. */

static void a_server_without_tls_is_refused(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    const char *const plain[] = {"--port", server.port_text, NULL};

    redis_tls_server_init(&server, "server", false);
    redis_server_kill(&fixture->server);
    fixture->server.arguments = plain;
    redis_server_start(&fixture->server, fixture->folder);
    redis_tls_options(&options, &server, "127.0.0.1", "ca", NULL);
    options.connect_timeout_ms = 500;
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "TLS");
}

/* Somebody who answers every connection with the same bytes, or with none. */
static pid_t babble(uint16_t port, const char *text)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    pid_t pid;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void)!write(accept(fd, NULL, NULL), text, strlen(text));
    }
    close(fd);
    return pid;
}

static void a_port_that_is_no_redis_is_refused(void **state)
{
    static const struct {
        const char *says;
        enum err_code code;
        const char *text;
    } babblers[] = {
        {"", ERR_STORE_UNAVAILABLE, "TLS"},
        {"-ERR Protocol error\r\n", ERR_CONFIG_INVALID, "does not speak TLS on this port"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", ERR_CONFIG_INVALID, "does not speak TLS"},
    };
    struct redis_options options = redis_fixture_options(*state);
    struct redis_tls_server other = {.port = redis_server_free_port()};

    redis_tls_options(&options, &other, "127.0.0.1", "ca", NULL);
    options.connect_timeout_ms = 500;
    for (size_t i = 0; i < ARRAY_LEN(babblers); i++) {
        pid_t pid = babble(other.port, babblers[i].says);

        assert_refused(&options, babblers[i].code, babblers[i].text);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static void a_server_with_tls_only_is_not_spoken_to_in_the_clear(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    serve(fixture, "server", false);
    redis_tls_options(&options, &server, "127.0.0.1", "ca", NULL);
    options.is_tls = false;
    options.connect_timeout_ms = 500;
    assert_refused(&options, ERR_STORE_UNAVAILABLE, "");
}

/* While it runs. */

static void copy(const char *authority, const char *path)
{
    char command[512];

    snprintf(command, sizeof(command), "cp '%s/%s.pem' '%s'", redis_certificates(), authority,
             path);
    if (system(command) != 0)
        abort();
}

static void another_authority_is_believed_as_soon_as_its_file_is_there(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    char path[128];

    serve(fixture, "server", false);
    redis_tls_options(&options, &server, "127.0.0.1", "ca", NULL);
    snprintf(path, sizeof(path), "%s/authority", fixture->folder);
    copy("ca", path);
    options.tls_ca_file = path;
    redis_fixture_open(fixture, 0, &options);
    redis_fixture_must_write(fixture, 1, "text");
    serve(fixture, "foreign", false);
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "lost"),
                               ERR_STORE_UNAVAILABLE, NULL);
    usleep(200 * 1000);
    redis_fixture_assert_fails(fixture, redis_fixture_write(fixture, 1, "lost"),
                               ERR_STORE_UNAVAILABLE, "no authority of store.ca_file signed it");
    copy("unknown_ca", path);
    redis_store_wait_until_up(fixture->replicas[0].store);
    redis_fixture_assert_value(fixture, 0, 1, "text");
}

/* More than a socket takes at once: writes stop half-way, and more is said behind them. */
static void what_is_big_and_much_arrives_whole(void **state)
{
    static uint8_t bytes[BIG_BYTES];
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);
    struct store_request *requests[MANY];
    size_t answered;

    serve(fixture, "server", false);
    redis_tls_options(&options, &server, "127.0.0.1", "ca", NULL);
    options.stall_timeout_ms = PATIENCE_MS;
    redis_fixture_open(fixture, 0, &options);
    memset(bytes, 'x', sizeof(bytes));
    answered = fixture->answered;
    redis_server_pause(&fixture->server, true);
    for (unsigned i = 0; i < MANY; i++) {
        requests[i] = redis_fixture_request(fixture, STORE_WRITE);
        store_request_put(requests[i], redis_fixture_key(i), TIMESTAMP_NEVER_MS,
                          span_of(bytes, sizeof(bytes)));
        store_submit(fixture->replicas[0].store, requests[i]);
        if (i % 10 == 0)
            usleep(2000);
    }
    redis_server_pause(&fixture->server, false);
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, answered + MANY);
    for (unsigned i = 0; i < MANY; i++) {
        if (!requests[i]->is_ok)
            fail_msg("%s: %s", err_reason(requests[i]->err.code), requests[i]->err.detail);
        store_request_free(requests[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        requests[i] = redis_fixture_request(fixture, STORE_READ);
        store_request_key(requests[i], redis_fixture_key(i));
        store_submit(fixture->replicas[0].store, requests[i]);
    }
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, answered + 2 * (size_t)MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(requests[i]->is_ok);
        assert_true(span_equal(requests[i]->values[0].data, span_of(bytes, sizeof(bytes))));
        store_request_free(requests[i]);
    }
}

static void cut_and_made_again(void **state)
{
    struct redis_fixture *fixture = *state;
    struct redis_options options = redis_fixture_options(fixture);

    serve(fixture, "server", false);
    redis_tls_options(&options, &server, "127.0.0.1", "ca", NULL);
    redis_fixture_open(fixture, 0, &options);
    for (unsigned i = 0; i < 10; i++) {
        redis_server_do(&fixture->server, "CLIENT KILL TYPE normal SKIPME yes");
        redis_store_wait_until_up(fixture->replicas[0].store);
        redis_fixture_must_write(fixture, i, "text");
        redis_fixture_assert_value(fixture, 0, i, "text");
    }
    assert_int_equal(fixture->replicas[0].reset_count, 0);
}

/* Where there is none. */

static void without_tls_in_hiredis_it_is_said_what_to_do(void **state)
{
    const struct redis_options options = {
        .host = "redis.example",
        .port = 6380,
        .is_tls = true,
        .tls_ca_file = "/nonexistent",
        .prefix = "tls",
        .hash_key_id = "k1",
        .partition_count = 1,
        .clock = &clock_system,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .stall_timeout_ms = STALL_TIMEOUT_MS,
    };

    (void)state;
    assert_refused(&options, ERR_CONFIG_INVALID,
                   redis_tls_is_built() ? "store.ca_file: /nonexistent: No such file"
                                        : "rediss:// needs hiredis 1.0 or newer");
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, redis_fixture_set_up, redis_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest anywhere[] = {
        cmocka_unit_test(without_tls_in_hiredis_it_is_said_what_to_do),
    };
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_proves_its_name_or_its_address_is_believed),
        TEST(everybody_else_is_refused_at_once),
        TEST(the_clients_certificate_is_shown),
        TEST(files_that_cannot_be_used_are_named),
        TEST(a_server_without_tls_is_refused),
        TEST(a_port_that_is_no_redis_is_refused),
        TEST(a_server_with_tls_only_is_not_spoken_to_in_the_clear),
        TEST(another_authority_is_believed_as_soon_as_its_file_is_there),
        TEST(what_is_big_and_much_arrives_whole),
        TEST(cut_and_made_again),
    };
    int failed;

    signal(SIGPIPE, SIG_IGN); /* as passgated does: OpenSSL writes without MSG_NOSIGNAL */
    failed = cmocka_run_group_tests(anywhere, NULL, NULL);
    if (failed != 0 || !redis_tls_is_built())
        return failed;
    if (!redis_server_is_installed()) {
        fprintf(stderr, "skipped: there is no redis-server\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
