/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox. */
#include "audit/outbox.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "storage/blocking.h"

enum {
    TAKE_MAX = 256,
    LOOK_MS = 1000,
    STORE_TIMEOUT_MS = 5000,
    RETRY_MS = 200,
    YIELD_MS = 2 * LOOK_MS, /* whose log cannot be written lets somebody else have a look */
};

/* What this replica knows of a partition. */
struct turn {
    int64_t claimed_until_ms; /* monotonic: so long it is ours at least */
    int64_t rests_until_ms;   /* monotonic: it is somebody else's; not asked again before */
    /* Up to here its records are in the log, perhaps in memory still: all of the writes before
     * `number`, and `count` records of that one.  What could not be synced or removed then is not
     * written again. */
    uint64_t number;
    size_t count;
    uint64_t sequence; /* of the last of them */
};

struct outbox {
    struct outbox_options options;
    struct store_listener listener;
    struct mailbox mailbox;
    pthread_t thread;
    atomic_bool is_stopping;
    bool is_running;
    bool has_failed; /* the last time that it could tell; logged when that changes */
    struct turn turns[STORE_PARTITIONS_MAX];
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

static int64_t now_ms(const struct outbox *outbox)
{
    return clock_monotonic_ms(outbox->options.clock);
}

static struct store_request *new_request(struct outbox *outbox, enum store_operation operation,
                                         uint16_t partition)
{
    struct store_request *request =
        store_request_new_blocking(operation, partition, &outbox->mailbox);

    request->deadline_ms = now_ms(outbox) + STORE_TIMEOUT_MS;
    return request;
}

static void note_works(struct outbox *outbox)
{
    if (outbox->has_failed)
        LOG(INFO, "audit.outbox", "audit records leave the store again");
    outbox->has_failed = false;
}

static void note_fails(struct outbox *outbox, const struct err *err)
{
    if (!outbox->has_failed)
        log_err("audit.outbox", "audit records stay in the store for now", err);
    outbox->has_failed = true;
}

/* ---- the claim ---- */

/* For so long from now on; 0 gives it up. */
static bool claim(struct outbox *outbox, uint16_t partition, int64_t claim_ms, struct err *err)
{
    struct store_request *request = new_request(outbox, STORE_OUTBOX_CLAIM, partition);
    struct turn *turn = &outbox->turns[partition];
    int64_t begun_ms = now_ms(outbox);
    bool is_asked;

    request->claimant = audit_log_id(outbox->options.audit);
    request->claim_ms = claim_ms;
    is_asked = store_call(outbox->options.store, request, &outbox->mailbox, err);
    if (is_asked) {
        turn->claimed_until_ms = request->is_claimed ? begun_ms + claim_ms : 0;
        turn->rests_until_ms = request->is_claimed ? 0 : begun_ms + LOOK_MS;
    }
    store_request_free(request);
    return is_asked;
}

/* Is there anything at all?  An outbox that is empty needs no claim, which is a write. */
static bool look(struct outbox *outbox, uint16_t partition, bool *ret_is_empty, struct err *err)
{
    struct store_request *request = new_request(outbox, STORE_OUTBOX_READ, partition);
    bool is_read;

    request->limit = 1;
    is_read = store_call(outbox->options.store, request, &outbox->mailbox, err);
    if (is_read)
        *ret_is_empty = request->outbox_count == 0;
    store_request_free(request);
    return is_read;
}

/* Claimed for at least half of the time; if not, there is nothing to do, or somebody else does it.
 */
static bool take_turn(struct outbox *outbox, uint16_t partition, bool *ret_is_ours, struct err *err)
{
    const struct turn *turn = &outbox->turns[partition];
    int64_t begun_ms = now_ms(outbox), claim_ms = outbox->options.claim_ms;
    bool is_empty;

    *ret_is_ours = turn->claimed_until_ms - begun_ms >= claim_ms / 2;
    if (*ret_is_ours || begun_ms < turn->rests_until_ms)
        return true;
    if (!look(outbox, partition, &is_empty, err))
        return false;
    if (is_empty) {
        note_works(outbox);
        return true;
    }
    if (!claim(outbox, partition, claim_ms, err))
        return false;
    *ret_is_ours = turn->claimed_until_ms > begun_ms;
    return true;
}

/* The log cannot be written: others may be able to.  What it has by now it will write when it can,
 * and then it has a second copy. */
static void yield_turn(struct outbox *outbox, uint16_t partition)
{
    struct err ignored;

    if (claim(outbox, partition, 0, &ignored))
        outbox->turns[partition].claimed_until_ms = 0;
    outbox->turns[partition].rests_until_ms = now_ms(outbox) + YIELD_MS;
}

static void give_up_claims(struct outbox *outbox)
{
    struct err ignored;

    for (uint16_t partition = 0; partition < outbox->options.store->partition_count; partition++)
        if (outbox->turns[partition].claimed_until_ms > now_ms(outbox))
            (void)claim(outbox, partition, 0, &ignored);
}

/* ---- moving ---- */

static bool remove_up_to(struct outbox *outbox, uint16_t partition, uint64_t number,
                         struct err *err)
{
    struct store_request *request = new_request(outbox, STORE_OUTBOX_REMOVE, partition);
    bool is_removed;

