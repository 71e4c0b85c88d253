/* SPDX-License-Identifier: Apache-2.0 */
/* Precedence: a flag over the environment over the file over the default, for every option. */
#include "config/option.h"
#include "config/value.h"
#include "unit/config/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Two good values by type. */
static const char *const by_type[OPTION_TYPE_COUNT][2] = {
    [OPTION_TEXT] = {"one", "two"},
    [OPTION_NAME] = {"one", "two"},
    [OPTION_URL] = {"https://one.example", "https://two.example/base"},
    [OPTION_BOOL] = {"false", "true"},
    [OPTION_INTEGER] = {"10", "11"},
    [OPTION_BYTES] = {"1MiB", "2MiB"},
    [OPTION_DURATION] = {"5s", "6s"},
    [OPTION_PATH] = {"one", "two"},
    [OPTION_FILE] = {"cert.pem", "ca.pem"},
    [OPTION_SECRET_FILE] = {"key.pem", "hash.key"},
    [OPTION_ADDRESS] = {"127.0.0.1:4001", "127.0.0.1:4002"},
    [OPTION_ADDRESSES] = {"127.0.0.1:4003", "[::1]:4004"},
};

/* And where those would not do. */
static const struct {
    const char *name;
    const char *values[2];
} by_name[] = {
    {"audit.segment_bytes", {"128MiB", "256MiB"}},
    {"audit.ship_retain", {"none", "none"}},
    {"audit.ship_to", {"folder:one", "folder:two"}},
    {"claims.lifetime", {"40s", "50s"}},
    {"directives.source", {"folder", "folder"}},
    {"rpc.connection_age", {"70s", "80s"}},
    {"rpc.metadata_bytes_max", {"16KiB", "32KiB"}},
    {"store.url", {"sqlite:one.db", "sqlite:two.db"}},
};

static const char *value_of(const struct option *option, size_t index)
{
    for (size_t i = 0; i < ARRAY_LEN(by_name); i++)
        if (strcmp(by_name[i].name, option->name) == 0)
            return by_name[i].values[index];
    return option->words ? option->words[index] : by_type[option->type][index];
}

/* A file in which every option that names a file has one (some need each other), and `option` has
 * `value`. */
static const char *file_with(struct arena *arena, const struct option *option, const char *value)
{
    const char *file = "";

    for (size_t i = 0; i < option_section_count; i++) {
        file = arena_printf(arena, "%s%s: {", file, option_sections[i].name);
        for (size_t j = 0; j < option_count; j++) {
            bool is_file = options[j].type == OPTION_FILE || options[j].type == OPTION_SECRET_FILE;
            const char *key = strchr(options[j].name, '.') + 1;

            if (!option_is_in(&options[j], &option_sections[i]))
                continue;
            if (&options[j] == option)
                file = arena_printf(arena, "%s%s: \"%s\", ", file, key, value);
            else if (is_file)
                file = arena_printf(arena, "%s%s: %s, ", file, key, value_of(&options[j], 0));
        }
        file = arena_printf(arena, "%s}\n", file);
    }
    return file;
}

static void expect(struct load *load, const struct option *option, const char *value,
                   const char *source)
{
    const char *printed, *at;

    if (!load->is_good)
        fail_msg("%s: %s", option->name, load_findings(load));
    printed = load_printed(load);
    at = strstr(printed,
                arena_printf(&load->arena, "\n%.*s:\n",
                             (int)(strchr(option->name, '.') - option->name), option->name));
    assert_non_null(at);
    at = strstr(at, arena_printf(&load->arena, "\n  %s: ", strchr(option->name, '.') + 1)) + 1;
    at = arena_text(&load->arena, span_of(at, strcspn(at, "\n")));
    if (!strstr(at, value) || !strstr(at, arena_printf(&load->arena, "  # %s", source)))
        fail_msg("%s: `%s` from %s was expected, and there is `%s`", option->name, value, source,
                 at);
}

static void try_option(const struct option *option)
{
    char flag_name[OPTION_NAME_MAX], variable_name[OPTION_NAME_MAX];
    const char *one = value_of(option, 0), *two = value_of(option, 1);
    struct arena arena;
    struct load loads[4];
    const char *file, *flag, *variable;

    arena_init(&arena, 16 * 1024);
    file = file_with(&arena, option, one);
    flag = arena_printf(&arena, "%s=%s", option_flag(option, flag_name), one);
    variable = arena_printf(&arena, "%s=%s", option_variable(option, variable_name), two);

    load(&loads[0], file, (const char *const[]){"--print-config", NULL}, NULL);
    expect(&loads[0], option, one, "file passgate.yaml:");
    load(&loads[1], file, (const char *const[]){"--print-config", NULL},
         (const char *const[]){variable, NULL});
    expect(&loads[1], option, two, arena_printf(&arena, "environment %s", variable_name));
    load(&loads[2], file, (const char *const[]){"--print-config", flag, NULL},
         (const char *const[]){variable, NULL});
    expect(&loads[2], option, one, arena_printf(&arena, "flag %s", flag_name));
    load(&loads[3], file, (const char *const[]){flag_name, two, "--print-config", NULL}, NULL);
    expect(&loads[3], option, two, arena_printf(&arena, "flag %s", flag_name));
    for (size_t i = 0; i < ARRAY_LEN(loads); i++)
        load_release(&loads[i]);
    arena_release(&arena);
}

