/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to the SQLite file. */
#include "storage/sqlite_connection.h"

#include <endian.h>

/* How long a lock that somebody else holds is waited for: a backup, an operator's shell. */
enum { BUSY_TIMEOUT_MS = 500 };

static const struct {
    const char *sql;
    const char *doing;
} queries[QUERY_COUNT] = {
    [QUERY_BEGIN_READ] = {"BEGIN DEFERRED", "beginning to read"},
    [QUERY_BEGIN_WRITE] = {"BEGIN IMMEDIATE", "beginning to write"},
    [QUERY_COMMIT] = {"COMMIT", "committing"},
    [QUERY_ROLLBACK] = {"ROLLBACK", "rolling back"},
    [QUERY_SAVEPOINT] = {"SAVEPOINT request", "beginning a request"},
    [QUERY_SAVEPOINT_RELEASE] = {"RELEASE request", "ending a request"},
    [QUERY_SAVEPOINT_ROLLBACK] = {"ROLLBACK TO request", "undoing a request"},
    [QUERY_PARTITION_GET] = {"SELECT epoch, counter FROM partition WHERE id = 0",
                             "reading the counter"},
    [QUERY_PARTITION_SET] = {"UPDATE partition SET epoch = ?1, counter = ?2 WHERE id = 0",
                             "writing the counter"},
    [QUERY_VALUE_GET] = {"SELECT version, expires_at_ms, data FROM value"
                         " WHERE space = ?1 AND id = ?2 AND expires_at_ms > ?3",
                         "reading a value"},
    [QUERY_VALUE_VERSION] = {"SELECT version FROM value"
                             " WHERE space = ?1 AND id = ?2 AND expires_at_ms > ?3",
                             "reading a version"},
    [QUERY_VALUE_PUT] = {"INSERT INTO value (space, id, version, expires_at_ms, data)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)"
                         " ON CONFLICT (space, id) DO UPDATE SET version = excluded.version,"
                         " expires_at_ms = excluded.expires_at_ms, data = excluded.data",
                         "writing a value"},
    [QUERY_VALUE_REMOVE] = {"DELETE FROM value WHERE space = ?1 AND id = ?2", "removing a value"},
    [QUERY_VALUE_SCAN] = {"SELECT space, id, version, expires_at_ms, data FROM value"
                          " WHERE (space, id) > (?1, ?2) ORDER BY space, id LIMIT ?3",
                          "reading all values"},
    [QUERY_VALUE_SWEEP] = {"DELETE FROM value WHERE rowid IN (SELECT rowid FROM value"
                           " WHERE expires_at_ms <= ?1 AND expires_at_ms < 9223372036854775807"
                           " ORDER BY expires_at_ms LIMIT ?2)",
                           "removing expired values"},
    [QUERY_FEED_LAST] = {"SELECT coalesce(max(sequence), 0) FROM feed", "reading the feed"},
    [QUERY_FEED_APPEND] = {"INSERT INTO feed (sequence, number, kind, id) VALUES (?1, ?2, ?3, ?4)",
                           "writing the feed"},
    [QUERY_FEED_TRIM] = {"DELETE FROM feed WHERE sequence <= ?1", "trimming the feed"},
    [QUERY_OUTBOX_APPEND] = {"INSERT INTO outbox (number, position, record) VALUES (?1, ?2, ?3)",
                             "writing the outbox"},
    [QUERY_OUTBOX_READ] = {"SELECT number, record FROM outbox ORDER BY number, position",
                           "reading the outbox"},
    [QUERY_OUTBOX_REMOVE] = {"DELETE FROM outbox WHERE number <= ?1", "emptying the outbox"},
    [QUERY_PING] = {"UPDATE partition SET pinged_at_ms = ?1 WHERE id = 0", "trying to write"},
};

bool sqlite_connection_error(struct sqlite_connection *connection, const char *doing,
                             struct err *err)
{
    int extended = sqlite3_extended_errcode(connection->handle);
    bool is_corrupt = (extended & 0xff) == SQLITE_CORRUPT || (extended & 0xff) == SQLITE_NOTADB;

    return err_set(err, is_corrupt ? ERR_STORE_CORRUPT : ERR_STORE_UNAVAILABLE,
                   "sqlite %d while %s: %s", extended, doing, sqlite3_errmsg(connection->handle));
}

