/* SPDX-License-Identifier: Apache-2.0 */
/* One call, from the moment it is posted to core until it is given back. */
#include "rpc/call.h"

#include "base/memory.h"
#include "rpc/worker.h"

#include <assert.h>

enum { HEADER_OVERHEAD_BYTES = 32 };

static void on_accepted(struct rpc_op *op, bool is_ok);
static void on_received(struct rpc_op *op, bool is_ok);

struct rpc_call *rpc_call_new(struct rpc_worker *worker)
{
    struct rpc_call *call = worker->spare_calls;

    if (call) {
        worker->spare_calls = call->next_free;
        worker->spare_count--;
    } else {
        call = memory_new(struct rpc_call);
        grpc_metadata_array_init(&call->headers);
        call->accepted.on_done = on_accepted;
        call->received.on_done = on_received;
        rpc_call_init_ends(call);
        call->worker = worker;
    }
    call->state = CALL_WAITING;
    return call;
}

void rpc_call_free(struct rpc_call *call)
{
    grpc_metadata_array_destroy(&call->headers);
    memory_free(call);
}

static void free_waiting(struct rpc_call *call)
{
    if (!call->door->entry)
        grpc_call_details_destroy(&call->details);
    rpc_call_free(call);
}

/* There is one writer: no locked instruction. */
static uint32_t count_open(struct rpc_worker *worker, int change)
{
    uint32_t count = atomic_load_explicit(&worker->open_count, memory_order_relaxed);

    count += (uint32_t)change;
    atomic_store_explicit(&worker->open_count, count, memory_order_release);
    return count;
}

static void count_call(struct rpc_worker *worker)
{
    unsigned long long count = atomic_load_explicit(&worker->call_count, memory_order_relaxed);

    atomic_store_explicit(&worker->call_count, count + 1, memory_order_relaxed);
}

static void give_arena_back(struct rpc_call *call)
{
    if (call->arena.block_size == 0)
        return;
    rpc_worker_give_arena(call->worker, &call->arena);
    call->arena = (struct arena){.block_size = 0};
}

/* Back to the worker, empty. */
static void give_back(struct rpc_call *call)
{
    struct rpc_worker *worker = call->worker;

    assert(call->outstanding == 0 && call->timer.position == 0);
    if (call->stream)
        rpc_stream_release(call);
    give_arena_back(call);
    if (call->payload)
        grpc_byte_buffer_destroy(call->payload);
    if (call->response)
        grpc_byte_buffer_destroy(call->response);
    if (!call->door->entry)
        grpc_call_details_destroy(&call->details);
    grpc_call_unref(call->core);
    call->headers.count = 0;
    call->core = NULL;
    call->payload = call->response = NULL;
    call->entry = NULL;
    call->request = NULL;
    call->is_cancelled = 0;
    call->is_close_posted = call->is_gone = false;
    call->attached_count = call->trailer_count = call->interceptors_run = 0;
    call->on_abandoned = NULL;
    if (call->has_permit)
        rpc_permits_give(worker);
    call->has_permit = false;
    if (count_open(worker, -1) == 0)
        rpc_server_note_idle(worker->server);
    if (worker->spare_count >= WORKER_SPARE_CALLS_MAX) {
        rpc_call_free(call);
        return;
    }
    call->next_free = worker->spare_calls;
    worker->spare_calls = call;
    worker->spare_count++;
}

void rpc_call_settle(struct rpc_call *call)
{
    if (--call->outstanding == 0 && call->state == CALL_DONE)
        give_back(call);
}

void rpc_call_start(struct rpc_call *call, const grpc_op *ops, size_t count, struct rpc_op *op)
{
    call->outstanding++;
    if (grpc_call_start_batch(call->core, ops, count, op, NULL) != GRPC_CALL_OK)
        abort();
}

