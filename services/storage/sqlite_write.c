/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded store's writing thread: everything that waits is one transaction.
 *
 * Nothing is answered and nobody is told of a change before COMMIT has returned; listeners hear of
 * it before the submitters do, so that who has its answer also sees its change.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "storage/sqlite_store.h"

#include <endian.h>

/* A full step is followed by the next one after a pause that is short, and long enough for writes.
 */
enum { SWEEP_STEP = 256, SWEEP_PAUSE_MS = 5, NS_PER_MS = 1000000 };

bool sqlite_write_begin(struct sqlite_store *store, struct err *err)
{
    struct sqlite_connection *connection = &store->writer.connection;
    bool is_row;

    if (!sqlite_query_step(connection, QUERY_FEED_LAST, &is_row, err))
        return false;
    store->feed_sequence = sqlite3_column_int64(sqlite_query(connection, QUERY_FEED_LAST), 0);
    sqlite_query_reset(connection, QUERY_FEED_LAST);
    return true;
}

static bool get_version(struct sqlite_connection *connection, struct store_key key, int64_t now_ms,
                        uint64_t *ret_version, struct err *err)
{
    sqlite3_stmt *statement = sqlite_query(connection, QUERY_VALUE_VERSION);
    uint8_t id[sizeof(key.id)];
    bool is_row;

    sqlite_bind_key(statement, key, id);
    sqlite3_bind_int64(statement, 3, now_ms);
    if (!sqlite_query_step(connection, QUERY_VALUE_VERSION, &is_row, err))
        return false;
    *ret_version = is_row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    if (is_row)
        sqlite_query_reset(connection, QUERY_VALUE_VERSION);
    return true;
}

/* *ret_holds tells whether all guards hold; else the request says which one does not. */
static bool check_guards(struct sqlite_store *store, struct store_request *request, bool *ret_holds,
                         struct err *err)
{
    int64_t now_ms = clock_wall_ms(store->clock);
    uint64_t version;

    *ret_holds = true;
    for (size_t i = 0; i < request->guard_count && *ret_holds; i++) {
        if (!get_version(&store->writer.connection, request->guards[i].key, now_ms, &version, err))
            return false;
        if (version != request->guards[i].version) {
            request->conflict_index = i;
            *ret_holds = err_set(&request->err, ERR_CONFLICT, "guard %zu does not hold", i);
        }
    }
    return true;
}

static bool write_value(struct sqlite_connection *connection, const struct store_put *put,
                        uint64_t number, struct err *err)
{
    enum query query = put->data.length == 0 ? QUERY_VALUE_REMOVE : QUERY_VALUE_PUT;
    sqlite3_stmt *statement = sqlite_query(connection, query);
    uint8_t id[sizeof(put->key.id)];

    sqlite_bind_key(statement, put->key, id);
    if (query == QUERY_VALUE_PUT) {
        sqlite3_bind_int64(statement, 3, (int64_t)number);
        sqlite3_bind_int64(statement, 4, put->expires_at_ms);
        sqlite_bind_bytes(statement, 5, put->data);
    }
    return sqlite_query_run(connection, query, err);
}

static bool write_change(struct sqlite_connection *connection, const struct store_change *change,
                         int64_t sequence, struct err *err)
{
    sqlite3_stmt *statement = sqlite_query(connection, QUERY_FEED_APPEND);
    uint64_t id[2] = {htole64(change->id.low), htole64(change->id.high)};

    sqlite3_bind_int64(statement, 1, sequence);
    sqlite3_bind_int64(statement, 2, (int64_t)change->number);
    sqlite3_bind_int(statement, 3, (int)change->kind);
    sqlite_bind_bytes(statement, 4, span_of(id, sizeof(id)));
    return sqlite_query_run(connection, QUERY_FEED_APPEND, err);
}

static bool write_outbox(struct sqlite_connection *connection,
                         const struct store_outbox_entry *entry, size_t position, struct err *err)
{
    sqlite3_stmt *statement = sqlite_query(connection, QUERY_OUTBOX_APPEND);

    sqlite3_bind_int64(statement, 1, (int64_t)entry->number);
    sqlite3_bind_int64(statement, 2, (int64_t)position);
    sqlite_bind_bytes(statement, 3, entry->record);
    return sqlite_query_run(connection, QUERY_OUTBOX_APPEND, err);
}

