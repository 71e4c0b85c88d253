/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed: the values in effect, help, and the example that ships. */
#include "config/option.h"
#include "unit/config/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Without the comments, which name other sources the second time. */
static const char *without_comments(struct arena *arena, const char *text)
{
    char *copy = arena_text(arena, span_text(text)), *to = copy;

    for (const char *at = text; *at;) {
        at += *at == '#' ? strcspn(at, "\n") : 0;
        if (*at)
            *to++ = *at++;
    }
    *to = '\0';
    return copy;
}

static void what_is_printed_loads_again_and_prints_the_same(void **state)
{
    static const char file[] =
        "listen: {grpc: [\"127.0.0.1:1\", \"[::1]:2\"], http: \"\"}\n"
        "tls: {certificate_file: cert.pem, key_file: key.pem, client_ca_file: ca.pem}\n"
        "audit: {folder: \"a b\\\\c\\\"d\", ring_bytes: 1234567, retention: 7d, ship_to: "
        "\"folder:/a b\", ship_late: 90m}\n"
        "cache: {fresh: 1500ms}\n"
        "callers:\n"
        "  - {id: \"null\", roles: [checker, submitter], disclose: decision}\n"
        "  - {id: \"CN=x, O=\\\"y\\\"\", roles: [attester]}\n"
        "  - {id: \"spiffe://corp/ns/*\", roles: [issuer], subjects: [\"a:\", b/], resources: "
        "[model/*], purposes: [\"no\"], calls_per_second: 9, calls_in_flight: 8, "
        "subjects_per_hour: 7}\n"
        "  - {id: \"apikey:a\", roles: [checker], api_keys: [{sha256: "
        "fd11a157836c4f3dae9fcd86861b8ceb1febefce0de87bd89110d24c3c6e3151, expires: "
        "2027-01-31T00:00:00+01:00}]}\n"
        "  - {id: \"apikey:b\", roles: [checker], api_keys: []}\n"
        "persons: [{id: \"~\", callers: [a.b, \"spiffe://corp/x\"], calls_in_flight: 3}]\n"
        "denied: [{id: \"spiffe://corp/ns/x\"}]\n"
        "legal_holds: [{id: \"no\", reason: \"a: b\", from: \"2026-06-12T00:00:00Z\", until: "
        "\"2026-06-13T00:00:00.5+01:00\"}, {id: x, reason: y}]\n"
        "organizations:\n"
        "  - {id: \":a\", self: true, attesters: [\"CN=x, O=\\\"y\\\"\"], place: XKX, kind: "
        "government}\n"
        "  - {id: \"b\"}\n";
    struct load first, second;
    const char *printed;

    (void)state;
    load(&first, file, (const char *const[]){"--print-config", "--log-level=debug", NULL}, NULL);
    assert_string_equal(load_findings(&first), "");
    printed = load_printed(&first);
    load(&second, printed, (const char *const[]){"--print-config", NULL}, NULL);
    assert_string_equal(load_findings(&second), "");
    assert_string_equal(without_comments(&first.arena, printed),
                        without_comments(&first.arena, load_printed(&second)));
    assert_int_equal(second.config->callers[1].disclose, CONFIG_DISCLOSE_NEXT_STEP);
    assert_int_equal(second.config->callers[0].roles,
                     1u << CONFIG_ROLE_CHECKER | 1u << CONFIG_ROLE_SUBMITTER);
    assert_string_equal(second.config->audit.folder, "a b\\c\"d");
    assert_int_equal(second.config->audit.ring_bytes, 1234567);
    assert_int_equal(second.config->audit.retention_ms, 7 * 86400000);
    assert_string_equal(second.config->audit.ship_place.path, "/a b");
    assert_int_equal(second.config->legal_holds[0].until_ms % 1000, 500);
    assert_false(second.config->legal_holds[1].has_until);
    load_release(&second);
    load_release(&first);
}

static void every_value_names_its_source(void **state)
{
    struct load loaded;
    const char *printed;

    (void)state;
    load(&loaded, "cache:\n  bytes: 64MiB\n",
         (const char *const[]){"--print-config", "--log-level", "debug", NULL},
         (const char *const[]){"PASSGATE_LOG_FORMAT=json", NULL});
    printed = load_printed(&loaded);
    assert_non_null(strstr(printed, "  bytes: 64MiB  # file passgate.yaml:2\n"));
    assert_non_null(strstr(printed, "  fresh: 30s  # default\n"));
    assert_non_null(strstr(printed, "  format: json  # environment PASSGATE_LOG_FORMAT\n"));
    assert_non_null(strstr(printed, "  level: debug  # flag --log-level\n"));
    load_release(&loaded);
}

static void the_content_of_secrets_is_never_printed(void **state)
{
    struct load loaded;

    (void)state;
    load(&loaded, NULL,
         (const char *const[]){"--print-config", "--store-hash-key-file=hash.key", NULL}, NULL);
    assert_non_null(strstr(load_printed(&loaded), "hash_key_file: hash.key"));
    assert_null(strstr(load_printed(&loaded), "hash key"));
    load_release(&loaded);
}

