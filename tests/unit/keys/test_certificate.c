/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of listeners: what is let through, why the rest is not, and files that change. */
#include "base/clock.h"
#include "keys/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t day_ms = INT64_C(86400000);
static char folder[] = "/tmp/passgate-certificate-XXXXXX";
static struct arena arena;
static int64_t now_ms;

static const char *path_of(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static int run_shell(const char *command)
{
    return system(command); /* NOLINT(cert-env33-c): the commands are written here */
}

static int set_up_all(void **state)
{
    const char *source = getenv("PASSGATE_SOURCE_DIR");
    int result;

    (void)state;
    arena_init(&arena, 16 * 1024);
    if (!source || !mkdtemp(folder))
        return -1;
    result = run_shell(arena_printf(
        &arena, "%s/tests/unit/keys/make_certificates.sh %s >%s/log 2>&1", source, folder, folder));
    now_ms = clock_wall_ms(&clock_system);
    return result;
}

static int tear_down_all(void **state)
{
    int result = run_shell(arena_printf(&arena, "rm -r %s", folder));

    (void)state;
    arena_release(&arena);
    return result;
}

static struct certificate_files files_of(const char *chain, const char *key, const char *authority)
{
    return (struct certificate_files){path_of(chain), path_of(key),
                                      authority ? path_of(authority) : NULL};
}

static bool check(const struct certificate_files *files, int64_t at_ms, int64_t *ret_expires_at_ms,
                  struct err *err)
{
    struct certificate certificate;
    bool is_good;

    *err = ERR_NONE;
    if (!certificate_read(files, &certificate, err))
        return false;
    is_good = certificate_check(files, &certificate, at_ms, err);
    *ret_expires_at_ms = certificate.expires_at_ms;
    certificate_release(&certificate);
    return is_good;
}

static void what_a_server_can_be_reached_with_is_let_through(void **state)
{
    static const struct {
        const char *chain, *key, *authority;
    } rows[] = {
        {"server.pem", "server.key", NULL},       {"server.pem", "server.key", "ca.pem"},
        {"chain.pem", "server.key", "ca.pem"},    {"next.pem", "next.key", "other_ca.pem"},
        {"any_use.pem", "any_use.key", "ca.pem"}, {"server.pem", "server.key", "bundle.pem"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct certificate_files files = files_of(rows[i].chain, rows[i].key, rows[i].authority);
        int64_t expires_at_ms = 0;
        struct err err;

        if (!check(&files, now_ms, &expires_at_ms, &err))
            fail_msg("%s: %s", rows[i].chain, err.detail);
        /* The authority in the chain has longer. */
        assert_true(expires_at_ms > now_ms + day_ms && expires_at_ms < now_ms + 3 * day_ms);
    }
}

static void what_nobody_could_use_is_refused_with_its_file_and_the_reason(void **state)
{
    static const struct {
        const char *chain, *key, *authority;
        int days;
        enum err_code code;
        const char *says, *names;
    } rows[] = {
        {"nobody.pem", "server.key", "ca.pem", 0, ERR_IO, "cannot open", "nobody.pem"},
        {"server.pem", "nobody.key", "ca.pem", 0, ERR_IO, "cannot open", "nobody.key"},
        {"server.pem", "server.key", "nobody.pem", 0, ERR_IO, "cannot open", "nobody.pem"},
        {"server.pem", "next.key", "ca.pem", 0, ERR_CONFIG_INVALID, "not the key of", "next.key"},
        {"server.pem", "open.key", "ca.pem", 0, ERR_CONFIG_INVALID, "open to everybody",
         "open.key"},
        {"server.pem", "locked.key", "ca.pem", 0, ERR_CONFIG_INVALID, "passphrase", "locked.key"},
        {"server.pem", "cut.key", "ca.pem", 0, ERR_CONFIG_INVALID, "no private key", "cut.key"},
        {"server.pem", "empty.pem", "ca.pem", 0, ERR_CONFIG_INVALID, "no private key", "empty.pem"},
        {"cut.pem", "server.key", "ca.pem", 0, ERR_CONFIG_INVALID, "no certificate in PEM",
         "cut.pem"},
        {"empty.pem", "server.key", "ca.pem", 0, ERR_CONFIG_INVALID, "no certificate in PEM",
         "empty.pem"},
        {"text.pem", "server.key", "ca.pem", 0, ERR_CONFIG_INVALID, "no certificate in PEM",
         "text.pem"},
        {"nul.pem", "server.key", "ca.pem", 0, ERR_CONFIG_INVALID, "NUL", "nul.pem"},
        {"server.pem", "server.key", "cut.pem", 0, ERR_CONFIG_INVALID, "no certificate in PEM",
         "cut.pem"},
        {"server.pem", "server.key", "next.pem", 0, ERR_CONFIG_INVALID, "no authority", "next.pem"},
        {"for_clients.pem", "for_clients.key", "ca.pem", 0, ERR_CONFIG_INVALID, "not for servers",
         "for_clients.pem"},
        {"nameless.pem", "nameless.key", "ca.pem", 0, ERR_CONFIG_INVALID, "names nothing",
         "nameless.pem"},
        {"mail_only.pem", "mail_only.key", "ca.pem", 0, ERR_CONFIG_INVALID, "names nothing",
         "mail_only.pem"},
        {"weak.pem", "weak.key", "ca.pem", 0, ERR_CONFIG_INVALID, "key too small", "weak.pem"},
        {"server.pem", "server.key", "ca.pem", 3, ERR_CONFIG_INVALID, "has expired", "server.pem"},
        {"server.pem", "server.key", "ca.pem", -1, ERR_CONFIG_INVALID, "not valid before",
         "server.pem"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct certificate_files files = files_of(rows[i].chain, rows[i].key, rows[i].authority);
        int64_t ignored = 0;
        struct err err;

        if (check(&files, now_ms + rows[i].days * day_ms, &ignored, &err))
            fail_msg("%s with %s is good", rows[i].chain, rows[i].key);
        assert_int_equal(err.code, rows[i].code);
        if (!strstr(err.detail, rows[i].says) || !strstr(err.detail, rows[i].names))
            fail_msg("\"%s\" says nothing of \"%s\" and %s", err.detail, rows[i].says,
                     rows[i].names);
    }
}

/* -- Files that change -- */

struct watched {
    struct certificate_watch watch;
    struct certificate_files files;
};

static void put(const char *from, const char *to)
{
    assert_int_equal(
        run_shell(arena_printf(&arena, "cd %s && cp %s w.new && mv w.new %s", folder, from, to)),
        0);
}

static void begin(struct watched *watched)
{
    struct certificate certificate;
    struct err err;

    put("server.pem", "w.pem");
    put("server.key", "w.key");
    put("ca.pem", "w_ca.pem");
    watched->files = files_of("w.pem", "w.key", "w_ca.pem");
    assert_true(
        certificate_watch_begin(&watched->watch, &watched->files, now_ms, &certificate, &err));
    certificate_release(&certificate);
}

/* What is found good is used. */
static enum certificate_finding look(struct watched *watched, int64_t at_ms, bool is_settled)
{
    struct certificate certificate;
    struct err err;
    enum certificate_finding finding =
        certificate_watch_look(&watched->watch, at_ms, is_settled, &certificate, &err);

    if (finding == CERTIFICATE_CHANGED) {
        certificate_watch_use(&watched->watch, &certificate);
        certificate_release(&certificate);
    }
    return finding;
}

static void a_change_counts_when_it_was_seen_twice(void **state)
{
    struct watched watched;

    (void)state;
    begin(&watched);
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_UNCHANGED);
    put("next.pem", "w.pem");
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_UNCHANGED);
    put("next.key", "w.key"); /* the pair is whole now, and was not seen twice */
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_UNCHANGED);
    assert_false(watched.watch.is_refused);
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_CHANGED);
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_UNCHANGED);
}

