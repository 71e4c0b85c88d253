/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite file itself: who uses it, whether it is ours, its schema and its epoch. */
#include "storage/sqlite_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* "Pass", in the file's header: file(1) and other programs can tell whose it is. */
#define APPLICATION_ID "1348563827"
#define FORMAT         "1"

enum { FORMAT_NUMBER = 1, EPOCH_TEXT_BYTES = 21 };

static const int64_t application_id = 1348563827;

/* Room for the sign bit that SQLite's integers have. */
static const uint64_t epoch_max = (UINT64_C(1) << (63 - STORE_NUMBER_COUNTER_BITS)) - 1;

static const char magic[16] = "SQLite format 3";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE partition ("
    "    id INTEGER PRIMARY KEY,"
    "    epoch INTEGER NOT NULL,"
    "    counter INTEGER NOT NULL,"
    "    pinged_at_ms INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE value ("
    "    space INTEGER NOT NULL,"
    "    id BLOB NOT NULL,"
    "    version INTEGER NOT NULL,"
    "    expires_at_ms INTEGER NOT NULL,"
    "    data BLOB NOT NULL,"
    "    UNIQUE (space, id)"
    ") STRICT;"
    /* INT64_MAX is TIMESTAMP_NEVER_MS: most values never expire and need no entry. */
    "CREATE INDEX value_expiry ON value (expires_at_ms)"
    "    WHERE expires_at_ms < 9223372036854775807;"
    "CREATE TABLE feed ("
    "    sequence INTEGER PRIMARY KEY,"
    "    number INTEGER NOT NULL,"
    "    kind INTEGER NOT NULL,"
    "    id BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE outbox ("
    "    number INTEGER NOT NULL,"
    "    position INTEGER NOT NULL,"
    "    record BLOB NOT NULL,"
    "    PRIMARY KEY (number, position)"
    ") STRICT;"
    "INSERT INTO partition (id, epoch, counter, pinged_at_ms) VALUES (0, 0, 0, 0);"
    "PRAGMA application_id = " APPLICATION_ID ";"
    "PRAGMA user_version = " FORMAT ";"
    "COMMIT";

static bool io_error(struct err *err, const char *what, const char *path)
{
    return err_set(err, ERR_IO, "cannot %s %s: %s", what, path, strerrordesc_np(errno));
}

static bool make_folder_of(const char *path, struct err *err)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    return file_make_folder(dirname(copy), err);
}

/* A name that is new in a folder is durable once the folder is. */
static bool sync_folder_of(const char *path, struct err *err)
{
    char copy[PATH_MAX];
    const char *folder;
    bool is_synced;
    int fd;

    snprintf(copy, sizeof(copy), "%s", path);
    folder = dirname(copy);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return io_error(err, "open", folder);
    is_synced = fsync(fd) == 0 || io_error(err, "sync", folder);
    close(fd);
    return is_synced;
}

/*
 * The lock belongs to the open file description, so that it also keeps a second store of the same
 * process away, and it ends with the process however that ends.
 */
static bool take_lock(struct sqlite_file *file, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof(path), "%s.lock", file->path) >= sizeof(path))
        return err_set(err, ERR_IO, "path is too long");
    file->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->lock_fd < 0)
        return io_error(err, "open", path);
    if (fcntl(file->lock_fd, F_OFD_SETLK, &whole) == 0)
        return true;
    if (errno == EAGAIN || errno == EACCES)
        return err_set(err, ERR_IO, "another server uses %s (it holds %s)", file->path, path);
    return io_error(err, "lock", path);
}

/* SQLite would make the file readable for everybody. */
static bool make_file(const char *path, struct err *err)
{
    char found[sizeof(magic)];
    ssize_t length;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return io_error(err, "open", path);
    length = read(fd, found, sizeof(found));
    close(fd);
    if (length < 0)
        return io_error(err, "read", path);
    if (length != 0 &&
        (length != (ssize_t)sizeof(found) || memcmp(found, magic, sizeof(magic)) != 0))
        return err_set(err, ERR_STORE_CORRUPT, "%s is not a store of Passgate", path);
    return true;
}

/*
 * One name whatever the working folder is, through every link, and none that means something else
 * to SQLite.
 */
static bool resolve(const char *path, char ret_path[static PATH_MAX], struct err *err)
{
    char folder[PATH_MAX], copy[PATH_MAX];
    size_t length;

    if (realpath(path, ret_path))
        return true;
    if (errno != ENOENT)
        return io_error(err, "resolve", path);
    snprintf(copy, sizeof(copy), "%s", path);
    if (!realpath(dirname(copy), folder))
        return io_error(err, "resolve", path);
    snprintf(copy, sizeof(copy), "%s", path);
    length = (size_t)snprintf(ret_path, PATH_MAX, "%s/%s", folder, basename(copy));
    return length < PATH_MAX || err_set(err, ERR_IO, "path is too long");
}

