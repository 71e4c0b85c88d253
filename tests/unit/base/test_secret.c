/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: nothing of them is left. */
#include "base/random.h"
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cmocka.h>

static void a_wiped_secret_is_zero_and_nothing_else_is_touched(void **state)
{
    uint8_t bytes[64], rest;

    (void)state;
    random_fill(bytes, sizeof(bytes));
    rest = bytes[48];
    secret_wipe(bytes, 48);
    for (size_t i = 0; i < 48; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(bytes[48], rest);
}

static void secrets_are_equal_when_every_byte_is(void **state)
{
    uint8_t first[32] = {0}, second[32] = {0};

    (void)state;
    assert_true(secret_equal(first, second, sizeof(first)));
    for (size_t i = 0; i < sizeof(first); i++) {
        second[i] = 1;
        assert_false(secret_equal(first, second, sizeof(first)));
        assert_true(secret_equal(first, second, i));
        second[i] = 0;
    }
}

static void a_process_that_hides_leaves_no_core_file(void **state)
{
    struct rlimit limit;
    struct err err;

    (void)state;
    assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
    assert_true(secret_hide_process(&err));
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_max, 0);
}

static void random_ids_differ(void **state)
{
    char ids[64][RANDOM_ID_MAX];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        random_id(ids[i]);
        assert_int_equal(strlen(ids[i]), RANDOM_ID_MAX - 1);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wiped_secret_is_zero_and_nothing_else_is_touched),
        cmocka_unit_test(secrets_are_equal_when_every_byte_is),
        cmocka_unit_test(a_process_that_hides_leaves_no_core_file),
        cmocka_unit_test(random_ids_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
