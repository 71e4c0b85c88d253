/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of everything: SCAN for the names, then MGET for what they hold, some at a time, so that
 * the connection stays free for other reads between the steps.  To MGET a name that holds no string
 * is like one that has gone meanwhile; GET, for these one by one, knows the difference.
 *
 * A cursor is 'R', the epoch and the cursor of Redis, both big-endian: Redis gives its cursors to
 * one process, and another one has other places for the same names.
 */
#include "storage/redis_store.h"

enum {
    CURSOR_MARK = 'R',
    CURSOR_BYTES = 1 + 2 * REDIS_NUMBER_BYTES,
    READ_FIXED = 2,
    READ_STEP = 32, /* values of one MGET */
    SHARE_BITS = 10,
};

/* How far one request is. */
struct scan {
    uint64_t epoch; /* that the cursor was given in; 0: it begins */
    uint64_t cursor;
    bool is_listed; /* `names` is what SCAN found */
    struct store_key *names;
    size_t count;
    size_t read;    /* of them */
    size_t missing; /* so many MGET has not found: moved to the beginning of `names` */
    size_t asked;   /* of those, once more */
};

bool redis_scan_begin(struct store_request *request, struct err *err)
{
    struct scan *scan = arena_new(&request->arena, struct scan);
    struct span cursor = request->cursor;

    if (cursor.length != 0 &&
        (cursor.length != CURSOR_BYTES || cursor.data[0] != CURSOR_MARK ||
         !redis_number_decode(span_of(cursor.data + 1, REDIS_NUMBER_BYTES), &scan->epoch) ||
         !redis_number_decode(span_from(cursor, 1 + REDIS_NUMBER_BYTES), &scan->cursor) ||
         scan->epoch == 0 || scan->cursor == 0))
        return err_field(err, ERR_FIELD_RANGE, "cursor", "not one of this store");
    request->notes = scan;
    return true;
}

bool redis_scan_goes_on(const struct store_request *request)
{
    const struct scan *scan = request->notes;

    return request->operation == STORE_SCAN &&
           (scan->read < scan->count || scan->asked < scan->missing);
}

static size_t step_of(const struct scan *scan)
{
    return scan->count - scan->read < READ_STEP ? scan->count - scan->read : READ_STEP;
}

void redis_scan_build(struct redis_store *store, struct store_request *request,
                      struct redis_args *args)
{
    struct scan *scan = request->notes;

    if (scan->is_listed && scan->read == scan->count) {
        redis_args_text(args, "GET");
        redis_args_add(args, redis_name_value(&store->names, request->partition,
                                              scan->names[scan->asked], &store->scratch));
        return;
    }
    if (scan->is_listed) {
        request->keys = scan->names + scan->read;
        request->key_count = step_of(scan);
        redis_read_build(store, request, args);
        return;
    }
    redis_args_text(args, "SCAN");
    redis_args_text(args, arena_printf(&store->scratch, "%llu", (unsigned long long)scan->cursor));
    redis_args_text(args, "MATCH");
    redis_args_add(args, redis_name_values(&store->names, request->partition, &store->scratch));
    redis_args_text(args, "COUNT");
    redis_args_number(args, &store->scratch, (int64_t)request->limit);
}

/* Redis counts from the highest bit of its table down, so that a cursor, its bits reversed, is the
 * share of the table that lies behind, however large that is. */
static uint32_t permille(uint64_t cursor)
{
    uint32_t share = 0;

    for (int bit = 0; bit < SHARE_BITS; bit++)
        share = share << 1 | (cursor >> bit & 1);
    return share * 1000 >> SHARE_BITS;
}

/* The next cursor, and where the names go. */
static void note_page(struct store_request *request, uint64_t epoch, uint64_t cursor, size_t count)
{
    struct scan *scan = request->notes;
    uint8_t *bytes = arena_alloc(&request->arena, CURSOR_BYTES);

    bytes[0] = CURSOR_MARK;
    redis_number_encode(epoch, bytes + 1);
    redis_number_encode(cursor, bytes + 1 + REDIS_NUMBER_BYTES);
    request->is_scanned = cursor == 0;
    request->cursor = span_of(bytes, cursor == 0 ? 0 : CURSOR_BYTES);
    request->scanned_permille = cursor == 0 ? 1000 : permille(cursor);
    request->entries = arena_new_array(&request->arena, struct store_entry, count);
    scan->names = arena_new_array(&request->arena, struct store_key, count);
    scan->is_listed = true;
}

