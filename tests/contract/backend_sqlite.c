/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite under test. */
#include "contract/backend.h"

#include "base/file.h"
#include "storage/sqlite.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 * 1024 * 1024 };

static void open_sqlite(struct fixture *fixture)
{
    struct sqlite_options options = {
        .path = fixture->path,
        .clock = &fixture->clock.clock,
        .pending_max = BACKEND_PENDING_MAX,
    };
    struct err err;

    if (fixture->path[0] == '\0')
        snprintf(fixture->path, sizeof(fixture->path), "%.200s/0/passgate.db", fixture->folder);
    backend_must(sqlite_open(&options, &fixture->store, &err), &err);
    store_listen(fixture->store, &fixture->listener);
}

static void copy_file(const char *from, const char *to)
{
    struct arena arena;
    struct span content;
    struct err err;

    if (access(from, F_OK) != 0)
        return;
    arena_init(&arena, 4096);
    backend_must(file_read(from, FILE_BYTES_MAX, &arena, &content, &err), &err);
    backend_must(file_write_durably(to, content, 0600, &err), &err);
    arena_release(&arena);
}

/* The file and what belongs to it.  The index of the log (-shm) is made anew from the log. */
static void copy_store(const char *from, const char *to, const char *const *suffixes)
{
    char source[BACKEND_PATH_MAX + 8], target[BACKEND_PATH_MAX + 8];

    for (; *suffixes; suffixes++) {
        snprintf(source, sizeof(source), "%s%s", from, *suffixes);
        snprintf(target, sizeof(target), "%s%s", to, *suffixes);
        copy_file(source, target);
    }
}

static void crash_sqlite(struct fixture *fixture)
{
    static const char *const left[] = {"", "-wal", ".lock", NULL};
    char folder[BACKEND_PATH_MAX], path[BACKEND_PATH_MAX];
    struct err err;

    fixture->generation++;
    snprintf(folder, sizeof(folder), "%.200s/%d", fixture->folder, fixture->generation);
    snprintf(path, sizeof(path), "%.220s/passgate.db", folder);
    backend_must(file_make_folder(folder, &err), &err);
    copy_store(fixture->path, path, left);
    fixture_close(fixture);
    memcpy(fixture->path, path, sizeof(path));
    open_sqlite(fixture);
}

static void back_up_sqlite(struct fixture *fixture)
{
    static const char *const data[] = {"", NULL};
    char path[BACKEND_PATH_MAX];

    snprintf(path, sizeof(path), "%.200s/backup.db", fixture->folder);
    fixture_close(fixture);
    copy_store(fixture->path, path, data);
}

static void restore_sqlite(struct fixture *fixture)
{
    static const char *const data[] = {"", NULL};
    char path[BACKEND_PATH_MAX];

    snprintf(path, sizeof(path), "%.200s/backup.db", fixture->folder);
    fixture_close(fixture);
    copy_store(path, fixture->path, data);
    open_sqlite(fixture);
}

/* A disk that is full: no file may grow or be written to. */
static void limit_files(bool is_limited)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = is_limited ? 0 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void break_sqlite(struct fixture *fixture)
{
    (void)fixture;
    fflush(NULL);
    limit_files(true);
}

static void mend_sqlite(struct fixture *fixture)
{
    (void)fixture;
    limit_files(false);
}

const struct backend backend_sqlite = {
    .name = "sqlite",
    .open = open_sqlite,
    .crash = crash_sqlite,
    .back_up = back_up_sqlite,
    .restore = restore_sqlite,
    .break_down = break_sqlite,
    .mend = mend_sqlite,
};
