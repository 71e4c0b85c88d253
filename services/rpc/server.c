/* SPDX-License-Identifier: Apache-2.0 */
/* The server: start, and what can be asked of it. */
#include "rpc/server.h"

#include "base/clock.h"
#include "base/memory.h"
#include "rpc/connections.h"
#include "rpc/core_log.h"
#include "rpc/credentials.h"
#include "rpc/hang_up.h"
#include "rpc/worker.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 20, POSTED_CALLS_DEFAULT = 64, LOOKED_AT_MAX = 256 };

static grpc_arg integer(const char *name, int64_t value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)name,
        .value.integer = value > INT32_MAX ? INT32_MAX : (int)value,
    };
}

/* What core would otherwise leave unbounded, or bound by minutes. */
static size_t fill_arguments(const struct rpc_options *options, grpc_resource_quota *quota,
                             grpc_arg *arguments)
{
    const struct {
        const char *name;
        int64_t value;
    } bounds[] = {
        {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int64_t)options->message_bytes_max},
        {GRPC_ARG_MAX_METADATA_SIZE, (int64_t)options->metadata_bytes_max},
        {GRPC_ARG_MAX_CONCURRENT_STREAMS, options->streams_max},
        {GRPC_ARG_MAX_CONNECTION_AGE_MS, options->connection_age_ms},
        {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, options->connection_grace_ms},
        {GRPC_ARG_MAX_CONNECTION_IDLE_MS, options->connection_idle_ms},
        {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, options->handshake_timeout_ms},
        {GRPC_ARG_KEEPALIVE_TIME_MS, options->keepalive_ms},
        {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options->keepalive_timeout_ms},
        {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, options->keepalive_ms / 2},
    };
    grpc_arg *next = arguments;

    for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
        if (bounds[i].value > 0)
            *next++ = integer(bounds[i].name, bounds[i].value);
    /* Bit 0, identity, alone: core inflates before it looks at the size. */
    *next++ = integer(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
    *next++ = integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    *next++ = integer(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
    *next++ = integer(GRPC_ARG_ALLOW_REUSEPORT, 0);
    *next++ = integer(GRPC_ARG_ENABLE_CHANNELZ, 1); /* where connections are counted */
    if (quota)
        *next++ = (grpc_arg){
            .type = GRPC_ARG_POINTER,
            .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
            .value.pointer = {.p = quota, .vtable = grpc_resource_quota_arg_vtable()},
        };
    return (size_t)(next - arguments);
}

static grpc_server *make_core(const struct rpc_options *options)
{
    grpc_resource_quota *quota = NULL;
    grpc_arg arguments[ARGUMENTS_MAX];
    grpc_channel_args list = {.args = arguments};
    grpc_server *core;

    if (options->memory_quota_bytes > 0) {
        quota = grpc_resource_quota_create("passgate");
        grpc_resource_quota_resize(quota, options->memory_quota_bytes);
    }
    list.num_args = fill_arguments(options, quota, arguments);
    core = grpc_server_create(&list, NULL);
    if (quota)
        grpc_resource_quota_unref(quota);
    return core;
}

/* Core takes the place of any unix socket that it finds, also of one that is served. */
static bool is_served(const char *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *path = address + strlen("unix:");
    bool is_taken;
    int fd;

    if (strncmp(address, "unix:", strlen("unix:")) != 0 || strlen(path) >= sizeof(name.sun_path))
        return false;
    memcpy(name.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    is_taken = fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0;
    if (fd >= 0)
        close(fd);
    return is_taken;
}

static bool bind_listener(struct rpc_server *server, size_t index, struct err *err)
{
    const struct rpc_listener *listener = &server->options.listeners[index];
    grpc_server_credentials *core;

    if (is_served(listener->address))
        return err_field(err, ERR_CONFIG_INVALID, listener->option, "cannot listen on %s: in use",
                         listener->address);
    if (!rpc_credentials_make(&server->credentials[index], &listener->tls, &core, err))
        return false;
    server->has_tls |= listener->tls.certificate != NULL;
    server->ports[index] = grpc_server_add_http2_port(server->core, listener->address, core);
    grpc_server_credentials_release(core);
    if (server->ports[index] == 0)
        return err_field(err, ERR_CONFIG_INVALID, listener->option,
                         "cannot listen on %s: in use, not an address of this machine, or a "
                         "certificate that cannot serve",
                         listener->address);
    if (strncmp(listener->address, "unix:", strlen("unix:")) == 0)
        server->ports[index] = 0; /* core says 1 */
    return true;
}

static void make_doors(struct rpc_server *server)
{
    size_t count = rpc_registry_count(server->registry);

    server->doors = memory_new_array(struct rpc_door, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct rpc_entry *entry = rpc_registry_get(server->registry, i);

        if (entry->method->flags & RPC_HOT)
            server->doors[server->door_count++] = (struct rpc_door){
                .entry = entry,
                .registered = grpc_server_register_method(
                    server->core, entry->path, NULL, GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0),
            };
    }
    server->door_count++; /* the last one is the generic door */
    for (uint32_t i = 0; i < server->worker_count; i++)
        rpc_backlog_init(&server->workers[i]);
}

static void post_calls(struct rpc_server *server)
{
    for (uint32_t i = 0; i < server->worker_count; i++)
        for (size_t door = 0; door < server->door_count; door++)
            rpc_backlog_post(&server->workers[i], &server->doors[door]);
}

static void on_stopped(struct rpc_op *op, bool is_ok)
{
    struct rpc_server *server = CONTAINER_OF(op, struct rpc_server, stopped);

    (void)is_ok;
    pthread_mutex_lock(&server->mutex);
    server->is_stopped = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

static struct rpc_server *server_new(const struct rpc_options *options)
{
    struct rpc_server *server = memory_new(struct rpc_server);
    pthread_condattr_t attributes;

    grpc_init();
    core_log_start();
    server->options = *options;
    if (server->options.posted_calls == 0)
        server->options.posted_calls = POSTED_CALLS_DEFAULT;
    if (server->options.in_flight_max == 0)
        server->options.in_flight_max = UINT32_MAX;
    server->resets = memory_new(struct resets);
    server->resets->per_second_max = options->resets_per_second;
    server->resets->streams_max = options->streams_max;
    server->executor = options->executor;
    server->interceptors =
        memory_new_array(const struct rpc_interceptor *, options->interceptor_count);
    for (size_t i = 0; i < options->interceptor_count; i++)
        server->interceptors[i] = options->interceptors[i];
    server->worker_count =
        options->worker_count > 0 ? options->worker_count : (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    server->ports = memory_new_array(int, options->listener_count);
    server->credentials = memory_new_array(struct rpc_credentials, options->listener_count);
    server->stopped.on_done = on_stopped;
    pthread_mutex_init(&server->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return server;
}

static void make_workers(struct rpc_server *server)
{
    rpc_permits_init(server);
    server->workers = memory_new_array(struct rpc_worker, server->worker_count);
    for (uint32_t i = 0; i < server->worker_count; i++) {
        rpc_worker_init(&server->workers[i], server, i);
        grpc_server_register_completion_queue(server->core, server->workers[i].queue, NULL);
    }
}

static bool needs_executor(const struct rpc_registry *registry)
{
    for (size_t i = 0; i < rpc_registry_count(registry); i++)
        if (rpc_registry_get(registry, i)->method->runs == RPC_RUNS_ON_EXECUTOR)
            return true;
    return false;
}

bool rpc_server_start(const struct rpc_options *options, struct rpc_server **ret_server,
                      struct err *err)
{
    struct rpc_server *server;
    struct rpc_registry *registry;
    bool is_bound = true;

    if (!rpc_registry_new(options->services, options->service_count, &registry, err))
        return false;
    if (!options->executor && needs_executor(registry)) {
        rpc_registry_free(registry);
        return err_set(err, ERR_INTERNAL, "a method runs on the executor, and there is none");
    }
    server = server_new(options);
    server->registry = registry;
    server->core = make_core(options);
    make_workers(server);
    make_doors(server);
    for (size_t i = 0; i < options->listener_count && is_bound; i++)
        is_bound = bind_listener(server, i, err);
    if (is_bound) {
        grpc_server_start(server->core);
        post_calls(server);
    }
    for (uint32_t i = 0; i < server->worker_count; i++)
        rpc_worker_start(&server->workers[i]);
    if (!is_bound) {
        rpc_server_stop(server, 0);
        rpc_server_free(server);
        return false;
    }
    *ret_server = server;
    return true;
}

int rpc_server_port(const struct rpc_server *server, size_t index)
{
    return server->ports[index];
}

void rpc_server_renew_tls(struct rpc_server *server, const struct rpc_tls *tls)
{
    for (size_t i = 0; i < server->options.listener_count; i++)
        rpc_credentials_renew(&server->credentials[i], tls);
}

/* A part of them, from where the last look has ended: what it takes must not grow with them. */
uint32_t rpc_server_hang_up(struct rpc_server *server)
{
    struct connection *connections = memory_new_array(struct connection, LOOKED_AT_MAX);
    size_t count = connections_list(server->looked_at, connections, LOOKED_AT_MAX);
    int64_t now_ns = clock_now_ns();
    uint32_t ended = 0;

    for (size_t i = 0; i < count; i++) {
        const struct connection *connection = &connections[i];
        struct sockaddr_in6 peer;

        if (resets_look(server->resets, connection->id, connection->begun, connection->answered,
                        now_ns) &&
            hang_up_parse(connection->peer, &peer) &&
            hang_up(&peer, server->ports, server->options.listener_count))
            ended++;
    }
    server->looked_at = count == LOOKED_AT_MAX ? connections[count - 1].id : 0;
    memory_free(connections);
    return ended;
}

size_t rpc_server_method_count(const struct rpc_server *server)
{
    return rpc_registry_count(server->registry);
}

const char *rpc_server_method_path(const struct rpc_server *server, size_t index)
{
    return rpc_registry_get(server->registry, index)->path;
}

uint32_t rpc_server_open_count(const struct rpc_server *server)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < server->worker_count; i++)
        count += atomic_load_explicit(&server->workers[i].open_count, memory_order_acquire);
    return count;
}

void rpc_server_get_stats(struct rpc_server *server, struct rpc_stats *ret_stats)
{
    struct rpc_stats stats = {.in_flight = rpc_server_open_count(server)};

    for (uint32_t i = 0; i < server->worker_count; i++) {
        struct rpc_worker *worker = &server->workers[i];
        uint64_t late_us = atomic_exchange(&worker->late_us_max, 0);
        int64_t age_us = (int64_t)atomic_load(&worker->backlog.age_us);

        stats.calls += atomic_load(&worker->call_count);
        stats.parked += atomic_load(&worker->parked_count);
        stats.streams += atomic_load(&worker->stream_count);
        stats.refused += atomic_load(&worker->refused_count);
        stats.aged += atomic_load(&worker->backlog.refused_count);
        stats.unknown_methods += atomic_load(&worker->unknown_count);
        stats.late_results += atomic_load(&worker->late_count);
        if (late_us > stats.deadline_late_us_max)
            stats.deadline_late_us_max = late_us;
        if (age_us > stats.queue_age_us)
            stats.queue_age_us = age_us;
    }
    *ret_stats = stats;
}

/* A run on one worker, waited for by the thread that asked. */
struct visit {
    struct task task;
    struct rpc_worker *worker;
    void (*run)(uint32_t worker_index, void *context);
    void *context;
    pthread_mutex_t *mutex;
    pthread_cond_t *done;
    size_t *left;
};

static void run_visit(struct task *task)
{
    struct visit *visit = CONTAINER_OF(task, struct visit, task);
    pthread_mutex_t *mutex = visit->mutex;

    visit->run(visit->worker->index, visit->context);
    pthread_mutex_lock(mutex);
    if (--*visit->left == 0)
        pthread_cond_signal(visit->done);
    pthread_mutex_unlock(mutex);
}

void rpc_server_run_on_workers(struct rpc_server *server,
                               void (*run)(uint32_t worker_index, void *context), void *context)
{
    struct visit *visits = memory_new_array(struct visit, server->worker_count);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t done = PTHREAD_COND_INITIALIZER;
    size_t left = server->worker_count;

    for (uint32_t i = 0; i < server->worker_count; i++) {
        visits[i] = (struct visit){
            {.run = run_visit}, &server->workers[i], run, context, &mutex, &done, &left};
        inbox_post(&server->workers[i].inbox, &visits[i].task);
    }
    pthread_mutex_lock(&mutex);
    while (left > 0)
        pthread_cond_wait(&done, &mutex);
    pthread_mutex_unlock(&mutex);
    memory_free(visits);
}

void rpc_server_free(struct rpc_server *server)
{
    if (!server)
        return;
    grpc_server_destroy(server->core);
    for (uint32_t i = 0; i < server->worker_count; i++)
        rpc_worker_release(&server->workers[i]);
    rpc_registry_free(server->registry);
    memory_free(server->workers);
    memory_free(server->doors);
    memory_free(server->interceptors);
    for (size_t i = 0; i < server->options.listener_count; i++)
        rpc_credentials_release(&server->credentials[i]);
    memory_free(server->credentials);
    memory_free(server->ports);
    memory_free(server->resets);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->mutex);
    memory_free(server);
    grpc_shutdown();
}

const char *rpc_core_version(void)
{
    return grpc_version_string();
}
