/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis store: opening, its thread, the way in and out. */
#include "storage/redis.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "storage/redis_store.h"

#include <stdio.h>
#include <time.h>

enum {
    HEARTBEAT_MS = 500,
    FEED_ENTRIES_MAX = 100000,
    OPTION_BYTES = 1024,
    SCRATCH_BYTES = 64 * 1024,
};

/* What an acknowledgement means. */
static const char *const fsync_texts[] = {
    [REDIS_FSYNC_UNKNOWN] = "appendfsync not declared",
    [REDIS_FSYNC_EVERYSEC] = "appendfsync everysec",
    [REDIS_FSYNC_ALWAYS] = "appendfsync always",
};

/* Time. */

static void on_timer(uv_timer_t *timer);

void redis_wake_at(struct redis_store *store, int64_t due_ms)
{
    int64_t left_ms = due_ms - redis_now_ms();

    if (due_ms >= store->timer_due_ms || uv_is_closing((uv_handle_t *)&store->timer))
        return;
    store->timer_due_ms = due_ms;
    uv_update_time(&store->loop);
    /* Never 0: libuv before 1.45 would run it again before it looks at anything else. */
    uv_timer_start(&store->timer, on_timer, left_ms > 1 ? (uint64_t)left_ms : 1, 0);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Everything that is due, and then asleep until something is again. */
static void tick(struct redis_store *store)
{
    int64_t now_ms = redis_now_ms(), due_ms;

    store->timer_due_ms = INT64_MAX;
    due_ms = redis_requests_expire(store, now_ms);
    for (size_t i = 0; i < REDIS_ROLES; i++)
        due_ms = earlier(due_ms, redis_connection_tick(&store->connections[i], now_ms));
    due_ms = earlier(due_ms, redis_sentinels_tick(store, now_ms));
    due_ms = earlier(due_ms, redis_beat_tick(store, now_ms));
    due_ms = earlier(due_ms, redis_look_tick(store, now_ms));
    redis_write_flush(store);
    redis_again_count(store);
    if (store->stop_due_ms != 0)
        due_ms = earlier(due_ms, store->stop_due_ms);
    if (due_ms != INT64_MAX)
        redis_wake_at(store, due_ms);
}

static void on_timer(uv_timer_t *timer)
{
    tick(timer->data);
}

/* The way in. */

static void ring(struct inbox *inbox)
{
    uv_async_send(&CONTAINER_OF(inbox, struct redis_store, inbox)->bell);
}

/* On the store's thread. */
static void take(struct task *task)
{
    struct store_request *request = CONTAINER_OF(task, struct store_request, done);

    redis_request_take(redis_store_of(request->store), request);
}

static void submit(struct store *store, struct store_request *request)
{
    struct redis_store *redis = redis_store_of(store);
    size_t pending = atomic_fetch_add_explicit(&redis->pending, 1, memory_order_relaxed);

    if (pending >= redis->options.pending_max) {
        err_set(&request->err, ERR_OVERLOADED, "%zu requests wait for the store", pending);
        redis_request_answer(redis, request, false);
        return;
    }
    request->done.run = take;
    inbox_post(&redis->inbox, &request->done);
}

static void begin_to_stop(struct redis_store *store)
{
    struct err err;

    store->stop_due_ms = redis_now_ms() + store->options.stall_timeout_ms;
    err_set(&err, ERR_STORE_UNAVAILABLE, "the store is closing");
    for (size_t i = 0; i < REDIS_ROLES; i++)
        redis_queue_fail(store, &store->connections[i].waiting, &err);
    redis_wake_at(store, store->stop_due_ms);
}

static void on_bell(uv_async_t *bell)
{
    struct redis_store *store = bell->data;

    inbox_run(&store->inbox);
    redis_write_flush(store);
    if (atomic_load(&store->is_stopping) && store->stop_due_ms == 0)
        begin_to_stop(store);
}

/* The thread. */

/* What has been sent is waited for, as long as a stall may be: it happens, so it should be told. */
static bool is_finished(const struct redis_store *store)
{
    return store->stop_due_ms != 0 &&
           (redis_requests_are_answered(store) || redis_now_ms() >= store->stop_due_ms);
}

static void *run(void *argument)
{
    struct redis_store *store = argument;
    struct err err;

    tick(store);
    while (!is_finished(store))
        uv_run(&store->loop, UV_RUN_ONCE);
    err_set(&err, ERR_STORE_UNAVAILABLE, "the store is closing");
    for (size_t i = 0; i < REDIS_ROLES; i++)
        redis_connection_close(&store->connections[i], &err);
    redis_sentinels_close(store, &err);
    redis_queue_fail(store, &store->unconfirmed, &err);
    inbox_run(&store->inbox);
    uv_close((uv_handle_t *)&store->bell, NULL);
    uv_close((uv_handle_t *)&store->timer, NULL);
    uv_run(&store->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* What the store offers. */

static void listen_to(struct store *store, struct store_listener *listener)
{
    struct redis_store *redis = redis_store_of(store);

    /* The thread runs already: the listener is whole before it can be seen. */
    listener->next = atomic_load(&redis->listeners);
    while (!atomic_compare_exchange_weak(&redis->listeners, &listener->next, listener))
        ;
}

static void get_state(struct store *store, struct store_state *ret_state)
{
    struct redis_store *redis = redis_store_of(store);

    *ret_state = (struct store_state){
        .is_up = atomic_load(&redis->connections[REDIS_WRITER].is_up) &&
                 atomic_load(&redis->connections[REDIS_READER].is_up),
        .epoch = atomic_load_explicit(&redis->epoch, memory_order_relaxed),
        .pending = atomic_load_explicit(&redis->pending, memory_order_relaxed),
        .doubted_keys = atomic_load_explicit(&redis->doubted, memory_order_relaxed),
        .put_again = atomic_load_explicit(&redis->put_again, memory_order_relaxed),
    };
}

static void release(struct redis_store *store)
{
    uv_loop_close(&store->loop);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->mutex);
    arena_release(&store->scratch);
    arena_release(&store->option_texts);
    ledger_free(store->ledger);
    memory_free(store->partitions);
    memory_free(store);
}

static void free_store(struct store *store)
{
    struct redis_store *redis = redis_store_of(store);

    atomic_store(&redis->is_stopping, true);
    uv_async_send(&redis->bell);
    pthread_join(redis->thread, NULL);
    release(redis);
}

static const struct store_ops ops = {
    .name = "redis",
    .submit = submit,
    .listen = listen_to,
    .state = get_state,
    .free = free_store,
};

/* Opening. */

void redis_note_open(struct redis_store *store)
{
    for (size_t i = 0; i < REDIS_ROLES; i++)
        if (!redis_connection_is_usable(&store->connections[i]))
            return;
    pthread_mutex_lock(&store->mutex);
    store->is_open = true;
    pthread_cond_signal(&store->changed);
    pthread_mutex_unlock(&store->mutex);
}

void redis_note_refused(struct redis_store *store, const struct err *err)
{
    pthread_mutex_lock(&store->mutex);
    if (!store->is_refused) {
        store->open_err = *err;
        store->is_refused = err->code == ERR_CONFIG_INVALID;
        pthread_cond_signal(&store->changed);
    }
    pthread_mutex_unlock(&store->mutex);
}

static bool wait_until_open(struct redis_store *store, struct err *err)
{
    struct timespec until;
    bool is_open;
    int status = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += store->options.connect_timeout_ms / 1000;
    until.tv_nsec += store->options.connect_timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&store->mutex);
    while (!store->is_open && !store->is_refused && status == 0)
        status = pthread_cond_timedwait(&store->changed, &store->mutex, &until);
    is_open = store->is_open;
    if (!is_open)
        *err = store->open_err;
    pthread_mutex_unlock(&store->mutex);
    return is_open;
}

static const char *keep(struct redis_store *store, const char *text)
{
    return text ? arena_text(&store->option_texts, span_text(text)) : NULL;
}

static void keep_sentinels(struct redis_store *store, const struct redis_options *options)
{
    struct redis_place *places =
        arena_new_array(&store->option_texts, struct redis_place, options->sentinel_count);

    for (size_t i = 0; i < options->sentinel_count; i++)
        places[i] = (struct redis_place){
            .host = keep(store, options->sentinels[i].host),
            .port = options->sentinels[i].port,
        };
    store->options.sentinels = places;
    store->options.sentinel_primary = keep(store, options->sentinel_primary);
    store->options.sentinel_user = keep(store, options->sentinel_user);
    store->options.sentinel_password_file = keep(store, options->sentinel_password_file);
}

static void keep_options(struct redis_store *store, const struct redis_options *options)
{
    struct redis_options *own = &store->options;

    *own = *options;
    own->host = keep(store, options->host);
    if (own->host)
        store->primary = redis_address_of(own->host, own->port);
    own->unix_path = keep(store, options->unix_path);
    own->user = keep(store, options->user);
    own->password_file = keep(store, options->password_file);
    own->tls_ca_file = keep(store, options->tls_ca_file);
    keep_sentinels(store, options);
    own->tls_certificate_file = keep(store, options->tls_certificate_file);
    own->tls_key_file = keep(store, options->tls_key_file);
    own->prefix = store->names.prefix;
    own->hash_key_id = store->names.hash_key_id;
    if (own->heartbeat_ms == 0)
        own->heartbeat_ms = HEARTBEAT_MS;
    if (own->feed_entries_max == 0)
        own->feed_entries_max = FEED_ENTRIES_MAX;
    if (own->is_durability_managed)
        snprintf(store->durability, sizeof(store->durability), "redis: managed");
    else
        snprintf(store->durability, sizeof(store->durability), "redis: AOF, %s",
                 fsync_texts[own->fsync]);
    if (own->replicas_min > 0)
        snprintf(store->durability + strlen(store->durability),
                 sizeof(store->durability) - strlen(store->durability), ", %u replicas",
                 own->replicas_min);
}

static void init_thread_part(struct redis_store *store)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    err_set(&store->open_err, ERR_STORE_UNAVAILABLE, "the server does not answer%s",
            store->options.is_tls ? ", at least not with TLS" : "");
    if (uv_loop_init(&store->loop) != 0 ||
        uv_async_init(&store->loop, &store->bell, on_bell) != 0 ||
        uv_timer_init(&store->loop, &store->timer) != 0)
        memory_exhausted(); /* of descriptors, and at start only */
    store->bell.data = store;
    store->timer.data = store;
    store->timer_due_ms = INT64_MAX;
    inbox_init(&store->inbox, ring);
}