bool sqlite_file_open(struct sqlite_file *file, const char *path, struct err *err)
{
    file->lock_fd = -1;
    if (*path == '\0' || strlen(path) >= PATH_MAX)
        return err_set(err, ERR_IO, "the path of the store is empty or too long");
    if (!make_folder_of(path, err) || !resolve(path, file->path, err))
        return false;
    /* First of all: to close a file is to lose the locks that this process has on it. */
    if (!take_lock(file, err) || !make_file(file->path, err)) {
        sqlite_file_close(file);
        return false;
    }
    return true;
}

void sqlite_file_close(struct sqlite_file *file)
{
    if (file->lock_fd >= 0)
        close(file->lock_fd);
    file->lock_fd = -1;
}

bool sqlite_file_check_schema(struct sqlite_connection *connection, struct err *err)
{
    int64_t id, format, table_count;

    if (!sqlite_connection_number(connection, "PRAGMA application_id", &id, err) ||
        !sqlite_connection_number(connection, "PRAGMA user_version", &format, err) ||
        !sqlite_connection_number(connection, "SELECT count(*) FROM sqlite_schema", &table_count,
                                  err))
        return false;
    if (id != application_id && (id != 0 || format != 0 || table_count != 0))
        return err_set(err, ERR_STORE_CORRUPT, "the file belongs to another program");
    if (format > FORMAT_NUMBER)
        return err_set(err, ERR_STORE_CORRUPT,
                       "the file has format %" PRId64 ", this release knows up to %d", format,
                       FORMAT_NUMBER);
    if (!sqlite_connection_execute(connection, "PRAGMA journal_mode = WAL", "choosing the journal",
                                   err))
        return false;
    return table_count != 0 ||
           sqlite_connection_execute(connection, schema, "making the schema", err);
}

static bool read_epoch(const struct sqlite_file *file, uint64_t *ret_epoch, struct err *err)
{
    char text[EPOCH_TEXT_BYTES + 1] = "";
    ssize_t length = pread(file->lock_fd, text, EPOCH_TEXT_BYTES, 0);
    unsigned long long epoch;
    char *end;

    if (length < 0)
        return io_error(err, "read the lock file of", file->path);
    errno = 0;
    epoch = strtoull(text, &end, 10);
    if (length > 0 && (errno != 0 || *end != '\n' || epoch > epoch_max))
        return err_set(err, ERR_STORE_CORRUPT, "%s.lock does not hold an epoch", file->path);
    *ret_epoch = epoch;
    return true;
}

static bool write_epoch(const struct sqlite_file *file, uint64_t epoch, struct err *err)
{
    char text[EPOCH_TEXT_BYTES + 1];
    int length = snprintf(text, sizeof(text), "%020" PRIu64 "\n", epoch);

    if (pwrite(file->lock_fd, text, (size_t)length, 0) != length || fsync(file->lock_fd) != 0)
        return io_error(err, "write the lock file of", file->path);
    return true;
}

static bool get_partition_epoch(struct sqlite_connection *connection, uint64_t *ret_epoch,
                                struct err *err)
{
    bool is_row;

    if (!sqlite_query_step(connection, QUERY_PARTITION_GET, &is_row, err))
        return false;
    if (!is_row)
        return err_set(err, ERR_STORE_CORRUPT, "the file has no counter");
    *ret_epoch = (uint64_t)sqlite3_column_int64(sqlite_query(connection, QUERY_PARTITION_GET), 0);
    sqlite_query_reset(connection, QUERY_PARTITION_GET);
    return true;
}

bool sqlite_file_begin_epoch(struct sqlite_file *file, struct sqlite_connection *connection,
                             uint64_t *ret_epoch, struct err *err)
{
    uint64_t here = 0, beside = 0, epoch;

    if (!get_partition_epoch(connection, &here, err) || !read_epoch(file, &beside, err))
        return false;
    epoch = (here > beside ? here : beside) + 1;
    if (epoch > epoch_max)
        return err_set(err, ERR_STORE_CORRUPT, "no epoch is left");
    /* In this order: an epoch that was written nowhere but beside the file is merely skipped. */
    if (!write_epoch(file, epoch, err))
        return false;
    sqlite3_bind_int64(sqlite_query(connection, QUERY_PARTITION_SET), 1, (int64_t)epoch);
    sqlite3_bind_int64(sqlite_query(connection, QUERY_PARTITION_SET), 2, 0);
    if (!sqlite_query_run(connection, QUERY_PARTITION_SET, err) || !sync_folder_of(file->path, err))
        return false;
    *ret_epoch = epoch;
    return true;
}
