/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ImportStore: batch by batch, and in a batch partition by partition: what is there is read, what
 * is not is written under the guard that it still is not.
 *
 * A request without entries is the question whether this store may be imported into; it is looked
 * through until it shows a subject.
 */
#include "admin/import_batch.h"
#include "admin/store_walk.h"
#include "base/memory.h"
#include "interceptors/caller.h"
#include "rpc/stream.h"

enum { ATTEMPTS = 5 };

/* One item of the stream. */
struct importing {
    struct rpc_item *item; /* NULL: the client is gone */
    const struct admin_options *options;
    struct inbox *reply_to;
    struct arena arena; /* with the message in it */
    struct span caller; /* in the arena */
    struct store_walk walk;
    struct import_batch batch;
    uint16_t partition; /* under way */
    unsigned attempts;  /* in it */
    struct store_request *reading, *writing;
    size_t read[STORE_IMPORT_ENTRIES_MAX]; /* entries by the place of their key in `reading` */
};

static void importing_free(struct importing *importing)
{
    store_request_free(importing->reading);
    store_request_free(importing->writing);
    store_walk_stop(&importing->walk);
    arena_release(&importing->arena);
    memory_free(importing);
}

static void fail(struct importing *importing, const struct err *err)
{
    if (importing->item)
        rpc_item_fail(importing->item, err);
    importing_free(importing);
}

static void on_abandoned(void *owner)
{
    ((struct importing *)owner)->item = NULL;
}

/* The answers. */

static void add_conflict(struct importing *importing, const struct import_entry *entry,
                         Passgate__V1__ImportStoreResponse *response)
{
    uint16_t partition = entry->partition == IMPORT_EVERYWHERE ? 0 : entry->partition;

    response->conflicts[response->n_conflicts++] =
        store_finding(entry->key, partition, PASSGATE__V1__STORE_PROBLEM__STORE_PROBLEM_CONFLICT,
                      "", &importing->arena);
}

static void reply(struct importing *importing)
{
    Passgate__V1__ImportStoreResponse response = PASSGATE__V1__IMPORT_STORE_RESPONSE__INIT;
    const struct import_batch *batch = &importing->batch;
    uint32_t counts[IMPORT_OWN + 1] = {0};

    response.conflicts =
        arena_new_array(&importing->arena, Passgate__V1__StoreFinding *, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        counts[batch->entries[i].outcome]++;
        if (batch->entries[i].outcome == IMPORT_CONFLICT)
            add_conflict(importing, &batch->entries[i], &response);
    }
    response.written = counts[IMPORT_WRITTEN];
    response.same = counts[IMPORT_SAME];
    response.expired = counts[IMPORT_EXPIRED];
    response.own = counts[IMPORT_OWN];
    if (batch->count == 0)
        response.store = store_description(importing->options, &importing->arena);
    if (importing->item)
        rpc_item_reply(importing->item, &response.base);
    importing_free(importing);
}

/* The question. */

static bool has_subject(const struct store_request *page, int64_t now_ms)
{
    for (size_t i = 0; i < page->entry_count; i++)
        if (page->entries[i].key.space == STORE_SUBJECT &&
            (page->entries[i].state != STORE_ENTRY_FINE ||
             page->entries[i].value.expires_at_ms > now_ms))
            return true;
    return false;
}

static void on_page(struct store_walk *walk)
{
    struct importing *importing = CONTAINER_OF(walk, struct importing, walk);
    struct err err;

    if (!walk->page->is_ok) {
        fail(importing, &walk->page->err);
    } else if (has_subject(walk->page, clock_wall_ms(importing->options->clock))) {
        err_set(&err, ERR_STORE_NOT_EMPTY, "there are subjects");
        fail(importing, &err);
    } else if (walk->is_done || !importing->item) {
        reply(importing);
    } else {
        store_walk_next(walk);
    }
}

static void answer_question(struct importing *importing, bool is_merge)
{
    struct err err;

    if (!store_audit(rpc_item_call(importing->item), importing->options, &err)) {
        fail(importing, &err);
        return;
    }
    importing->walk = (struct store_walk){
        .options = importing->options,
        .reply_to = importing->reply_to,
        .limit = STORE_SCAN_LIMIT_MAX,
        .on_page = on_page,
    };
    rpc_item_park(importing->item, on_abandoned, importing);
    if (is_merge)
        reply(importing);
    else
        store_walk_next(&importing->walk);
}

/* The batch. */

static void next_partition(struct importing *importing);
static void read_partition(struct importing *importing);

static void on_written(struct store_request *request)
{
    struct importing *importing = request->owner;

    if (!request->is_ok && request->err.code == ERR_CONFLICT && importing->attempts < ATTEMPTS) {
        read_partition(importing);
    } else if (!request->is_ok) {
        fail(importing, &request->err);
    } else {
        for (size_t i = 0; i < importing->reading->key_count; i++)
            if (importing->reading->values[i].version == 0)
                importing->batch.entries[importing->read[i]].outcome = IMPORT_WRITTEN;
        importing->partition++;
        importing->attempts = 0;
        next_partition(importing);
    }
}

