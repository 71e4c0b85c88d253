/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options: what must be true of every row. */
#include "config/option.h"
#include "config/section.h"
#include "config/source.h"
#include "config/value.h"
#include "unit/config/load.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void options_and_sections_are_sorted_by_name(void **state)
{
    (void)state;
    for (size_t i = 1; i < option_count; i++)
        assert_true(strcmp(options[i - 1].name, options[i].name) < 0);
    for (size_t i = 1; i < option_section_count; i++)
        assert_true(strcmp(option_sections[i - 1].name, option_sections[i].name) < 0);
}

static void every_option_is_in_a_section_and_every_section_has_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const char *dot = strchr(options[i].name, '.');

        assert_non_null(dot);
        assert_null(strchr(dot + 1, '.'));
        assert_non_null(
            option_section_find(span_of(options[i].name, (size_t)(dot - options[i].name))));
    }
    for (size_t i = 0; i < option_section_count; i++) {
        size_t count = 0;

        for (size_t j = 0; j < option_count; j++)
            count += option_is_in(&options[j], &option_sections[i]);
        assert_true(count > 0);
        assert_null(section_find(span_text(option_sections[i].name)));
    }
}

static void names_are_lower_case_and_give_unique_flags_and_variables(void **state)
{
    char flag[OPTION_NAME_MAX], variable[OPTION_NAME_MAX];

    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        for (const char *at = options[i].name; *at; at++)
            assert_true(islower((unsigned char)*at) || *at == '.' || *at == '_');
        assert_ptr_equal(option_find(span_text(options[i].name)), &options[i]);
        assert_ptr_equal(option_find_flag(span_text(option_flag(&options[i], flag))), &options[i]);
        option_variable(&options[i], variable);
        assert_ptr_equal(option_find_variable(span_text(variable)), &options[i]);
        assert_string_not_equal(flag, "--config");
        for (size_t j = 0; j < command_count; j++)
            assert_string_not_equal(flag, commands[j].flag);
        /* Kubernetes sets variables with these in them for services. */
        assert_null(strstr(variable, "_PORT"));
        assert_null(strstr(variable, "_SERVICE_"));
    }
    assert_string_equal(option_flag(option_find(span_text("listen.grpc_socket")), flag),
                        "--listen-grpc-socket");
    assert_string_equal(option_variable(option_find(span_text("listen.grpc_socket")), variable),
                        "PASSGATE_LISTEN_GRPC_SOCKET");
}

static void only_names_that_end_in_file_are_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const char *name = options[i].name;
        bool is_named = strcmp(name + strlen(name) - strlen("_file"), "_file") == 0;
        bool is_file = options[i].type == OPTION_FILE || options[i].type == OPTION_SECRET_FILE;

        assert_int_equal(is_named, is_file);
        if (strstr(name, "key_file") && strcmp(name, "audit.retention_key_file") != 0) /* public */
            assert_int_equal(options[i].type, OPTION_SECRET_FILE);
    }
}

static void every_row_has_help_and_numbers_have_a_range(void **state)
{
    char expectation[VALUE_EXPECTATION_MAX];

    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        bool is_number = option->type == OPTION_INTEGER || option->type == OPTION_BYTES ||
                         option->type == OPTION_DURATION;

        assert_true(strlen(option->help) > 0);
        assert_true(option->help[strlen(option->help) - 1] != '.');
        assert_int_equal(option->words != NULL, option->type == OPTION_WORD);
        if (is_number)
            assert_true(option->min >= 0 && option->min < option->max);
        assert_true(strlen(value_expectation(option, expectation)) < VALUE_EXPECTATION_MAX - 1);
        assert_true(value_placeholder(option)[0] != '\0');
    }
}

static void no_two_options_share_a_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(options[i].offset != options[j].offset);
}

/* Also: the tables of rules between options name options that exist; every load looks them up. */
static void the_defaults_load_without_a_finding(void **state)
{
    struct load defaults;

    (void)state;
    load(&defaults, NULL, NULL, NULL);
    assert_string_equal(load_findings(&defaults), "");
    assert_true(defaults.is_good);
    assert_int_equal(defaults.action, CONFIG_RUN);
    assert_string_equal(defaults.config->file, "");
    assert_int_equal(defaults.config->listen.grpc.count, 1);
    assert_string_equal(defaults.config->listen.grpc.rows[0].host, "127.0.0.1");
    assert_int_equal(defaults.config->listen.grpc.rows[0].port, 50051);
    assert_string_equal(defaults.config->store.place.path, "passgate-data/passgate.db");
    assert_int_equal(defaults.config->claims.lifetime_ms, 300000);
    assert_int_equal(defaults.config->cache.bytes, 256 << 20);
    assert_int_equal(defaults.config->log.level, ERR_LEVEL_INFO);
    assert_true(defaults.config->reflection.enabled);
    assert_int_equal(defaults.config->organizations.count, 0);
    assert_int_equal(defaults.config->caller_count, 0);
    load_release(&defaults);
}

static void defaults_that_depend_on_others_are_filled_in(void **state)
{
    struct load defaults, served;

    (void)state;
    load(&defaults, NULL, NULL, NULL);
    assert_string_equal(defaults.config->realm.audience, "http://127.0.0.1:8080");
    assert_int_equal(defaults.config->drain.time_ms, 69000);
    assert_int_equal(defaults.config->rpc.descriptors_min, 1024);
    load(&served, NULL,
         (const char *const[]){"--listen-http=0.0.0.0:8443", "--http-tls-certificate-file=cert.pem",
                               "--http-tls-key-file=key.pem",
                               "--realm-issuer=https://passgate.example",
                               "--rpc-connection-age=100s", NULL},
         NULL);
    assert_string_equal(load_findings(&served), "");
    assert_string_equal(served.config->realm.audience, "https://passgate.example");
    assert_int_equal(served.config->drain.time_ms, 115000);
    assert_int_equal(served.config->rpc.descriptors_min, 8192);
    load_release(&served);
    load_release(&defaults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_sections_are_sorted_by_name),
        cmocka_unit_test(every_option_is_in_a_section_and_every_section_has_options),
        cmocka_unit_test(names_are_lower_case_and_give_unique_flags_and_variables),
        cmocka_unit_test(only_names_that_end_in_file_are_files),
        cmocka_unit_test(every_row_has_help_and_numbers_have_a_range),
        cmocka_unit_test(no_two_options_share_a_field),
        cmocka_unit_test(the_defaults_load_without_a_finding),
        cmocka_unit_test(defaults_that_depend_on_others_are_filled_in),
    };

    return cmocka_run_group_tests(tests, load_folder_make, load_folder_remove);
}
