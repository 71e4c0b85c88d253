/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store's own promises: about its file, expired values and the length of the feed. */
#include "base/file.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "contract/mailbox.h"
#include "contract/test_clock.h"
#include "storage/sqlite.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SWEEP_INTERVAL_MS = 10, PENDING_MAX = 20000 };

struct fixture {
    char folder[32];
    char path[64];
    struct test_clock clock;
    struct mailbox mailbox;
    struct sqlite_options options;
    size_t answered;
    size_t failed;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);

    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/passgate-sqlite-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    snprintf(fixture->path, sizeof(fixture->path), "%s/data/passgate.db", fixture->folder);
    test_clock_init(&fixture->clock);
    mailbox_init(&fixture->mailbox);
    fixture->options = (struct sqlite_options){
        .path = fixture->path,
        .clock = &fixture->clock.clock,
        .pending_max = PENDING_MAX,
        .sweep_interval_ms = SWEEP_INTERVAL_MS,
    };
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    mailbox_release(&fixture->mailbox);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
    memory_free(fixture);
    return system(command);
}

static struct store *open_store(struct fixture *fixture)
{
    struct store *store;
    struct err err;

    if (!sqlite_open(&fixture->options, &store, &err))
        fail_msg("%s", err.detail);
    return store;
}

static void assert_refused(struct fixture *fixture, enum err_code code, const char *because)
{
    struct store *store;
    struct err err;

    assert_false(sqlite_open(&fixture->options, &store, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.detail, because))
        fail_msg("\"%s\" does not say \"%s\"", err.detail, because);
}

static void on_done(struct store_request *request)
{
    struct fixture *fixture = request->owner;

    fixture->answered++;
    fixture->failed += !request->is_ok;
    store_request_free(request);
}

static struct store_request *new_write(struct fixture *fixture)
{
    return store_request_new(STORE_WRITE, 0, &fixture->mailbox.inbox, on_done, fixture);
}

/* Run SQL as another program would; the number in the first column of the first row. */
static int64_t run_sql(struct fixture *fixture, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *handle = NULL;
    int64_t number = 0;

    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    sqlite3_busy_timeout(handle, 5000);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return number;
}

static void only_the_owner_can_read_the_files(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    struct fixture *fixture = *state;
    mode_t before = umask(0);
    struct store *store = open_store(fixture);

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char path[96];
        struct stat file;

        snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
    }
    store_free(store);
    umask(before);
}

static void a_second_server_is_kept_away(void **state)
{
    struct fixture *fixture = *state;
    char other[96];
    struct store *store = open_store(fixture);

    assert_refused(fixture, ERR_IO, "another server uses");
    snprintf(other, sizeof(other), "%s/other.db", fixture->folder);
    assert_int_equal(symlink(fixture->path, other), 0);
    fixture->options.path = other;
    assert_refused(fixture, ERR_IO, "another server uses");
    store_free(store);
    store_free(open_store(fixture));
}

static void a_file_that_is_no_store_is_refused_and_left_alone(void **state)
{
    struct fixture *fixture = *state;
    char text[] = "a letter to a friend, longer than the magic of SQLite";
    struct arena arena;
    struct span content;
    struct err err;
    char folder[80];

    snprintf(folder, sizeof(folder), "%s/data", fixture->folder);
    assert_true(file_make_folder(folder, &err));
    assert_true(file_write_durably(fixture->path, span_text(text), 0600, &err));
    assert_refused(fixture, ERR_STORE_CORRUPT, "not a store of Passgate");
    arena_init(&arena, 256);
    assert_true(file_read(fixture->path, 1000, &arena, &content, &err));
    assert_true(span_is(content, text));
    arena_release(&arena);
    assert_true(file_write_durably(fixture->path, span_text("short"), 0600, &err));
    assert_refused(fixture, ERR_STORE_CORRUPT, "not a store of Passgate");
}