static void a_change_counts_at_once_when_somebody_says_so(void **state)
{
    struct watched watched;

    (void)state;
    begin(&watched);
    put("other_ca.pem", "w_ca.pem"); /* the authorities alone are a change as well */
    assert_int_equal(look(&watched, now_ms, true), CERTIFICATE_CHANGED);
}

static void what_is_refused_is_told_once_for_each_reason(void **state)
{
    struct watched watched;

    (void)state;
    begin(&watched);
    put("next.pem", "w.pem");
    assert_int_equal(look(&watched, now_ms, true), CERTIFICATE_REFUSED);
    assert_int_equal(look(&watched, now_ms, true), CERTIFICATE_UNCHANGED);
    assert_true(watched.watch.is_refused);
    put("cut.pem", "w.pem");
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_UNCHANGED);
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_REFUSED);
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_UNCHANGED);
    put("server.pem", "w.pem"); /* as it was */
    assert_int_equal(look(&watched, now_ms, true), CERTIFICATE_UNCHANGED);
    assert_false(watched.watch.is_refused);
    put("cut.pem", "w.pem"); /* it went away meanwhile: told again */
    assert_int_equal(look(&watched, now_ms, true), CERTIFICATE_REFUSED);
}

static void files_that_are_gone_are_refused_like_others(void **state)
{
    struct watched watched;

    (void)state;
    begin(&watched);
    unlink(path_of("w.key"));
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_UNCHANGED);
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_REFUSED);
    assert_true(watched.watch.is_refused);
    put("server.key", "w.key");
    assert_int_equal(look(&watched, now_ms, true), CERTIFICATE_UNCHANGED);
    assert_false(watched.watch.is_refused);
}

