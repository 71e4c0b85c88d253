/* SPDX-License-Identifier: Apache-2.0 */
/* Health: one table under one mutex, which is never held across anything that waits. */
#include "health/health.h"

#include "base/memory.h"
#include "grpc/health/v1/health.pb-c.h"
#include "rpc/stream.h"

#include <assert.h>
#include <pthread.h>

enum {
    NAME_BYTES_MAX = 256,
    REQUEST_BYTES_MAX = 1024,
    CHECK_DEADLINE_CAP_MS = 5000,
    NOTHING_SENT = -1,
};

struct status_row {
    char *service;
    enum health_status status;
    struct status_row *next;
};

/* One Watch stream.  It lives until its worker knows that it is gone and no update is on its way.
 */
struct watch {
    struct task update;
    struct health *health;
    struct rpc_call *call; /* the worker's; NULL when the stream is gone */
    struct inbox *inbox;
    int sent;       /* the worker's; a ServingStatus */
    bool is_posted; /* of the mutex, as the links: `update` is on its way */
    struct watch *next;
    struct watch **link;
    char service[NAME_BYTES_MAX + 1];
};

struct health {
    pthread_mutex_t mutex; /* of everything */
    struct status_row *rows;
    struct watch *watches;
    size_t watch_count;
};

struct health *health_new(void)
{
    struct health *health = memory_new(struct health);

    pthread_mutex_init(&health->mutex, NULL);
    return health;
}

void health_free(struct health *health)
{
    if (!health)
        return;
    assert(!health->watches);
    while (health->rows) {
        struct status_row *row = health->rows;

        health->rows = row->next;
        memory_free(row->service);
        memory_free(row);
    }
    pthread_mutex_destroy(&health->mutex);
    memory_free(health);
}

static struct status_row *find_row(const struct health *health, const char *service)
{
    struct status_row *row = health->rows;

    while (row && strcmp(row->service, service) != 0)
        row = row->next;
    return row;
}

/* With the mutex held: inbox_post() does not wait. */
static void set_row(struct health *health, struct status_row *row, enum health_status status)
{
    row->status = status;
    for (struct watch *watch = health->watches; watch; watch = watch->next) {
        if (watch->is_posted || strcmp(watch->service, row->service) != 0)
            continue;
        watch->is_posted = true;
        inbox_post(watch->inbox, &watch->update);
    }
}

void health_set(struct health *health, const char *service, enum health_status status)
{
    struct status_row *row;

    pthread_mutex_lock(&health->mutex);
    row = find_row(health, service);
    if (!row) {
        row = memory_new(struct status_row);
        row->service = memory_text(span_text(service));
        row->next = health->rows;
        health->rows = row;
    }
    set_row(health, row, status);
    pthread_mutex_unlock(&health->mutex);
}

void health_set_all(struct health *health, enum health_status status)
{
    pthread_mutex_lock(&health->mutex);
    for (struct status_row *row = health->rows; row; row = row->next)
        set_row(health, row, status);
    pthread_mutex_unlock(&health->mutex);
}

/* What the protocol says of a service, with the mutex held. */
static Grpc__Health__V1__HealthCheckResponse__ServingStatus
serving_status(const struct health *health, const char *service)
{
    const struct status_row *row = find_row(health, service);

    if (!row)
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    return row->status == HEALTH_SERVING
               ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
               : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}

static void handle_check(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Grpc__Health__V1__HealthCheckRequest *request =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    struct health *health = context;
    struct err err;

    pthread_mutex_lock(&health->mutex);
    response.status = serving_status(health, request->service);
    pthread_mutex_unlock(&health->mutex);
    if (response.status ==
        GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN) {
        err_set(&err, ERR_NOT_FOUND, "no such service");
        rpc_call_fail(call, &err);
        return;
    }
    rpc_call_reply(call, &response.base);
}

/* On the watch's worker: send the newest status, unless that is what was sent last. */
static void push(void *owner)
{
    struct watch *watch = owner;
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    pthread_mutex_lock(&watch->health->mutex);
    response.status = serving_status(watch->health, watch->service);
    pthread_mutex_unlock(&watch->health->mutex);
    if ((int)response.status != watch->sent && rpc_stream_send(watch->call, &response.base))
        watch->sent = (int)response.status;
}

static void run_update(struct task *task)
{
    struct watch *watch = CONTAINER_OF(task, struct watch, update);

    if (!watch->call) {
        memory_free(watch);
        return;
    }
    pthread_mutex_lock(&watch->health->mutex);
    watch->is_posted = false;
    pthread_mutex_unlock(&watch->health->mutex);
    push(watch);
}

static void on_abandoned(void *owner)
{
    struct watch *watch = owner;
    struct health *health = watch->health;
    bool is_posted;

    watch->call = NULL;
    pthread_mutex_lock(&health->mutex);
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
    health->watch_count--;
    is_posted = watch->is_posted;
    pthread_mutex_unlock(&health->mutex);
    if (!is_posted)
        memory_free(watch);
}

/* False when there are too many. */
static bool enlist(struct watch *watch)
{
    struct health *health = watch->health;
    bool has_room;

    pthread_mutex_lock(&health->mutex);
    has_room = health->watch_count < HEALTH_WATCHES_MAX;
    if (has_room) {
        health->watch_count++;
        watch->next = health->watches;
        watch->link = &health->watches;
        if (watch->next)
            watch->next->link = &watch->next;
        health->watches = watch;
    }
    pthread_mutex_unlock(&health->mutex);
    return has_room;
}

static void handle_watch(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Grpc__Health__V1__HealthCheckRequest *request =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    size_t length = strlen(request->service);
    struct watch *watch;
    struct err err;

    if (length > NAME_BYTES_MAX) {
        err_field(&err, ERR_FIELD_TOO_LONG, "service", "%zu bytes", length);
        rpc_call_fail(call, &err);
        return;
    }
    watch = memory_new(struct watch);
    watch->update.run = run_update;
    watch->health = context;
    watch->call = call;
    watch->inbox = rpc_call_inbox(call);
    watch->sent = NOTHING_SENT;
    memcpy(watch->service, request->service, length + 1);
    if (!enlist(watch)) {
        memory_free(watch);
        err_set(&err, ERR_OVERLOADED, "%d watches", HEALTH_WATCHES_MAX);
        rpc_call_fail(call, &err);
        return;
    }
    rpc_call_park(call, on_abandoned, watch);
    rpc_stream_on_writable(call, push);
    push(watch);
}

/* Load balancers ask, before anything of them is known and under any load. */
static const struct rpc_method methods[] = {
    {
        .name = "Check",
        .kind = RPC_UNARY,
        .handle = handle_check,
        .roles = UINT32_MAX,
        .deadline_cap_ms = CHECK_DEADLINE_CAP_MS,
        .request_bytes_max = REQUEST_BYTES_MAX,
        .flags = RPC_IDEMPOTENT | RPC_NEVER_SHED,
    },
    {
        .name = "Watch",
        .kind = RPC_SERVER_STREAM,
        .handle = handle_watch,
        .roles = UINT32_MAX,
        .request_bytes_max = REQUEST_BYTES_MAX,
        .flags = RPC_IDEMPOTENT | RPC_NEVER_SHED,
    },
};

struct rpc_service health_service(struct health *health)
{
    return (struct rpc_service){
        .descriptor = &grpc__health__v1__health__descriptor,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
        .context = health,
    };
}
