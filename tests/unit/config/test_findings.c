/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings: what is reported for which configuration, from findings.txt.
 *
 * A case there is its name behind `---`, then lines of any number of
 *     $ a flag
 *     @ a variable with its value
 *     = a finding as it is printed, or its beginning
 * and the other lines are the file (none at all: no file).  All findings are listed, in order.
 */
#include "unit/config/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LINES_MAX = 32 };

struct testcase {
    const char *name;
    const char *file;
    const char *flags[LINES_MAX + 1];
    const char *variables[LINES_MAX + 1];
    const char *findings[LINES_MAX + 1];
};

static void add(const char **list, const char *text)
{
    size_t count = 0;

    while (list[count])
        count++;
    assert_true(count < LINES_MAX);
    list[count] = text;
}

static void take_line(struct testcase *testcase, const char *line, struct arena *arena)
{
    if (strncmp(line, "$ ", 2) == 0)
        add(testcase->flags, line + 2);
    else if (strncmp(line, "@ ", 2) == 0)
        add(testcase->variables, line + 2);
    else if (strncmp(line, "= ", 2) == 0)
        add(testcase->findings, line + 2);
    else
        testcase->file = arena_printf(arena, "%s%s\n", testcase->file ? testcase->file : "", line);
}

/* True when every finding begins with its expectation and none is missing or left over. */
static bool is_as_expected(const struct testcase *testcase, const char *found)
{
    for (const char *const *expected = testcase->findings; *expected; expected++) {
        if (strncmp(found, *expected, strlen(*expected)) != 0)
            return false;
        found = strchr(found, '\n') + 1;
    }
    return *found == '\0';
}

static size_t run(const struct testcase *testcase)
{
    struct load tried;
    size_t failures = 0;

    load(&tried, testcase->file, testcase->flags, testcase->variables);
    if (!is_as_expected(testcase, load_findings(&tried))) {
        print_error("%s: found\n%s", testcase->name, load_findings(&tried));
        failures = 1;
    }
    load_release(&tried);
    return failures;
}

static void findings_are_as_the_cases_say(void **state)
{
    struct testcase testcase = {0};
    size_t failures = 0, count = 0;
    struct arena arena;
    char *rest, *line;

    (void)state;
    arena_init(&arena, 64 * 1024);
    rest = arena_text(&arena,
                      span_text(load_repository_file(&arena, "tests/unit/config/findings.txt")));
    while ((line = strsep(&rest, "\n"))) {
        bool is_name = strncmp(line, "--- ", 4) == 0;

        if (is_name && testcase.name)
            failures += run(&testcase);
        if (is_name)
            testcase = (struct testcase){.name = line + 4};
        else if (testcase.name && line[0])
            take_line(&testcase, line, &arena);
        count += is_name;
    }
    failures += run(&testcase);
    arena_release(&arena);
    assert_true(count > 50);
    assert_int_equal(failures, 0);
}

/* The line with its value gone: what stands behind the first colon with a blank behind it. */
static const char *blanked(struct arena *arena, const char *file, const char *line)
{
    const char *colon = strstr(line, ": "), *end = line + strcspn(line, "\n");

    if (!colon || colon > end)
        return NULL;
    return arena_printf(arena, "%.*s%s", (int)(colon + 1 - file), file, end);
}

/* Every line of `file` with a value, without it: an error in that line. */
static size_t blank_all(const char *file)
{
    size_t tried = 0;
    int number = 1;

    for (const char *line = file; *line; line += strcspn(line, "\n") + 1, number++) {
        struct load loaded;
        const char *broken, *place;

        load(&loaded, file, NULL, NULL);
        assert_string_equal(load_findings(&loaded), "");
        broken = blanked(&loaded.arena, file, line);
        if (broken && line[0] != '#') {
            struct load blank;

            load(&blank, broken, NULL, NULL);
            place = arena_printf(&blank.arena, "%s:%d:", LOAD_FILE, number);
            if (blank.is_good || !strstr(load_findings(&blank), place))
                fail_msg("line %d blank: found\n%s", number, load_findings(&blank));
            load_release(&blank);
            tried++;
        }
        load_release(&loaded);
    }
    return tried;
}

static void every_field_that_is_blank_is_an_error_in_its_line(void **state)
{
    static const char rows[] = "tls:\n"
                               "  certificate_file: cert.pem\n"
                               "  key_file: key.pem\n"
                               "  client_ca_file: ca.pem\n"
                               "callers:\n"
                               "  - id: spiffe://corp.example/hr\n"
                               "    roles: [attester]\n"
                               "    disclose: facts\n"
                               "organizations:\n"
                               "  - id: org/operator\n"
                               "    self: true\n"
                               "    attesters: [spiffe://corp.example/hr]\n"
                               "    place: USA\n"
                               "    kind: company\n";
    struct load defaults;

    (void)state;
    load(&defaults, NULL, (const char *const[]){"--print-config", NULL}, NULL);
    assert_true(blank_all(load_printed(&defaults)) > 40);
    assert_int_equal(blank_all(rows), 11);
    load_release(&defaults);
}

static void all_errors_of_all_sources_are_reported_at_once(void **state)
{
    struct load many;

    (void)state;
    load(&many, "log: {level: loud}\ncache: {byts: 1MiB}\n",
         (const char *const[]){"--rpc-workers=many", "--no-such-flag", NULL},
         (const char *const[]){"PASSGATE_CACHE_FRESH=soon", NULL});
    assert_false(many.is_good);
    assert_int_equal(many.diagnostics.error_count, 5);
    load_release(&many);
}

static void input_in_findings_is_short_and_on_one_line(void **state)
{
    char value[1000];
    struct load noisy;

    (void)state;
    memset(value, '\n', sizeof(value));
    memcpy(value, "--log-level=", strlen("--log-level="));
    value[sizeof(value) - 1] = '\0';
    load(&noisy, NULL, (const char *const[]){value, "--realm-name=\x1b[31mred\xff", NULL}, NULL);
    assert_int_equal(noisy.diagnostics.error_count, 2);
    for (const struct diagnostic *entry = noisy.diagnostics.first; entry; entry = entry->next) {
        assert_null(strpbrk(entry->message, "\n\x1b\xff"));
        assert_true(strlen(entry->message) < 300);
    }
    load_release(&noisy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_as_the_cases_say),
        cmocka_unit_test(every_field_that_is_blank_is_an_error_in_its_line),
        cmocka_unit_test(all_errors_of_all_sources_are_reported_at_once),
        cmocka_unit_test(input_in_findings_is_short_and_on_one_line),
    };

    return cmocka_run_group_tests(tests, load_folder_make, load_folder_remove);
}
