/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: a list with deadlines, and the thread that accepts and looks at the list. */
#include "http/connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    LOOKS_PER_DEADLINE = 8,
    LOOK_MS_MAX = 1000,
    LOOK_MS_MIN = 5,
    LAST_MOMENT_MS = 100,
    ACCEPT_AT_ONCE = 64,
};

struct connection {
    struct connection *next;
    struct connection *previous;
    int fd;
    enum connection_step step;
    int64_t deadline_ms; /* monotonic; 0: none */
};

struct connections {
    struct connections_options options;
    pthread_t thread;
    bool is_started;
    int wake_fd;

    pthread_mutex_t lock;
    struct connection *first;
    unsigned count; /* taken, and not removed */
    unsigned look_ms;
    bool is_quiescing;
    bool is_stopping;
};

static int64_t now_ms(void)
{
    return clock_now_ns() / 1000000;
}

void connections_wake(struct connections *connections)
{
    /* Fails only when it is so full that the thread is awake anyway. */
    (void)!eventfd_write(connections->wake_fd, 1);
}

/* Under the lock. */
static void shut_down_late(struct connections *connections)
{
    int64_t now = now_ms();

    for (struct connection *c = connections->first; c; c = c->next) {
        if (c->deadline_ms == 0 || c->deadline_ms > now)
            continue;
        shutdown(c->fd, SHUT_RDWR);
        c->deadline_ms = 0;
    }
}

static bool reserve(struct connections *connections)
{
    bool is_reserved;

    pthread_mutex_lock(&connections->lock);
    is_reserved = !connections->is_quiescing && connections->count < connections->options.count_max;
    connections->count += is_reserved;
    pthread_mutex_unlock(&connections->lock);
    return is_reserved;
}

static void give_back(struct connections *connections)
{
    pthread_mutex_lock(&connections->lock);
    connections->count--;
    pthread_mutex_unlock(&connections->lock);
}

/* False when there is a reason to wait before the next attempt: no descriptor, no memory. */
static bool accept_some(struct connections *connections)
{
    const struct connections_options *options = &connections->options;

    for (int i = 0; i < ACCEPT_AT_ONCE && reserve(connections); i++) {
        struct sockaddr_storage address;
        socklen_t length = sizeof(address);
        int fd = accept4(options->listen_fd, (struct sockaddr *)&address, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        int error = errno;

        if (fd >= 0 && options->take(options->owner, fd, (struct sockaddr *)&address, length))
            continue;
        give_back(connections);
        if (fd >= 0 || error == ECONNABORTED || error == EINTR)
            continue;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
            LOG(WARN, "http.accept", "no connection can be accepted now, trying again",
                log_text("error", strerrordesc_np(error)));
            return false;
        }
        break;
    }
    return true;
}

/* What the thread may do next. */
struct plan {
    bool is_over;
    bool may_accept;
    int wait_ms;
};

static struct plan look(struct connections *connections)
{
    struct plan plan;

    pthread_mutex_lock(&connections->lock);
    shut_down_late(connections);
    plan = (struct plan){
        .is_over = connections->is_stopping,
        .may_accept =
            !connections->is_quiescing && connections->count < connections->options.count_max,
        .wait_ms = connections->first ? (int)connections->look_ms : -1,
    };
    pthread_mutex_unlock(&connections->lock);
    return plan;
}

static void *run(void *argument)
{
    struct connections *connections = argument;
    bool is_held_up = false;
    struct plan plan;

    while (plan = look(connections), !plan.is_over) {
        bool listens = plan.may_accept && !is_held_up;
        struct pollfd fds[] = {{.fd = connections->wake_fd, .events = POLLIN},
                               {.fd = connections->options.listen_fd, .events = POLLIN}};
        eventfd_t rings;

        connections->options.tend(connections->options.owner);
        if (is_held_up)
            plan.wait_ms = LOOK_MS_MAX / 10;
        if (poll(fds, listens ? 2 : 1, plan.wait_ms) < 0)
            continue;
        if (fds[0].revents)
            (void)!eventfd_read(connections->wake_fd, &rings);
        is_held_up = listens && fds[1].revents && !accept_some(connections);
    }
    return NULL;
}

struct connections *connections_new(const struct connections_options *options)
{
    struct connections *connections = memory_new(struct connections);
    unsigned look_ms = options->shortest_ms / LOOKS_PER_DEADLINE;

    connections->options = *options;
    connections->look_ms = look_ms > LOOK_MS_MAX   ? LOOK_MS_MAX
                           : look_ms < LOOK_MS_MIN ? LOOK_MS_MIN
                                                   : look_ms;
    connections->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (connections->wake_fd < 0)
        memory_exhausted();
    pthread_mutex_init(&connections->lock, NULL);
    return connections;
}

void connections_start(struct connections *connections)
{
    connections->is_started = true;
    thread_start(&connections->thread, "http-accept", run, connections);
}

void connections_stop(struct connections *connections)
{
    if (!connections->is_started)
        return;
    connections->is_started = false;
    pthread_mutex_lock(&connections->lock);
    connections->is_stopping = true;
    pthread_mutex_unlock(&connections->lock);
    connections_wake(connections);
    pthread_join(connections->thread, NULL);
}

void connections_free(struct connections *connections)
{
    if (!connections)
        return;
    connections_stop(connections);
    close(connections->wake_fd);
    pthread_mutex_destroy(&connections->lock);
    memory_free(connections);
}

struct connection *connections_add(struct connections *connections, int fd)
{
    struct connection *connection = memory_new(struct connection);
    bool is_first;

    connection->fd = fd;
    pthread_mutex_lock(&connections->lock);
    is_first = connections->first == NULL;
    connection->next = connections->first;
    if (connection->next)
        connection->next->previous = connection;
    connections->first = connection;
    pthread_mutex_unlock(&connections->lock);
    if (is_first)
        connections_wake(connections);
    return connection;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
    bool was_full;

    pthread_mutex_lock(&connections->lock);
    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connections->first = connection->next;
    was_full = connections->count-- == connections->options.count_max;
    pthread_mutex_unlock(&connections->lock);
    memory_free(connection);
    if (was_full)
        connections_wake(connections);
}

void connection_enter(struct connections *connections, struct connection *connection,
                      enum connection_step step, unsigned ms_max)
{
    pthread_mutex_lock(&connections->lock);
    if (connections->is_quiescing && step == CONNECTION_RECEIVES && ms_max > LAST_MOMENT_MS)
        ms_max = LAST_MOMENT_MS;
    connection->step = step;
    connection->deadline_ms = step == CONNECTION_WAITS ? 0 : now_ms() + ms_max;
    pthread_mutex_unlock(&connections->lock);
}

void connections_quiesce(struct connections *connections)
{
    int64_t last_ms = now_ms() + LAST_MOMENT_MS;

    pthread_mutex_lock(&connections->lock);
    connections->is_quiescing = true;
    if (connections->look_ms > LAST_MOMENT_MS / 2)
        connections->look_ms = LAST_MOMENT_MS / 2;
    for (struct connection *c = connections->first; c; c = c->next)
        if (c->step == CONNECTION_RECEIVES && (c->deadline_ms == 0 || c->deadline_ms > last_ms))
            c->deadline_ms = last_ms;
    pthread_mutex_unlock(&connections->lock);
    /* Who connects now is refused, and goes elsewhere. */
    shutdown(connections->options.listen_fd, SHUT_RDWR);
    connections_wake(connections);
}