static void the_time_of_one_that_was_refused_may_come(void **state)
{
    struct watched watched;

    (void)state;
    begin(&watched);
    put("next.pem", "w.pem");
    put("next.key", "w.key");
    assert_int_equal(look(&watched, now_ms - day_ms, true), CERTIFICATE_REFUSED);
    assert_int_equal(look(&watched, now_ms - day_ms, false), CERTIFICATE_UNCHANGED);
    assert_int_equal(look(&watched, now_ms, false), CERTIFICATE_CHANGED);
    assert_false(watched.watch.is_refused);
}

/* One that the listener did not take, for a reason of its own. */
static void what_its_user_refuses_is_told_once_as_well(void **state)
{
    struct certificate certificate;
    struct watched watched;
    struct err err;

    (void)state;
    begin(&watched);
    put("next.pem", "w.pem");
    put("next.key", "w.key");
    assert_int_equal(certificate_watch_look(&watched.watch, now_ms, true, &certificate, &err),
                     CERTIFICATE_CHANGED);
    certificate_release(&certificate);
    err_set(&err, ERR_CONFIG_INVALID, "no");
    assert_int_equal(certificate_watch_refuse(&watched.watch, &err), CERTIFICATE_REFUSED);
    assert_true(watched.watch.is_refused);
    assert_int_equal(certificate_watch_refuse(&watched.watch, &err), CERTIFICATE_UNCHANGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_can_be_reached_with_is_let_through),
        cmocka_unit_test(what_nobody_could_use_is_refused_with_its_file_and_the_reason),
        cmocka_unit_test(a_change_counts_when_it_was_seen_twice),
        cmocka_unit_test(a_change_counts_at_once_when_somebody_says_so),
        cmocka_unit_test(what_is_refused_is_told_once_for_each_reason),
        cmocka_unit_test(files_that_are_gone_are_refused_like_others),
        cmocka_unit_test(the_time_of_one_that_was_refused_may_come),
        cmocka_unit_test(what_its_user_refuses_is_told_once_as_well),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
