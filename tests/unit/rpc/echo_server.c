/* SPDX-License-Identifier: Apache-2.0 */
/* The test server: its handlers. */
#include "unit/rpc/echo_server.h"

#include "base/memory.h"
#include "base/thread.h"
#include "rpc/stream.h"
#include "testing.pb-c.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What Park parks for: completed by the test's thread, dropped if its call is gone by then. */
struct held {
    struct task done;
    struct inbox *inbox;
    struct rpc_call *call; /* NULL once abandoned; the worker's */
    struct echo_server *echo;
    uint64_t number;
    uint32_t pad_bytes;
    struct held *next;
};

struct echo_server {
    struct rpc_server *rpc;
    struct executor *executor;
    char address[64];
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    struct held *held;
    size_t held_count;
    bool is_gate_open;
    bool has_opener;
    pthread_t opener;
    unsigned opens_after_ms;
    unsigned working;
    atomic_uint abandoned, late, streams_told, items_told, items_read, kept;
    atomic_ulong sent;
};

static Passgate__Testing__EchoResponse *new_response(struct arena *arena, uint64_t number,
                                                     uint32_t pad_bytes)
{
    Passgate__Testing__EchoResponse *response = arena_alloc(arena, sizeof(*response));

    passgate__testing__echo_response__init(response);
    response->number = number;
    response->padding.len = pad_bytes;
    response->padding.data = pad_bytes ? arena_zalloc(arena, pad_bytes) : NULL;
    return response;
}

static void answer(struct rpc_call *call, const Passgate__Testing__EchoRequest *request)
{
    struct arena *arena = rpc_call_arena(call);
    Passgate__Testing__EchoResponse *response =
        new_response(arena, request->number, request->pad_bytes);
    struct span header;
    struct err err;

    if (request->fail_code != 0) {
        err_field(&err, (enum err_code)request->fail_code, request->fail_field, "as asked");
        rpc_call_fail(call, &err);
        return;
    }
    response->text = request->text;
    if (request->want_header[0] != '\0' && rpc_call_metadata(call, request->want_header, &header)) {
        response->text = arena_text(arena, header);
        rpc_call_add_trailer(call, "x-seen", header);
        rpc_call_add_trailer(call, "x-bad", span_text("a\nb"));
        rpc_call_add_trailer(call, "x-seen-bin", span_of("\0\1", 2));
    }
    rpc_call_reply(call, &response->base);
}

static void handle_echo(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    (void)context;
    answer(call, (const Passgate__Testing__EchoRequest *)message);
}

static void handle_who_am_i(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    struct arena *arena = rpc_call_arena(call);
    Passgate__Testing__EchoResponse *response = new_response(arena, 0, 0);
    struct rpc_peer peer;
    struct err err;

    (void)message;
    (void)context;
    if (!rpc_call_peer(call, &peer, &err)) {
        rpc_call_fail(call, &err);
        return;
    }
    response->number = peer.authentication;
    response->spiffe_id = arena_text(arena, peer.spiffe_id);
    response->names = arena_new_array(arena, char *, peer.name_count);
    for (; response->n_names < peer.name_count; response->n_names++)
        response->names[response->n_names] = arena_text(arena, peer.names[response->n_names]);
    rpc_call_reply(call, &response->base);
}

/* Park */

static void on_held_done(struct task *task)
{
    struct held *held = CONTAINER_OF(task, struct held, done);

    if (held->call) {
        rpc_call_reply(
            held->call,
            &new_response(rpc_call_arena(held->call), held->number, held->pad_bytes)->base);
    } else {
        atomic_fetch_add(&held->echo->late, 1);
    }
    memory_free(held);
}

static void on_held_abandoned(void *owner)
{
    struct held *held = owner;

    held->call = NULL;
    atomic_fetch_add(&held->echo->abandoned, 1);
}

