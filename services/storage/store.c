/* SPDX-License-Identifier: Apache-2.0 */
/* The store: requests, and the way to a backend and back. */
#include "storage/store.h"

#include "base/clock.h"
#include "base/memory.h"
#include "storage/read_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Most requests have one or two of a kind: room for FEW, then for all. */
enum { REQUEST_ARENA_BYTES = 2048, FEW = 4 };

struct store_request *store_request_new(enum store_operation operation, uint16_t partition,
                                        struct inbox *reply_to,
                                        void (*on_done)(struct store_request *request), void *owner)
{
    struct store_request *request = memory_new(struct store_request);

    request->operation = operation;
    request->partition = partition;
    request->reply_to = reply_to;
    request->on_done = on_done;
    request->owner = owner;
    request->deadline_ms = INT64_MAX;
    arena_init(&request->arena, REQUEST_ARENA_BYTES);
    return request;
}

void store_request_free(struct store_request *request)
{
    if (!request)
        return;
    arena_release(&request->arena);
    memory_free(request);
}

/* The array with room for one more element than `count`. */
static void *make_room(struct store_request *request, void *array, size_t count, size_t size)
{
    void *larger;

    if (count == STORE_KEYS_MAX) {
        fputs("store: more than STORE_KEYS_MAX entries in a request\n", stderr);
        abort();
    }
    if (count != 0 && count != FEW)
        return array;
    larger = arena_zarray(&request->arena, count == 0 ? FEW : STORE_KEYS_MAX, size);
    if (count > 0)
        memcpy(larger, array, count * size);
    return larger;
}

void store_request_key(struct store_request *request, struct store_key key)
{
    request->keys = make_room(request, request->keys, request->key_count, sizeof(*request->keys));
    request->keys[request->key_count++] = key;
}

void store_request_guard(struct store_request *request, struct store_key key, uint64_t version)
{
    request->guards =
        make_room(request, request->guards, request->guard_count, sizeof(*request->guards));
    request->guards[request->guard_count++] = (struct store_guard){.key = key, .version = version};
}

void store_request_put(struct store_request *request, struct store_key key, int64_t expires_at_ms,
                       struct span data)
{
    request->puts = make_room(request, request->puts, request->put_count, sizeof(*request->puts));
    request->puts[request->put_count++] = (struct store_put){
        .key = key,
        .expires_at_ms = expires_at_ms,
        .data = arena_copy(&request->arena, data),
    };
}

void store_request_remove(struct store_request *request, struct store_key key)
{
    store_request_put(request, key, 0, span_of(NULL, 0));
}

void store_request_change(struct store_request *request, enum store_change_kind kind,
                          struct hash128 id)
{
    request->changes =
        make_room(request, request->changes, request->change_count, sizeof(*request->changes));
    request->changes[request->change_count++] =
        (struct store_change){.partition = request->partition, .kind = kind, .id = id};
}

void store_request_outbox(struct store_request *request, struct span record)
{
    request->outbox =
        make_room(request, request->outbox, request->outbox_count, sizeof(*request->outbox));
    request->outbox[request->outbox_count++] = (struct store_outbox_entry){
        .partition = request->partition,
        .record = arena_copy(&request->arena, record),
    };
}

void store_request_cursor(struct store_request *request, struct span cursor)
{
    request->cursor = arena_copy(&request->arena, cursor);
}

static bool check_scan(const struct store_request *request, struct err *err)
{
    if (request->limit == 0 || request->limit > STORE_SCAN_LIMIT_MAX)
        return err_set(err, ERR_INTERNAL, "scan of %zu entries", request->limit);
    if (request->cursor.length > STORE_CURSOR_BYTES_MAX)
        return err_field(err, ERR_FIELD_RANGE, "cursor", "%zu bytes", request->cursor.length);
    return true;
}

static bool check_limits(const struct store *store, const struct store_request *request,
                         struct err *err)
{
    if (request->partition >= store->partition_count)
        return err_set(err, ERR_INTERNAL, "partition %u of %u", request->partition,
                       store->partition_count);
    if (request->operation == STORE_OUTBOX_READ &&
        (request->limit == 0 || request->limit > STORE_OUTBOX_LIMIT_MAX))
        return err_set(err, ERR_INTERNAL, "outbox read of %zu records", request->limit);
    if (request->operation == STORE_OUTBOX_CLAIM &&
        (request->claimant == 0 || request->claim_ms < 0 || request->claim_ms > STORE_CLAIM_MS_MAX))
        return err_set(err, ERR_INTERNAL, "outbox claimed for %" PRId64 " ms", request->claim_ms);
    if (request->operation == STORE_SCAN && !check_scan(request, err))
        return false;
    for (size_t i = 0; i < request->put_count; i++)
        if (request->puts[i].data.length > STORE_VALUE_BYTES_MAX)
            return err_set(err, ERR_INTERNAL, "value of %zu bytes", request->puts[i].data.length);
    for (size_t i = 0; i < request->outbox_count; i++)
        if (request->outbox[i].record.length > STORE_VALUE_BYTES_MAX)
            return err_set(err, ERR_INTERNAL, "outbox record of %zu bytes",
                           request->outbox[i].record.length);
    return true;
}

void store_submit(struct store *store, struct store_request *request)
{
    struct err err;

    request->store = store;
    request->submitted_ns = clock_now_ns();
    if (check_limits(store, request, &err) &&
        (!request->is_waited_for || !store->reads || read_queue_join(store->reads, request, &err)))
        store->ops->submit(store, request);
    else
        store_fail(request, &err);
}

void store_listen(struct store *store, struct store_listener *listener)
{
    store->ops->listen(store, listener);
}

void store_get_state(struct store *store, struct store_state *ret_state)
{
    store->ops->state(store, ret_state);
    ret_state->feed_age_ms = store_feed_age_ms(store);
}

void store_free(struct store *store)
{
    if (store)
        store->ops->free(store);
}

static void run_done(struct task *task)
{
    struct store_request *request = CONTAINER_OF(task, struct store_request, done);

    request->on_done(request);
}

static void post_back(struct store_request *request)
{
    struct store *store = request->store;
    int64_t now_ns = clock_now_ns();

    if (request->is_queued)
        read_queue_leave(store->reads, request, now_ns);
    if (store->observe)
        store->observe(store->observer, now_ns - request->submitted_ns);
    request->done.run = run_done;
    inbox_post(request->reply_to, &request->done);
}

void store_finish(struct store_request *request)
{
    request->is_ok = true;
    post_back(request);
}

void store_fail(struct store_request *request, const struct err *err)
{
    request->is_ok = false;
    request->err = *err;
    post_back(request);
}
