/* SPDX-License-Identifier: Apache-2.0 */
/* GetStoreStats: one page of counting, as much as fits into a moment. */
#include "admin/store_message.h"
#include "admin/store_methods.h"
#include "admin/store_walk.h"
#include "base/memory.h"
#include "rpc/call.h"

enum { PAGE_MS = 500, SPACES = STORE_REALM + 1, ARENA_BYTES = 8 * 1024 };

struct counting {
    struct rpc_call *call; /* NULL: nobody waits any more */
    const struct admin_options *options;
    struct store_walk walk;
    struct arena arena; /* of the answer */
    int64_t until_ms;
    struct store_request *looking;               /* at the partition that begins */
    Passgate__V1__StoreSpaceStats *rows[SPACES]; /* of the partition under way; NULL: none yet */
    Passgate__V1__GetStoreStatsResponse response;
    Passgate__V1__StorePartitionStats *partition; /* that begins */
};

static void counting_free(struct counting *counting)
{
    store_request_free(counting->looking);
    store_walk_stop(&counting->walk);
    arena_release(&counting->arena);
    memory_free(counting);
}

static void finish(struct counting *counting, const struct err *err)
{
    Passgate__V1__GetStoreStatsResponse *response = &counting->response;

    if (counting->call && err) {
        rpc_call_fail(counting->call, err);
    } else if (counting->call) {
        response->next_page_token =
            store_bytes(store_walk_token(&counting->walk, &counting->arena));
        response->progress_permille = counting->walk.permille;
        response->store = store_description(counting->options, &counting->arena);
        rpc_call_reply(counting->call, &response->base);
    }
    counting_free(counting);
}

static Passgate__V1__StoreSpaceStats *row_for(struct counting *counting, enum store_space space)
{
    size_t index = (size_t)store_space_message(space);
    Passgate__V1__StoreSpaceStats *row = counting->rows[index];

    if (!row) {
        row = counting->rows[index] = arena_alloc(&counting->arena, sizeof(*row));
        passgate__v1__store_space_stats__init(row);
        row->partition = counting->walk.page->partition;
        row->space = (Passgate__V1__StoreSpace)index;
        counting->response.spaces[counting->response.n_spaces++] = row;
    }
    return row;
}

static void count_page(struct counting *counting)
{
    const struct store_request *page = counting->walk.page;
    int64_t now_ms = clock_wall_ms(counting->options->clock);

    for (size_t i = 0; i < page->entry_count; i++) {
        const struct store_entry *entry = &page->entries[i];
        Passgate__V1__StoreSpaceStats *row = row_for(counting, entry->key.space);

        row->values++;
        row->bytes += entry->value.data.length;
        row->expired += entry->state == STORE_ENTRY_FINE && entry->value.expires_at_ms <= now_ms;
    }
    if (page->is_scanned)
        memset(counting->rows, 0, sizeof(counting->rows));
}

static void go_on(struct counting *counting);

static struct store_request *look(struct counting *counting, enum store_operation operation,
                                  void (*on_done)(struct store_request *request))
{
    const struct admin_options *options = counting->options;

    store_request_free(counting->looking);
    counting->looking = store_request_new(operation, counting->walk.partition,
                                          counting->walk.reply_to, on_done, counting);
    counting->looking->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    return counting->looking;
}

static void on_outbox(struct store_request *request)
{
    struct counting *counting = request->owner;

    if (!request->is_ok || !counting->call) {
        finish(counting, &request->err);
        return;
    }
    counting->partition->outbox_records =
        (uint32_t)(request->outbox_count < STORE_OUTBOX_LIMIT_MAX ? request->outbox_count
                                                                  : STORE_OUTBOX_LIMIT_MAX);
    counting->response.partitions[counting->response.n_partitions++] = counting->partition;
    store_walk_next(&counting->walk);
}

static void on_number(struct store_request *request)
{
    struct counting *counting = request->owner;
    struct store_request *next;

    if (!request->is_ok || !counting->call) {
        finish(counting, &request->err);
        return;
    }
    counting->partition = arena_alloc(&counting->arena, sizeof(*counting->partition));
    passgate__v1__store_partition_stats__init(counting->partition);
    counting->partition->partition = request->partition;
    counting->partition->epoch = request->number >> STORE_NUMBER_COUNTER_BITS;
    counting->partition->counter =
        request->number & ((UINT64_C(1) << STORE_NUMBER_COUNTER_BITS) - 1);
    next = look(counting, STORE_OUTBOX_READ, on_outbox);
    next->limit = STORE_OUTBOX_LIMIT_MAX;
    store_submit(counting->options->store, next);
}

static void begin_partition(struct counting *counting)
{
    struct store_request *request = look(counting, STORE_READ, on_number);

    store_request_key(request, names_realm(counting->options->names, span_text("directives")));
    store_submit(counting->options->store, request);
}

static void go_on(struct counting *counting)
{
    if (!counting->call || counting->walk.is_done ||
        clock_monotonic_ms(counting->options->clock) >= counting->until_ms)
        finish(counting, NULL);
    else if (counting->walk.cursor_length == 0)
        begin_partition(counting);
    else
        store_walk_next(&counting->walk);
}

static void on_page(struct store_walk *walk)
{
    struct counting *counting = CONTAINER_OF(walk, struct counting, walk);

    if (!walk->page->is_ok) {
        finish(counting, &walk->page->err);
        return;
    }
    count_page(counting);
    go_on(counting);
}

static void on_abandoned(void *owner)
{
    ((struct counting *)owner)->call = NULL;
}

static struct counting *counting_new(struct rpc_call *call, const struct admin_options *options)
{
    struct counting *counting = memory_new(struct counting);
    size_t partitions = options->store->partition_count;
    Passgate__V1__GetStoreStatsResponse *response = &counting->response;

    counting->call = call;
    counting->options = options;
    counting->walk = (struct store_walk){
        .options = options,
        .reply_to = rpc_call_inbox(call),
        .limit = STORE_SCAN_LIMIT_MAX,
        .on_page = on_page,
    };
    arena_init(&counting->arena, ARENA_BYTES);
    passgate__v1__get_store_stats_response__init(response);
    response->spaces =
        arena_new_array(&counting->arena, Passgate__V1__StoreSpaceStats *, partitions * SPACES);
    response->partitions =
        arena_new_array(&counting->arena, Passgate__V1__StorePartitionStats *, partitions);
    counting->until_ms = clock_monotonic_ms(options->clock) + PAGE_MS;
    return counting;
}

void get_store_stats(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__GetStoreStatsRequest *request =
        (const Passgate__V1__GetStoreStatsRequest *)message;
    struct counting *counting = counting_new(call, context);
    struct err err;

    if (!store_walk_begin(&counting->walk, store_span(request->page_token), "page_token", &err) ||
        !store_audit(call, counting->options, &err)) {
        finish(counting, &err);
        return;
    }
    rpc_call_park(call, on_abandoned, counting);
    go_on(counting);
}