static struct redis_store *new_store(const struct redis_options *options,
                                     const struct redis_names *names)
{
    struct redis_store *store = memory_new(struct redis_store);

    store->store = (struct store){
        .ops = &ops,
        .partition_count = options->partition_count,
        .durability = store->durability,
        .feed_alive_ms = &store->beat_sent_ms,
        .clock = options->clock,
    };
    store->names = *names;
    store->origin = random_u64();
    arena_init(&store->option_texts, OPTION_BYTES);
    arena_init(&store->scratch, SCRATCH_BYTES);
    keep_options(store, options);
    store->ledger = ledger_new(LEDGER_KEYS_MAX, LEDGER_BYTES_MAX);
    store->partitions = memory_new_array(struct redis_partition, options->partition_count);
    store->feed_names =
        arena_new_array(&store->option_texts, struct span, options->partition_count);
    for (uint16_t i = 0; i < options->partition_count; i++)
        store->feed_names[i] = redis_name_part(names, i, REDIS_FEED, &store->option_texts);
    store->beat_name = redis_name_beat(names, store->origin, &store->option_texts);
    redis_queue_init(&store->unconfirmed);
    for (size_t i = 0; i < REDIS_ROLES; i++)
        redis_connection_init(&store->connections[i], store, (enum redis_role)i, &store->primary);
    redis_sentinels_init(store);
    atomic_init(&store->beat_sent_ms, clock_monotonic_ms(options->clock));
    init_thread_part(store);
    return store;
}