static void handle_park(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__Testing__EchoRequest *request = (const Passgate__Testing__EchoRequest *)message;
    struct echo_server *echo = context;
    struct held *held = memory_new(struct held);

    held->done.run = on_held_done;
    held->inbox = rpc_call_inbox(call);
    held->call = call;
    held->echo = echo;
    held->number = request->number;
    held->pad_bytes = request->pad_bytes;
    rpc_call_park(call, on_held_abandoned, held);
    pthread_mutex_lock(&echo->mutex);
    held->next = echo->held;
    echo->held = held;
    echo->held_count++;
    pthread_mutex_unlock(&echo->mutex);
}

/* Work */

static void handle_work(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    struct echo_server *echo = context;

    pthread_mutex_lock(&echo->mutex);
    echo->working++;
    while (!echo->is_gate_open)
        pthread_cond_wait(&echo->changed, &echo->mutex);
    echo->working--;
    pthread_mutex_unlock(&echo->mutex);
    answer(call, (const Passgate__Testing__EchoRequest *)message);
}

/* Count */

struct counting {
    struct rpc_call *call;
    struct echo_server *echo;
    uint64_t next, last;
    uint32_t pad_bytes, fail_code;
};

static void count_on(void *owner)
{
    struct counting *counting = owner;
    Passgate__Testing__EchoResponse response = PASSGATE__TESTING__ECHO_RESPONSE__INIT;
    struct err err;

    response.padding.len = counting->pad_bytes;
    response.padding.data = counting->pad_bytes ? memory_zalloc(counting->pad_bytes) : NULL;
    for (; counting->last == 0 || counting->next <= counting->last; counting->next++) {
        response.number = counting->next;
        if (!rpc_stream_send(counting->call, &response.base))
            break;
        atomic_fetch_add(&counting->echo->sent, 1);
    }
    memory_free(response.padding.data);
    if (counting->last == 0 || counting->next <= counting->last)
        return;
    err_set(&err, (enum err_code)counting->fail_code, "as asked");
    rpc_stream_end(counting->call, counting->fail_code ? &err : NULL);
    memory_free(counting);
}

static void on_counting_abandoned(void *owner)
{
    struct counting *counting = owner;

    atomic_fetch_add(&counting->echo->streams_told, 1);
    memory_free(counting);
}

static void handle_count(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__Testing__CountRequest *request =
        (const Passgate__Testing__CountRequest *)message;
    struct counting *counting = memory_new(struct counting);

    *counting =
        (struct counting){call, context, 1, request->count, request->pad_bytes, request->fail_code};
    rpc_call_park(call, on_counting_abandoned, counting);
    rpc_stream_on_writable(call, count_on);
    count_on(counting);
}

/* Chat: what is kept belongs to one stream, found by its call; the list is this process' only one,
 * of the worker that serves the test's one stream. */

struct kept {
    struct rpc_item *item;
    struct echo_server *echo;
    uint64_t number;
    struct kept *older;
};

static _Thread_local struct kept *newest_kept;

static void on_item_abandoned(void *owner)
{
    struct kept *kept = owner, **link = &newest_kept;

    while (*link != kept)
        link = &(*link)->older;
    *link = kept->older;
    atomic_fetch_add(&kept->echo->items_told, 1);
    atomic_fetch_sub(&kept->echo->kept, 1);
    memory_free(kept);
}

static void keep(struct rpc_item *item, uint64_t number, struct echo_server *echo)
{
    struct kept *kept = memory_new(struct kept);

    *kept = (struct kept){item, echo, number, newest_kept};
    newest_kept = kept;
    atomic_fetch_add(&echo->kept, 1);
    rpc_item_park(item, on_item_abandoned, kept);
}

static void release_kept(void)
{
    while (newest_kept) {
        struct kept *kept = newest_kept;
        Passgate__Testing__EchoResponse response = PASSGATE__TESTING__ECHO_RESPONSE__INIT;

        newest_kept = kept->older;
        response.number = kept->number;
        rpc_item_reply(kept->item, &response.base);
        atomic_fetch_sub(&kept->echo->kept, 1);
        memory_free(kept);
    }
}