    request->number = number;
    is_removed = store_call(outbox->options.store, request, &outbox->mailbox, err);
    store_request_free(request);
    return is_removed;
}

/* Whole writes, oldest first: what the log has already is passed over. */
static bool append_new(struct outbox *outbox, const struct store_request *taken, struct err *err)
{
    struct turn *turn = &outbox->turns[taken->partition];
    size_t count = 0; /* of the write, before this record */
    uint64_t sequence;

    for (size_t i = 0; i < taken->outbox_count; i++) {
        const struct store_outbox_entry *entry = &taken->outbox[i];

        count = i > 0 && entry->number == entry[-1].number ? count + 1 : 0;
        if (entry->number < turn->number || (entry->number == turn->number && count < turn->count))
            continue;
        if (!append(outbox, entry, &sequence, err))
            return false;
        turn->number = entry->number;
        turn->count = count + 1;
        turn->sequence = sequence;
    }
    return true;
}

static bool append_all(struct outbox *outbox, const struct store_request *taken, struct err *err)
{
    if (!append_new(outbox, taken, err))
        return false;
    (void)FAILPOINT("before_outbox_durable");
    return wait_until_durable(outbox, outbox->turns[taken->partition].sequence, err);
}

static bool move_taken(struct outbox *outbox, const struct store_request *taken, struct err *err)
{
    if (append_all(outbox, taken, err))
        return remove_up_to(outbox, taken->partition, taken->outbox[taken->outbox_count - 1].number,
                            err);
    yield_turn(outbox, taken->partition);
    return false;
}

/* Move one batch; *ret_count is how many there were. */
static bool move(struct outbox *outbox, uint16_t partition, size_t *ret_count, struct err *err)
{
    struct store_request *request;
    bool is_moved, is_ours;

    *ret_count = 0;
    if (!take_turn(outbox, partition, &is_ours, err))
        return false;
    if (!is_ours)
        return true;
    request = new_request(outbox, STORE_OUTBOX_READ, partition);
    request->limit = TAKE_MAX;
    is_moved = store_call(outbox->options.store, request, &outbox->mailbox, err);
    if (is_moved && now_ms(outbox) >= outbox->turns[partition].claimed_until_ms)
        *ret_count = TAKE_MAX; /* too late: claimed and read again */
    else if (is_moved && request->outbox_count > 0) {
        *ret_count = request->outbox_count;
        is_moved = move_taken(outbox, request, err);
    }
    if (is_moved)
        note_works(outbox);
    store_request_free(request);
    return is_moved;
}

static bool move_all(struct outbox *outbox)
{
    struct err err;

    for (uint16_t partition = 0; partition < outbox->options.store->partition_count; partition++) {
        size_t count = TAKE_MAX;

        while (count >= TAKE_MAX)
            if (!move(outbox, partition, &count, &err)) {
                note_fails(outbox, &err);
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
    give_up_claims(outbox);
    return NULL;
}

struct outbox *outbox_new(const struct outbox_options *options)
{
    struct outbox *outbox = memory_new(struct outbox);

    outbox->options = *options;
    if (outbox->options.claim_ms == 0)
        outbox->options.claim_ms = OUTBOX_CLAIM_MS;
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
