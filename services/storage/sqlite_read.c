/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store's reading thread: everything that waits is read in one snapshot. */
#include "base/failpoint.h"
#include "storage/sqlite_store.h"

/* A reader of the outbox gets no more than this at once, unless one write was larger. */
enum { OUTBOX_BYTES_MAX = 1024 * 1024 };

static bool read_number(struct sqlite_connection *connection, uint64_t *ret_number, struct err *err)
{
    sqlite3_stmt *statement = sqlite_query(connection, QUERY_PARTITION_GET);
    bool is_row;

    if (!sqlite_query_step(connection, QUERY_PARTITION_GET, &is_row, err))
        return false;
    if (!is_row)
        return err_set(err, ERR_STORE_CORRUPT, "the file has no counter");
    *ret_number = (uint64_t)sqlite3_column_int64(statement, 0) << STORE_NUMBER_COUNTER_BITS |
                  (uint64_t)sqlite3_column_int64(statement, 1);
    sqlite_query_reset(connection, QUERY_PARTITION_GET);
    return true;
}

static struct span column_bytes(sqlite3_stmt *statement, int column, struct arena *arena)
{
    const void *data = sqlite3_column_blob(statement, column);

    return arena_copy(arena, span_of(data, (size_t)sqlite3_column_bytes(statement, column)));
}

static bool read_value(struct sqlite_connection *connection, struct store_key key, int64_t now_ms,
                       struct arena *arena, struct store_value *ret_value, struct err *err)
{
    sqlite3_stmt *statement = sqlite_query(connection, QUERY_VALUE_GET);
    uint8_t id[sizeof(key.id)];
    bool is_row;

    sqlite_bind_key(statement, key, id);
    sqlite3_bind_int64(statement, 3, now_ms);
    if (!sqlite_query_step(connection, QUERY_VALUE_GET, &is_row, err))
        return false;
    *ret_value = (struct store_value){0};
    if (!is_row)
        return true;
    *ret_value = (struct store_value){
        .version = (uint64_t)sqlite3_column_int64(statement, 0),
        .expires_at_ms = sqlite3_column_int64(statement, 1),
        .data = column_bytes(statement, 2, arena),
    };
    sqlite_query_reset(connection, QUERY_VALUE_GET);
    return true;
}

static bool read_values(struct sqlite_store *store, struct store_request *request, struct err *err)
{
    int64_t now_ms = clock_wall_ms(store->clock);

    request->values = arena_new_array(&request->arena, struct store_value, request->key_count);
    for (size_t i = 0; i < request->key_count; i++)
        if (!read_value(&store->reader.connection, request->keys[i], now_ms, &request->arena,
                        &request->values[i], err))
            return false;
    return true;
}

/* Whole writes only: who removes what it was given, by number, removes nothing else. */
static bool read_outbox(struct sqlite_store *store, struct store_request *request, struct err *err)
{
    struct sqlite_connection *connection = &store->reader.connection;
    sqlite3_stmt *statement = sqlite_query(connection, QUERY_OUTBOX_READ);
    size_t bytes = 0;
    bool is_row;

    request->outbox = arena_new_array(&request->arena, struct store_outbox_entry,
                                      request->limit + STORE_KEYS_MAX);
    request->outbox_count = 0;
    for (;;) {
        struct store_outbox_entry *entry = &request->outbox[request->outbox_count];

        if (!sqlite_query_step(connection, QUERY_OUTBOX_READ, &is_row, err))
            return false;
        if (!is_row)
            return true;
        entry->number = (uint64_t)sqlite3_column_int64(statement, 0);
        if ((request->outbox_count >= request->limit || bytes >= OUTBOX_BYTES_MAX) &&
            entry->number != entry[-1].number)
            break;
        if (request->outbox_count == request->limit + STORE_KEYS_MAX - 1)
            break; /* no write has so many: the file was tampered with */
        entry->partition = request->partition;
        entry->record = column_bytes(statement, 1, &request->arena);
        bytes += entry->record.length;
        request->outbox_count++;
    }
    sqlite_query_reset(connection, QUERY_OUTBOX_READ);
    return true;
}

static bool read_request(struct sqlite_store *store, struct store_request *request, struct err *err)
{
    if (request->operation == STORE_SCAN)
        return sqlite_scan(store, request, err);
    return request->operation == STORE_OUTBOX_READ ? read_outbox(store, request, err)
                                                   : read_values(store, request, err);
}

/* False when the snapshot itself cannot be had; a request that cannot be read fails alone. */
static bool read_all(struct sqlite_store *store, struct store_request *requests, struct err *err)
{
    struct sqlite_connection *connection = &store->reader.connection;
    uint64_t number = 0;

    if (FAILPOINT("store_read_error"))
        return err_set(err, ERR_STORE_UNAVAILABLE, "failpoint store_read_error");
    if (!sqlite_query_run(connection, QUERY_BEGIN_READ, err) ||
        !read_number(connection, &number, err))
        return false;
    for (struct store_request *request = requests; request; request = request->next) {
        (void)FAILPOINT("slow_store_request");
        request->is_ok =
            sqlite_is_in_time(store, request) && read_request(store, request, &request->err);
        request->number = number;
    }
    return sqlite_query_run(connection, QUERY_COMMIT, err);
}

void sqlite_read(struct sqlite_store *store, struct store_request *requests)
{
    struct err err;
    bool is_read;

    if (!requests)
        return;
    (void)FAILPOINT("slow_store_read");
    is_read = read_all(store, requests, &err);
    if (is_read) {
        sqlite_note_requests(&store->reader, requests);
    } else {
        sqlite_connection_roll_back(&store->reader.connection);
        sqlite_note_down(&store->reader, &err);
    }
    while (requests) {
        struct store_request *next = requests->next;

        if (!is_read) {
            requests->is_ok = false;
            requests->err = err;
        }
        sqlite_answer(store, requests);
        requests = next;
    }
}