static void the_database_of_another_program_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char folder[80];
    struct err err;

    snprintf(folder, sizeof(folder), "%s/data", fixture->folder);
    assert_true(file_make_folder(folder, &err));
    run_sql(fixture, "CREATE TABLE invoice (number INTEGER)");
    assert_refused(fixture, ERR_STORE_CORRUPT, "belongs to another program");
}

static void a_newer_format_is_refused(void **state)
{
    struct fixture *fixture = *state;

    store_free(open_store(fixture));
    run_sql(fixture, "PRAGMA user_version = 2");
    assert_refused(fixture, ERR_STORE_CORRUPT, "format 2");
}

static void a_folder_in_which_nothing_can_be_made_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.path = "/proc/passgate/passgate.db";
    assert_refused(fixture, ERR_IO, "/proc");
    fixture->options.path = "";
    assert_refused(fixture, ERR_IO, "empty");
}

static void a_lock_file_with_another_content_is_not_overwritten(void **state)
{
    struct fixture *fixture = *state;
    char path[96];
    struct err err;

    store_free(open_store(fixture));
    snprintf(path, sizeof(path), "%s.lock", fixture->path);
    assert_true(file_write_durably(path, span_text("not an epoch"), 0600, &err));
    assert_refused(fixture, ERR_STORE_CORRUPT, "epoch");
}

static void a_file_without_its_counter_is_refused(void **state)
{
    struct fixture *fixture = *state;

    store_free(open_store(fixture));
    run_sql(fixture, "DELETE FROM partition");
    assert_refused(fixture, ERR_STORE_CORRUPT, "no counter");
}

static void expired_values_are_removed_in_the_background(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_ms = clock_wall_ms(&fixture->clock.clock);
    struct store *store = open_store(fixture);
    struct timespec pause = {.tv_nsec = 5000000};
    int64_t left = 0;

    for (unsigned i = 0; i < 1000; i++) {
        struct store_request *request = new_write(fixture);
        struct store_key key = {.space = STORE_REQUEST, .id = {.low = i}};

        store_request_put(request, key, i % 10 == 0 ? TIMESTAMP_NEVER_MS : now_ms + 1000,
                          span_text("answer"));
        store_submit(store, request);
    }
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, 1000);
    assert_int_equal(fixture->failed, 0);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM value"), 1000);
    test_clock_advance(&fixture->clock, 1000);
    for (size_t i = 0; i < 2000 && left != 100; i++) {
        nanosleep(&pause, NULL);
        left = run_sql(fixture, "SELECT count(*) FROM value");
    }
    assert_int_equal(left, 100);
    store_free(store);
}

static void the_feed_keeps_its_last_entries(void **state)
{
    enum { WRITES = SQLITE_FEED_ENTRIES_MAX / STORE_KEYS_MAX + 100 };
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);

    for (size_t i = 0; i < WRITES; i++) {
        struct store_request *request = new_write(fixture);

        for (size_t k = 0; k < STORE_KEYS_MAX; k++)
            store_request_change(request, STORE_CHANGE_SUBJECT, (struct hash128){.low = i});
        store_submit(store, request);
    }
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, WRITES);
    assert_int_equal(fixture->failed, 0);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM feed"), SQLITE_FEED_ENTRIES_MAX);
    assert_int_equal(run_sql(fixture, "SELECT max(sequence) FROM feed"), WRITES * STORE_KEYS_MAX);
    store_free(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_the_owner_can_read_the_files),
        TEST(a_second_server_is_kept_away),
        TEST(a_file_that_is_no_store_is_refused_and_left_alone),
        TEST(the_database_of_another_program_is_refused),
        TEST(a_newer_format_is_refused),
        TEST(a_folder_in_which_nothing_can_be_made_is_an_error),
        TEST(a_lock_file_with_another_content_is_not_overwritten),
        TEST(a_file_without_its_counter_is_refused),
        TEST(expired_values_are_removed_in_the_background),
        TEST(the_feed_keeps_its_last_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