bool rpc_call_post(struct rpc_worker *worker, const struct rpc_door *door)
{
    struct rpc_call *call = rpc_call_new(worker);
    grpc_server *core = worker->server->core;
    grpc_call_error refused;

    call->door = door;
    if (door->entry) {
        refused = grpc_server_request_registered_call(
            core, door->registered, &call->core, &call->core_deadline, &call->headers,
            &call->payload, worker->queue, worker->queue, &call->accepted);
    } else {
        grpc_call_details_init(&call->details);
        refused = grpc_server_request_call(core, &call->core, &call->details, &call->headers,
                                           worker->queue, worker->queue, &call->accepted);
    }
    if (refused == GRPC_CALL_OK)
        return true;
    free_waiting(call);
    return false;
}

/* The client's deadline, ours where it has none or a later one. */
static int64_t deadline_of(const struct rpc_call *call, const struct rpc_method *method)
{
    gpr_timespec asked = call->door->entry ? call->core_deadline : call->details.deadline;
    int64_t now_ms = call->started_ns / 1000000;
    int64_t cap_ms = method->deadline_cap_ms > 0 ? now_ms + method->deadline_cap_ms : INT64_MAX;
    int64_t asked_ms;

    if (gpr_time_cmp(asked, gpr_inf_future(asked.clock_type)) == 0)
        return cap_ms;
    asked = gpr_convert_clock_type(asked, GPR_CLOCK_MONOTONIC);
    asked_ms = asked.tv_sec * 1000 + asked.tv_nsec / 1000000;
    return asked_ms < cap_ms ? asked_ms : cap_ms;
}

static bool run_interceptors(struct rpc_call *call, struct err *err)
{
    const struct rpc_server *server = call->worker->server;

    while (call->interceptors_run < server->options.interceptor_count) {
        const struct rpc_interceptor *interceptor = server->interceptors[call->interceptors_run++];

        if (interceptor->before && !interceptor->before(call, interceptor->context, err))
            return false;
    }
    return true;
}

/* The request is there: unpack it, run the handler. */
static void dispatch(struct rpc_call *call)
{
    const struct rpc_entry *entry = call->entry;
    ProtobufCMessage *request;
    struct err err;
    bool is_read;

    if (!rpc_server_takes_streams(call->worker->server, entry->method, &err)) {
        rpc_call_fail(call, &err);
        return;
    }
    if (!call->payload) {
        err_set(&err, ERR_MESSAGE_MALFORMED, "no message");
        rpc_call_fail(call, &err);
        return;
    }
    is_read = rpc_message_unpack(call->payload, entry->input, entry->method->request_bytes_max,
                                 &call->arena, &request, &err);
    grpc_byte_buffer_destroy(call->payload); /* parked calls may be many */
    call->payload = NULL;
    if (!is_read) {
        rpc_call_fail(call, &err);
        return;
    }
    call->request = request;
    if (entry->method->runs == RPC_RUNS_ON_EXECUTOR) {
        rpc_offload_start(call);
        return;
    }
    entry->method->handle(call, request, entry->service->context);
    if (call->state == CALL_FINISHING && !call->stream)
        give_arena_back(call); /* what is sent is core's: the next call finds warm memory */
}

/* A client may send headers and never a message: the time runs already. */
static void receive_request(struct rpc_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    op.data.recv_message.recv_message = &call->payload;
    rpc_call_arm(call);
    rpc_call_watch_close(call);
    rpc_call_start(call, &op, 1, &call->received);
}

/* Not ok: core has cancelled the call (a message above its bound, compressed …) and tells so on
 * `closed`. */
static void on_received(struct rpc_op *op, bool is_ok)
{
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, received);

    if (is_ok && call->state == CALL_OPEN)
        dispatch(call);
    rpc_call_settle(call);
}

static const struct rpc_entry *find_entry(const struct rpc_call *call)
{
    const grpc_slice *path = &call->details.method;

    if (call->door->entry)
        return call->door->entry;
    return rpc_registry_find(call->worker->server->registry,
                             span_of(GRPC_SLICE_START_PTR(*path), GRPC_SLICE_LENGTH(*path)));
}