static bool is_page(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < reply->element[1]->elements; i++)
        if (reply->element[1]->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

/* [cursor, [name, name …]] */
static bool take_names(struct redis_command *command, const redisReply *reply, struct err *err)
{
    struct redis_store *store = command->connection->store;
    struct store_request *request = command->request;
    uint64_t epoch = store->partitions[command->index].epoch, cursor;
    const redisReply *names;
    struct scan *scan;

    if (!is_page(reply) || !redis_decimal_decode(redis_reply_span(reply->element[0]), &cursor)) {
        redis_connection_refused(command->connection, reply, err);
        return false;
    }
    scan = request->notes;
    if (scan->epoch != 0 && scan->epoch != epoch)
        return err_set(err, ERR_CONFLICT, "another epoch has begun since the scan began");
    scan->epoch = epoch;
    names = reply->element[1];
    note_page(request, epoch, cursor, names->elements);
    for (size_t i = 0; i < names->elements; i++)
        if (redis_name_value_decode(&store->names, request->partition,
                                    redis_reply_span(names->element[i]), &scan->names[scan->count]))
            scan->count++;
    return true;
}

static struct store_entry entry_of(struct store_key key, struct span stored, struct arena *arena)
{
    struct store_entry entry = {.key = key};
    struct err err;

    if (!redis_value_decode(stored, key, &entry.value, &err))
        entry.state =
            redis_value_is_foreign(stored, key) ? STORE_ENTRY_FOREIGN : STORE_ENTRY_MALFORMED;
    else if (entry.value.data.length > STORE_VALUE_BYTES_MAX)
        entry.state = STORE_ENTRY_TOO_LARGE;
    else if (entry.value.data.length == 0)
        entry.state = STORE_ENTRY_MALFORMED;
    entry.value.data =
        entry.state == STORE_ENTRY_FINE ? arena_copy(arena, entry.value.data) : span_of(NULL, 0);
    return entry;
}

static void add_entry(struct store_request *request, struct store_entry entry)
{
    request->entries[request->entry_count++] = entry;
}

/* [epoch, counter, value, value …]; what has gone meanwhile, or is no string, is nil. */
static bool take_values(struct redis_command *command, const redisReply *reply, struct err *err)
{
    struct store_request *request = command->request;
    struct scan *scan;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != READ_FIXED + request->key_count) {
        redis_connection_refused(command->connection, reply, err);
        return false;
    }
    if (!redis_read_number(command, reply->element[0], reply->element[1], &request->number, err))
        return false;
    scan = request->notes;
    for (size_t i = 0; i < request->key_count; i++) {
        const redisReply *value = reply->element[READ_FIXED + i];

        if (value->type == REDIS_REPLY_STRING)
            add_entry(request,
                      entry_of(request->keys[i], redis_reply_span(value), &request->arena));
        else
            scan->names[scan->missing++] = request->keys[i];
    }
    scan->read += request->key_count;
    return true;
}

/* nil: it has gone; an error, of the type: it is there, and no value. */
static bool take_missing(struct redis_command *command, const redisReply *reply, struct err *err)
{
    struct store_request *request = command->request;
    struct scan *scan = request->notes;
    struct store_key key = scan->names[scan->asked];

    if (reply->type == REDIS_REPLY_STRING) {
        add_entry(request, entry_of(key, redis_reply_span(reply), &request->arena));
    } else if (reply->type == REDIS_REPLY_ERROR) {
        add_entry(request, (struct store_entry){.key = key, .state = STORE_ENTRY_MALFORMED});
    } else if (reply->type != REDIS_REPLY_NIL) {
        redis_connection_refused(command->connection, reply, err);
        return false;
    }
    scan->asked++;
    return true;
}

bool redis_scan_take(struct redis_command *command, const redisReply *reply, struct err *err)
{
    const struct scan *scan = command->request ? command->request->notes : NULL;

    if (!scan)
        return true;
    if (!scan->is_listed)
        return take_names(command, reply, err);
    return scan->read < scan->count ? take_values(command, reply, err)
                                    : take_missing(command, reply, err);
}
