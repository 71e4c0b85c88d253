/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, on their way to Redis and back. */
#include "storage/redis_store.h"

#include "base/failpoint.h"

/* How an operation is said, on which connection, and what its reply means. */
struct operation {
    enum redis_role role;
    void (*build)(struct redis_store *store, struct store_request *request,
                  struct redis_args *args);
    /* The reply is none of an error; the request may have been given up. */
    bool (*take)(struct redis_command *command, const redisReply *reply, struct err *err);
    bool takes_wrongtype; /* that refusal is an answer too */
    bool is_gathered;     /* it waits until all are there who may have something to put again */
};

static const struct operation operations[] = {
    [STORE_READ] = {REDIS_READER, redis_read_build, redis_read_take, .is_gathered = true},
    [STORE_WRITE] = {REDIS_WRITER, redis_write_build, redis_write_take, .is_gathered = true},
    [STORE_OUTBOX_READ] = {REDIS_READER, redis_outbox_build, redis_outbox_take},
    [STORE_OUTBOX_REMOVE] = {REDIS_WRITER, redis_remove_build, redis_integer_take},
    [STORE_PING] = {REDIS_WRITER, redis_beat_build, redis_integer_take},
    [STORE_OUTBOX_CLAIM] = {REDIS_WRITER, redis_claim_build, redis_claim_take},
    [STORE_SCAN] = {REDIS_READER, redis_scan_build, redis_scan_take, .takes_wrongtype = true,
                    .is_gathered = true},
};

/* Queues. */