/* Core holds this bound only against clients that have acknowledged it.  RFC 9113 6.5.2 says what
 * the size of a list of fields is; pseudo-headers are not among these. */
static bool are_headers_small(const struct rpc_call *call)
{
    size_t bytes_max = call->worker->server->options.metadata_bytes_max;
    size_t bytes = call->headers.count * HEADER_OVERHEAD_BYTES;

    for (size_t i = 0; i < call->headers.count; i++)
        bytes += GRPC_SLICE_LENGTH(call->headers.metadata[i].key) +
                 GRPC_SLICE_LENGTH(call->headers.metadata[i].value);
    return bytes_max == 0 || bytes <= bytes_max;
}

/* May the call run at all?  Decided before anything of it is read. */
static bool admit(struct rpc_call *call, struct err *err)
{
    struct rpc_worker *worker = call->worker;

    if (!call->entry) {
        atomic_fetch_add_explicit(&worker->unknown_count, 1, memory_order_relaxed);
        return err_set(err, ERR_METHOD_UNKNOWN, "no such method");
    }
    if (!are_headers_small(call))
        return err_set(err, ERR_METADATA_TOO_LARGE, "%zu fields", call->headers.count);
    if (call->deadline_ms < worker->now_ns / 1000000)
        return err_set(err, ERR_DEADLINE, "the deadline passed before the call was looked at");
    if (!(call->entry->method->flags & (RPC_NEVER_SHED | RPC_AGELESS)) &&
        rpc_backlog_refuses(worker))
        return err_set(err, ERR_OVERLOADED, "calls wait for too long until they are looked at");
    /* What is never shed is no load either: balancers' streams must not crowd out the calls. */
    if (!(call->entry->method->flags & RPC_NEVER_SHED) &&
        !(call->has_permit = rpc_permits_take(worker))) {
        atomic_fetch_add_explicit(&worker->refused_count, 1, memory_order_relaxed);
        return err_set(err, ERR_OVERLOADED, "as many calls in flight as there may be");
    }
    return rpc_server_takes_streams(worker->server, call->entry->method, err);
}

static void tell_refused(struct rpc_call *call, const struct err *err)
{
    const struct rpc_server *server = call->worker->server;

    for (size_t i = 0; i < server->options.interceptor_count; i++) {
        const struct rpc_interceptor *interceptor = server->interceptors[i];

        if (interceptor->sees_refused && interceptor->after)
            interceptor->after(call, interceptor->context, err);
    }
}

static void begin(struct rpc_call *call)
{
    struct rpc_worker *worker = call->worker;
    struct err err;

    call->state = CALL_OPEN;
    call->started_ns = worker->now_ns;
    call->deadline_ms = INT64_MAX;
    call->arena = rpc_worker_take_arena(worker);
    call->entry = find_entry(call);
    count_open(worker, 1);
    count_call(worker);
    if (call->entry)
        call->deadline_ms = deadline_of(call, call->entry->method);
    if (!admit(call, &err)) {
        tell_refused(call, &err);
        rpc_call_fail(call, &err);
        return;
    }
    if (!run_interceptors(call, &err)) {
        rpc_call_fail(call, &err);
        return;
    }
    if (call->door->entry)
        dispatch(call);
    else if (call->entry->method->kind == RPC_BIDI_STREAM)
        rpc_stream_open(call);
    else
        receive_request(call);
}

static void on_accepted(struct rpc_op *op, bool is_ok)
{
    struct rpc_call *call = CONTAINER_OF(op, struct rpc_call, accepted);

    if (!is_ok) { /* the server is shutting down: there was no call */
        free_waiting(call);
        return;
    }
    rpc_backlog_accept(call->worker, call->door);
    begin(call);
}
