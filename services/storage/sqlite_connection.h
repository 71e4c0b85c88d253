/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to the SQLite file: opened by one thread, then used by one thread, with every
 * statement prepared once.
 */
#ifndef STORAGE_SQLITE_CONNECTION_H
#define STORAGE_SQLITE_CONNECTION_H

#include "base/err.h"
#include "base/span.h"
#include "storage/store.h"

#include <sqlite3.h>

enum query {
    QUERY_BEGIN_READ,
    QUERY_BEGIN_WRITE,
    QUERY_COMMIT,
    QUERY_ROLLBACK,
    QUERY_SAVEPOINT,
    QUERY_SAVEPOINT_RELEASE,
    QUERY_SAVEPOINT_ROLLBACK,
    QUERY_PARTITION_GET, /* → epoch, counter */
    QUERY_PARTITION_SET, /* epoch, counter */
    QUERY_VALUE_GET,     /* space, id, now_ms → version, expires_at_ms, data */
    QUERY_VALUE_VERSION, /* space, id, now_ms → version */
    QUERY_VALUE_PUT,     /* space, id, version, expires_at_ms, data */
    QUERY_VALUE_REMOVE,  /* space, id */
    QUERY_VALUE_SCAN,  /* space, id, limit → space, id, version, expires_at_ms, data, in order */
    QUERY_VALUE_SWEEP, /* now_ms, limit */
    QUERY_FEED_LAST,   /* → sequence */
    QUERY_FEED_APPEND, /* sequence, number, kind, id */
    QUERY_FEED_TRIM,   /* sequence */
    QUERY_OUTBOX_APPEND, /* number, position, record */
    QUERY_OUTBOX_READ,   /* → number, record, in order */
    QUERY_OUTBOX_REMOVE, /* number */
    QUERY_PING,          /* now_ms */
    QUERY_COUNT,
};

struct sqlite_connection {
    sqlite3 *handle;
    sqlite3_stmt *statements[QUERY_COUNT];
};

/* Open the file, which must exist, and set what every connection needs. */
MUST_CHECK bool sqlite_connection_open(struct sqlite_connection *connection, const char *path,
                                       struct err *err);
/* Once the schema is there. */
MUST_CHECK bool sqlite_connection_prepare(struct sqlite_connection *connection, struct err *err);
void sqlite_connection_close(struct sqlite_connection *connection);

/* What SQLite just reported, as STORE_UNAVAILABLE or STORE_CORRUPT; `doing` completes "while …". */
bool sqlite_connection_error(struct sqlite_connection *connection, const char *doing,
                             struct err *err);

/* Text of our own, several statements. */
MUST_CHECK bool sqlite_connection_execute(struct sqlite_connection *connection, const char *sql,
                                          const char *doing, struct err *err);

/* The one number that a pragma or a query gives. */
MUST_CHECK bool sqlite_connection_number(struct sqlite_connection *connection, const char *sql,
                                         int64_t *ret_number, struct err *err);

/*
 * A prepared query: bind what it takes, then run it, or step through its rows and reset it.  Bound
 * bytes must live until then.
 */
sqlite3_stmt *sqlite_query(struct sqlite_connection *connection, enum query query);
void sqlite_bind_key(sqlite3_stmt *statement, struct store_key key,
                     uint8_t id[static sizeof(struct hash128)]);
void sqlite_bind_bytes(sqlite3_stmt *statement, int index, struct span bytes);
MUST_CHECK bool sqlite_query_run(struct sqlite_connection *connection, enum query query,
                                 struct err *err);
/* One row (*ret_is_row), or the end, after which the query is reset. */
MUST_CHECK bool sqlite_query_step(struct sqlite_connection *connection, enum query query,
                                  bool *ret_is_row, struct err *err);
void sqlite_query_reset(struct sqlite_connection *connection, enum query query);

/* End a transaction that failed, whatever is left of it. */
void sqlite_connection_roll_back(struct sqlite_connection *connection);

#endif