void redis_queue_init(struct redis_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

void redis_queue_push(struct redis_queue *queue, struct store_request *request)
{
    request->next = NULL;
    *queue->end = request;
    queue->end = &request->next;
}

struct store_request *redis_queue_pop(struct redis_queue *queue)
{
    struct store_request *request = queue->first;

    if (request) {
        queue->first = request->next;
        if (!queue->first)
            queue->end = &queue->first;
    }
    return request;
}

/* The way back. */

void redis_request_answer(struct redis_store *store, struct store_request *request, bool is_ok)
{
    atomic_fetch_sub_explicit(&store->pending, 1, memory_order_relaxed);
    (void)FAILPOINT("before_store_reply");
    if (is_ok)
        store_finish(request);
    else
        store_fail(request, &request->err);
}

/* Whatever ended the connection, to this request the store does not answer. */
void redis_request_fail(struct redis_store *store, struct store_request *request,
                        const struct err *err)
{
    err_set(&request->err, ERR_STORE_UNAVAILABLE, "%s", err->detail);
    redis_request_answer(store, request, false);
}

void redis_queue_fail(struct redis_store *store, struct redis_queue *queue, const struct err *err)
{
    struct store_request *request;

    while ((request = redis_queue_pop(queue)))
        redis_request_fail(store, request, err);
}

static void send_request(struct redis_store *store, struct store_request *request,
                         bool is_repeated);

/* Someone has emptied the script cache: fill it, and say it once more. */
static bool repeat(struct redis_command *command, const redisReply *reply)
{
    if (!redis_reply_is_noscript(reply) || command->is_repeated)
        return false;
    redis_script_load(command->connection);
    if (command->written)
        ledger_refused(command->written);
    command->written = NULL;
    if (command->request)
        send_request(command->connection->store, command->request, true);
    return true;
}

static bool take(struct redis_command *command, const redisReply *reply, struct err *err)
{
    const struct operation *operation = &operations[command->operation];

    if (reply->type == REDIS_REPLY_ERROR &&
        !(operation->takes_wrongtype && redis_reply_is_wrongtype(reply))) {
        redis_connection_refused(command->connection, reply, err);
        return false;
    }
    return operation->take(command, reply, err);
}

/* Nothing of a write that was refused has happened; of one without an answer nobody knows. */
static void note_written(struct redis_command *command, const redisReply *reply)
{
    if (command->written && reply)
        ledger_refused(command->written);
    else if (command->written)
        ledger_unsure(command->connection->store->ledger, command->written);
    command->written = NULL;
}

/* A read that was answered out of step, or not at all because another one was. */
static bool ask_again(struct redis_connection *connection, struct store_request *request)
{
    if (!connection->is_out_of_step || connection->role != REDIS_READER ||
        request->is_asked_again || connection->store->stop_due_ms != 0)
        return false;
    request->is_asked_again = true;
    redis_queue_push(&connection->waiting, request);
    return true;
}

static void on_reply(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    struct redis_store *store = connection->store;
    struct store_request *request;
    struct err err;
    bool is_ok;

    if (reply && repeat(command, reply))
        return;
    is_ok = reply && take(command, reply, &err);
    note_written(command, reply);
    request = command->request;
    /* What is damaged, or not as it was thought to be, is an answer too. */
    if (is_ok || (reply && err.code != ERR_STORE_UNAVAILABLE))
        redis_note_works(connection);
    else if (!connection->is_out_of_step)
        redis_note_fails(connection, reply ? &err : &connection->err);
    if (!request || (!is_ok && ask_again(connection, request)))
        return;
    is_ok = is_ok && redis_again_believes(store, request, &err);
    if (!reply) {
        redis_request_fail(store, request, &connection->err);
    } else if (is_ok && redis_scan_goes_on(request)) {
        send_request(store, request, false);
    } else if (is_ok && request->operation == STORE_WRITE && store->options.replicas_min > 0) {
        redis_queue_push(&store->unconfirmed, request);
    } else {
        if (!is_ok)
            request->err = err;
        redis_request_answer(store, request, is_ok);
    }
}

/* The way there. */

static void send_request(struct redis_store *store, struct store_request *request, bool is_repeated)
{
    const struct operation *operation = &operations[request->operation];
    struct redis_command *command =
        redis_command_new(&store->connections[operation->role], on_reply);
    struct redis_args args;

    args.count = 0;
    command->request = request;
    command->operation = (uint8_t)request->operation;
    command->index = request->partition;
    command->is_repeated = is_repeated;
    if (request->operation == STORE_WRITE) {
        command->written = ledger_sent(request);
        store->is_wait_due = true;
    }
    operation->build(store, request, &args);
    redis_command_send(command, &args);
}

static int64_t left_ms(const struct redis_store *store, const struct store_request *request)
{
    if (request->deadline_ms == INT64_MAX)
        return INT64_MAX;
    return request->deadline_ms - clock_monotonic_ms(store->options.clock);
}

static void miss(struct redis_store *store, struct store_request *request, int64_t left)
{
    err_set(&request->err, ERR_DEADLINE, "not answered for %lld ms after its deadline",
            (long long)-left);
    redis_request_answer(store, request, false);
}

/* Why the connection cannot be used, when waiting for it is in vain; NULL when it is not. */
static const struct err *reason_to_refuse(const struct redis_store *store,
                                          const struct redis_connection *connection)
{
    const struct redis_connection *writer = &store->connections[REDIS_WRITER];

    if (connection->failures > 0)
        return &connection->err;
    return writer->failures > 0 ? &writer->err : NULL;
}

void redis_request_take(struct redis_store *store, struct store_request *request)
{
    struct redis_connection *connection = &store->connections[operations[request->operation].role];
    const struct err *reason = reason_to_refuse(store, connection);
    int64_t left = left_ms(store, request);

    if (left <= 0) {
        miss(store, request, left);
        return;
    }
    if (left != INT64_MAX)
        redis_wake_at(store, redis_now_ms() + left);
    if (store->stop_due_ms != 0) {
        err_set(&request->err, ERR_STORE_UNAVAILABLE, "the store is closing");
        redis_request_answer(store, request, false);
    } else if (connection->unanswered >= store->options.pending_max) {
        /* Most of them nobody waits for any more, but each still has its place. */
        err_set(&request->err, ERR_OVERLOADED, "%zu commands wait for the store",
                connection->unanswered);
        redis_request_answer(store, request, false);
    } else if (request->operation == STORE_SCAN && !redis_scan_begin(request, &request->err)) {
        redis_request_answer(store, request, false);
    } else if (request->operation == STORE_WRITE && FAILPOINT("store_write_error")) {
        err_set(&request->err, ERR_STORE_UNAVAILABLE, "failpoint store_write_error");
        redis_request_answer(store, request, false);
    } else if (redis_connection_is_usable(connection) &&
               (store->is_gathered || !operations[request->operation].is_gathered)) {
        send_request(store, request, false);
    } else if (reason) {
        redis_request_fail(store, request, reason);
    } else {
        redis_queue_push(&connection->waiting, request);
    }
}

void redis_requests_go_on(struct redis_store *store)
{
    for (size_t i = 0; i < REDIS_ROLES; i++) {
        struct redis_connection *connection = &store->connections[i];
        const struct err *reason = reason_to_refuse(store, connection);
        struct store_request *request;

        if (redis_connection_is_usable(connection) && store->is_gathered)
            while ((request = redis_queue_pop(&connection->waiting)))
                send_request(store, request, false);
        else if (reason)
            redis_queue_fail(store, &connection->waiting, reason);
    }
}

/* Deadlines. */

/* The time that is left of the request, or 0 after it has been answered for lack of any. */
static int64_t expire(struct redis_store *store, struct store_request *request, int64_t *next_ms)
{
    int64_t left = left_ms(store, request);

    if (left <= 0) {
        miss(store, request, left);
        return 0;
    }
    if (left < *next_ms)
        *next_ms = left;
    return left;
}

static void expire_queue(struct redis_store *store, struct redis_queue *queue, int64_t *next_ms)
{
    struct store_request *request = queue->first;

    redis_queue_init(queue);
    while (request) {
        struct store_request *next = request->next;

        if (expire(store, request, next_ms) > 0)
            redis_queue_push(queue, request);
        request = next;
    }
}

int64_t redis_requests_expire(struct redis_store *store, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;

    for (size_t i = 0; i < REDIS_ROLES; i++) {
        struct redis_connection *connection = &store->connections[i];

        for (struct redis_command *command = connection->oldest; command; command = command->next)
            if (command->request && expire(store, command->request, &next_ms) == 0)
                command->request = NULL;
        expire_queue(store, &connection->waiting, &next_ms);
    }
    expire_queue(store, &store->unconfirmed, &next_ms);
    return next_ms == INT64_MAX ? INT64_MAX : now_ms + next_ms;
}

bool redis_requests_are_answered(const struct redis_store *store)
{
    for (size_t i = 0; i < REDIS_ROLES; i++)
        for (const struct redis_command *command = store->connections[i].oldest; command;
             command = command->next)
            if (command->request)
                return false;
    return !store->unconfirmed.first;
}