/* What others have derived from there being no such value. */
static void add_change(struct store_request *request, struct store_key key)
{
    if (key.space == STORE_SUBJECT)
        store_request_change(request, STORE_CHANGE_SUBJECT, key.id);
    else if (key.space == STORE_CLAIM)
        store_request_change(request, STORE_CHANGE_CLAIM, key.id);
}

/* Every write is with its record; this one names the subjects. */
static bool add_audit(struct importing *importing, struct store_request *request, struct err *err)
{
    struct audit_item items[STORE_IMPORT_ENTRIES_MAX] = {0};
    struct audit_record record = {
        .kind = AUDIT_ADMINISTRATION,
        .time_ms = clock_wall_ms(importing->options->clock),
        .caller = importing->caller,
        .method = span_text("ImportStore"),
        .items = items,
    };
    struct span bytes;

    for (size_t i = 0; i < request->put_count; i++)
        if (request->puts[i].key.space == STORE_SUBJECT)
            items[record.item_count++] = (struct audit_item){
                .subject = request->puts[i].key.id,
                .directive = AUDIT_NO_DIRECTIVE,
            };
    if (!audit_record_encode(&record, &importing->arena, &bytes, err))
        return false;
    store_request_outbox(request, bytes);
    return true;
}

static void write_partition(struct importing *importing)
{
    const struct store_request *reading = importing->reading;
    struct store_request *request;
    struct err err;

    store_request_free(importing->writing);
    request = importing->writing = store_request_new(STORE_WRITE, importing->partition,
                                                     importing->reply_to, on_written, importing);
    request->deadline_ms =
        clock_monotonic_ms(importing->options->clock) + importing->options->write_timeout_ms;
    for (size_t i = 0; i < reading->key_count; i++) {
        const struct import_entry *entry = &importing->batch.entries[importing->read[i]];

        if (reading->values[i].version != 0)
            continue;
        store_request_guard(request, entry->key, 0);
        store_request_put(request, entry->key, entry->expires_at_ms, entry->data);
        add_change(request, entry->key);
    }
    if (request->put_count == 0) {
        importing->partition++;
        importing->attempts = 0;
        next_partition(importing);
    } else if (add_audit(importing, request, &err)) {
        store_submit(importing->options->store, request);
    } else {
        fail(importing, &err);
    }
}

static void on_read(struct store_request *request)
{
    struct importing *importing = request->owner;

    if (!request->is_ok) {
        fail(importing, &request->err);
        return;
    }
    for (size_t i = 0; i < request->key_count; i++) {
        struct import_entry *entry = &importing->batch.entries[importing->read[i]];

        if (request->values[i].version != 0 && !span_equal(request->values[i].data, entry->data))
            entry->outcome = IMPORT_CONFLICT;
    }
    write_partition(importing);
}

static void read_partition(struct importing *importing)
{
    const struct admin_options *options = importing->options;
    struct store_request *request;

    importing->attempts++;
    store_request_free(importing->reading);
    request = importing->reading = store_request_new(STORE_READ, importing->partition,
                                                     importing->reply_to, on_read, importing);
    request->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    for (size_t i = 0; i < importing->batch.count; i++)
        if (import_entry_is_for(&importing->batch.entries[i], importing->partition)) {
            importing->read[request->key_count] = i;
            store_request_key(request, importing->batch.entries[i].key);
        }
    store_submit(options->store, request);
}

static bool has_entries(const struct importing *importing)
{
    for (size_t i = 0; i < importing->batch.count; i++)
        if (import_entry_is_for(&importing->batch.entries[i], importing->partition))
            return true;
    return false;
}

/* From here on, the first partition that entries are for; the end when there is none. */
static void next_partition(struct importing *importing)
{
    uint16_t count = importing->options->store->partition_count;

    while (importing->partition < count && !has_entries(importing))
        importing->partition++;
    if (importing->partition < count && importing->item)
        read_partition(importing);
    else
        reply(importing);
}

void import_store(struct rpc_item *item, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__ImportStoreRequest *request =
        (const Passgate__V1__ImportStoreRequest *)message;
    struct rpc_call *call = rpc_item_call(item);
    struct importing *importing = memory_new(struct importing);
    struct err err;

    importing->item = item;
    importing->options = context;
    importing->reply_to = rpc_call_inbox(call);
    importing->arena = rpc_item_take_arena(item);
    importing->caller = arena_copy(&importing->arena, caller_of(call)->id);
    if (!caller_reaches_all(caller_of(call), &err) ||
        !import_batch_read(importing->options->names, request,
                           clock_wall_ms(importing->options->clock), &importing->arena,
                           &importing->batch, &err)) {
        fail(importing, &err);
        return;
    }
    if (importing->batch.count == 0) {
        answer_question(importing, request->merge);
        return;
    }
    rpc_item_park(item, on_abandoned, importing);
    next_partition(importing);
}
