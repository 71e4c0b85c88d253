/* SPDX-License-Identifier: Apache-2.0 */
/* Sentinels: asked where the primary is, whenever a connection wants to know and once a second. */
#include "storage/redis_sentinel.h"

#include "base/log.h"
#include "storage/redis_store.h"

enum {
    ASK_MS = 1000,      /* between questions that nobody has */
    REMEMBER_MS = 3000, /* so long an answer counts, for whoever does not wait for a new one */
};

static struct redis_sentinel *sentinel_of(struct redis_connection *connection)
{
    return CONTAINER_OF(connection, struct redis_sentinel, connection);
}

static struct redis_answer *answer_of(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;

    return &store->answers[sentinel_of(connection) - store->sentinels];
}

/* Options. */

bool redis_sentinels_check(const struct redis_options *options, struct err *err)
{
    struct redis_address address;

    if (options->sentinel_count == 0)
        return true;
    if (options->sentinel_count < REDIS_SENTINELS_MIN ||
        options->sentinel_count > REDIS_SENTINELS_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "%zu sentinels: %d to %d are possible",
                       options->sentinel_count, REDIS_SENTINELS_MIN, REDIS_SENTINELS_MAX);
    if (!options->sentinel_primary)
        return err_set(err, ERR_CONFIG_INVALID, "sentinels need the name of the primary");
    if (options->partition_count != 1)
        return err_set(err, ERR_CONFIG_INVALID, "%u partitions: with sentinels there is 1",
                       options->partition_count);
    for (size_t i = 0; i < options->sentinel_count; i++)
        if (!redis_address_make(span_text(options->sentinels[i].host), options->sentinels[i].port,
                                &address))
            return err_set(err, ERR_CONFIG_INVALID, "sentinel %zu has no host and port", i + 1);
    return true;
}

void redis_sentinels_init(struct redis_store *store)
{
    store->sentinel_count = store->options.sentinel_count;
    for (size_t i = 0; i < store->sentinel_count; i++) {
        const struct redis_place *place = &store->options.sentinels[i];
        struct redis_sentinel *sentinel = &store->sentinels[i];

        sentinel->address = redis_address_of(place->host, place->port);
        redis_connection_init(&sentinel->connection, store, REDIS_SENTINEL, &sentinel->address);
    }
}

/* What they agree on. */

static const struct redis_address *agreed(const struct redis_store *store, int64_t since_ms)
{
    return redis_answers_agree(store->answers, store->sentinel_count, since_ms);
}

/* Whoever is on the way to another primary, or there, turns back. */
static void follow(struct redis_store *store, const struct redis_address *primary)
{
    struct err err;

    if (redis_address_equal(primary, &store->primary))
        return;
    LOG(INFO, "store.primary", "the sentinels name a primary", log_text("host", primary->host),
        log_number("port", primary->port));
    store->primary = *primary;
    err_set(&err, ERR_STORE_UNAVAILABLE, "the sentinels name another primary");
    for (size_t i = 0; i < REDIS_ROLES; i++)
        redis_connection_turn_back(&store->connections[i], &err);
}

static void decide(struct redis_store *store)
{
    const struct redis_address *primary = agreed(store, redis_now_ms() - REMEMBER_MS);

    if (!primary)
        return;
    follow(store, primary);
    for (size_t i = 0; i < REDIS_ROLES; i++) {
        struct redis_connection *connection = &store->connections[i];

        if (connection->state == REDIS_ASKING && agreed(store, connection->asking_ms))
            redis_connection_go(connection);
    }
}

void redis_sentinels_explain(const struct redis_connection *connection, struct err *err)
{
    const struct redis_store *store = connection->store;
    size_t answered = 0, strangers = 0;
    const struct err *reason = NULL;

    for (size_t i = 0; i < store->sentinel_count; i++) {
        const struct redis_answer *answer = &store->answers[i];
        bool is_new = answer->asked_ms >= connection->asking_ms;

        answered += is_new;
        strangers += is_new && answer->kind == REDIS_ANSWER_NO_SUCH_NAME;
        if (!is_new && store->sentinels[i].connection.failures > 0)
            reason = &store->sentinels[i].connection.err;
    }
    if (strangers > 0)
        err_set(err, ERR_STORE_UNAVAILABLE,
                "%zu of %zu sentinels know no primary `%s`: write the name of their `sentinel "
                "monitor` behind the hosts",
                strangers, store->sentinel_count, store->options.sentinel_primary);
    else if (answered < redis_answers_needed(store->sentinel_count))
        err_set(err, ERR_STORE_UNAVAILABLE,
                "%zu of %zu sentinels answer, %zu must: see whether they run and let this user in: "
                "store.sentinel_user, store.sentinel_password_file (%.80s)",
                answered, store->sentinel_count, redis_answers_needed(store->sentinel_count),
                reason ? reason->detail : "no answer in time");
    else
        err_set(err, ERR_STORE_UNAVAILABLE, "the sentinels do not agree on the primary: wait");
}