static void take_chat(struct rpc_item *item, const ProtobufCMessage *message, void *context)
{
    const Passgate__Testing__ChatRequest *request = (const Passgate__Testing__ChatRequest *)message;
    struct echo_server *echo = context;
    struct err err;

    atomic_fetch_add(&echo->items_read, 1);
    switch (request->answer) {
    case PASSGATE__TESTING__CHAT_REQUEST__ANSWER__LATER: keep(item, request->number, echo); break;
    case PASSGATE__TESTING__CHAT_REQUEST__ANSWER__FAIL:
        err_field(&err, ERR_FIELD_RANGE, "number", "as asked");
        rpc_item_fail(item, &err);
        break;
    case PASSGATE__TESTING__CHAT_REQUEST__ANSWER__RELEASE:
        release_kept();
        rpc_item_reply(item, &new_response(rpc_item_arena(item), request->number, 0)->base);
        break;
    case PASSGATE__TESTING__CHAT_REQUEST__ANSWER__NOW:
    case _PASSGATE__TESTING__CHAT_REQUEST__ANSWER_IS_INT_SIZE:
    default:
        rpc_item_reply(
            item, &new_response(rpc_item_arena(item), request->number, request->pad_bytes)->base);
        break;
    }
}

#define ROW(name_, cap_ms)                                  \
    .name = name_, .roles = 1, .deadline_cap_ms = (cap_ms), \
    .request_bytes_max = ECHO_REQUEST_BYTES_MAX

static const struct rpc_method methods[] = {
    {ROW("Echo", ECHO_DEADLINE_CAP_MS), .handle = handle_echo, .flags = RPC_HOT | RPC_IDEMPOTENT},
    {ROW("EchoCold", ECHO_DEADLINE_CAP_MS), .handle = handle_echo},
    {ROW("WhoAmI", ECHO_DEADLINE_CAP_MS), .handle = handle_who_am_i, .flags = RPC_NEVER_SHED},
    {ROW("Park", ECHO_PARK_CAP_MS), .handle = handle_park},
    {ROW("Work", ECHO_DEADLINE_CAP_MS), .handle = handle_work, .runs = RPC_RUNS_ON_EXECUTOR},
    {ROW("Count", 0), .kind = RPC_SERVER_STREAM, .handle = handle_count},
    {ROW("CountAlways", 0), .kind = RPC_SERVER_STREAM, .handle = handle_count,
     .flags = RPC_NEVER_SHED},
    {ROW("Chat", 0), .kind = RPC_BIDI_STREAM, .take_item = take_chat},
};

const struct rpc_service *echo_service(void)
{
    static const struct rpc_service service = {
        .descriptor = &passgate__testing__echo_service__descriptor,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
    };

    return &service;
}

/* Starting, turning, stopping */

struct rpc_options echo_options(void)
{
    static const struct rpc_listener loopback = {.address = "127.0.0.1:0"};

    return (struct rpc_options){
        .listeners = &loopback,
        .listener_count = 1,
        .worker_count = 2,
        .posted_calls = 32,
        .in_flight_max = 100000,
        .message_bytes_max = 512 * 1024,
        .metadata_bytes_max = 8192,
    };
}

struct echo_server *echo_server_start(const struct rpc_options *options, size_t executor_queue)
{
    struct echo_server *echo = memory_new(struct echo_server);
    struct rpc_service services[8] = {*echo_service()};
    struct rpc_options own = *options;
    struct err err;

