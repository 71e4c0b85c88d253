/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole or not at all. */
#include "base/file.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    char folder[64];
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);

    arena_init(&fixture->arena, 4096);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/passgate-file-XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char *command = arena_printf(&fixture->arena, "rm -rf '%s'", fixture->folder);
    int status = system(command);

    arena_release(&fixture->arena);
    memory_free(fixture);
    return status;
}

static char *path_of(struct fixture *fixture, const char *name)
{
    return arena_printf(&fixture->arena, "%s/%s", fixture->folder, name);
}

static void write_file(struct fixture *fixture, const char *name, struct span content)
{
    struct err err;

    assert_true(file_write_durably(path_of(fixture, name), content, 0600, &err));
}

static unsigned mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void what_was_written_is_read(void **state)
{
    static const size_t sizes[] = {0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100000};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        uint8_t *bytes = arena_zalloc(&fixture->arena, sizes[i] + 1);
        struct span content;
        struct err err;

        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (uint8_t)(k * 131);
        write_file(fixture, "file", span_of(bytes, sizes[i]));
        assert_true(file_read(path_of(fixture, "file"), sizes[i], &fixture->arena, &content, &err));
        assert_true(span_equal(content, span_of(bytes, sizes[i])));
        assert_int_equal(content.data[content.length], '\0');
    }
}

static void a_file_above_the_bound_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct span content = span_text("untouched");
    struct err err;

    write_file(fixture, "file", span_text("12345"));
    assert_false(file_read(path_of(fixture, "file"), 4, &fixture->arena, &content, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_true(span_is(content, "untouched"));
}

static void what_cannot_be_read_says_why(void **state)
{
    struct fixture *fixture = *state;
    struct span content;
    struct err err;

    assert_false(file_read(path_of(fixture, "none"), 10, &fixture->arena, &content, &err));
    assert_non_null(strstr(err.detail, "No such file"));
    assert_false(file_read(fixture->folder, 10, &fixture->arena, &content, &err));
    assert_non_null(strstr(err.detail, "Is a directory"));
}

static void a_pipe_that_nobody_writes_to_is_empty_and_waits_for_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct span content;
    struct err err = ERR_NONE;

    assert_int_equal(mkfifo(path_of(fixture, "pipe"), 0600), 0);
    alarm(20); /* instead of waiting for ever */
    assert_true(file_read(path_of(fixture, "pipe"), 10, &fixture->arena, &content, &err));
    alarm(0);
    assert_int_equal(content.length, 0);
}

static void what_comes_through_a_pipe_is_read_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    struct span content;
    struct err err = ERR_NONE;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "late", 4), 4);
    close(ends[1]);
    assert_true(file_read(arena_printf(&fixture->arena, "/dev/fd/%d", ends[0]), 10, &fixture->arena,
                          &content, &err));
    assert_true(span_is(content, "late"));
    close(ends[0]);
}

static void a_written_file_replaces_the_old_one_with_its_own_mode(void **state)
{
    struct fixture *fixture = *state;
    char *path = path_of(fixture, "file");
    struct span content;
    struct err err;

    write_file(fixture, "file", span_text("a long content"));
    assert_true(file_write_durably(path, span_text("new"), 0640, &err));
    assert_true(file_read(path, 100, &fixture->arena, &content, &err));
    assert_true(span_is(content, "new"));
    assert_int_equal(mode_of(path), 0640);
    assert_int_not_equal(access(path_of(fixture, "file.new"), F_OK), 0);
}

static void what_a_crash_has_left_lends_no_mode_and_no_target(void **state)
{
    struct fixture *fixture = *state;
    char *path = path_of(fixture, "file"), *left = path_of(fixture, "file.new");
    struct span content;
    struct err err;

    write_file(fixture, "other", span_text("mine"));
    assert_int_equal(symlink(path_of(fixture, "other"), left), 0);
    assert_true(file_write_durably(path, span_text("secret"), 0600, &err));
    assert_int_equal(mode_of(path), 0600);
    assert_true(file_read(path_of(fixture, "other"), 100, &fixture->arena, &content, &err));
    assert_true(span_is(content, "mine"));
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    struct fixture *fixture = *state;
    struct span content;
    struct err err;

    write_file(fixture, "file", span_text("old"));
    assert_int_equal(mkdir(path_of(fixture, "file.new"), 0700), 0);
    assert_false(file_write_durably(path_of(fixture, "file"), span_text("new"), 0600, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_true(file_read(path_of(fixture, "file"), 100, &fixture->arena, &content, &err));
    assert_true(span_is(content, "old"));
    assert_false(
        file_write_durably(path_of(fixture, "no/folder/here"), span_text("x"), 0600, &err));
}

static void a_folder_is_made_with_those_above_it(void **state)
{
    struct fixture *fixture = *state;
    char *path = path_of(fixture, "a/b/c");
    struct err err;

    assert_true(file_make_folder(path, &err));
    assert_true(file_make_folder(path, &err));
    assert_int_equal(mode_of(path), 0700);
    write_file(fixture, "file", span_text("x"));
    assert_false(file_make_folder(path_of(fixture, "file/sub"), &err));
    assert_int_equal(err.code, ERR_IO);
}

static void a_list_is_sorted_and_has_only_what_fits(void **state)
{
    struct fixture *fixture = *state;
    const char *const *names;
    struct err err;
    size_t count;

    assert_true(file_list(fixture->folder, ".yaml", &fixture->arena, &names, &count, &err));
    assert_int_equal(count, 0);
    write_file(fixture, "b.yaml", span_text(""));
    write_file(fixture, "a.yaml", span_text(""));
    write_file(fixture, "B.yaml", span_text(""));
    write_file(fixture, ".hidden.yaml", span_text(""));
    write_file(fixture, "c.yml", span_text(""));
    write_file(fixture, "yaml", span_text(""));
    for (int i = 0; i < 40; i++)
        write_file(fixture, arena_printf(&fixture->arena, "n%02d.yaml", i), span_text(""));
    assert_true(file_list(fixture->folder, ".yaml", &fixture->arena, &names, &count, &err));
    assert_int_equal(count, 43);
    assert_string_equal(names[0], "B.yaml");
    assert_string_equal(names[1], "a.yaml");
    assert_string_equal(names[2], "b.yaml");
    assert_string_equal(names[42], "n39.yaml");
    assert_false(
        file_list(path_of(fixture, "none"), ".yaml", &fixture->arena, &names, &count, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(a_file_above_the_bound_is_refused),
        TEST(what_cannot_be_read_says_why),
        TEST(a_pipe_that_nobody_writes_to_is_empty_and_waits_for_nobody),
        TEST(what_comes_through_a_pipe_is_read_to_its_end),
        TEST(a_written_file_replaces_the_old_one_with_its_own_mode),
        TEST(what_a_crash_has_left_lends_no_mode_and_no_target),
        TEST(a_failed_write_leaves_the_old_file),
        TEST(a_folder_is_made_with_those_above_it),
        TEST(a_list_is_sorted_and_has_only_what_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
