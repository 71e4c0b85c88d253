/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over TLS: what it shows, and how that is exchanged while it serves. */
#include "http_fixture.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char answer[ANSWER_MAX];

static bool run_shell(const char *command)
{
    return system(command) == 0; /* NOLINT(cert-env33-c): the commands are written here */
}

/* Two certificates, each with its key, and what is read of them. */
struct tls_world {
    char folder[64];
    struct arena arena;
    struct server_fixture fixture;
};

static const char *pem_of(struct tls_world *world, const char *name)
{
    const char *path = arena_printf(&world->arena, "%s/%s.pem", world->folder, name);
    struct span content;
    struct err err;

    if (!file_read(path, 64 * 1024, &world->arena, &content, &err))
        fail_msg("%s", err.detail);
    return (const char *)content.data;
}

static struct http_tls tls_of(struct tls_world *world, const char *certificate, const char *key)
{
    return (struct http_tls){pem_of(world, certificate), pem_of(world, key)};
}

/* Folder/a.pem with a_key.pem, b.pem with b_key.pem. */
static int make_tls_world(void **state)
{
    struct tls_world *world = memory_new(struct tls_world);

    arena_init(&world->arena, 16 * 1024);
    snprintf(world->folder, sizeof(world->folder), "/tmp/passgate-tls-XXXXXX");
    *state = world;
    return mkdtemp(world->folder) &&
                   run_shell(arena_printf(
                       &world->arena,
                       "cd %s && for i in a b; do openssl req -x509 -newkey ec -pkeyopt "
                       "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "
                       "${i}_key.pem -out $i.pem 2>/dev/null || exit 1; done",
                       world->folder))
               ? 0
               : -1;
}

static int free_tls_world(void **state)
{
    struct tls_world *world = *state;
    bool is_removed = run_shell(arena_printf(&world->arena, "rm -r %s", world->folder));

    arena_release(&world->arena);
    memory_free(world);
    return is_removed ? 0 : -1;
}

static bool ask_with_tls(struct tls_world *world, const char *flags)
{
    return run_shell(
        arena_printf(&world->arena,
                     "printf 'GET /ok HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | "
                     "timeout 10 openssl s_client -quiet -connect 127.0.0.1:%d %s 2>/dev/null | "
                     "grep -q hello",
                     http_server_port(world->fixture.server), flags));
}

/* Whether who connects now is shown the certificate `name`. */
static bool shows(struct tls_world *world, const char *name)
{
    return run_shell(arena_printf(
        &world->arena,
        "cd %s && timeout 10 openssl s_client -connect 127.0.0.1:%d </dev/null 2>/dev/null | "
        "openssl x509 2>/dev/null | cmp -s - %s.pem",
        world->folder, http_server_port(world->fixture.server), name));
}

static void with_a_certificate_the_server_speaks_tls_1_2_and_1_3_only(void **state)
{
    struct tls_world *world = *state;
    struct http_options options = {.address = "127.0.0.1:0"};
    struct http_server *server;
    struct err err = ERR_NONE;
    int fd;

    options.tls = tls_of(world, "a", "b_key");
    assert_false(http_server_new(&options, &server, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    options.tls.key = NULL;
    assert_false(http_server_new(&options, &server, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    options.tls = tls_of(world, "a", "a_key");
    options.address = "0.0.0.0:0";
    fixture_start(&world->fixture, &options);
    assert_true(ask_with_tls(world, "-tls1_2"));
    assert_true(ask_with_tls(world, "-tls1_3"));
    assert_false(ask_with_tls(world, "-tls1_1 -cipher DEFAULT@SECLEVEL=0"));
    fd = client_connect(&world->fixture);
    client_send(fd, "GET /ok HTTP/1.1\r\n\r\n", 20);
    assert_null(strstr(client_receive(fd, answer, false), "200"));
    close(fd);
    fixture_stop(&world->fixture, 100);
}

static size_t count_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    size_t count = 0;

    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void wait_for_threads(size_t count)
{
    for (int i = 0; i < 2000 && count_threads() != count; i++)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    assert_int_equal(count_threads(), count);
}

static void another_certificate_is_shown_to_who_connects_from_then_on(void **state)
{
    struct tls_world *world = *state;
    struct http_options options = {.address = "127.0.0.1:0", .tls = tls_of(world, "a", "a_key")};
    const struct http_tls other = tls_of(world, "b", "b_key");
    const struct http_tls wrong = tls_of(world, "b", "a_key");
    struct err err = ERR_NONE;
    size_t threads;

    fixture_start(&world->fixture, &options);
    threads = count_threads();
    assert_true(shows(world, "a"));
    assert_false(http_server_renew_tls(world->fixture.server, &wrong, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    assert_true(shows(world, "a"));
    assert_true(http_server_renew_tls(world->fixture.server, &other, &err));
    assert_true(shows(world, "b"));
    assert_true(ask_with_tls(world, ""));
    /* Nothing is left of the one before. */
    wait_for_threads(threads);
    fixture_stop(&world->fixture, 100);
}

/* Who is inside gets an answer, also one that is not there yet, and the word that it was the last.
 */
static void who_is_connected_meanwhile_gets_an_answer(void **state)
{
    struct tls_world *world = *state;
    struct http_options options = {.address = "127.0.0.1:0", .tls = tls_of(world, "a", "a_key")};
    const struct http_tls other = tls_of(world, "b", "b_key");
    struct err err = ERR_NONE;
    char line[256] = "", whole[4096] = "";
    size_t threads;
    FILE *client;

    fixture_start(&world->fixture, &options);
    threads = count_threads();
    client = popen(arena_printf(&world->arena,
                                "printf 'GET /park HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' | timeout 20 "
                                "openssl s_client -quiet -connect 127.0.0.1:%d 2>/dev/null",
                                http_server_port(world->fixture.server)),
                   "r");
    fixture_wait_parked(&world->fixture, 1);
    assert_true(http_server_renew_tls(world->fixture.server, &other, &err));
    assert_true(shows(world, "b"));
    fixture_answer_one(&world->fixture);
    while (!strstr(whole, "\r\n\r\n") && fgets(line, sizeof(line), client))
        snprintf(whole + strlen(whole), sizeof(whole) - strlen(whole), "%s", line);
    assert_non_null(strstr(whole, " 200 "));
    assert_non_null(strstr(whole, "Connection: close"));
    wait_for_threads(threads);
    pclose(client);
    fixture_stop(&world->fixture, 100);
}

static void plaintext_does_not_become_tls(void **state)
{
    struct tls_world *world = *state;
    const struct http_tls tls = tls_of(world, "a", "a_key");
    struct err err = ERR_NONE;

    fixture_start(&world->fixture, &(struct http_options){.address = "127.0.0.1:0"});
    assert_false(http_server_renew_tls(world->fixture.server, &tls, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    assert_non_null(
        strstr(client_ask(&world->fixture, "GET /ok HTTP/1.1\r\n" HOST "\r\n", answer), " 200 "));
    fixture_stop(&world->fixture, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tls_world, free_tls_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(with_a_certificate_the_server_speaks_tls_1_2_and_1_3_only),
        TEST(another_certificate_is_shown_to_who_connects_from_then_on),
        TEST(who_is_connected_meanwhile_gets_an_answer),
        TEST(plaintext_does_not_become_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