static bool write_rows(struct sqlite_store *store, struct store_request *request, int64_t *sequence,
                       struct err *err)
{
    struct sqlite_connection *connection = &store->writer.connection;
    uint64_t number = store->epoch << STORE_NUMBER_COUNTER_BITS | ++store->counter;

    for (size_t i = 0; i < request->put_count; i++)
        if (!write_value(connection, &request->puts[i], number, err))
            return false;
    for (size_t i = 0; i < request->change_count; i++) {
        request->changes[i].number = number;
        if (!write_change(connection, &request->changes[i], ++*sequence, err))
            return false;
    }
    for (size_t i = 0; i < request->outbox_count; i++) {
        request->outbox[i].number = number;
        if (!write_outbox(connection, &request->outbox[i], i, err))
            return false;
    }
    request->number = number;
    (void)FAILPOINT("in_store_transaction");
    return true;
}

/* True when the request has been decided, false when the transaction is gone. */
static bool run_write(struct sqlite_store *store, struct store_request *request, int64_t *sequence,
                      struct err *err)
{
    struct sqlite_connection *connection = &store->writer.connection;
    int64_t sequence_before = *sequence;
    bool holds;

    if (!sqlite_query_run(connection, QUERY_SAVEPOINT, err))
        return false;
    if (check_guards(store, request, &holds, &request->err) && holds &&
        write_rows(store, request, sequence, &request->err)) {
        request->is_ok = true;
        return sqlite_query_run(connection, QUERY_SAVEPOINT_RELEASE, err);
    }
    /* A full disk ends the whole transaction, a damaged page only this request. */
    if (sqlite3_get_autocommit(connection->handle)) {
        *err = request->err;
        return false;
    }
    *sequence = sequence_before;
    return sqlite_query_run(connection, QUERY_SAVEPOINT_ROLLBACK, err) &&
           sqlite_query_run(connection, QUERY_SAVEPOINT_RELEASE, err);
}

static bool run_ping(struct sqlite_store *store, struct err *err)
{
    sqlite3_bind_int64(sqlite_query(&store->writer.connection, QUERY_PING), 1,
                       clock_wall_ms(store->clock));
    return sqlite_query_run(&store->writer.connection, QUERY_PING, err);
}

static bool run_outbox_remove(struct sqlite_store *store, const struct store_request *request,
                              struct err *err)
{
    uint64_t number = request->number > INT64_MAX ? INT64_MAX : request->number;

    sqlite3_bind_int64(sqlite_query(&store->writer.connection, QUERY_OUTBOX_REMOVE), 1,
                       (int64_t)number);
    return sqlite_query_run(&store->writer.connection, QUERY_OUTBOX_REMOVE, err);
}

/* In memory: the claim ends with the process at the latest, which has the file for itself. */
static void run_claim(struct sqlite_store *store, struct store_request *request)
{
    int64_t now_ms = clock_monotonic_ms(store->clock);

    request->is_claimed = store->claimant == request->claimant || now_ms >= store->claimed_until_ms;
    if (!request->is_claimed)
        return;
    store->claimant = request->claimant;
    store->claimed_until_ms = now_ms + request->claim_ms;
}

static bool run_request(struct sqlite_store *store, struct store_request *request,
                        int64_t *sequence, struct err *err)
{
    if (!sqlite_is_in_time(store, request))
        return true;
    if (request->operation == STORE_WRITE)
        return run_write(store, request, sequence, err);
    if (request->operation == STORE_OUTBOX_CLAIM) {
        run_claim(store, request);
        request->is_ok = true;
        return true;
    }
    request->is_ok = request->operation == STORE_PING ? run_ping(store, err)
                                                      : run_outbox_remove(store, request, err);
    return request->is_ok;
}

static bool write_counter(struct sqlite_store *store, struct err *err)
{
    sqlite3_stmt *statement = sqlite_query(&store->writer.connection, QUERY_PARTITION_SET);

    sqlite3_bind_int64(statement, 1, (int64_t)store->epoch);
    sqlite3_bind_int64(statement, 2, (int64_t)store->counter);
    return sqlite_query_run(&store->writer.connection, QUERY_PARTITION_SET, err);
}

