/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store: opening, the two threads, the way in and out. */
#include "storage/sqlite.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "storage/sqlite_store.h"

#include <time.h>

static struct sqlite_store *store_of(struct store *store)
{
    return CONTAINER_OF(store, struct sqlite_store, store);
}

static struct sqlite_thread *thread_for(struct sqlite_store *store, enum store_operation operation)
{
    static const bool is_reading[] = {
        [STORE_READ] = true, [STORE_OUTBOX_READ] = true, [STORE_SCAN] = true};

    return is_reading[operation] ? &store->reader : &store->writer;
}

void sqlite_answer(struct sqlite_store *store, struct store_request *request)
{
    atomic_fetch_sub_explicit(&store->pending, 1, memory_order_relaxed);
    if (request->is_ok)
        store_finish(request);
    else
        store_fail(request, &request->err);
}

bool sqlite_is_in_time(struct sqlite_store *store, struct store_request *request)
{
    int64_t late_ms;

    if (request->deadline_ms == INT64_MAX)
        return true;
    late_ms = clock_monotonic_ms(store->clock) - request->deadline_ms;
    if (late_ms < 0)
        return true;
    request->is_ok = false;
    return err_set(&request->err, ERR_DEADLINE, "taken up %lld ms late", (long long)late_ms);
}

void sqlite_note_down(struct sqlite_thread *thread, const struct err *err)
{
    if (atomic_exchange(&thread->is_up, false))
        log_err("store.down", "the store does not work", err);
}

void sqlite_note_requests(struct sqlite_thread *thread, const struct store_request *requests)
{
    bool has_worked = false;

    for (const struct store_request *request = requests; request; request = request->next) {
        if (!request->is_ok && (request->err.code == ERR_STORE_UNAVAILABLE ||
                                request->err.code == ERR_STORE_CORRUPT)) {
            sqlite_note_down(thread, &request->err);
            return;
        }
        has_worked |= request->is_ok || request->err.code == ERR_CONFLICT;
    }
    if (has_worked && !atomic_exchange(&thread->is_up, true))
        LOG(INFO, "store.up", "the store works again");
}

/* The way in. */

static void ring(struct inbox *inbox)
{
    struct sqlite_thread *thread = CONTAINER_OF(inbox, struct sqlite_thread, inbox);

    pthread_mutex_lock(&thread->mutex);
    thread->is_rung = true;
    pthread_cond_signal(&thread->rung);
    pthread_mutex_unlock(&thread->mutex);
}

/* On the store's thread: out of the inbox, into the thread's list. */
static void take(struct task *task)
{
    struct store_request *request = CONTAINER_OF(task, struct store_request, done);
    struct sqlite_thread *thread = thread_for(store_of(request->store), request->operation);

    request->next = NULL;
    *thread->taken_end = request;
    thread->taken_end = &request->next;
}

static void submit(struct store *store, struct store_request *request)
{
    struct sqlite_store *sqlite = store_of(store);
    size_t pending = atomic_fetch_add_explicit(&sqlite->pending, 1, memory_order_relaxed);

    if (pending >= sqlite->pending_max) {
        request->is_ok = false;
        err_set(&request->err, ERR_OVERLOADED, "%zu requests wait for the store", pending);
        sqlite_answer(sqlite, request);
        return;
    }
    request->done.run = take;
    inbox_post(&thread_for(sqlite, request->operation)->inbox, &request->done);
}

/* The threads. */

