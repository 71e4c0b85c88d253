/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's socket on the store's loop: what hiredis asks an event library for.
 *
 * Not hiredis' own adapter for libuv: that one drops what libuv reports as an error, so that a
 * refused connection would only be noticed when its time is over, and it does not say when bytes
 * arrive.
 */
#include "storage/redis_store.h"

#include "base/memory.h"

/* A reply may be that long; a server that sends more is not ours. */
enum { UNREAD_BYTES_MAX = 64 * 1024 * 1024 };

struct redis_socket {
    uv_poll_t poll;
    struct redis_connection *connection; /* NULL: only the handle is still to be closed */
    int events;
};

static void on_readable(struct redis_connection *connection)
{
    const redisReader *reader;
    struct err err;

    connection->last_byte_ms = redis_now_ms();
    redisAsyncHandleRead(connection->context);
    if (!connection->context)
        return;
    reader = connection->context->c.reader;
    if (reader->len - reader->pos > UNREAD_BYTES_MAX) {
        err_set(&err, ERR_STORE_CORRUPT, "a reply of more than %d bytes", UNREAD_BYTES_MAX);
        redis_connection_doom(connection, &err);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct redis_socket *socket = poll->data;
    struct redis_connection *connection = socket->connection;
    struct err err;

    if (!connection)
        return;
    if (events & UV_READABLE || status < 0)
        on_readable(connection);
    if (socket->connection && (events & UV_WRITABLE || status < 0))
        redisAsyncHandleWrite(connection->context);
    if (!socket->connection)
        return;
    if (status < 0) {
        err_set(&err, ERR_STORE_UNAVAILABLE, "the socket failed");
        redis_connection_doom(connection, &err);
    }
    redis_connection_settle(connection);
    redis_write_flush(connection->store);
}

static void watch(struct redis_socket *socket, int events)
{
    socket->events = events;
    if (events)
        uv_poll_start(&socket->poll, events, on_event);
    else
        uv_poll_stop(&socket->poll);
}

static void add_read(void *data)
{
    struct redis_socket *socket = data;

    watch(socket, socket->events | UV_READABLE);
}

static void del_read(void *data)
{
    struct redis_socket *socket = data;

    watch(socket, socket->events & ~UV_READABLE);
}

static void add_write(void *data)
{
    struct redis_socket *socket = data;

    watch(socket, socket->events | UV_WRITABLE);
}

static void del_write(void *data)
{
    struct redis_socket *socket = data;

    watch(socket, socket->events & ~UV_WRITABLE);
}

static void on_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

/* hiredis has answered all its commands and lets go. */
static void clean_up(void *data)
{
    struct redis_socket *socket = data;
    struct redis_connection *connection = socket->connection;

    socket->connection = NULL;
    uv_close((uv_handle_t *)&socket->poll, on_closed);
    redis_connection_lost(connection);
}

bool redis_socket_attach(struct redis_connection *connection)
{
    redisAsyncContext *context = connection->context;
    struct redis_socket *socket = memory_new(struct redis_socket);

    if (uv_poll_init(&connection->store->loop, &socket->poll, context->c.fd) != 0) {
        memory_free(socket);
        return false;
    }
    socket->poll.data = socket;
    socket->connection = connection;
    context->ev.data = socket;
    context->ev.addRead = add_read;
    context->ev.delRead = del_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = clean_up;
    return true;
}
