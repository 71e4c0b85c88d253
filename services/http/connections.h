/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: taking them in, and how long each may take for what it is about to do.
 *
 * libmicrohttpd only knows how long a connection was silent: a client that sends a byte now and
 * then would stay for ever.  Here a connection has a deadline for the whole step (the next request,
 * the response), and is shut down when it is past it.  And the library's own way to stop accepting
 * can abort the process (MHD_quiesce_daemon() with epoll races with its threads), so that accepting
 * is done here and the library is handed connections.  One thread does both.
 */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <sys/socket.h>

struct connections;
struct connection;

struct connections_options {
    int listen_fd;        /* the caller's, as long as there are connections */
    unsigned count_max;   /* at once; others wait in the backlog */
    unsigned shortest_ms; /* of all deadlines */
    /* Takes over the socket of a new connection; false when it has closed it instead. */
    bool (*take)(void *owner, int fd, const struct sockaddr *address, socklen_t length);
    /* On the thread that accepts, whenever it is awake. */
    void (*tend)(void *owner);
    void *owner;
};

/* Nothing is accepted before connections_start() and after connections_stop(). */
struct connections *connections_new(const struct connections_options *options);
void connections_start(struct connections *connections);
void connections_stop(struct connections *connections);
/* When there are no connections any more.  NULL is allowed. */
void connections_free(struct connections *connections);

/* Have the thread look, and tend. */
void connections_wake(struct connections *connections);

/* A connection that was taken lives until it is removed, which is before its socket is closed: the
 * number may be another's afterwards. */
struct connection *connections_add(struct connections *connections, int fd);
void connections_remove(struct connections *connections, struct connection *connection);

/* What the connection does now: receive a request, wait for us (no deadline), or take a response.
 */
enum connection_step { CONNECTION_RECEIVES, CONNECTION_WAITS, CONNECTION_SENDS };
void connection_enter(struct connections *connections, struct connection *connection,
                      enum connection_step step, unsigned ms_max);

/* Accept no more, from now on; give those that have no request with us a last moment. */
void connections_quiesce(struct connections *connections);

#endif