static void help_names_every_option_within_79_columns(void **state)
{
    char flag[OPTION_NAME_MAX];
    const char *printed;
    struct load loaded;

    (void)state;
    load(&loaded, NULL, (const char *const[]){"--log-level=info", "-h", NULL}, NULL);
    assert_int_equal(loaded.action, CONFIG_HELP);
    assert_null(loaded.config);
    printed = load_printed(&loaded);
    for (size_t i = 0; i < option_count; i++)
        assert_non_null(strstr(printed, option_flag(&options[i], flag)));
    assert_null(strstr(printed, "--print-config-reference"));
    for (const char *line = printed; *line; line += strcspn(line, "\n") + 1) {
        size_t columns = 0;

        for (const char *at = line; *at != '\n'; at++)
            columns += (*at & 0xc0) != 0x80;
        if (columns > 79)
            fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
    }
    load_release(&loaded);
}

static void help_wins_over_errors_and_other_commands(void **state)
{
    struct load loaded = {0};
    char *argv[] = {(char[]){"passgated"}, (char[]){"--check-config"}, (char[]){"--bogus"},
                    (char[]){"--help"}, NULL};

    (void)state;
    arena_init(&loaded.arena, 4096);
    diagnostics_init(&loaded.diagnostics, &loaded.arena);
    assert_true(config_load(4, argv, NULL, &loaded.arena, &loaded.diagnostics, &loaded.config,
                            &loaded.action));
    assert_int_equal(loaded.action, CONFIG_HELP);
    load_release(&loaded);
}

static void the_reference_has_every_option(void **state)
{
    const char *printed;
    struct load loaded;

    (void)state;
    load(&loaded, NULL, (const char *const[]){"--print-config-reference", NULL}, NULL);
    printed = load_printed(&loaded);
    for (size_t i = 0; i < option_count; i++)
        assert_non_null(
            strstr(printed, arena_printf(&loaded.arena, "\n| `%s`<br>", options[i].name)));
    assert_non_null(strstr(printed, "\n### organizations\n"));
    load_release(&loaded);
}

static void check_and_version_answer_in_one_line(void **state)
{
    struct load check, version;

    (void)state;
    load(&check, "{}\n", (const char *const[]){"--check-config", NULL}, NULL);
    assert_string_equal(load_printed(&check), "passgate.yaml: the configuration is good\n");
    load(&version, NULL, (const char *const[]){"--version", NULL}, NULL);
    assert_string_equal(load_printed(&version), "passgated " PASSGATE_VERSION "\n");
    assert_false(config_answer(CONFIG_RUN, check.config, stdout));
    load_release(&version);
    load_release(&check);
}

static void the_example_that_ships_loads_without_a_finding(void **state)
{
    struct arena arena;
    struct load loaded;

    (void)state;
    arena_init(&arena, 4096);
    load(&loaded, load_repository_file(&arena, "deploy/examples/passgate.yaml"), NULL, NULL);
    assert_string_equal(load_findings(&loaded), "");
    assert_true(loaded.is_good);
    assert_true(loaded.config->organizations.count >= 2);
    assert_non_null(loaded.config->organizations.rows);
    load_release(&loaded);
    arena_release(&arena);
}

/* `#x` and what is indented below it, `#  y`, is YAML that is off; `# z` is prose. */
static bool is_off(const char *hash)
{
    return hash[1] != '\n' && (hash[1] != ' ' || hash[2] == ' ');
}

/* The example with everything on that is off in it. */
static const char *switched_on(struct arena *arena, const char *example)
{
    char *text = arena_text(arena, span_text(example)), *to = text;

    for (const char *at = example; *at;) {
        size_t margin = strspn(at, " "), length = strcspn(at, "\n") + 1;

        if (at[margin] == '#' && is_off(at + margin)) {
            memcpy(to, at, margin);
            to += margin;
            at += margin + 1;
            length -= margin + 1;
        }
        memcpy(to, at, length);
        to += length;
        at += length;
    }
    *to = '\0';
    return text;
}

static void the_example_is_right_with_all_that_is_off_in_it_too(void **state)
{
    struct arena arena;
    struct load loaded;
    const char *example;

    (void)state;
    arena_init(&arena, 4096);
    example = load_repository_file(&arena, "deploy/examples/passgate.yaml");
    load(&loaded, switched_on(&arena, example), NULL, NULL);
    for (const struct diagnostic *entry = loaded.diagnostics.first; entry; entry = entry->next)
        if (!strstr(entry->message, "`/etc/passgate/"))
            fail_msg("line %d: %s", entry->line, entry->message);
    assert_int_equal(loaded.diagnostics.error_count, 6); /* certificates and credentials */
    load_release(&loaded);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_loads_again_and_prints_the_same),
        cmocka_unit_test(every_value_names_its_source),
        cmocka_unit_test(the_content_of_secrets_is_never_printed),
        cmocka_unit_test(help_names_every_option_within_79_columns),
        cmocka_unit_test(help_wins_over_errors_and_other_commands),
        cmocka_unit_test(the_reference_has_every_option),
        cmocka_unit_test(check_and_version_answer_in_one_line),
        cmocka_unit_test(the_example_that_ships_loads_without_a_finding),
        cmocka_unit_test(the_example_is_right_with_all_that_is_off_in_it_too),
    };

    return cmocka_run_group_tests(tests, load_folder_make, load_folder_remove);
}
