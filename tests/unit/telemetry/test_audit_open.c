/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the audit log: what a crash left is cut, what is damaged or somebody else's is not
 * touched. */
#include "log_fixture.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "domain/audit/segment.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Overwrite `length` bytes at `at`, or cut there when there are none. */
static void damage(const char *path, size_t at, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    if (length > 0)
        assert_int_equal(pwrite(fd, bytes, length, (off_t)at), (ssize_t)length);
    else
        assert_int_equal(ftruncate(fd, (off_t)at), 0);
    close(fd);
}

/* The log as a crash leaves it: whatever was there last is cut at every byte. */
static void a_torn_tail_is_cut_at_every_byte(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    struct arena arena;
    struct span whole;
    struct err err;
    size_t kept_before = 0;
    char *path;

    for (uint64_t i = 0; i < 3; i++)
        assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, i)));
    audit_close(log);
    indices_remove(fixture->folder); /* a crash leaves none */
    path = segment_path(fixture->folder, 0);
    arena_init(&arena, 4096);
    assert_true(file_read(path, 1 << 20, &arena, &whole, &err));
    for (size_t length = 0; length < whole.length; length++) {
        struct written written;
        char *other;

        damage(path, 0, NULL, 0);
        if (length > 0)
            damage(path, 0, whole.data, length);
        log = fixture_open(fixture);
        assert_true(fixture_append(log, 99) > AUDIT_SEQUENCE_SKIP);
        audit_close(log);
        written = fixture_read_back(fixture);
        assert_true(written.count >= 1 && written.count <= 4);
        assert_true(written.count >= kept_before);
        kept_before = written.count;
        assert_int_equal(written.subjects[written.count - 1], 99);
        for (uint64_t i = 0; i + 1 < written.count; i++)
            assert_int_equal(written.subjects[i], i);
        assert_non_null(strstr(written.last_opened, "previous_end=unclean"));
        written_release(&written);
        /* Away with what this round has added. */
        if (length < AUDIT_SEGMENT_HEADER_BYTES)
            assert_int_not_equal(access(path, F_OK), 0);
        while ((other = segment_path(fixture->folder, 0))) {
            assert_int_equal(unlink(other), 0);
            memory_free(other);
        }
        indices_remove(fixture->folder);
        assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    }
    assert_int_equal(kept_before, 4);
    arena_release(&arena);
    memory_free(path);
}

static void zeros_instead_of_a_first_block_are_a_crash(void **state)
{
    struct fixture *fixture = *state;
    uint8_t zeros[4096] = {0};
    struct audit_log *log = fixture_open(fixture);
    struct written written;
    char *path;

    assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, 5)));
    audit_close(log);
    log = fixture_open(fixture);
    audit_close(log);
    path = segment_path(fixture->folder, 1);
    damage(path, 0, zeros, sizeof(zeros));
    log = fixture_open(fixture);
    assert_int_equal(fixture_append(log, 6), 4 + AUDIT_SEQUENCE_SKIP + 2);
    audit_close(log);
    written = fixture_read_back(fixture);
    assert_int_equal(written.count, 2);
    written_release(&written);
    memory_free(path);
}

static void assert_open_fails(struct fixture *fixture, enum err_code code, const char *detail)
{
    struct audit_log *log;
    struct err err = ERR_NONE;

    assert_false(audit_open(&fixture->options, &log, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.detail, detail))
        fail_msg("\"%s\" is not in \"%s\"", detail, err.detail);
}

static void damage_in_the_middle_is_not_repaired(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    struct written written;
    struct err err = ERR_NONE;
    size_t length;
    char *path;

    for (uint64_t i = 0; i < 10; i++)
        assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, i)));
    audit_close(log);
    path = segment_path(fixture->folder, 0);
    length = file_size(path);
    damage(path, length / 2, "\xa5\x5a\xa5", 3);
    assert_open_fails(fixture, ERR_STORE_CORRUPT, "is damaged at byte");
    assert_int_equal(file_size(path), length);
    assert_false(written_read(fixture->folder, &written, &err));
    assert_int_equal(err.code, ERR_STORE_CORRUPT);
    memory_free(path);
}

static void a_missing_or_a_shortened_segment_is_seen(void **state)
{
    struct fixture *fixture = *state;
    struct written written;
    struct err err = ERR_NONE;
    struct audit_log *log;
    char *path;

    for (uint64_t run = 0; run < 3; run++) {
        log = fixture_open(fixture);
        for (uint64_t i = 0; i < 3; i++)
            assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, i)));
        audit_close(log);
    }
    path = segment_path(fixture->folder, 1);
    damage(path, file_size(path) - 1, NULL, 0);
    assert_false(written_read(fixture->folder, &written, &err));
    assert_int_equal(err.code, ERR_STORE_CORRUPT);
    assert_int_equal(unlink(path), 0);
    assert_false(written_read(fixture->folder, &written, &err));
    assert_non_null(strstr(err.detail, "does not follow"));
    memory_free(path);
}

static void a_folder_has_one_log_and_one_owner(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    struct arena arena;
    char *id;

    assert_open_fails(fixture, ERR_IO, "in use by another process");
    audit_close(log);
    arena_init(&arena, 1024);
    id = arena_printf(&arena, "%s/log.id", fixture->folder);
    damage(id, 3, "x", 1);
    assert_open_fails(fixture, ERR_STORE_CORRUPT, "is not 16 hex digits");
    damage(id, 0, "0000000000000001", 16);
    assert_open_fails(fixture, ERR_STORE_CORRUPT, "belongs to another log");
    assert_int_equal(unlink(id), 0);
    assert_open_fails(fixture, ERR_STORE_CORRUPT, "there are segments, but no log.id");
    arena_release(&arena);
}

static void a_log_that_cannot_be_written_is_not_opened(void **state)
{
    struct fixture *fixture = *state;
    struct arena arena;

    arena_init(&arena, 1024);
    fixture->options.folder = arena_printf(&arena, "%s/file/audit", fixture->folder);
    close(open(arena_printf(&arena, "%s/file", fixture->folder), O_CREAT | O_WRONLY, 0600));
    assert_open_fails(fixture, ERR_IO, "make folder");
    fixture->options.buffer_bytes = 100;
    assert_open_fails(fixture, ERR_CONFIG_INVALID, "buffers of 100 bytes");
    arena_release(&arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_torn_tail_is_cut_at_every_byte),
        TEST(zeros_instead_of_a_first_block_are_a_crash),
        TEST(damage_in_the_middle_is_not_repaired),
        TEST(a_missing_or_a_shortened_segment_is_seen),
        TEST(a_folder_has_one_log_and_one_owner),
        TEST(a_log_that_cannot_be_written_is_not_opened),
    };

    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
