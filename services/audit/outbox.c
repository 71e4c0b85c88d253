/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox. */
#include "audit/outbox.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "storage/blocking.h"

enum { TAKE_MAX = 256, LOOK_MS = 1000, STORE_TIMEOUT_MS = 5000, RETRY_MS = 200 };

struct outbox {
    struct outbox_options options;
    struct store_listener listener;
    struct mailbox mailbox;
    pthread_t thread;
    atomic_bool is_stopping;
    bool is_running;
    /* By partition: up to this number the log has the records.  What then could not be removed is
     * not written again, however long the store takes no writes. */
    uint64_t logged[STORE_PARTITIONS_MAX];
};

static void on_change(struct store_listener *listener, const struct store_change *change)
{
    struct outbox *outbox = CONTAINER_OF(listener, struct outbox, listener);

    (void)change;
    mailbox_wake(&outbox->mailbox);
}

static void on_reset(struct store_listener *listener, uint16_t partition)
{
    (void)partition;
    on_change(listener, NULL);
}

/* What one batch waits for. */
struct waiting {
    struct audit_waiter waiter;
    bool is_done;
};

static void on_durable(struct task *task)
{
    CONTAINER_OF(task, struct waiting, waiter.done)->is_done = true;
}

static bool wait_until_durable(struct outbox *outbox, uint64_t sequence, struct err *err)
{
    struct waiting waiting = {
        .waiter = {.done.run = on_durable, .reply_to = &outbox->mailbox.inbox}};

    audit_wait(outbox->options.audit, sequence, &waiting.waiter);
    while (!waiting.is_done)
        mailbox_wait(&outbox->mailbox, LOOK_MS);
    if (!waiting.waiter.is_durable)
        return err_set(err, ERR_AUDIT_UNAVAILABLE, "outbox records could not be written");
    return true;
}

/* Append one record under the number of the write that it belongs to.  One that cannot be read is
 * kept as it is. */
static bool append(struct outbox *outbox, const struct store_outbox_entry *entry,
                   uint64_t *ret_sequence, struct err *err)
{
    struct audit_record record;
    struct arena arena;
    struct err unreadable;
    bool is_appended;

    arena_init(&arena, 4096);
    if (!audit_record_decode(entry->record, &arena, &record, &unreadable))
        record = (struct audit_record){
            .kind = AUDIT_OPAQUE,
            .time_ms = clock_wall_ms(outbox->options.clock),
            .payload = entry->record,
        };
    record.number = entry->number;
    record.partition = entry->partition;
    is_appended = audit_append(outbox->options.audit, &record, ret_sequence, err);
    if (is_appended &&
        *ret_sequence == 0) /* mode ring: what is kept here must not be dropped there */
        is_appended = err_set(err, ERR_AUDIT_UNAVAILABLE, "the log has no room");
    arena_release(&arena);
    return is_appended;
}

static bool remove_up_to(struct outbox *outbox, uint16_t partition, uint64_t number,
                         struct err *err)
{
    struct store_request *request =
        store_request_new_blocking(STORE_OUTBOX_REMOVE, partition, &outbox->mailbox);
    bool is_removed;

    request->number = number;
    request->deadline_ms = clock_monotonic_ms(outbox->options.clock) + STORE_TIMEOUT_MS;
    is_removed = store_call(outbox->options.store, request, &outbox->mailbox, err);
    store_request_free(request);
    return is_removed;
}

static bool append_all(struct outbox *outbox, const struct store_request *taken, struct err *err)
{
    uint64_t *logged = &outbox->logged[taken->partition];
    uint64_t last = taken->outbox[taken->outbox_count - 1].number, sequence = 0;

    if (last <= *logged)
        return true;
    for (size_t i = 0; i < taken->outbox_count; i++)
        if (taken->outbox[i].number > *logged && !append(outbox, &taken->outbox[i], &sequence, err))
            return false;
    (void)FAILPOINT("before_outbox_durable");
    if (!wait_until_durable(outbox, sequence, err))
        return false;
    *logged = last;
    return true;
}

/* Move one batch; *ret_count is how many there were. */
static bool move(struct outbox *outbox, uint16_t partition, size_t *ret_count, struct err *err)
{
    struct store_request *request =
        store_request_new_blocking(STORE_OUTBOX_READ, partition, &outbox->mailbox);
    bool is_moved;

    request->limit = TAKE_MAX;
    request->deadline_ms = clock_monotonic_ms(outbox->options.clock) + STORE_TIMEOUT_MS;
    is_moved = store_call(outbox->options.store, request, &outbox->mailbox, err);
    *ret_count = is_moved ? request->outbox_count : 0;
    if (is_moved && request->outbox_count > 0)
        is_moved =
            append_all(outbox, request, err) &&
            remove_up_to(outbox, partition, request->outbox[request->outbox_count - 1].number, err);
    store_request_free(request);
    return is_moved;
}

static bool move_all(struct outbox *outbox)
{
    struct err err;

    for (uint16_t partition = 0; partition < outbox->options.store->partition_count; partition++) {
        size_t count = TAKE_MAX;

        while (count == TAKE_MAX)
            if (!move(outbox, partition, &count, &err)) {
                log_err("audit.outbox", "audit records stay in the store for now", &err);
                return false;
            }
    }
    return true;
}

static void *run(void *argument)
{
    struct outbox *outbox = argument;

    while (!atomic_load(&outbox->is_stopping)) {
        bool is_moved = move_all(outbox);

        if (!atomic_load(&outbox->is_stopping))
            mailbox_wait(&outbox->mailbox, is_moved ? LOOK_MS : RETRY_MS);
    }
    move_all(outbox);
    return NULL;
}

struct outbox *outbox_new(const struct outbox_options *options)
{
    struct outbox *outbox = memory_new(struct outbox);

    outbox->options = *options;
    mailbox_init(&outbox->mailbox);
    outbox->listener = (struct store_listener){.on_change = on_change, .on_reset = on_reset};
    store_listen(options->store, &outbox->listener);
    return outbox;
}

void outbox_start(struct outbox *outbox)
{
    outbox->is_running = true;
    thread_start(&outbox->thread, "outbox", run, outbox);
}

void outbox_stop(struct outbox *outbox)
{
    if (!outbox || !outbox->is_running)
        return;
    atomic_store(&outbox->is_stopping, true);
    mailbox_wake(&outbox->mailbox);
    pthread_join(outbox->thread, NULL);
    outbox->is_running = false;
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox)
        return;
    mailbox_release(&outbox->mailbox);
    memory_free(outbox);
}