    pthread_mutex_init(&echo->mutex, NULL);
    pthread_cond_init(&echo->changed, NULL);
    echo->is_gate_open = true;
    services[0].context = echo;
    for (size_t i = 0; i < options->service_count; i++)
        services[1 + i] = options->services[i];
    own.services = services;
    own.service_count = 1 + options->service_count;
    own.executor = echo->executor = executor_new(1, executor_queue);
    if (!rpc_server_start(&own, &echo->rpc, &err)) {
        fprintf(stderr, "the test server does not start: %s\n", err.detail);
        abort();
    }
    snprintf(echo->address, sizeof(echo->address), "127.0.0.1:%d", rpc_server_port(echo->rpc, 0));
    return echo;
}

struct rpc_server *echo_server_rpc(struct echo_server *echo)
{
    return echo->rpc;
}

const char *echo_server_address(const struct echo_server *echo)
{
    return echo->address;
}

size_t echo_server_held(struct echo_server *echo)
{
    size_t count;

    pthread_mutex_lock(&echo->mutex);
    count = echo->held_count;
    pthread_mutex_unlock(&echo->mutex);
    return count;
}

size_t echo_server_complete(struct echo_server *echo)
{
    struct held *held;
    size_t count;

    pthread_mutex_lock(&echo->mutex);
    held = echo->held;
    count = echo->held_count;
    echo->held = NULL;
    echo->held_count = 0;
    pthread_mutex_unlock(&echo->mutex);
    while (held) {
        struct held *next = held->next;

        inbox_post(held->inbox, &held->done);
        held = next;
    }
    return count;
}

unsigned echo_server_abandoned(struct echo_server *echo)
{
    return atomic_load(&echo->abandoned);
}

unsigned echo_server_late(struct echo_server *echo)
{
    return atomic_load(&echo->late);
}

unsigned echo_server_streams_told(struct echo_server *echo)
{
    return atomic_load(&echo->streams_told);
}

unsigned echo_server_items_told(struct echo_server *echo)
{
    return atomic_load(&echo->items_told);
}

unsigned long echo_server_sent(struct echo_server *echo)
{
    return atomic_load(&echo->sent);
}

unsigned echo_server_read(struct echo_server *echo)
{
    return atomic_load(&echo->items_read);
}

unsigned echo_server_kept(struct echo_server *echo)
{
    return atomic_load(&echo->kept);
}

void echo_server_gate(struct echo_server *echo, bool is_open)
{
    pthread_mutex_lock(&echo->mutex);
    echo->is_gate_open = is_open;
    pthread_cond_broadcast(&echo->changed);
    pthread_mutex_unlock(&echo->mutex);
}

static void *open_later(void *argument)
{
    struct echo_server *echo = argument;

    usleep(echo->opens_after_ms * 1000);
    echo_server_gate(echo, true);
    return NULL;
}

void echo_server_gate_later(struct echo_server *echo, unsigned after_ms)
{
    echo->opens_after_ms = after_ms;
    echo->has_opener = true;
    thread_start(&echo->opener, "opener", open_later, echo);
}

static void release_on_worker(uint32_t worker_index, void *context)
{
    (void)worker_index;
    (void)context;
    release_kept();
}

void echo_server_release(struct echo_server *echo)
{
    rpc_server_run_on_workers(echo->rpc, release_on_worker, NULL);
}

unsigned echo_server_working(struct echo_server *echo)
{
    unsigned working;

    pthread_mutex_lock(&echo->mutex);
    working = echo->working;
    pthread_mutex_unlock(&echo->mutex);
    return working;
}

void echo_server_stop(struct echo_server *echo, int64_t grace_ms)
{
    echo_server_gate(echo, true);
    rpc_server_stop(echo->rpc, grace_ms);
    echo_server_discard(echo);
}

void echo_server_discard(struct echo_server *echo)
{
    if (echo->has_opener)
        pthread_join(echo->opener, NULL);
    echo_server_complete(echo);
    rpc_server_free(echo->rpc);
    executor_free(echo->executor);
    pthread_cond_destroy(&echo->changed);
    pthread_mutex_destroy(&echo->mutex);
    memory_free(echo);
}