bool sqlite_connection_execute(struct sqlite_connection *connection, const char *sql,
                               const char *doing, struct err *err)
{
    return sqlite3_exec(connection->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           sqlite_connection_error(connection, doing, err);
}

bool sqlite_connection_number(struct sqlite_connection *connection, const char *sql,
                              int64_t *ret_number, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = 0;
    int status = sqlite3_prepare_v2(connection->handle, sql, -1, &statement, NULL);

    if (status == SQLITE_OK)
        status = sqlite3_step(statement);
    if (status == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    else
        sqlite_connection_error(connection, "looking at the file", err);
    sqlite3_finalize(statement);
    if (status != SQLITE_ROW)
        return false;
    *ret_number = number;
    return true;
}

bool sqlite_connection_open(struct sqlite_connection *connection, const char *path, struct err *err)
{
    *connection = (struct sqlite_connection){0};
    if (sqlite3_open_v2(path, &connection->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        err_set(err, ERR_IO, "cannot open %s: %s", path,
                connection->handle ? sqlite3_errmsg(connection->handle) : "out of memory");
        sqlite_connection_close(connection);
        return false;
    }
    sqlite3_busy_timeout(connection->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (!sqlite_connection_execute(connection,
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA trusted_schema = OFF;"
                                   "PRAGMA cell_size_check = ON;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA journal_size_limit = 67108864",
                                   "setting up the connection", err)) {
        sqlite_connection_close(connection);
        return false;
    }
    return true;
}

bool sqlite_connection_prepare(struct sqlite_connection *connection, struct err *err)
{
    for (size_t i = 0; i < QUERY_COUNT; i++)
        if (sqlite3_prepare_v3(connection->handle, queries[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                               &connection->statements[i], NULL) != SQLITE_OK)
            return sqlite_connection_error(connection, queries[i].doing, err);
    return true;
}

void sqlite_connection_close(struct sqlite_connection *connection)
{
    for (size_t i = 0; i < QUERY_COUNT; i++)
        sqlite3_finalize(connection->statements[i]);
    sqlite3_close(connection->handle);
    *connection = (struct sqlite_connection){0};
}

sqlite3_stmt *sqlite_query(struct sqlite_connection *connection, enum query query)
{
    return connection->statements[query];
}

void sqlite_bind_bytes(sqlite3_stmt *statement, int index, struct span bytes)
{
    /* A NULL pointer would bind NULL. */
    sqlite3_bind_blob64(statement, index, bytes.length ? (const void *)bytes.data : "",
                        bytes.length, SQLITE_STATIC);
}

void sqlite_bind_key(sqlite3_stmt *statement, struct store_key key,
                     uint8_t id[static sizeof(struct hash128)])
{
    uint64_t words[2] = {htole64(key.id.low), htole64(key.id.high)};

    memcpy(id, words, sizeof(words));
    sqlite3_bind_int(statement, 1, (int)key.space);
    sqlite_bind_bytes(statement, 2, span_of(id, sizeof(words)));
}

void sqlite_query_reset(struct sqlite_connection *connection, enum query query)
{
    sqlite3_reset(connection->statements[query]);
    sqlite3_clear_bindings(connection->statements[query]);
}

bool sqlite_query_step(struct sqlite_connection *connection, enum query query, bool *ret_is_row,
                       struct err *err)
{
    int status = sqlite3_step(connection->statements[query]);

    if (status == SQLITE_ROW) {
        *ret_is_row = true;
        return true;
    }
    if (status != SQLITE_DONE)
        sqlite_connection_error(connection, queries[query].doing, err);
    sqlite_query_reset(connection, query);
    if (status != SQLITE_DONE)
        return false;
    *ret_is_row = false;
    return true;
}

bool sqlite_query_run(struct sqlite_connection *connection, enum query query, struct err *err)
{
    bool is_row = true;

    while (is_row)
        if (!sqlite_query_step(connection, query, &is_row, err))
            return false;
    return true;
}

void sqlite_connection_roll_back(struct sqlite_connection *connection)
{
    /* Some errors have ended the transaction already. */
    if (!sqlite3_get_autocommit(connection->handle))
        sqlite3_exec(connection->handle, "ROLLBACK", NULL, NULL, NULL);
}