/* Questions. */

static void on_answer(struct redis_command *command, const redisReply *reply)
{
    struct redis_connection *connection = command->connection;
    struct redis_store *store = connection->store;
    struct redis_answer answer;
    struct err err;

    if (!reply)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_connection_refused(connection, reply, &err);
        redis_connection_doom(connection, &err);
        return;
    }
    if (!redis_answer_read(reply, &answer, &err)) {
        redis_connection_doom(connection, &err);
        return;
    }
    answer.asked_ms = command->sent_ms;
    *answer_of(connection) = answer;
    if (connection->state == REDIS_CONNECTING)
        redis_connection_ready(connection);
    decide(store);
    redis_wake_at(store, answer.asked_ms + ASK_MS);
    /* Who began to wait after this question was sent needs another one. */
    for (size_t i = 0; i < REDIS_ROLES; i++)
        if (store->connections[i].state == REDIS_ASKING &&
            store->connections[i].asking_ms > answer.asked_ms) {
            redis_sentinel_greet(connection);
            break;
        }
}

/* One question at a time. */
void redis_sentinel_greet(struct redis_connection *connection)
{
    struct redis_args args = {0};

    redis_args_text(&args, "SENTINEL");
    redis_args_text(&args, "get-master-addr-by-name");
    redis_args_text(&args, connection->store->options.sentinel_primary);
    redis_command_send(redis_command_new(connection, on_answer), &args);
}

void redis_sentinels_ask_for(struct redis_connection *connection)
{
    struct redis_store *store = connection->store;

    for (size_t i = 0; i < store->sentinel_count; i++) {
        struct redis_connection *sentinel = &store->sentinels[i].connection;

        if (sentinel->state == REDIS_READY && sentinel->unanswered == 0)
            redis_sentinel_greet(sentinel);
    }
}

/* Life. */

static int64_t tick_one(struct redis_connection *connection, int64_t now_ms)
{
    int64_t due_ms = redis_connection_tick(connection, now_ms),
            ask_ms = answer_of(connection)->asked_ms + ASK_MS;

    if (connection->state != REDIS_READY || connection->unanswered > 0 ||
        connection->store->stop_due_ms != 0)
        return due_ms;
    if (now_ms >= ask_ms) {
        redis_sentinel_greet(connection);
        return now_ms + connection->stall_timeout_ms;
    }
    return ask_ms < due_ms ? ask_ms : due_ms;
}

int64_t redis_sentinels_tick(struct redis_store *store, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;

    for (size_t i = 0; i < store->sentinel_count; i++) {
        int64_t next_ms = tick_one(&store->sentinels[i].connection, now_ms);

        if (next_ms < due_ms)
            due_ms = next_ms;
    }
    return due_ms;
}

void redis_sentinels_close(struct redis_store *store, const struct err *err)
{
    for (size_t i = 0; i < store->sentinel_count; i++)
        redis_connection_close(&store->sentinels[i].connection, err);
}

void redis_sentinel_note(struct redis_connection *connection, const struct err *err)
{
    const struct redis_address *address = &sentinel_of(connection)->address;
    bool was_up = atomic_exchange(&connection->is_up, !err);

    if (connection->store->stop_due_ms != 0)
        return;
    if (was_up && err)
        LOG(WARN, "store.sentinel.down", "a sentinel does not answer",
            log_text("host", address->host), log_number("port", address->port),
            log_text("detail", err->detail));
    else if (!was_up && !err)
        LOG(INFO, "store.sentinel.up", "a sentinel answers again", log_text("host", address->host),
            log_number("port", address->port));
}