static bool trim_feed(struct sqlite_store *store, int64_t sequence, struct err *err)
{
    if (sequence == store->feed_sequence || sequence <= SQLITE_FEED_ENTRIES_MAX)
        return true;
    sqlite3_bind_int64(sqlite_query(&store->writer.connection, QUERY_FEED_TRIM), 1,
                       sequence - SQLITE_FEED_ENTRIES_MAX);
    return sqlite_query_run(&store->writer.connection, QUERY_FEED_TRIM, err);
}

static bool commit(struct sqlite_store *store, bool *ret_is_unsure, struct err *err)
{
    (void)FAILPOINT("before_store_commit");
    if (sqlite_query_run(&store->writer.connection, QUERY_COMMIT, err)) {
        (void)FAILPOINT("after_store_commit");
        return true;
    }
    *ret_is_unsure = true;
    return false;
}

/* `ret_is_unsure`: COMMIT itself failed, and what it left on the disk cannot be told. */
static bool run_transaction(struct sqlite_store *store, struct store_request *requests,
                            bool *ret_is_unsure, struct err *err)
{
    struct sqlite_connection *connection = &store->writer.connection;
    uint64_t counter_before = store->counter;
    int64_t sequence = store->feed_sequence;

    (void)FAILPOINT("before_store_write");
    if (FAILPOINT("store_write_error"))
        return err_set(err, ERR_STORE_UNAVAILABLE, "failpoint store_write_error");
    if (!sqlite_query_run(connection, QUERY_BEGIN_WRITE, err))
        return false;
    for (struct store_request *request = requests; request; request = request->next)
        if (!run_request(store, request, &sequence, err))
            return false;
    if ((store->counter != counter_before && !write_counter(store, err)) ||
        !trim_feed(store, sequence, err) || !commit(store, ret_is_unsure, err))
        return false;
    store->feed_sequence = sequence;
    return true;
}

static void tell_changes(struct sqlite_store *store, const struct store_request *request)
{
    for (size_t i = 0; i < request->change_count; i++)
        for (struct store_listener *listener = store->listeners; listener;
             listener = listener->next)
            listener->on_change(listener, &request->changes[i]);
}

static void tell_reset(struct sqlite_store *store)
{
    for (struct store_listener *listener = store->listeners; listener; listener = listener->next)
        listener->on_reset(listener, 0);
}

static void fail_all(struct store_request *requests, const struct err *err)
{
    for (struct store_request *request = requests; request; request = request->next) {
        request->is_ok = false;
        request->err = *err;
    }
}

void sqlite_write(struct sqlite_store *store, struct store_request *requests)
{
    bool is_unsure = false;
    struct err err;

    if (!requests)
        return;
    for (struct store_request *request = requests; request; request = request->next)
        request->is_ok = false;
    if (run_transaction(store, requests, &is_unsure, &err)) {
        sqlite_note_requests(&store->writer, requests);
        for (struct store_request *request = requests; request; request = request->next)
            if (request->is_ok && request->operation == STORE_WRITE)
                tell_changes(store, request);
    } else {
        sqlite_connection_roll_back(&store->writer.connection);
        sqlite_note_down(&store->writer, &err);
        fail_all(requests, &err);
        if (is_unsure)
            tell_reset(store);
    }
    (void)FAILPOINT("before_store_reply");
    while (requests) {
        struct store_request *next = requests->next;

        sqlite_answer(store, requests);
        requests = next;
    }
}

int64_t sqlite_sweep(struct sqlite_store *store)
{
    struct sqlite_connection *connection = &store->writer.connection;
    int64_t now_ms = clock_now_ns() / NS_PER_MS;
    struct err err;

    if (now_ms < store->next_sweep_ms)
        return store->next_sweep_ms - now_ms;
    store->next_sweep_ms = now_ms + store->sweep_interval_ms;
    sqlite3_bind_int64(sqlite_query(connection, QUERY_VALUE_SWEEP), 1, clock_wall_ms(store->clock));
    sqlite3_bind_int64(sqlite_query(connection, QUERY_VALUE_SWEEP), 2, SWEEP_STEP);
    if (!sqlite_query_run(connection, QUERY_VALUE_SWEEP, &err))
        LOG(DEBUG, "store.sweep", "expired values stay for now", log_text("detail", err.detail));
    else if (sqlite3_changes(connection->handle) == SWEEP_STEP)
        store->next_sweep_ms = now_ms + SWEEP_PAUSE_MS;
    return store->next_sweep_ms - now_ms;
}