static void every_option_is_read_from_file_environment_and_flag_in_that_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++)
        try_option(&options[i]);
}

static void a_wrong_value_is_an_error_also_when_a_higher_source_overrides_it(void **state)
{
    struct load overridden;

    (void)state;
    load(&overridden, "log:\n  level: loud\n", (const char *const[]){"--log-level=warn", NULL},
         (const char *const[]){"PASSGATE_LOG_LEVEL=quiet", NULL});
    assert_false(overridden.is_good);
    assert_int_equal(overridden.diagnostics.error_count, 2);
    assert_non_null(strstr(load_findings(&overridden), "passgate.yaml:2:10: error: log.level"));
    assert_non_null(strstr(load_findings(&overridden), "PASSGATE_LOG_LEVEL: error: log.level"));
    load_release(&overridden);
}

static void the_last_of_two_equal_flags_wins(void **state)
{
    struct load twice;

    (void)state;
    load(&twice, NULL, (const char *const[]){"--log-level=warn", "--log-level=error", NULL}, NULL);
    assert_true(twice.is_good);
    assert_int_equal(twice.config->log.level, ERR_LEVEL_ERROR);
    load_release(&twice);
}

static void the_file_may_be_named_by_a_variable_and_a_flag_wins_over_it(void **state)
{
    struct load named, flagged;

    (void)state;
    load(&flagged, "log: {level: warn}\n", NULL,
         (const char *const[]){"PASSGATE_CONFIG=missing.yaml", NULL});
    assert_string_equal(load_findings(&flagged), "");
    assert_int_equal(flagged.config->log.level, ERR_LEVEL_WARN);
    load(&named, NULL, NULL, (const char *const[]){"PASSGATE_CONFIG=" LOAD_FILE, NULL});
    assert_string_equal(load_findings(&named), "");
    assert_int_equal(named.config->log.level, ERR_LEVEL_WARN);
    assert_string_equal(named.config->file, LOAD_FILE);
    load_release(&named);
    load_release(&flagged);
}

static void an_empty_variable_is_an_empty_value(void **state)
{
    struct load off;

    (void)state;
    load(&off, NULL, NULL, (const char *const[]){"PASSGATE_LISTEN_HTTP=", NULL});
    assert_true(off.is_good);
    assert_string_equal(off.config->listen.http.text, "");
    load_release(&off);
}

static void lists_are_yaml_or_separated_by_commas(void **state)
{
    struct load listed, flagged;

    (void)state;
    load(&listed, "listen:\n  grpc:\n    - 127.0.0.1:1\n    - \"[::1]:2\"\n", NULL, NULL);
    load(&flagged, NULL, (const char *const[]){"--listen-grpc", "127.0.0.1:1, [::1]:2", NULL},
         NULL);
    assert_true(listed.is_good && flagged.is_good);
    for (size_t i = 0; i < 2; i++) {
        const struct config *config = i == 0 ? listed.config : flagged.config;

        assert_int_equal(config->listen.grpc.count, 2);
        assert_string_equal(config->listen.grpc.rows[1].text, "[::1]:2");
        assert_string_equal(config->listen.grpc.rows[1].host, "::1");
        assert_int_equal(config->listen.grpc.rows[1].port, 2);
        assert_true(config->listen.grpc.rows[1].is_loopback);
    }
    assert_int_equal(listed.config->listen.grpc.rows[1].place.line, 4);
    load_release(&flagged);
    load_release(&listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_read_from_file_environment_and_flag_in_that_order),
        cmocka_unit_test(a_wrong_value_is_an_error_also_when_a_higher_source_overrides_it),
        cmocka_unit_test(the_last_of_two_equal_flags_wins),
        cmocka_unit_test(the_file_may_be_named_by_a_variable_and_a_flag_wins_over_it),
        cmocka_unit_test(an_empty_variable_is_an_empty_value),
        cmocka_unit_test(lists_are_yaml_or_separated_by_commas),
    };

    return cmocka_run_group_tests(tests, load_folder_make, load_folder_remove);
}
