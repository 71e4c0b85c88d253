/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded store's pages of everything: by primary key, from where the last one ended.
 *
 * A cursor is the key of the last entry: 'S', the space, the 16 bytes of the id as they are stored.
 */
#include "storage/sqlite_store.h"

enum {
    CURSOR_MARK = 'S',
    CURSOR_BYTES = 2 + HASH128_BYTES,
    /* Other readers wait meanwhile; a page with one large value may have more. */
    PAGE_BYTES_MAX = 512 * 1024,
    SPACES = STORE_REALM,
    SPACE_MAX = UINT8_MAX,
};

/* Where a page begins: behind this. */
struct place {
    uint8_t space;
    uint8_t id[HASH128_BYTES];
};

static bool read_cursor(struct span cursor, struct place *ret_place, struct err *err)
{
    struct place place = {.space = 0};

    if (cursor.length != 0 && (cursor.length != CURSOR_BYTES || cursor.data[0] != CURSOR_MARK))
        return err_field(err, ERR_FIELD_RANGE, "cursor", "not one of this store");
    if (cursor.length != 0) {
        place.space = cursor.data[1];
        memcpy(place.id, cursor.data + 2, sizeof(place.id));
    }
    *ret_place = place;
    return true;
}

static struct span write_cursor(const struct place *place, struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, CURSOR_BYTES);

    bytes[0] = CURSOR_MARK;
    bytes[1] = place->space;
    memcpy(bytes + 2, place->id, sizeof(place->id));
    return span_of(bytes, CURSOR_BYTES);
}

/* Keys are hashes: their first byte tells how far a space is through. */
static uint32_t permille(const struct place *place)
{
    uint32_t before = place->space == 0       ? 0
                      : place->space > SPACES ? SPACES - 1U
                                              : place->space - 1U;

    return (before * 256 + place->id[0]) * 1000 / (SPACES * 256);
}

static bool take_row(sqlite3_stmt *row, struct place *place, struct arena *arena,
                     struct store_entry *ret_entry, struct err *err)
{
    int64_t space = sqlite3_column_int64(row, 0);
    struct span id = span_of(sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1));
    size_t length = (size_t)sqlite3_column_bytes(row, 4);

    if (space < 0 || space > SPACE_MAX || id.length != sizeof(place->id))
        return err_set(err, ERR_STORE_CORRUPT, "a key of space %lld with an id of %zu bytes",
                       (long long)space, id.length);
    place->space = (uint8_t)space;
    memcpy(place->id, id.data, sizeof(place->id));
    *ret_entry = (struct store_entry){
        .key = {.space = (enum store_space)space, .id = hash128_load(place->id)},
        .value = {.version = (uint64_t)sqlite3_column_int64(row, 2),
                  .expires_at_ms = sqlite3_column_int64(row, 3)},
    };
    if (length > STORE_VALUE_BYTES_MAX)
        ret_entry->state = STORE_ENTRY_TOO_LARGE;
    else if (length == 0)
        ret_entry->state = STORE_ENTRY_MALFORMED;
    else
        ret_entry->value.data = arena_copy(arena, span_of(sqlite3_column_blob(row, 4), length));
    return true;
}

/* The rows into the request; the query is left where it stands. */
static bool take_rows(struct sqlite_connection *connection, struct store_request *request,
                      struct place *place, struct err *err)
{
    size_t bytes = 0;
    bool is_row;

    while (request->entry_count < request->limit && bytes < PAGE_BYTES_MAX) {
        struct store_entry *entry = &request->entries[request->entry_count];

        if (!sqlite_query_step(connection, QUERY_VALUE_SCAN, &is_row, err))
            return false;
        if (!is_row) {
            request->is_scanned = true;
            return true;
        }
        if (!take_row(sqlite_query(connection, QUERY_VALUE_SCAN), place, &request->arena, entry,
                      err))
            return false;
        bytes += entry->value.data.length;
        request->entry_count++;
    }
    return true;
}

bool sqlite_scan(struct sqlite_store *store, struct store_request *request, struct err *err)
{
    struct sqlite_connection *connection = &store->reader.connection;
    sqlite3_stmt *statement = sqlite_query(connection, QUERY_VALUE_SCAN);
    struct place begin, place;
    bool is_taken;

    if (!read_cursor(request->cursor, &begin, err))
        return false;
    request->entries = arena_new_array(&request->arena, struct store_entry, request->limit);
    request->entry_count = 0;
    request->is_scanned = false;
    sqlite3_bind_int(statement, 1, begin.space);
    sqlite_bind_bytes(statement, 2, span_of(begin.id, sizeof(begin.id)));
    sqlite3_bind_int64(statement, 3, (int64_t)request->limit);
    place = begin;
    is_taken = take_rows(connection, request, &place, err);
    sqlite_query_reset(connection, QUERY_VALUE_SCAN);
    if (!is_taken)
        return false;
    request->cursor =
        request->is_scanned ? span_of(NULL, 0) : write_cursor(&place, &request->arena);
    request->scanned_permille = request->is_scanned ? 1000 : permille(&place);
    return true;
}
