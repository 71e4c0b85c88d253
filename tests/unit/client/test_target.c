/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: plaintext stays on this machine. */
#include "base/attributes.h"
#include "client/src/channel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

static void only_loopback_and_unix_sockets_are_local(void **state)
{
    static const struct {
        const char *target;
        bool is_local;
    } rows[] = {
        {"127.0.0.1:50051", true},
        {"127.9.9.9", true},
        {"localhost:1", true},
        {"dns:///localhost:1", true},
        {"[::1]:50051", true},
        {"::1", true},
        {"unix:/run/passgate.sock", true},
        {"unix-abstract:passgate", true},
        {"ipv4:127.0.0.1:1,127.0.0.2:2", true},
        {"ipv6:[::1]:1", true},
        {"ipv4:127.0.0.1:1,10.0.0.1:2", false},
        {"127.0.0.1.example.com:1", false},
        {"localhost.example.com", false},
        {"example.com:50051", false},
        {"dns://127.0.0.1/example.com", false},
        {"10.0.0.1:50051", false},
        {"0.0.0.0:50051", false},
        {"[::]:1", false},
        {"[::1", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (target_is_local(rows[i].target) != rows[i].is_local)
            fail_msg("%s is judged wrongly", rows[i].target);
}

static void impossible_options_are_refused_with_their_name(void **state)
{
    static const struct {
        struct passgate_options options;
        const char *field;
    } rows[] = {
        {{.target = "example.com:1"}, "target"},
        {{.key_file = "/nonexistent"}, "certificate_file"},
        {{.certificate_file = "/nonexistent"}, "key_file"},
        {{.max_attempts = 6}, "max_attempts"},
        {{.check_timeout_ms = -1}, "check_timeout_ms"},
        {{.ca_file = "/nonexistent"}, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct passgate_error error = {0};

        assert_null(passgate_client_new(&rows[i].options, &error));
        assert_int_equal(error.code, PASSGATE_INVALID_ARGUMENT);
        assert_string_equal(error.field, rows[i].field);
        assert_true(error.message[0] != '\0');
        assert_null(passgate_client_new(&rows[i].options, NULL));
    }
}

static void nothing_is_never_allowed(void **state)
{
    static const struct passgate_error error = {.code = PASSGATE_UNAVAILABLE};
    const struct passgate_decision contradictory = {.is_allowed = true, .error = &error};

    (void)state;
    assert_false(passgate_is_allowed(NULL));
    assert_false(passgate_is_allowed(&contradictory));
    passgate_free(NULL);
    passgate_client_free(NULL);
    assert_null(passgate_json(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_loopback_and_unix_sockets_are_local),
        cmocka_unit_test(impossible_options_are_refused_with_their_name),
        cmocka_unit_test(nothing_is_never_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
