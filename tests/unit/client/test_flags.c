/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: flags, commands, and what is said about wrong ones. */
#include "client/cli/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WORDS_MAX = 16 };

static bool parse(const char *const *words, struct arena *arena, struct flags *flags,
                  struct operands *operands, struct err *err)
{
    char *argv[WORDS_MAX + 1] = {(char *)(uintptr_t) "passgate"};
    int argc = 1;

    for (; *words; words++)
        argv[argc++] = (char *)(uintptr_t)*words;
    return flags_parse(argc, argv, arena, flags, operands, err);
}

static void flags_and_operands_mix(void **state)
{
    static const char *const words[] = {"--server", "unix:/x",       "check",  "-c",      "a=b",
                                        "alice",    "--context=c=d", "-ojson", "model/m", "--also",
                                        "bob",      "--reasons",     "--",     "-use",    NULL};
    struct operands operands;
    struct flags flags;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    assert_true(parse(words, &arena, &flags, &operands, &err));
    assert_string_equal(flags.server, "unix:/x");
    assert_int_equal(flags.context.count, 2);
    assert_string_equal(flags.context.items[1], "c=d");
    assert_string_equal(flags.also.items[0], "bob");
    assert_string_equal(flags.output, "json");
    assert_true(flags.reasons);
    assert_int_equal(operands.count, 4);
    assert_string_equal(operands.items[3], "-use");
    assert_true(flags.given & FLAG_BIT(FLAG_CONTEXT));
    assert_false(flags.given & FLAG_BIT(FLAG_STRICT));
    arena_release(&arena);
}

static void wrong_flags_say_what_would_be_right(void **state)
{
    static const struct {
        const char *words[4];
        const char *hint;
    } rows[] = {
        {{"--contxt", "a=b"}, "did you mean --context?"},
        {{"--audiense=x"}, "did you mean --audience?"},
        {{"--qqqqqqqq"}, "there is no flag --qqqqqqqq"},
        {{"-x"}, "there is no flag -x"},
        {{"--server"}, "--server ADDRESS"},
        {{"--reasons=yes"}, "takes no value"},
        {{"-o", "xml"}, "text|json"},
        {{"-o", "jso"}, "text|json"},
        {{"-o", ""}, "text|json"},
        {{"--timeout", "soon"}, "200ms"},
        {{"--timeout", "0"}, "200ms"},
        {{"--timeout", "-5s"}, "200ms"},
        {{"--timeout", "30h"}, "at most a day"},
    };
    struct operands operands;
    struct flags flags;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_false(parse(rows[i].words, &arena, &flags, &operands, &err));
        if (!strstr(err.detail, rows[i].hint))
            fail_msg("%s: %s", rows[i].words[0], err.detail);
    }
    arena_release(&arena);
}

static void durations_have_units(void **state)
{
    static const struct {
        const char *text;
        int ms;
    } rows[] = {{"200ms", 200}, {"5s", 5000},      {"0005s", 5000},
                {"2m", 120000}, {"24h", 86400000}, {"1d", 86400000}};
    static const char *const wrongs[] = {
        "",    "inf",  "5 s",   "5",    "0", "0s",  "-5s",
        "+5s", "1.5s", "0x10s", "1e3s", "s", "25h", "18446744073709551617ms"};
    int ms;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(flags_parse_duration(rows[i].text, &ms));
        assert_int_equal(ms, rows[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++)
        if (flags_parse_duration(wrongs[i], &ms))
            fail_msg("%s is a duration", wrongs[i]);
}

static void the_environment_is_below_the_command_line(void **state)
{
    static const char *const nothing[] = {NULL};
    static const char *const server[] = {"--server", "b:1", NULL};
    struct operands operands;
    struct flags flags;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    setenv("PASSGATE_SERVER", "a:1", 1);
    assert_true(parse(nothing, &arena, &flags, &operands, &err));
    assert_string_equal(flags.server, "a:1");
    assert_int_equal(flags.given, 0);
    assert_true(parse(server, &arena, &flags, &operands, &err));
    assert_string_equal(flags.server, "b:1");
    unsetenv("PASSGATE_SERVER");
    arena_release(&arena);
}

static void commands_are_found_by_their_words(void **state)
{
    static const struct {
        const char *words[3];
        const char *name;
        size_t used;
    } rows[] = {
        {{"check", "alice"}, "check", 1},
        {{"claim", "issue", "x"}, "claim issue", 2},
        {{"claim", "iss"}, NULL, 0},
        {{"claim"}, NULL, 0},
        {{"chec"}, NULL, 0},
        {{"directive", "lint"}, "directive lint", 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *words[3] = {rows[i].words[0], rows[i].words[1], rows[i].words[2]};
        struct operands operands = {words, words[1] ? words[2] ? 3 : 2 : 1};
        size_t used = 0;
        const struct command *command = command_find(&operands, &used);

        assert_int_equal(used, rows[i].used);
        if (rows[i].name)
            assert_string_equal(command->name, rows[i].name);
        else
            assert_null(command);
    }
}

/* A row that lacks something would only be noticed by the person who asks for help. */
static void every_row_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        assert_non_null(flag_table[i].name);
        assert_non_null(flag_table[i].help);
        assert_true((flag_table[i].kind == FLAG_KIND_SWITCH) == !flag_table[i].placeholder);
    }
    for (size_t i = 0; i < command_count; i++) {
        assert_non_null(command_table[i].run);
        assert_non_null(command_table[i].operands);
        assert_true(command_table[i].operand_max >= command_table[i].operand_min);
        assert_non_null(command_table[i].summary);
        assert_non_null(command_table[i].description);
        assert_non_null(command_table[i].example);
        assert_int_equal(command_table[i].flags & FLAGS_GLOBAL, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_operands_mix),
        cmocka_unit_test(wrong_flags_say_what_would_be_right),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(the_environment_is_below_the_command_line),
        cmocka_unit_test(commands_are_found_by_their_words),
        cmocka_unit_test(every_row_is_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