static struct timespec after_ms(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Sleep until the inbox is rung or the time is over; false when the thread is to stop. */
static bool wait_for_ring(struct sqlite_thread *thread, int64_t timeout_ms)
{
    struct timespec until = after_ms(timeout_ms);
    bool is_stopping;
    int status = 0;

    pthread_mutex_lock(&thread->mutex);
    while (!thread->is_rung && !thread->is_stopping && status == 0)
        status = pthread_cond_timedwait(&thread->rung, &thread->mutex, &until);
    thread->is_rung = false;
    is_stopping = thread->is_stopping;
    pthread_mutex_unlock(&thread->mutex);
    return !is_stopping;
}

static struct store_request *take_all(struct sqlite_thread *thread)
{
    thread->taken = NULL;
    thread->taken_end = &thread->taken;
    inbox_run(&thread->inbox);
    return thread->taken;
}

static void refuse_all(struct sqlite_store *store, struct store_request *requests)
{
    while (requests) {
        struct store_request *next = requests->next;

        requests->is_ok = false;
        err_set(&requests->err, ERR_STORE_UNAVAILABLE, "the store is closing");
        sqlite_answer(store, requests);
        requests = next;
    }
}

static void *run_writer(void *argument)
{
    struct sqlite_store *store = argument;
    int64_t pause_ms = 0;

    while (wait_for_ring(&store->writer, pause_ms)) {
        sqlite_write(store, take_all(&store->writer));
        pause_ms = sqlite_sweep(store);
    }
    refuse_all(store, take_all(&store->writer));
    return NULL;
}

static void *run_reader(void *argument)
{
    struct sqlite_store *store = argument;

    while (wait_for_ring(&store->reader, store->sweep_interval_ms))
        sqlite_read(store, take_all(&store->reader));
    refuse_all(store, take_all(&store->reader));
    return NULL;
}

static void thread_init(struct sqlite_store *store, struct sqlite_thread *thread)
{
    pthread_condattr_t attributes;

    thread->store = store;
    inbox_init(&thread->inbox, ring);
    pthread_mutex_init(&thread->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&thread->rung, &attributes);
    pthread_condattr_destroy(&attributes);
    atomic_init(&thread->is_up, true);
}

static void thread_stop(struct sqlite_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    thread->is_stopping = true;
    pthread_cond_signal(&thread->rung);
    pthread_mutex_unlock(&thread->mutex);
    pthread_join(thread->thread, NULL);
}

static void thread_release(struct sqlite_thread *thread)
{
    sqlite_connection_close(&thread->connection);
    pthread_cond_destroy(&thread->rung);
    pthread_mutex_destroy(&thread->mutex);
}

/* What the store offers. */

static void listen_to(struct store *store, struct store_listener *listener)
{
    struct sqlite_store *sqlite = store_of(store);

    listener->next = sqlite->listeners;
    sqlite->listeners = listener;
}

static void get_state(struct store *store, struct store_state *ret_state)
{
    struct sqlite_store *sqlite = store_of(store);

    *ret_state = (struct store_state){
        .is_up = atomic_load_explicit(&sqlite->writer.is_up, memory_order_relaxed) &&
                 atomic_load_explicit(&sqlite->reader.is_up, memory_order_relaxed),
        .epoch = sqlite->epoch,
        .pending = atomic_load_explicit(&sqlite->pending, memory_order_relaxed),
    };
}

static void release(struct sqlite_store *store)
{
    /* The writer's last: the connection that closes last tidies up, and the reader's cannot. */
    thread_release(&store->reader);
    thread_release(&store->writer);
    sqlite_file_close(&store->file);
    memory_free(store);
}

static void free_store(struct store *store)
{
    struct sqlite_store *sqlite = store_of(store);

    thread_stop(&sqlite->writer);
    thread_stop(&sqlite->reader);
    release(sqlite);
}

static const struct store_ops ops = {
    .name = "sqlite",
    .submit = submit,
    .listen = listen_to,
    .state = get_state,
    .free = free_store,
};

static bool open_connections(struct sqlite_store *store, struct err *err)
{
    return sqlite_connection_open(&store->writer.connection, store->file.path, err) &&
           sqlite_file_check_schema(&store->writer.connection, err) &&
           sqlite_connection_prepare(&store->writer.connection, err) &&
           sqlite_file_begin_epoch(&store->file, &store->writer.connection, &store->epoch, err) &&
           sqlite_write_begin(store, err) &&
           sqlite_connection_open(&store->reader.connection, store->file.path, err) &&
           sqlite_connection_execute(&store->reader.connection, "PRAGMA query_only = ON",
                                     "setting up the reader", err) &&
           sqlite_connection_prepare(&store->reader.connection, err);
}

bool sqlite_open(const struct sqlite_options *options, struct store **ret_store, struct err *err)
{
    struct sqlite_store *store = memory_new(struct sqlite_store);

    store->store = (struct store){
        .ops = &ops,
        .partition_count = 1,
        .durability = "sqlite: fsync per commit",
    };
    store->clock = options->clock;
    store->pending_max = options->pending_max;
    store->sweep_interval_ms =
        options->sweep_interval_ms ? options->sweep_interval_ms : SQLITE_SWEEP_INTERVAL_MS;
    thread_init(store, &store->writer);
    thread_init(store, &store->reader);
    if (!sqlite_file_open(&store->file, options->path, err) || !open_connections(store, err)) {
        release(store);
        return false;
    }
    thread_start(&store->writer.thread, "store-write", run_writer, store);
    thread_start(&store->reader.thread, "store-read", run_reader, store);
    *ret_store = &store->store;
    return true;
}