static bool check_options(const struct redis_options *options, struct err *err)
{
    struct redis_address address;

    if (!!options->host + !!options->unix_path + !!options->sentinel_count != 1)
        return err_set(err, ERR_CONFIG_INVALID, "one of a host, a unix socket and sentinels");
    if (options->host && !redis_address_make(span_text(options->host), options->port, &address))
        return err_set(err, ERR_CONFIG_INVALID, "no host and port to connect to");
    if (options->partition_count == 0 || options->partition_count > STORE_PARTITIONS_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "%u partitions: 1 to %d are possible",
                       options->partition_count, STORE_PARTITIONS_MAX);
    if (options->connect_timeout_ms <= 0 || options->stall_timeout_ms <= 0 ||
        options->heartbeat_ms < 0 || options->database < 0)
        return err_set(err, ERR_CONFIG_INVALID, "times and the database must be above 0");
    return true;
}

bool redis_open(const struct redis_options *options, struct store **ret_store, struct err *err)
{
    struct redis_store *store;
    struct redis_names names;

    if (!check_options(options, err) || !redis_sentinels_check(options, err) ||
        !redis_names_init(&names, options->prefix, options->hash_key_id, err) ||
        (options->is_tls && !redis_tls_check(options, err)))
        return false;
    store = new_store(options, &names);
    thread_start(&store->thread, "store-redis", run, store);
    if (!wait_until_open(store, err)) {
        free_store(&store->store);
        return false;
    }
    *ret_store = &store->store;
    return true;
}
